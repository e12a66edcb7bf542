"""Unquoted YAML values: numbers, truth values, null and text, and nothing that surprises.

YAML 1.1 reads ``no`` as false, ``012`` as ten and ``1:30`` as ninety. A value that two readers may
take for two things is refused here, with what to write instead.
"""

from __future__ import annotations

import math
import re

Plain = str | int | float | bool | None

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
_EXPONENT = re.compile(r"[-+]?[0-9]+[eE][-+]?[0-9]+")
_DIGITS = 40
_QUOTE = "If it is text, quote it."

_SURPRISES: tuple[tuple[re.Pattern[str], str, str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), why, hint)
    for pattern, why, hint in (
        (r"yes|on|true", "may be read as true", "Write true. " + _QUOTE),
        (r"no|off|false", "may be read as false", "Write false. " + _QUOTE),
        (r"null", "may be read as null", "Write null. " + _QUOTE),
        (r"[-+]?\.?(nan|inf)|[-+]?infinity", "is not a finite number", _QUOTE),
        (r"[-+]?[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?", "is base 60 in YAML", ""),
        (r"[-+]?0[0-9]+(\.[0-9]*)?", "starts with 0 and may be octal", "Drop the 0. " + _QUOTE),
        (r"[-+]?0(x[0-9a-f]+|o[0-7]+|b[01]+)", "is not a decimal number", _QUOTE),
        (r"[-+]?[0-9][0-9,_]*_[0-9_]*(\.[0-9_]*)?", "has underscores in a number", "Drop them."),
        (r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([t ].*)?", "may be read as a date", "Quote it."),
    )
)


class Surprising(ValueError):
    """An unquoted value that could mean two things; ``hint`` says what to write instead."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def resolve(text: str, *, is_json: bool = False) -> Plain:
    """The value of an unquoted scalar.

    Args:
        text: As it stands in the file.
        is_json: In JSON ``1e3`` is a number; in YAML it is text to some readers.

    Raises:
        Surprising: It could mean two things, or is a number that cannot be kept.
    """
    if text in ("", "~", "null"):
        return None
    if text in ("true", "false"):
        return text == "true"
    if _INTEGER.fullmatch(text):
        if len(text) > _DIGITS:
            raise Surprising(f"a number of {len(text)} digits is too long.", _QUOTE)
        return int(text)
    is_exponent = _EXPONENT.fullmatch(text) is not None
    if not (is_json and is_exponent):
        _refuse_surprises(text)
    if is_exponent or _DECIMAL.fullmatch(text):
        value = float(text)
        if not math.isfinite(value):
            raise Surprising(f"{text} is not a finite number.", _QUOTE)
        return value
    return text


def is_plain_text(text: str) -> bool:
    """Whether this text, written without quotes, is read back as the same text."""
    try:
        return resolve(text) == text
    except Surprising:
        return False


def _refuse_surprises(text: str) -> None:
    if _EXPONENT.fullmatch(text):
        raise Surprising(f"{text} is text in YAML.", _plain_number(text))
    for pattern, why, hint in _SURPRISES:
        if pattern.fullmatch(text):
            raise Surprising(f"{text!r} {why}.", hint or _base_60(text))


def _plain_number(text: str) -> str:
    value = float(text)
    if not math.isfinite(value) or abs(value) > 1e15 or abs(value) < 1e-4:
        return f"Write a point before the e. {_QUOTE}"
    return f"Write {value:.10g}. {_QUOTE}"


def _base_60(text: str) -> str:
    total = 0.0
    for part in text.lstrip("+-").split(":"):
        total = total * 60 + float(part)
    return f"Write {total:.10g}, or quote it."
