"""The comparison of expressions itself; only ``Worker`` imports this module, in a child process."""

from __future__ import annotations

import re

import math_verify

from archon.scoring.text import part_read

_DELIMITED = re.compile(r"\$|\\\(|\\\[|\\boxed")
_LONGEST_BARE = 200


def is_equivalent(targets: list[str], text: str) -> bool | None:
    """Whether the final expression of ``text`` equals a target; None: no target is readable.

    The library's own time limits are off: the killing of this process is the limit.
    """
    golds = [_parsed(f"${target}$") for target in targets]
    if not any(golds):
        return None
    readings = [_parsed(form) for form in _forms(text)]
    return any(
        math_verify.verify(gold, given, timeout_seconds=None)
        for gold in golds
        for given in readings
        if gold and given
    )


def _forms(text: str) -> list[str]:
    """The text, and where it marks no mathematics, the stated answer marked as such.

    The library takes an unmarked "p - q" for prose.
    """
    if _DELIMITED.search(text):
        return [text]
    stated = part_read(text, "stated").rstrip(" .")
    return [text, f"${stated}$"] if stated and len(stated) <= _LONGEST_BARE else [text]


def _parsed(text: str) -> list[object]:
    parsed: list[object] = math_verify.parse(text, parsing_timeout=None)
    return parsed
