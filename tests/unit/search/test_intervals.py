"""The intervals are held to their coverage: exactly where the scores are 0 or 1, else simulated."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from archon.search.intervals import (
    Interval,
    mean_amount,
    mean_score,
    paired_difference,
)
from tests.unit.search.tables import all_tables, chance_of, paired

Sample = Callable[[np.random.Generator, int], NDArray[np.float64]]

OURS = np.linspace(0.0, 0.6, 25)
"""Shares of questions that only one of two pipelines gets right."""


# --- shares -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("n_right", "n"), [(7, 20), (30, 60), (5, 40)])
def test_mean_of_right_and_wrong_is_wilsons_interval(n_right: int, n: int) -> None:
    found = mean_score([1.0] * n_right + [0.0] * (n - n_right))
    wilson = stats.binomtest(n_right, n).proportion_ci(0.95, method="wilson")
    assert found.value == n_right / n
    assert (found.low, found.high) == pytest.approx((wilson.low, wilson.high))


@pytest.mark.parametrize("coverage", [0.95, 1 - 0.05 / 3], ids=["95", "three-finalists"])
@pytest.mark.parametrize("n", [20, 40, 60])
def test_mean_of_right_and_wrong_keeps_its_coverage_up_to_0_and_1(n: int, coverage: float) -> None:
    found = [mean_score([1.0] * k + [0.0] * (n - k), coverage=coverage) for k in range(n + 1)]
    shares = np.linspace(0.002, 0.998, 499)
    inside = np.array([[i.low <= p <= i.high for p in shares] for i in found])
    kept = (stats.binom.pmf(np.arange(n + 1)[:, None], n, shares) * inside).sum(axis=0)
    assert kept.mean() == pytest.approx(coverage, abs=0.02)
    assert kept.min() > coverage - 0.045, "plain Wilson falls to 0.84 next to 0 and 1"


@pytest.mark.parametrize("score", [0.0, 1.0])
def test_mean_of_equal_scores_is_not_taken_for_certain(score: float) -> None:
    found = mean_score([score] * 30)
    assert found.value == score
    assert found.high - found.low == pytest.approx(1.96**2 / (30 + 1.96**2), abs=1e-3)
    assert 0 <= found.low <= score <= found.high <= 1


GRADED: dict[str, Sample] = {
    "u-shaped": lambda chance, n: chance.beta(0.5, 0.1, n),
    "judge-grades": lambda chance, n: chance.choice(
        [0, 1 / 3, 2 / 3, 1], n, p=[0.1, 0.2, 0.3, 0.4]
    ),
    "one-in-ten-partly-wrong": lambda chance, n: np.where(
        chance.random(n) < 0.9, 1.0, chance.random(n)
    ),
    "rarely-half-right": lambda chance, n: np.where(chance.random(n) < 0.98, 1.0, 0.5),
    "bell": lambda chance, n: chance.beta(2, 2, n),
}
GRADED_MEANS = {
    "u-shaped": 0.5 / 0.6,
    "judge-grades": 2 / 3,
    "one-in-ten-partly-wrong": 0.95,
    "rarely-half-right": 0.99,
    "bell": 0.5,
}


@pytest.mark.parametrize("n", [20, 60])
@pytest.mark.parametrize("kind", GRADED)
def test_mean_of_graded_scores_keeps_its_coverage(kind: str, n: int) -> None:
    chance = np.random.default_rng(11)
    found = [mean_score(GRADED[kind](chance, n).tolist()) for _ in range(600)]
    kept = np.mean([i.low <= GRADED_MEANS[kind] <= i.high for i in found])
    assert kept > 0.94


# --- paired differences -----------------------------------------------------------------------


def test_paired_difference_is_tangos_published_example() -> None:
    # Fagerland, Lydersen & Laake (2014), Statistics in Medicine 33: 21 children before and after.
    found = paired(1, 7, 21)
    assert found.value == pytest.approx(-6 / 21)
    assert (found.low, found.high) == pytest.approx((-0.517, -0.026), abs=5e-4)


@pytest.mark.parametrize("n", [1, 20, 60])
def test_paired_difference_without_any_disagreement_still_has_a_width(n: int) -> None:
    found, bound = paired(0, 0, n), 1.959964**2 / (n + 1.959964**2)
    assert (found.low, found.value, found.high) == pytest.approx((-bound, 0.0, bound))


@pytest.mark.parametrize("n", [20, 40, 60])
@pytest.mark.parametrize("coverage", [0.95, 1 - 0.05 / 3], ids=["95", "three-finalists"])
def test_paired_difference_keeps_its_coverage(n: int, coverage: float) -> None:
    tables = all_tables(n, coverage)
    bounds = np.array([(i.low, i.high) for i in tables.values()])
    kept = []
    for p in OURS:
        for q in OURS[1 - p >= OURS]:
            inside = (bounds[:, 0] <= p - q + 1e-12) & (p - q - 1e-12 <= bounds[:, 1])
            kept.append(float(chance_of(list(tables), n, p, q) @ inside))
    assert np.mean(kept) == pytest.approx(coverage, abs=0.01)
    assert min(kept) > coverage - 0.025


@pytest.mark.parametrize("n", [20, 40, 60])
@pytest.mark.parametrize("coverage", [0.95, 1 - 0.05 / 3], ids=["95", "three-finalists"])
def test_paired_difference_seldom_claims_a_gain_where_there_is_none(
    n: int, coverage: float
) -> None:
    tables = all_tables(n, coverage)
    claims = np.array([i.low > 0 for i in tables.values()])
    shares = np.linspace(0.005, 0.5, 60)
    false = [float(chance_of(list(tables), n, p, p) @ claims) for p in shares]
    assert max(false) < 1.15 * (1 - coverage) / 2


@pytest.mark.parametrize("n", [20, 33])
def test_paired_difference_leaves_out_0_exactly_when_mcnemars_test_rejects(n: int) -> None:
    for (wins, losses), found in all_tables(n, 0.95).items():
        rejects = (wins - losses) ** 2 > 3.841459 * (wins + losses)
        assert (found.low > 0 or found.high < 0) == rejects, (wins, losses)


def test_paired_difference_of_the_exchanged_pipelines_is_the_negative() -> None:
    one, other = paired(5, 2, 30), paired(2, 5, 30)
    assert (one.low, one.value, one.high) == pytest.approx((-other.high, -other.value, -other.low))


def rare_total_losses(chance: np.random.Generator, n: int) -> NDArray[np.float64]:
    drawn = chance.random(n)
    return np.where(drawn < 0.3, 0.3, np.where(drawn < 0.4, -0.9, 0.0))


def mostly_ties(chance: np.random.Generator, n: int) -> NDArray[np.float64]:
    drawn = chance.random(n)
    return np.where(drawn < 0.1, chance.random(n), np.where(drawn < 0.2, -chance.random(n), 0.0))


@pytest.mark.parametrize("n", [20, 60])
@pytest.mark.parametrize("gains", [rare_total_losses, mostly_ties], ids=lambda f: f.__name__)
def test_paired_difference_of_graded_scores_keeps_its_coverage(gains: Sample, n: int) -> None:
    chance = np.random.default_rng(5)
    found = []
    for _ in range(800):
        drawn = gains(chance, n)
        ours, theirs = np.maximum(drawn, 0), np.maximum(-drawn, 0)
        found.append(paired_difference(ours.tolist(), theirs.tolist()))
    assert np.mean([i.low <= 0 <= i.high for i in found]) > 0.94
    assert np.mean([i.low > 0 for i in found]) < 0.04, "gains claimed where there are none"


def test_paired_difference_of_equal_graded_scores_is_0_but_not_certain() -> None:
    found = paired_difference([0.3, 0.7, 0.5], [0.3, 0.7, 0.5])
    assert (found.value, found.low) == (0.0, -found.high)
    assert found.high > 0.5


def test_paired_difference_refuses_scores_that_do_not_pair() -> None:
    with pytest.raises(ValueError, match="shorter"):
        paired_difference([1.0, 0.0], [1.0])
    with pytest.raises(ValueError, match="no question"):
        paired_difference([], [])


# --- amounts ----------------------------------------------------------------------------------

AMOUNTS: dict[str, tuple[Sample, float, float]] = {
    "latency": (lambda chance, n: chance.lognormal(0, 0.5, n), math.exp(0.125), 0.915),
    "long-tail": (lambda chance, n: chance.lognormal(0, 1, n), math.exp(0.5), 0.895),
    "tokens": (lambda chance, n: chance.gamma(2, 100, n), 200.0, 0.915),
}


@pytest.mark.parametrize("kind", AMOUNTS)
def test_mean_amount_keeps_its_coverage_on_skewed_amounts(kind: str) -> None:
    sample, truth, least = AMOUNTS[kind]
    chance = np.random.default_rng(2)
    found = [mean_amount(sample(chance, 40).tolist()) for _ in range(300)]
    assert np.mean([i.low <= truth <= i.high for i in found]) > least
    assert all(0 <= i.low < i.value < i.high for i in found)


def test_mean_amount_that_never_varies_is_a_point() -> None:
    assert mean_amount([3.0] * 20) == Interval(3.0, 3.0, 3.0)


def test_mean_amount_of_one_question_has_no_upper_bound() -> None:
    assert mean_amount([0.4]) == Interval(0.4, 0.0, math.inf)


@pytest.mark.parametrize("n", [12, 2000])
def test_mean_amount_with_one_odd_question_is_finite_and_the_same_every_time(n: int) -> None:
    amounts = [1.0] * (n - 1) + [2.0]
    found = mean_amount(amounts)
    assert 0 <= found.low < found.value < found.high < math.inf
    assert mean_amount(amounts) == found


# --- as data ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "interval",
    [Interval(0.1, 0.1 + 0.2, 1 / 3), Interval(1.0, 0.0, math.inf), Interval(1.0, -math.inf, 2.0)],
    ids=["finite", "no-upper-bound", "no-lower-bound"],
)
def test_interval_survives_json_to_the_last_digit(interval: Interval) -> None:
    text = json.dumps(interval.to_data(), allow_nan=False)
    assert Interval.from_data(json.loads(text)) == interval
