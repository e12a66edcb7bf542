"""Replies of models as rankings, verdicts and grades, read from their last lines.

Pure functions of the reply alone: what a candidate says cannot reach them. Each reads one form,
allows for harmless decoration, and otherwise says that the reply cannot be read; none ever
guesses. Time is linear in the length of the reply.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from archon.components.answers import visible

_TAIL_CHARS = 200
"""A verdict stands in the last characters; further up, words are part of the reasons."""
_LONGEST = 50_000
_DECORATION = " \t*_#`>'\".-"


class Unreadable(Exception):
    """The reply is not in the form that was asked for; says in what way."""


def read_order(reply: str, n: int, *, after_notes: bool = False) -> tuple[int, ...]:
    """The order that the last line of the form ``3 > 1 > 2`` (or a list of numbers) gives.

    Args:
        reply: The whole reply.
        n: How many items were numbered, from 1.
        after_notes: Other orders may stand before it, by one criterion each. It is then the very
            last line, alone or behind words such as "Final ranking:".

    Returns:
        Places from 0, best first, each at most once; at least half of them.

    Raises:
        Unreadable: There is no such line, or it names a number twice, one that does not exist, or
            fewer than half (a single one is no order).
    """
    lines = [line for line in shown(reply).splitlines() if line.strip(_DECORATION)]
    named = _order_at_the_end(lines) if after_notes else _order_anywhere(lines)
    if named is None:
        raise Unreadable("no line holds an order")
    if len(set(named)) < len(named) or not all(1 <= number <= n for number in named):
        raise Unreadable("the order names a number twice, or one that does not exist")
    if 2 * len(named) < n:
        raise Unreadable("the order leaves out more than half")
    return tuple(number - 1 for number in named)


def _order_anywhere(lines: Sequence[str]) -> list[int] | None:
    orders = [(line, order) for line in reversed(lines) if (order := _order_of(line))]
    # A list of numbers is an order only where no line says what stands above what.
    named = next((order for line, order in orders if ">" in line), None)
    return orders[0][1] if named is None and orders else named


def _order_at_the_end(lines: Sequence[str]) -> list[int] | None:
    """That of the last line, unless words before it say that it is by something."""
    last = "".join(lines[-1:])
    words = re.findall("[a-z]+", last.partition(":")[0].lower())
    return _order_of(last) if _OVERALL.issuperset(words) else None


_OVERALL = frozenset(
    ("my", "the", "so", "final", "overall", "order", "ordering", "rank", "ranking", "answer",
     "answers", "best", "first", "to", "worst")
)  # fmt: skip


# Every repetition is possessive: no line makes these patterns backtrack.
_LABEL = r"[\[(]?+(?:answer )?+[\[(]?+[0-9]{1,4}+[\])]?+"
_LABELS = re.compile(rf"{_LABEL}(?: *+[>,;≻] *+{_LABEL})++", re.IGNORECASE)
_NUMBERS = re.compile(r"[0-9]{1,4}")
_ANGLED = re.compile(r"<([0-9]{1,4})>")
_PREFIX = re.compile(r"[A-Za-z][A-Za-z ()'-]{0,60}:")


def _order_of(line: str) -> list[int] | None:
    """The numbers of a line that is nothing but an order."""
    bare = _ANGLED.sub(r"\1", line).strip(_DECORATION)
    if prefix := _PREFIX.match(bare):
        bare = bare[prefix.end() :].strip(_DECORATION)
    if bare.startswith("[") and bare.endswith("]") and bare.count("[") == 1:
        bare = bare[1:-1].strip()
    if len(bare) > _LONGEST or not _LABELS.fullmatch(bare):
        return None
    return [int(number) for number in _NUMBERS.findall(bare)]


def read_verdict(reply: str, marker: str, words: Sequence[str]) -> str:
    """The one of ``words`` that the last lines say: as ``Marker: word``, else alone on a line.

    Args:
        reply: The whole reply.
        marker: What may stand before the word, e.g. "Verdict".
        words: In lower case.

    Raises:
        Unreadable: No such line, or several that say different things. A line that says more
            ("correct is not the word for it") is no verdict.
    """
    lines = _last_lines(reply)
    marked = {word for line in lines if (word := (_marked(marker, line) or "").lower()) in words}
    bare = {_stripped(line).lower() for line in lines}
    # Words alone are part of the reasons where a line says which of them is the verdict.
    said = marked or {word for word in words if word in bare}
    if len(said) != 1:
        raise Unreadable(f"it ends with {'no verdict' if not said else 'more than one verdict'}")
    return said.pop()


def read_grade(reply: str, marker: str, low: int, high: int) -> float:
    """The number in the last line of the form ``Grade: 7`` (or ``7/10``).

    Args:
        reply: The whole reply.
        marker: What stands before the number.
        low: Lowest grade.
        high: Highest grade.

    Raises:
        Unreadable: There is no such line, or the grade is outside the scale.
    """
    marked = [said for line in _last_lines(reply) if (said := _marked(marker, line)) is not None]
    if not marked:
        raise Unreadable("it ends with no grade")
    match = _GRADE.fullmatch(marked[-1])
    if match is None or (match.group(2) and int(match.group(2)) != high):
        raise Unreadable("the grade is no number on its scale")
    if not low <= float(match.group(1)) <= high:
        raise Unreadable(f"the grade is not from {low} to {high}")
    return float(match.group(1))


_GRADE = re.compile(
    r"([0-9]{1,4}(?:\.[0-9]{1,4})?)>?(?: ?(?:/|out of) ?([0-9]{1,4}))?(?: \([^()]{0,80})?"
)
"""A remark in brackets may follow; its closing one is stripped with other decoration."""


def shown(reply: str) -> str:
    """The reply without its reasoning block, and no more of it than its end.

    Raises:
        Unreadable: It was cut off within the block.
    """
    text = visible(reply)
    if text is None:
        raise Unreadable("it ends within its reasoning")
    return text[-_LONGEST:]


def _last_lines(reply: str) -> list[str]:
    """The whole lines among the last characters; a line that begins before them is cut, so not."""
    text = shown(reply).rstrip()
    tail = text[-_TAIL_CHARS:]
    if len(text) > len(tail) and text[-_TAIL_CHARS - 1] != "\n":
        tail = tail.partition("\n")[2]
    return [line for line in tail.splitlines() if line.strip()]


def _marked(marker: str, line: str) -> str | None:
    """What follows ``Marker:`` in a line that opens with it, bare; None if it does not."""
    opening = rf"(?:(?:my|the|final|overall) ){{0,2}}{marker}[ \t*_]*:"
    match = re.match(opening, line.lstrip(_DECORATION), re.IGNORECASE)
    if match is None:
        return None
    said = line.lstrip(_DECORATION)[match.end() :]
    return said.lstrip(" \t*_`'\"[(<").rstrip(" \t*_`'\"]).!>")


def _stripped(line: str) -> str:
    return line.strip(_DECORATION + "[]()!")
