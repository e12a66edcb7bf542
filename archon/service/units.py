"""Numbers as people write them: scores, money, tokens, times, and intervals of them."""

from __future__ import annotations

import math

from archon.search.intervals import Interval
from archon.search.objectives import Objective

_UNIT = {"quality": "quality", "cost": "", "calls": "calls", "tokens": "tokens", "latency": "s"}


def number(objective: Objective, value: float) -> str:
    """A value of an objective without its unit, to the digits that mean something."""
    if not math.isfinite(value):
        return "?"
    if objective == "quality":
        return f"{value:.3f}"
    if objective == "cost":
        return usd(value)
    if objective == "latency":
        return f"{value:.2f}"
    return f"{value:,.0f}" if value >= 100 else f"{value:,.1f}"


def amount(objective: Objective, value: float) -> str:
    """The same with its unit: ``0.833 quality``, ``1,204 tokens``, ``$0.00031``."""
    return f"{number(objective, value)} {_UNIT[objective]}".strip()


def interval(objective: Objective, given: Interval) -> str:
    """``0.833 [0.71, 0.91]``; an end that the data do not give is ``?``."""
    low, high = (_end(objective, bound) for bound in (given.low, given.high))
    return f"{number(objective, given.value)} [{low}, {high}]"


def difference(given: Interval) -> str:
    """A difference of mean scores: ``+0.460 [+0.30, +0.60]``."""
    low, high = map(_difference_end, (given.low, given.high))
    return f"{given.value:+.3f} [{low}, {high}]"


def usd(value: float) -> str:
    """Dollars with two digits behind the first that is not 0; whole cents from a dollar on."""
    if value == 0 or abs(value) >= 1:
        return f"${value:,.2f}"
    digits = min(9, 1 - math.floor(math.log10(abs(value))))
    return f"${value:.{max(2, digits)}f}"


def count(value: int) -> str:
    """``12,400``."""
    return f"{value:,}"


def counted(n: int, noun: str) -> str:
    """``1 trial``, ``12,400 trials``."""
    return f"{count(n)} {noun}" if n == 1 else f"{count(n)} {noun}s"


def duration(seconds: float) -> str:
    """``8 s``, ``2 min 05 s``, ``3 h 20 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def _end(objective: Objective, bound: float) -> str:
    if not math.isfinite(bound):
        return "?"
    return f"{bound:.2f}" if objective == "quality" else number(objective, bound)


def _difference_end(bound: float) -> str:
    if not math.isfinite(bound):
        return "?"
    # Not rounded to the 0 that decides.
    return f"{bound:+.4f}" if 0 < abs(bound) < 0.005 else f"{bound:+.2f}"
