"""How chances are spread over questions, from the counts of a few samples each."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats

from archon.explain.skill import Skill, fit_skill


@pytest.mark.parametrize(
    ("a", "b", "n"), [(2, 3, 4), (0.3, 0.7, 6), (0.05, 0.05, 4), (0.5, 10, 12), (40, 50, 3)]
)
def test_fit_is_the_likeliest_beta_law(a: float, b: float, n: int) -> None:
    chance = np.random.default_rng(1)
    right = chance.binomial(n, chance.beta(a, b, 200))
    found = fit_skill([(int(k), n) for k in right])
    assert found is not None

    def loss(logs: np.ndarray) -> float:
        return -float(stats.betabinom(n, *np.exp(logs)).logpmf(right).sum())

    best = optimize.minimize(loss, [0.0, 0.0], method="Nelder-Mead", options={"maxiter": 4000})
    assert loss(np.log([found.a, found.b])) == pytest.approx(best.fun, abs=1e-3)


def test_fit_takes_questions_with_different_numbers_of_samples() -> None:
    chance = np.random.default_rng(2)
    sizes = chance.integers(1, 9, 4000)
    right = chance.binomial(sizes, chance.beta(0.8, 1.6, 4000))
    found = fit_skill(list(zip(right.tolist(), sizes.tolist(), strict=True)))
    assert found is not None
    assert (found.a, found.b) == pytest.approx((0.8, 1.6), rel=0.12)


@pytest.mark.parametrize(
    ("counts", "mean"),
    [
        ([(0, 3)] * 9, 0.0),
        ([(3, 3)] * 9, 1.0),
        ([(0, 3)] * 5 + [(3, 3)] * 5, 0.5),
        ([(1, 2)] * 9, 0.5),
    ],
    ids=["none", "all", "all or none", "always half"],
)
def test_fit_of_extreme_counts_is_finite(counts: list[tuple[int, int]], mean: float) -> None:
    found = fit_skill(counts)
    assert found is not None
    assert found.mean == pytest.approx(mean, abs=0.01)


def test_single_samples_do_not_tell_how_chances_are_spread() -> None:
    assert fit_skill([(1, 1), (0, 1)]) is None
    assert fit_skill([]) is None


@pytest.mark.parametrize(
    ("a", "b"), [(2, 3), (0.01, 0.02), (0.001, 0.5), (200, 200), (200, 2), (30, 4)]
)
def test_nodes_give_means_over_questions(a: float, b: float) -> None:
    p, q, weights = Skill(a, b).nodes
    assert weights.sum() == pytest.approx(1.0)
    assert weights @ p == pytest.approx(a / (a + b), abs=1e-7)
    assert weights @ (p * p) == pytest.approx(a * (a + 1) / (a + b) / (a + b + 1), abs=1e-7)
    assert p + q == pytest.approx(np.ones_like(p))
