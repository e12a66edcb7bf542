"""What one more look at a pipeline is worth: how much better we expect to choose after it.

One objective: the knowledge gradient (Frazier, Powell & Dayanik 2009) over all pipelines, since a
look at one says something of the others. Quality and a cost: the expected growth of the volume
under the front, the cost being known (Emmerich, Deutz & Klinkenberg 2011, for one unknown).
"""

from __future__ import annotations

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
        costs: What each takes a question, on a scale from 0 (cheapest) to 1 (dearest).
        looks: Places of those that may be looked at.
        shifts: By how much a look moves that pipeline's own mean, shape (looks,).
        front: Places of the pipelines that make the front now.
    """
    gains = np.zeros(len(looks))
    for row, (place, shift) in enumerate(zip(looks, shifts, strict=True)):
        others = front[front != place]
        edges, heights = _stairs(means[others], costs[others], float(costs[place]))
        widths = np.diff(np.append(edges, 1.0 + MARGIN))
        now = np.maximum(means[place] - heights, 0.0) @ widths
        after = _expected_over(float(means[place]), float(shift), heights) @ widths
        gains[row] = max(0.0, float(after - now))
    return gains


def _stairs(means: Array, costs: Array, start: float) -> tuple[Array, Array]:
    """From ``start`` on, where the best mean for a cost rises, and to what."""
    order = np.argsort(costs)
    edges, heights = [start], [0.0]
    for cost, mean in zip(costs[order], means[order], strict=True):
        if mean <= heights[-1]:
            continue
        if cost <= start or cost == edges[-1]:
            heights[-1] = float(mean)
        else:
            edges.append(float(cost))
            heights.append(float(mean))
    return np.array(edges), np.array(heights)


def _expected_over(mean: float, sd: float, heights: Array) -> Array:
    """E max(X - height, 0) of a normal X."""
    if sd <= 0.0:
        return np.maximum(mean - heights, 0.0)
    return improvement(mean, sd, heights)
