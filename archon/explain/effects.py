"""What a part of a pipeline adds to its quality and to what it takes, on the same questions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from archon.search.intervals import Interval, gains_of, paired_amounts, paired_difference
from archon.search.objectives import Objective


@dataclass(frozen=True, slots=True)
class Effect:
    """With the part minus without it."""

    n_questions: int
    with_it: float
    """Mean score; ``without`` likewise."""
    without: float
    quality: Interval
    """Difference of the mean scores, in score points; positive: the part helps."""
    n_wins: int
    """Questions that score higher with the part; ``n_losses``: lower."""
    n_losses: int
    took: Mapping[Objective, Interval]
    """Differences a question, in USD, calls, tokens and seconds; positive: the part costs."""
    price: Objective
    per_price: Interval | None
    """Score points for each unit of ``price``; None where the part is not shown to cost any."""
    coverage: float
    """Of ``quality``, of each of ``took``, and of ``per_price``."""

    @property
    def is_open(self) -> bool:
        """Whether the questions do not tell if the part helps or hurts."""
        return self.quality.low <= 0 <= self.quality.high

    def to_data(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "n_questions": self.n_questions,
            "with": self.with_it,
            "without": self.without,
            "quality": self.quality.to_data(),
            "n_wins": self.n_wins,
            "n_losses": self.n_losses,
            "took": {name: amount.to_data() for name, amount in self.took.items()},
            "price": self.price,
            "per_price": None if self.per_price is None else self.per_price.to_data(),
            "coverage": self.coverage,
        }


def effect_of(
    scores: Sequence[float],
    scores_without: Sequence[float],
    took: Mapping[Objective, Sequence[float]],
    took_without: Mapping[Objective, Sequence[float]],
    *,
    price: Objective,
    coverage: float = 0.95,
) -> Effect:
    """Compare two pipelines question by question.

    Args:
        scores: One score in [0, 1] per question with the part, shape (n_questions,).
        scores_without: Without it, for the same questions in the same order.
        took: What each question took with the part, by name, each of shape (n_questions,).
        took_without: Without it.
        price: Which of these quality is set against.
        coverage: Two-sided coverage of each interval, in (0, 1).

    Raises:
        ValueError: The lengths differ, or there is no question.
    """
    gains = gains_of(scores, scores_without)
    both = (1 + coverage) / 2  # an interval of a quotient rests on two, which share what goes wrong
    return Effect(
        n_questions=len(gains),
        with_it=math.fsum(scores) / max(1, len(gains)),
        without=math.fsum(scores_without) / max(1, len(gains)),
        quality=paired_difference(scores, scores_without, coverage=coverage),
        n_wins=sum(gain > 0 for gain in gains),
        n_losses=sum(gain < 0 for gain in gains),
        took={
            name: paired_amounts(took[name], took_without[name], coverage=coverage) for name in took
        },
        price=price,
        per_price=quotient(
            paired_difference(scores, scores_without, coverage=both),
            paired_amounts(took[price], took_without[price], coverage=both),
        ),
        coverage=coverage,
    )


def quotient(gain: Interval, amount: Interval) -> Interval | None:
    """What is gained for each unit of an amount; None where the amount may be 0 or less.

    The bounds are the extremes over both intervals. They hold together with the chance that both
    do, whatever binds gain and amount (Bonferroni), so each is to be given wide enough. Fieller's
    interval would be narrower, and a point where no question is won or lost.
    """
    if amount.low <= 0 or not math.isfinite(amount.high):
        return None
    ends = [bound / cost for bound in (gain.low, gain.high) for cost in (amount.low, amount.high)]
    return Interval(gain.value / amount.value, min(ends), max(ends))
