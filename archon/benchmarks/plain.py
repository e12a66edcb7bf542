"""Plain data out of whatever a row holds: what JSON knows, and no text that is none."""

from __future__ import annotations

import datetime
import decimal
import math
from collections.abc import Mapping

_MAX_DEPTH = 64
_EXACT = 2**53
"""Floats below this hold whole numbers exactly."""


class RowError(Exception):
    """One row cannot be used; ``field`` names where, ``hint`` what to do about it."""

    def __init__(self, field: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.field = field
        self.hint = hint


def plain(value: object, path: str, depth: int = 0) -> object:
    """``value`` as JSON-like data: tables of other libraries hold dates, decimals and tuples.

    Raises:
        RowError: A number is not finite, a text holds NUL, or there is no JSON form for a value.
    """
    if depth > _MAX_DEPTH:
        raise RowError(path, f"is nested deeper than {_MAX_DEPTH} levels.")
    if isinstance(value, Mapping):
        return {
            checked_text(str(key), path): plain(item, f"{path}.{key}".lstrip("."), depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [plain(item, f"{path}[{i}]", depth + 1) for i, item in enumerate(value)]
    return _plain_scalar(value, path)


def _plain_scalar(value: object, path: str) -> object:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return checked_text(value, path)
    if isinstance(value, int):  # the metadata are stored as JSON of 64 bits
        return value if abs(value) < 2**63 else str(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise RowError(path, f"{value} is not a finite number.")
        return value
    if isinstance(value, datetime.date | datetime.time | decimal.Decimal):
        return str(value)
    raise RowError(path, f"holds {kind_of(value)}, which has no text form.")


def checked_text(text: str, path: str) -> str:
    """The text, if it can be stored and sent.

    Raises:
        RowError: It holds NUL or half of a surrogate pair.
    """
    if "\0" in text:
        raise RowError(path, "holds a NUL character.", "Remove it.")
    if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
        raise RowError(path, "holds half of a surrogate pair, which is no character.")
    return text


def as_text(value: object) -> str:
    """A scalar as text: 18.0 is 18, since tables keep whole numbers with gaps as floats."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return str(int(value))
    return str(value)


def kind_of(value: object) -> str:
    """What a value is, in the words of JSON where it has one."""
    names = {dict: "an object", list: "a list", str: "text", bool: "true/false", type(None): "null"}
    return names.get(type(value), type(value).__name__)
