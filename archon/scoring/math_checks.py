"""The comparison of expressions itself; only ``Worker`` imports this module, in a child process."""

from __future__ import annotations

import re

import math_verify

from archon.components.answer_keys import canon, latex_symbols
from archon.components.answer_numbers import literal_number
from archon.components.answer_places import dollars, one_line_math
from archon.components.answers import answer_key, declared, extract

_BOXED = re.compile(r"\\f?boxed")
_LONGEST_BARE = 200
_DOLLAR_SIGN = re.compile(r"\\\$\s?")
_FACTORIAL = re.compile(r"[0-9]+!")
_AND = re.compile(r",? (?:and|or) ")
_RATIO = re.compile(r"[0-9]\s?:\s?[0-9]")


def is_equivalent(targets: list[str], text: str) -> bool | None:
    """Whether the final expression of ``text`` equals a target; None: no target is readable.

    The library's own time limits are off: the killing of this process is the limit.
    """
    golds = [_parsed(f"${_plain(target)}$") for target in targets]
    if not any(golds):
        return None
    forms = _forms(text)
    readings = [_parsed(form) for form in forms if not _RATIO.search(form)]  # 7:1 is no 7
    return _same_key(targets, text) or any(
        math_verify.verify(gold, given, timeout_seconds=None)
        for gold in golds
        for given in readings
        if gold and given
    )


def _forms(text: str) -> list[str]:
    """What is compared: the declared answer, marked as mathematics; else the text, if it marks any.

    The library reads boxes and dollars well; what is not marked it takes for prose and finds some
    number in it ("7" in "7x" and in "x > 7").
    """
    shown = one_line_math(latex_symbols(text))
    if _BOXED.search(shown) or _FACTORIAL.fullmatch(shown.strip()):
        return [shown if _BOXED.search(shown) else f"${shown.strip()}$"]
    span = declared(shown, "math")
    if span is None and dollars(shown):
        return [shown]
    span = extract(shown, "math") if span is None else span
    if span is None or len(span) > _LONGEST_BARE:
        return []
    return [f"${_AND.sub(', ', _plain(span)).strip().strip('$').rstrip(' .')}$"]


def _plain(span: str) -> str:
    """The span without signs of dollars, which would end the mathematics; a number without unit."""
    number = literal_number(span)
    if number is not None and not number.endswith("%"):
        return number
    return _DOLLAR_SIGN.sub("", span)


def _same_key(targets: list[str], text: str) -> bool:
    """Whether a target is given as votes would read it: also words and times of day."""
    wanted = {canon(target, "math") for target in targets} - {None}
    return answer_key(text, "math") in wanted


def _parsed(text: str) -> list[object]:
    parsed: list[object] = math_verify.parse(text, parsing_timeout=None)
    return parsed
