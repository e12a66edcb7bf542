from __future__ import annotations

import math

import numpy as np
import pytest

from archon.search.gain.worth import knowledge_gradient, moved, volume_gain


def test_gain_of_a_look_at_one_of_two_is_the_known_formula() -> None:
    """Frazier, Powell & Dayanik (2009): sd * f(-|difference| / sd), f(z) = z Phi(z) + phi(z)."""
    means = np.array([0.6, 0.5])
    shifts = np.array([[0.0, 0.2], [0.1, 0.1], [0.0, 0.0]])
    found = knowledge_gradient(means, shifts, np.array([1, 0, 1]))
    z = -0.1 / 0.2
    cdf = 0.5 * (1 + math.erf(z / math.sqrt(2)))
    density = math.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    assert found[0] == pytest.approx(0.2 * (z * cdf + density), rel=0.1)
    assert found[1] == pytest.approx(0.0, abs=1e-12)  # both move alike: the choice stays
    assert found[2] == 0.0


def test_leaving_out_hopeless_pipelines_changes_no_gain() -> None:
    random = np.random.default_rng(0)
    means, shifts = random.normal(0.5, 0.1, 60), random.normal(0.0, 0.08, (20, 60))
    points = 200_000
    z = random.normal(size=points)
    for row, found in zip(
        shifts[:3], knowledge_gradient(means, shifts, np.arange(20)), strict=False
    ):
        exact = (means[None, :] + z[:, None] * row[None, :]).max(1).mean() - means.max()
        assert found == pytest.approx(exact, rel=0.15)


def test_look_moves_less_the_noisier_it_is() -> None:
    covariances = np.array([[0.04, 0.01], [0.01, 0.09]])
    own = np.array([0.04, 0.09])
    clear = moved(covariances, own, np.array([0.0, 0.0]))
    noisy = moved(covariances, own, np.array([0.12, 0.12]))
    assert clear[0, 0] == pytest.approx(0.2)
    assert noisy[0, 0] == pytest.approx(0.1)


@pytest.mark.parametrize(
    "costs",
    [
        np.array([[0.0], [0.8], [0.4]]),
        np.array([[0.0, 0.5], [0.8, 0.0], [0.4, 0.3]]),
    ],
    ids=["one cost", "two costs"],
)
def test_growth_of_the_volume_is_its_mean_over_what_a_look_may_show(costs: np.ndarray) -> None:
    means = np.array([0.5, 0.7, 0.6])
    front, looks, sd = np.array([0, 1]), np.array([2, 1, 0]), 0.1
    found = volume_gain(means, costs, looks, np.full(3, sd), front)
    random = np.random.default_rng(1)
    n_costs = costs.shape[1]
    axis = (np.arange(110) + 0.5) / 100  # to 1 and MARGIN
    grid = np.stack(np.meshgrid(*[axis] * n_costs, indexing="ij"), axis=-1)
    covers = [(grid >= corner).all(axis=-1) for corner in costs]

    def volume(values: np.ndarray) -> float:
        heights = [np.where(at, value, 0.0) for at, value in zip(covers, values, strict=True)]
        return float(np.max(heights, 0).mean() * 1.1**n_costs)

    for place, gain in zip(looks, found, strict=True):
        after = []
        for z in random.normal(size=600):
            values = means.copy()
            values[place] += sd * z
            after.append(volume(values) - volume(means))
        assert gain == pytest.approx(float(np.mean(after)), abs=0.006)


@pytest.mark.parametrize("gap", [0.1, 0.2, 0.25])
def test_look_at_what_is_far_behind_is_worth_what_the_formula_says(gap: float) -> None:
    found = knowledge_gradient(np.array([0.6, 0.6 - gap]), np.array([[0.0, 0.1]]), np.array([1]))
    z = -gap / 0.1
    cdf = 0.5 * (1 + math.erf(z / math.sqrt(2)))
    density = math.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    assert found[0] == pytest.approx(0.1 * (z * cdf + density), rel=0.12)


def test_dearest_pipeline_is_worth_a_look_where_it_may_be_much_the_best() -> None:
    means, costs = np.array([0.5, 0.7]), np.array([0.0, 1.0])
    (gain,) = volume_gain(means, costs[:, None], np.array([1]), np.array([0.15]), np.array([0]))
    assert gain > 3e-4
