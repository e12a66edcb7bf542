from __future__ import annotations

from collections import Counter
from itertools import product

import pytest

from archon.world.laws import at_temperature, fused, logistic, plurality, ranked_first, verified


@pytest.mark.parametrize("n", [1, 2, 3, 5, 6])
def test_plurality_is_what_counting_all_outcomes_gives(n: int) -> None:
    masses = [0.4, 0.25, 0.2, 0.15]
    expected = 0.0
    for outcome in product(range(4), repeat=n):
        chance = 1.0
        for answer in outcome:
            chance *= masses[answer]
        counts = Counter(outcome)
        top = [answer for answer, count in counts.items() if count == max(counts.values())]
        expected += chance * (0 in top) / len(top)
    assert plurality(masses[0], masses[1:], n) == pytest.approx(expected, abs=1e-12)


def test_plurality_of_many_samples_is_the_likeliest_answer() -> None:
    assert 0.99 < plurality(0.6, [0.25, 0.15], 101) < 1.0
    assert 0.0 < plurality(0.25, [0.6, 0.15], 101) < 0.01


def test_verifier_has_a_ceiling_that_more_samples_do_not_lift() -> None:
    assert verified(0.3, 0.9, 0.2, 1) == pytest.approx(0.3)
    ceiling = 0.3 * 0.9 / (0.3 * 0.9 + 0.7 * 0.2)
    assert verified(0.3, 0.9, 0.2, 1_000) == pytest.approx(ceiling)
    assert verified(0.3, 0.9, 0.0, 1_000) == pytest.approx(1.0)
    assert verified(0.3, 0.0, 0.0, 5) == 0.3


def test_ranker_without_reliability_picks_by_chance() -> None:
    assert ranked_first(0.3, 0.0, 8) == pytest.approx(0.3)
    assert ranked_first(0.3, 50.0, 8) == pytest.approx(1 - 0.7**8)


@pytest.mark.parametrize(
    ("p", "expected"), [(0.1, 0.178), (0.3, 0.384), (0.6, 0.607), (0.8, 0.717)]
)
def test_fusion_helps_where_inputs_are_weak_and_hurts_where_they_are_strong(
    p: float, expected: float
) -> None:
    found = fused(p, 6, copies=0.7, discernment=0.8, own=0.35, distraction=0.5)
    assert found == pytest.approx(expected, abs=0.0006)


def test_temperature_sharpens_flattens_and_beyond_one_adds_junk() -> None:
    masses = [0.5, 0.3, 0.2]
    assert at_temperature(masses, 1.0, 1.0) == pytest.approx(masses)
    assert at_temperature(masses, 0.0, 1.0) == [1.0, 0.0, 0.0]
    assert at_temperature(masses, 0.5, 1.0) == pytest.approx([25 / 38, 9 / 38, 4 / 38])
    hot = at_temperature(masses, 2.0, 100.0)
    assert hot == pytest.approx([1 / 3] * 3)


def test_logistic_has_no_overflow() -> None:
    assert (logistic(-1e4), logistic(0.0), logistic(1e4)) == (0.0, 0.5, 1.0)
