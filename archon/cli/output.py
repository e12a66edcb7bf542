"""What commands print: texts and tables for people, JSON for programs.

Answers go to standard output, what happens on the way to standard error, so that output can be
piped.
"""

from __future__ import annotations

import json
import sys

from rich.console import Console
from rich.table import Table


def out() -> Console:
    """For answers. Nothing in a text is taken for markup, and nothing is highlighted."""
    return Console(markup=False, highlight=False, emoji=False, soft_wrap=True)


def err() -> Console:
    """For what happens on the way."""
    return Console(stderr=True, markup=False, highlight=False, emoji=False, soft_wrap=True)


def say(line: str) -> None:
    """One line of what happens on the way."""
    err().print(line, style="dim")


def print_json(data: object) -> None:
    """One JSON document. Numbers that JSON does not know are refused, not written as NaN."""
    sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def table(*columns: str, title: str = "", right: tuple[str, ...] = ()) -> Table:
    """A table without lines; ``right`` names the columns of numbers."""
    made = Table(
        title=title or None, title_justify="left", title_style="bold", box=None, pad_edge=False
    )
    for name in columns:
        made.add_column(name, justify="right" if name in right else "left", overflow="fold")
    return made
