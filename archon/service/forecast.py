"""What a study is likely to take in all, and how long it still runs: a guess from its last trials.

Recent trials stand for those to come: they are stopped early, and share calls with earlier ones, as
the first ones did not. Each quantity of the total lies between what is spent and its limit. Ranges
hold about four times in five: they come from the spread of single trials, and from how few of them
the mean is of, as for any prediction from a normal sample.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, variance
from typing import Literal, get_args

Quantity = Literal["calls", "tokens", "usd", "seconds"]
QUANTITIES: tuple[Quantity, ...] = get_args(Quantity)

Amounts = Mapping[Quantity, float]
Binding = Literal["trials", "calls", "tokens", "usd", "seconds", "held out"]

RECENT = 8
"""So many trials, the last that ended, stand for those to come."""
EIGHTY_PERCENT = 1.28
"""Standard deviations to either side of a normal mean."""
HELD_OUT_SPREAD = 0.3
"""Standard deviation of what the held-out run takes, as a share of it: who the finalists are is not
known before."""
LONE_SPREAD = 0.5
"""Likewise of one trial, where only one has ended."""


@dataclass(frozen=True, slots=True)
class Span:
    """A likely value, and where it lies about four times in five."""

    low: float
    likely: float
    high: float


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a study is."""

    spent: Amounts
    """By now, over all its runs; seconds without those in which it was paused."""
    limits: Amounts
    """What may be spent in all; a quantity without a limit is left out."""
    held_out_share: float
    """Share of each limit that the search leaves."""
    trials: Sequence[Amounts] = ()
    """What each trial that has ended took, in their order."""
    n_left: int | None = None
    """Trials that have not ended; None where nothing but the limits ends the search."""
    begun: Amounts = field(default_factory=dict)
    """What the trials that run have taken."""
    held_out: Amounts = field(default_factory=dict)
    """What the held-out run will take, or has still to take in it."""
    is_search_over: bool = False


@dataclass(frozen=True, slots=True)
class Forecast:
    """How a study is likely to end."""

    total: Mapping[Quantity, Span]
    """What it takes in all."""
    seconds_left: Span
    n_trials_left: float
    """How many more trials end."""
    ends_by: Binding
    """What ends the search: its number of trials, or the limit that is reached first."""


def forecast(now: Standing) -> Forecast | None:
    """The rest of a study; None where too little is known, or nothing would end it."""
    if now.is_search_over:
        return _ending(now, dict.fromkeys(QUANTITIES, 0.0), dict.fromkeys(QUANTITIES, 0.0), 0.0)
    recent = now.trials[-RECENT:]
    if not recent:
        return None
    mean = {name: fmean(trial.get(name, 0.0) for trial in recent) for name in QUANTITIES}
    ends: dict[Binding, float] = {} if now.n_left is None else {"trials": float(now.n_left)}
    for name, limit in now.limits.items():
        room = limit * (1.0 - now.held_out_share) - now.spent.get(name, 0.0)
        if mean[name] > 0:
            ends[name] = max(0.0, room + now.begun.get(name, 0.0)) / mean[name]
    if not ends:
        return None
    first = min(ends, key=ends.__getitem__)
    n = ends[first]
    more = {q: max(0.0, n * mean[q] - now.begun.get(q, 0.0)) for q in QUANTITIES}
    spread = {q: _spread(recent, q, n) for q in QUANTITIES}
    return _ending(now, more, spread, n, first)


def _spread(recent: Sequence[Amounts], name: Quantity, n: float) -> float:
    """Standard deviation of the sum of ``n`` further trials around ``n`` times the mean."""
    values = [trial.get(name, 0.0) for trial in recent]
    k = len(values)
    one = math.sqrt(variance(values)) if k > 1 else LONE_SPREAD * values[0]
    return one * math.sqrt(n + n * n / k)


def _ending(
    now: Standing,
    more: Mapping[Quantity, float],
    spread: Mapping[Quantity, float],
    n: float,
    ends_by: Binding = "held out",
) -> Forecast:
    total = {name: _total(now, name, more[name], spread[name]) for name in QUANTITIES}
    spent_s, seconds = now.spent.get("seconds", 0.0), total["seconds"]
    left = Span(*(max(0.0, at - spent_s) for at in (seconds.low, seconds.likely, seconds.high)))
    return Forecast(total, left, n, ends_by)


def _total(now: Standing, name: Quantity, more: float, spread: float) -> Span:
    spent, limit = now.spent.get(name, 0.0), now.limits.get(name, math.inf)
    for_search = max(spent, limit if now.is_search_over else limit * (1.0 - now.held_out_share))
    held_out = now.held_out.get(name, 0.0)
    either = EIGHTY_PERCENT * HELD_OUT_SPREAD * held_out

    def at(search: float, last: float) -> float:
        return min(limit, max(spent, min(for_search, spent + search) + last))

    around = EIGHTY_PERCENT * spread
    return Span(
        at(max(0.0, more - around), held_out - either),
        at(more, held_out),
        at(more + around, held_out + either),
    )
