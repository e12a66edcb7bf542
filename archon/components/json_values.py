"""JSON values that stand somewhere in a model's reply, found in time linear in its length."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

_OPENING = re.compile(r"""\{(?=\s*["}])|\[(?=\s*[]\[{"\-\dtfnNI])""")
"""Where an object or a list can begin: with a name or a value in it, or with nothing. Most brackets
of a formula are none of these, and passing them over costs nothing."""
_DECODER = json.JSONDecoder()
_WORK_PER_CHAR = 8
_PER_TRY = 32
"""What raising an error costs, in characters that could have been read instead."""
_FREE_TRIES = 256
_COUNTED_AT_ONCE = 256
"""An error counts the lines before it, which is so much faster than reading them."""


class Found(NamedTuple):
    """An object or list, and the part of the text that it is."""

    value: object
    start: int
    end: int


def json_values(text: str) -> Iterator[object]:
    """Every object and list of the text in order: see ``json_found``."""
    return (found.value for found in json_found(text))


def json_found(text: str) -> Iterator[Found]:
    """Every object and list of the text in order, none of them inside another.

    What only looks like JSON is passed over. A text made to be tried again at each of its brackets
    ends the search early: after reading eight times as many characters as it has, where a try that
    fails counts as some characters besides, and the first of them cost nothing.
    """
    work = _WORK_PER_CHAR * len(text) + _FREE_TRIES * _PER_TRY
    at = _next_opening(text, 0)
    while at is not None and work > 0:
        try:
            value, end = _DECODER.raw_decode(text, at)
        except json.JSONDecodeError as error:
            # An unterminated string was read to the end, though the error names its beginning.
            read_up_to = len(text) if error.msg.startswith("Unterminated") else error.pos
            work -= read_up_to - at + _PER_TRY + error.pos // _COUNTED_AT_ONCE
            end = at + 1
        except (RecursionError, ValueError):  # nested too deeply; a number of too many digits
            work -= len(text) - at
            end = at + 1
        else:
            yield Found(value, at, end)
        at = _next_opening(text, end)


def _next_opening(text: str, start: int) -> int | None:
    match = _OPENING.search(text, start)
    return match.start() if match else None
