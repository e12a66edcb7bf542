from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import check_grad

from archon.search.gain import surrogate
from archon.search.gain.surrogate import Belief, Hyper, Kernel, Prior, Seen, fitted

POINTS = np.array([[i / 9, j / 9] for i in range(10) for j in range(10)])


def grid() -> Kernel:
    return Kernel(POINTS.copy(), ((0,), (1,)))


def seen_of(places: list[int], truth: np.ndarray, noise: float = 1e-4) -> Seen:
    return Seen(tuple(places), truth[places], np.full(len(places), noise))


def test_slope_of_the_likelihood_is_right() -> None:
    random = np.random.default_rng(0)
    kernel = grid()
    seen = seen_of([3, 17, 42, 55, 78, 91], random.random(100), 0.01)
    squares = kernel.distances(seen.places, seen.places)
    usual = Hyper.usual(2).packed()
    at = usual + random.normal(0, 0.4, len(usual))
    error = check_grad(
        lambda v: surrogate._loss(v, squares, seen, usual)[0],
        lambda v: surrogate._loss(v, squares, seen, usual)[1],
        at,
    )
    assert error < 1e-3


def test_what_was_seen_of_some_says_what_the_others_are_worth() -> None:
    truth = 0.3 + 0.4 * POINTS[:, 0] + 0.1 * np.sin(6 * POINTS[:, 1])
    kernel = grid()
    places = list(np.random.default_rng(2).permutation(100)[:25])
    seen = seen_of(sorted(int(p) for p in places), truth)
    hyper = fitted(kernel, seen, Hyper.usual(2))
    belief = Belief(Prior(kernel, hyper, 100), seen)
    unseen = [i for i in range(100) if i not in seen.places]
    errors = belief.means[unseen] - truth[unseen]
    assert float(np.sqrt((errors**2).mean())) < 0.03
    assert float(np.sqrt((truth[unseen] - truth.mean()) ** 2).mean()) > 0.08


def test_look_at_a_pipeline_says_most_of_itself() -> None:
    kernel = grid()
    prior = Prior(kernel, Hyper.usual(2), 100)
    belief = Belief(prior, Seen((0,), np.array([0.9]), np.array([0.01])))
    covariances = belief.covariances([99])
    assert covariances.shape == (1, 100)
    assert covariances[0].argmax() == 99
    assert covariances[0, 99] == pytest.approx(belief.variances[99])
    assert belief.variances[0] < belief.variances[99]


def test_covariances_of_places_with_other_pipelines_are_computed_anew() -> None:
    kernel, hyper = grid(), Hyper.usual(2)
    prior = Prior(kernel, hyper, 100)
    kernel._points[[7, 30]] = [[0.05, 0.9], [1.4, 0.2]]
    prior.replace(kernel, hyper, [7, 30])
    assert prior.covariances == pytest.approx(Prior(kernel, hyper, 100).covariances)
