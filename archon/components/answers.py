"""Where in a reply the answer stands: the base of every vote, and of scorers by answer.

``extract`` finds the span, ``canon`` gives it a key (``archon.components.answer_keys``). Places are
tried in the order of trust: what a marker ("Answer:", "the answer is", "####") says, if it opens
with an answer; a box; a marker that leads into prose; then a first line with its explanation,
a bold span or the last line, and the last number. Of several of a kind the last counts. Pure
functions; any text gives an answer or None.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from archon.components.answer_choices import LIKELY_LETTERS, choice_in, options_in
from archon.components.answer_keys import KINDS, Kind, canon
from archon.components.answer_places import one_line_math, without_farewell
from archon.components.answer_reading import (
    bold_or_last_line,
    declared_any,
    declared_math,
    declared_text,
    last_line_any,
    last_line_math,
)
from archon.components.answer_reading_numbers import (
    UNREADABLE,
    Reading,
    bold_number,
    declared_number,
    first_line_number,
    last_line_result,
    last_number,
)

__all__ = [
    "KINDS",
    "LIKELY_LETTERS",
    "Kind",
    "answer_key",
    "canon",
    "declared",
    "extract",
    "options_in",
    "visible",
]

_TAIL_CHARS = 20_000
"""Answers stand at the end; an endless reply must not cost endless time."""


_DECLARED: dict[str, tuple[Reading, ...]] = {
    "auto": (declared_any,),
    "number": (declared_number, first_line_number),
    "math": (declared_math,),
    "text": (declared_text,),
}
_PLACES: dict[str, tuple[Reading, ...]] = {
    "auto": (declared_any, last_line_any),
    "number": (*_DECLARED["number"], bold_number, last_line_result, last_number),
    "math": (*_DECLARED["math"], bold_number, last_line_math),
    "text": (*_DECLARED["text"], bold_or_last_line),
}


def answer_key(text: str, kind: str, options: Sequence[str] = ()) -> str | None:
    """The key under which the answer of this reply is counted; None if it has none.

    Args:
        text: The whole reply of a model.
        kind: One of ``KINDS``.
        options: Texts of the options of a multiple-choice question, in order of their letters.

    Raises:
        ValueError: There is no such kind.
    """
    if len(text) > _LONGEST_KEPT or len(options) > _MOST_OPTIONS_KEPT:
        return _read(text, kind, tuple(options))
    return _read_once(text, kind, tuple(options))


def _read(text: str, kind: str, options: tuple[str, ...]) -> str | None:
    span = extract(text, kind, options)
    return None if span is None else canon(span, kind)


_LONGEST_KEPT, _MOST_OPTIONS_KEPT = 1_000, 10
_read_once = lru_cache(maxsize=4_096)(_read)
"""Pipelines of a search share samples: the same reply comes to a vote once for each of them, and
reading it takes longer than the vote. Most replies to one block of questions find room in it, in a
few megabytes (a character takes one to four bytes)."""


def extract(text: str, kind: str, options: Sequence[str] = ()) -> str | None:
    """The span of the reply that is its answer, fit for ``canon``; None if none is found.

    Args:
        text: The whole reply of a model.
        kind: One of ``KINDS``.
        options: As for ``answer_key``; they also limit which letters are valid.

    Raises:
        ValueError: There is no such kind.
    """
    if kind not in KINDS:
        raise ValueError(f"there is no kind of answer {kind!r}; there is: {', '.join(KINDS)}")
    shown = _shown(text)
    if shown is None:
        return None
    if kind == "choice":
        return choice_in(shown, options)
    return _first(_PLACES[kind], shown, kind)


def declared(text: str, kind: str) -> str | None:
    """As ``extract``, but only what a marker, a box or a first line that is explained says."""
    shown = _shown(text)
    if shown is None or kind == "choice":
        return None if shown is None else choice_in(shown, ())
    return _first(_DECLARED[kind], shown, kind)


def visible(text: str) -> str | None:
    """The reply without its reasoning block; None if the block never ends (it was cut off)."""
    after = text.rpartition("</think>")[2]
    return None if "<think>" in after else after


def _shown(text: str) -> str | None:
    shown = visible(text)
    if shown is None or not shown.strip():
        return None
    return without_farewell(one_line_math(shown[-_TAIL_CHARS:]))


def _first(places: Sequence[Reading], shown: str, kind: str) -> str | None:
    """The first span that has a key; None also where a place says that what it holds is none."""
    for place in places:
        for span in place(shown):
            if span is UNREADABLE:
                return None
            if canon(span, kind) is not None:
                return span
    return None
