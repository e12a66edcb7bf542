"""What a part adds: the difference with its interval, and the quotient only where it costs."""

from __future__ import annotations

import numpy as np
import pytest

from archon.explain.effects import effect_of, quotient
from archon.search.intervals import Interval, paired_difference


def test_effect_is_with_the_part_minus_without_it() -> None:
    effect = effect_of(
        [1, 1, 0, 1],
        [0, 1, 1, 0],
        {"cost": [3.0, 3.0, 3.0, 3.0], "calls": [2, 2, 3, 2]},
        {"cost": [1.0, 1.0, 1.0, 1.0], "calls": [1, 1, 1, 1]},
        price="cost",
        coverage=0.9,
    )
    assert (effect.with_it, effect.without) == (0.75, 0.5)
    assert effect.quality == paired_difference([1, 1, 0, 1], [0, 1, 1, 0], coverage=0.9)
    assert (effect.n_wins, effect.n_losses, effect.is_open) == (2, 1, True)
    assert effect.took["cost"] == Interval(2.0, 2.0, 2.0)
    assert effect.took["calls"].value == 1.25
    assert effect.per_price is not None
    assert effect.per_price.value == pytest.approx(0.125)
    wide = paired_difference([1, 1, 0, 1], [0, 1, 1, 0], coverage=0.95)
    assert effect.per_price.low == pytest.approx(wide.low / 2)


def test_quotient_spans_what_gain_and_amount_allow() -> None:
    assert quotient(Interval(2, 1, 3), Interval(4, 2, 5)) == Interval(0.5, 0.2, 1.5)
    assert quotient(Interval(0, -1, 1), Interval(4, 2, 5)) == Interval(0.0, -0.5, 0.5)
    assert quotient(Interval(2, 1, 3), Interval(4, -1, 5)) is None
    assert quotient(Interval(2, 1, 3), Interval(0, 0, 0)) is None
    assert quotient(Interval(2, 1, 3), Interval(4, 2, float("inf"))) is None


def test_quotient_of_gain_and_cost_keeps_its_coverage() -> None:
    chance, kept = np.random.default_rng(4), []
    for _ in range(300):
        base = (chance.random(80) < 0.5).astype(float)
        better = np.where((base == 0) & (chance.random(80) < 0.4), 1.0, base)
        cost = chance.lognormal(0, 0.4, 80)
        effect = effect_of(
            better.tolist(),
            base.tolist(),
            {"cost": (1 + cost).tolist()},
            {"cost": [1.0] * 80},
            price="cost",
        )
        assert effect.per_price is not None
        truth = 0.5 * 0.4 / np.exp(0.08)
        kept.append(effect.per_price.low <= truth <= effect.per_price.high)
    assert np.mean(kept) > 0.95
