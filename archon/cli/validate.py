"""``archon validate``: everything that is wrong with a file, before it costs anything."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from archon.cli.options import AsJson
from archon.cli.output import err, out, print_json


def validate(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A job or pipeline file.")],
    as_json: AsJson = False,
) -> None:
    """Check a job file with its questions, or a pipeline file; nothing is asked, paid or stored.

    Exit code 2 where something is wrong, with file, line and key of each problem. What is only
    missing on this machine (a key, a package) is a warning.
    """
    from archon.core.errors import SpecError
    from archon.service.check_file import check_file
    from archon.service.settings import load_settings

    try:
        checked = check_file(file, load_settings())
    except SpecError as error:
        if not as_json:
            raise
        problems = [
            {"file": p.file, "line": p.line, "key": p.path, "message": p.message, "hint": p.hint}
            for p in error.problems
        ]
        print_json({"ok": False, "problems": problems})
        raise typer.Exit(error.exit_code) from None
    if as_json:
        print_json(
            {
                "ok": True,
                "kind": checked.kind,
                "name": checked.name,
                "summary": list(checked.summary),
                "warnings": list(checked.warnings),
            }
        )
        return
    out().print(f"{file}: nothing is wrong with this {checked.kind} ({checked.name}).")
    for line in checked.summary:
        out().print(f"  {line}")
    for warning in checked.warnings:
        err().print(f"Note: {warning}", style="yellow")
