from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import check_grad

from archon.core.architecture import Architecture, ComponentSpec
from archon.search.gain import surrogate
from archon.search.gain.features import Features, features_of
from archon.search.gain.surrogate import Belief, Hyper, Kernel, Prior, Seen, fitted


def grid() -> Features:
    points = np.array([[i / 9, j / 9] for i in range(10) for j in range(10)])
    return Features(points, ("a", "b"), ((0,), (1,)))


def seen_of(places: list[int], truth: np.ndarray, noise: float = 1e-4) -> Seen:
    return Seen(tuple(places), truth[places], np.full(len(places), noise))


def test_slope_of_the_likelihood_is_right() -> None:
    random = np.random.default_rng(0)
    kernel = Kernel(grid())
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
    features = grid()
    truth = 0.3 + 0.4 * features.points[:, 0] + 0.1 * np.sin(6 * features.points[:, 1])
    kernel = Kernel(features)
    places = list(np.random.default_rng(2).permutation(100)[:25])
    seen = seen_of(sorted(int(p) for p in places), truth)
    hyper = fitted(kernel, seen, Hyper.usual(2))
    belief = Belief(Prior(kernel, hyper, 100), seen)
    unseen = [i for i in range(100) if i not in seen.places]
    errors = belief.means[unseen] - truth[unseen]
    assert float(np.sqrt((errors**2).mean())) < 0.03
    assert float(np.sqrt((truth[unseen] - truth.mean()) ** 2).mean()) > 0.08


def test_look_at_a_pipeline_says_most_of_itself() -> None:
    kernel = Kernel(grid())
    prior = Prior(kernel, Hyper.usual(2), 100)
    belief = Belief(prior, Seen((0,), np.array([0.9]), np.array([0.01])))
    covariances = belief.covariances([99])
    assert covariances.shape == (1, 100)
    assert covariances[0].argmax() == 99
    assert covariances[0, 99] == pytest.approx(belief.variances[99])
    assert belief.variances[0] < belief.variances[99]


def test_features_are_what_pipelines_differ_in() -> None:
    def pipeline(samples: int, *more: ComponentSpec) -> Architecture:
        first = (
            ComponentSpec.of("generate", "m", samples=samples)
            if samples > 1
            else (ComponentSpec.of("generate", "m"))
        )
        return Architecture(((first,), *((one,) for one in more)))

    vote = ComponentSpec.of("vote", answer="number")
    found = features_of([pipeline(1), pipeline(4), pipeline(4, vote), pipeline(8, vote)])
    assert not any("model=m" in name for name in found.names)  # all have it
    near = np.linalg.norm(found.points[2] - found.points[3])
    far = np.linalg.norm(found.points[0] - found.points[3])
    assert 0 < near < far
