"""How well a ranker finds the right candidate among those that it gets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from archon.explain.skill import Floats
from archon.search.intervals import Interval, mean_score, normal_quantile

_MOST = 12.0
"""Of the logarithm of a weight; e to it is as good as without end."""
_GRID = 2401


@dataclass(frozen=True, slots=True)
class Choice:
    """What a ranker put on top of two or more candidates."""

    n: int
    n_right: int
    is_right: bool


@dataclass(frozen=True, slots=True)
class Choices:
    """Over the questions that have both right and wrong candidates: on the others all choices are
    equally good.
    """

    n_questions: int
    right: Interval | None
    """Share of them where a right one is on top; None where there is no such question."""
    by_chance: float
    """The same of one that chooses blindly."""
    weight: Interval | None
    """How much more likely a right one is put on top than a wrong one beside it; 1 is blind."""

    def to_data(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "n_questions": self.n_questions,
            "right": None if self.right is None else self.right.to_data(),
            "by_chance": self.by_chance,
            "weight": None if self.weight is None else self.weight.to_data(),
        }


def choices_of(choices: Sequence[Choice], *, coverage: float = 0.95) -> Choices:
    """What a ranker's choices say of it.

    Where k of n candidates are right, one is on top with probability k w / (k w + n - k): the law
    of an order by worth (Luce 1959, Individual Choice Behavior; Plackett 1975). The weight w is the
    likeliest one with its profile likelihood interval.

    Args:
        choices: One for each question.
        coverage: Two-sided coverage of each interval, in (0, 1).
    """
    mixed = [one for one in choices if 0 < one.n_right < one.n]
    if not mixed:
        return Choices(0, None, 0.0, None)
    return Choices(
        n_questions=len(mixed),
        right=mean_score([float(one.is_right) for one in mixed], coverage=coverage),
        by_chance=math.fsum(one.n_right / one.n for one in mixed) / len(mixed),
        weight=_weight(mixed, coverage),
    )


def weights_drawn(choices: Sequence[Choice], n: int, chance: np.random.Generator) -> Floats:
    """Weights that might be the true one, as likely as they make these choices, shape (n,)."""
    grid, likelihood = _likelihood([one for one in choices if 0 < one.n_right < one.n])
    shares = np.exp(likelihood - likelihood.max())
    drawn: Floats = np.exp(chance.choice(grid, size=n, p=shares / shares.sum()))
    return drawn


def _weight(mixed: Sequence[Choice], coverage: float) -> Interval:
    grid, likelihood = _likelihood(mixed)
    best = int(np.argmax(likelihood))
    inside = np.flatnonzero(likelihood >= likelihood[best] - normal_quantile(coverage) ** 2 / 2)
    low, high = inside[0], inside[-1]
    return Interval(
        value=math.exp(grid[best]),
        low=0.0 if low == 0 else math.exp(grid[low]),
        high=math.inf if high == len(grid) - 1 else math.exp(grid[high]),
    )


def _likelihood(mixed: Sequence[Choice]) -> tuple[Floats, Floats]:
    """The logarithm of the likelihood on a grid of logarithms of the weight."""
    grid = np.linspace(-_MOST, _MOST, _GRID)
    total = np.zeros_like(grid)
    for one in mixed:
        right = grid + math.log(one.n_right)
        both = np.logaddexp(right, math.log(one.n - one.n_right))
        total += (right if one.is_right else math.log(one.n - one.n_right)) - both
    return grid, total
