"""What one more look at a pipeline is worth: how much better we expect to choose after it.

One objective: the knowledge gradient (Frazier, Powell & Dayanik 2009) over all pipelines, since a
look at one says something of the others. Quality and costs: the expected growth of the volume
under the front, costs being known (Emmerich, Deutz & Klinkenberg 2011, for one unknown).
"""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.typing import NDArray

from archon.search.improvement import improvement

Array = NDArray[np.float64]
Places = NDArray[np.int64]

_PROBABILITIES = (np.arange(9) + 0.5) / 9


def _normal_points() -> Array:
    """Nine equally likely values of a standard normal variable, with its variance."""
    from statistics import NormalDist

    points = np.array([NormalDist().inv_cdf(float(p)) for p in _PROBABILITIES])
    return np.asarray(points / math.sqrt(float((points**2).mean())))


_Z = _normal_points()


def moved(covariances: Array, own: Array, noise: Array) -> Array:
    """By how much a look moves the belief of each pipeline, in standard deviations of the look.

    Args:
        covariances: Of the pipelines that may be looked at with all, shape (looks, pool).
        own: Variances of those that may be looked at.
        noise: Variance of what a look shows, for each.
    """
    return np.asarray(covariances / np.sqrt(own + noise)[:, None])


MOST_CELLS = 4_096
"""Boxes into which a front cuts the space of costs, over all its dimensions."""
MARGIN = 0.1
"""The volume under a front reaches so far beyond the dearest pipeline, as a share of the range of
costs: else the dearest would be worth nothing however good it is."""


def knowledge_gradient(means: Array, shifts: Array, looks: Places) -> Array:
    """The expected rise of the best mean after a look, for each look.

    Args:
        means: Of all pipelines that may be chosen in the end, shape (pool,).
        shifts: As ``moved`` gives them, shape (looks, pool).
        looks: Which pipeline each look is at.
    """
    own = _of_two(means, shifts, looks)
    best = float(means.max())
    # Pipelines that no look can lift to where one can bring the best down to change nothing.
    reach = _Z[-1] * np.abs(shifts).max(0)
    is_near = means + reach >= best - float(reach[means.argmax()])
    means, shifts = means[is_near], np.ascontiguousarray(shifts[:, is_near])
    total = np.zeros(len(shifts))
    for z in _Z:
        total += (means + shifts * z).max(1)
    # The mean of the points is 0, so that what moves nothing is worth nothing.
    return np.asarray(np.maximum(total / len(_Z) - best, own))


def _of_two(means: Array, shifts: Array, looks: Places) -> Array:
    """The gain where only the pipeline that is looked at and the best other one can be chosen.

    Exact, and never more than the gain over all; few points miss what is more than two standard
    deviations away.
    """
    rows = np.arange(len(looks))
    order = np.argsort(-means, kind="stable")
    rivals = np.where(looks == order[0], order[min(1, len(order) - 1)], order[0])
    gaps = np.abs(means[looks] - means[rivals])
    sds = np.abs(shifts[rows, looks] - shifts[rows, rivals])
    sds = np.maximum(sds, 1e-12)
    return improvement(-gaps, sds, 0.0)


def volume_gain(means: Array, costs: Array, looks: Places, shifts: Array, front: Places) -> Array:
    """The expected growth of the volume under the front after a look at one pipeline.

    Args:
        means: Of all pipelines, shape (pool,).
        costs: What each takes a question, on scales from 0 (least) to 1 (most), shape
            (pool, costs).
        looks: Places of those that may be looked at.
        shifts: By how much a look moves that pipeline's own mean, shape (looks,).
        front: Places of the pipelines that make the front now; more than ``MOST_CELLS`` allow are
            thinned out.
    """
    front = _thinned(front, means, costs.shape[1])
    cells = _Cells(costs[front])
    heights = cells.heights(means[front], costs[front])
    gains = np.zeros(len(looks))
    for row, (place, shift) in enumerate(zip(looks, shifts, strict=True)):
        others = front[front != place]
        under = (
            heights if len(others) == len(front) else cells.heights(means[others], costs[others])
        )
        volumes = cells.above(costs[place])
        now = np.maximum(means[place] - under, 0.0)
        after = _expected_over(float(means[place]), float(shift), under)
        gains[row] = max(0.0, float(((after - now) * volumes).sum()))
    return gains


class _Cells:
    """The boxes into which the costs of a front cut the space of costs."""

    def __init__(self, corners: Array) -> None:
        """Cut at the costs of a front, shape (front, costs)."""
        self._lower = [np.unique(np.append(column, 0.0)) for column in corners.T]
        self._upper = [np.append(lower[1:], 1.0 + MARGIN) for lower in self._lower]

    def heights(self, means: Array, costs: Array) -> Array:
        """The best mean that is to be had for the costs of each box; 0 where there is none."""
        found = np.zeros([len(lower) for lower in self._lower])
        for mean, corner in zip(means, costs, strict=True):
            inside = np.ix_(*(lo >= at for lo, at in zip(self._lower, corner, strict=True)))
            found[inside] = np.maximum(found[inside], mean)
        return found

    def above(self, corner: Array) -> Array:
        """How much of each box costs at least so much in everything."""
        sides = [
            np.maximum(upper - np.maximum(lower, at), 0.0)
            for lower, upper, at in zip(self._lower, self._upper, corner, strict=True)
        ]
        return np.asarray(functools.reduce(np.multiply.outer, sides))


def _thinned(front: Places, means: Array, n_costs: int) -> Places:
    most = max(2, int(MOST_CELLS ** (1.0 / n_costs)) - 1)
    if len(front) <= most:
        return front
    order = front[np.argsort(means[front], kind="stable")]
    return np.asarray(order[np.linspace(0, len(order) - 1, most).round().astype(int)])


def _expected_over(mean: float, sd: float, heights: Array) -> Array:
    """E max(X - height, 0) of a normal X."""
    if sd <= 0.0:
        return np.maximum(mean - heights, 0.0)
    return improvement(mean, sd, heights)
