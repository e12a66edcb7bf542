"""Which pipelines are worth a second look: the front, and the few that stand for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from archon.search.objectives import DIRECTIONS, Measured, Objective, oriented

_N_POINTS = 4096
"""Points that estimate volumes: the standard error of a share of the volume is below 0.01."""

_FREE = 3.0

_Ranked = tuple[tuple[float, ...], Measured]
"""A pipeline with its objectives, more being better."""


def front(measured: Sequence[Measured], objectives: Sequence[Objective]) -> tuple[Measured, ...]:
    """The pipelines than which no other is at least as good in everything and better in something.

    Args:
        measured: Pipelines on one split. Those without any scored question are passed over.
        objectives: What counts; the order decides only about the order of the result.

    Returns:
        Best first in the first objective, then in the second and so on, at last by id. Pipelines
        with equal values are on the front together.
    """
    first, _ = _split_off(_ranked(measured, objectives))
    return tuple(one for _, one in first)


def non_dominated(points: Mapping[int, Sequence[float]]) -> tuple[int, ...]:
    """The keys on the front of points whose every coordinate is better when larger."""
    keys = sorted(points)
    if not keys:
        return ()
    rows = np.array([points[key] for key in keys], dtype=float)
    return tuple(keys[i] for i in np.flatnonzero(undominated(rows)))


def undominated(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which rows no other row is at least as good in everything and better in something.

    Args:
        values: Shape (rows, objectives); more is better.
    """
    found = np.zeros(len(values), dtype=bool)
    left = np.lexsort(-values.T[::-1])  # no row is beaten by one that comes later
    while len(left):
        first, rest = left[0], left[1:]
        found[first] = True
        beaten = (values[rest] <= values[first]).all(1) & (values[rest] < values[first]).any(1)
        left = rest[~beaten]
    return found


def finalists(
    measured: Sequence[Measured], objectives: Sequence[Objective], n: int
) -> tuple[Measured, ...]:
    """At most ``n`` pipelines to run again on held-out questions.

    Fronts are taken whole, one behind the other as in NSGA-II (Deb et al. 2002, section III.A), so
    that a single objective gives the ``n`` best. From the first front that does not fit, those are
    taken that dominate the most volume together, one at a time (greedy choice reaches at least
    1 - 1/e of the largest volume: Nemhauser, Wolsey & Fisher 1978). Volume prefers what is nearly
    as good and much cheaper to the extremes, which a user would rarely ship. Prices and times are
    taken on a logarithmic scale, since those of one space differ by factors.

    Args:
        measured: Pipelines on one split: all of them, or a front.
        objectives: What counts.
        n: Most pipelines to choose, >= 1.

    Returns:
        The front's best in quality first, then in the order of choice. The order of ``measured``
        plays no part.

    Raises:
        ValueError: ``n`` < 1.
    """
    return most_promising(
        [(oriented(one, objectives), one) for one in measured if one.n_scored], objectives, n
    )


def most_promising(
    valued: Sequence[_Ranked], objectives: Sequence[Objective], n: int
) -> tuple[Measured, ...]:
    """``finalists`` of pipelines whose values are known from elsewhere than their own means.

    Args:
        valued: Pipelines with their values of the objectives, more being better.
        objectives: What counts.
        n: Most pipelines to choose, >= 1.

    Raises:
        ValueError: ``n`` < 1.
    """
    if n < 1:
        raise ValueError(f"there is at least one finalist, not {n}")
    left = _sorted(valued)
    chosen: list[Measured] = []
    while left and len(chosen) < n:
        first, left = _split_off(left)
        layer = _by_quality(first, objectives)
        if len(chosen) + len(layer) > n:
            layer = _most_volume(layer, objectives, n - len(chosen), keep_first=not chosen)
        chosen += [one for _, one in layer]
    return tuple(chosen)


def _ranked(measured: Sequence[Measured], objectives: Sequence[Objective]) -> list[_Ranked]:
    return _sorted([(oriented(one, objectives), one) for one in measured if one.n_scored])


def _sorted(valued: Sequence[_Ranked]) -> list[_Ranked]:
    return sorted(valued, key=lambda pair: (*(-value for value in pair[0]), pair[1].pipeline_id))


def _split_off(ranked: Sequence[_Ranked]) -> tuple[list[_Ranked], list[_Ranked]]:
    """The front, and the rest. In this order nobody is dominated by one that comes later."""
    first: list[_Ranked] = []
    rest: list[_Ranked] = []
    for pair in ranked:
        is_dominated = any(_dominates(better, pair[0]) for better, _ in first)
        (rest if is_dominated else first).append(pair)
    return first, rest


def _dominates(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one != other and all(a >= b for a, b in zip(one, other, strict=True))


def _by_quality(ranked: Sequence[_Ranked], objectives: Sequence[Objective]) -> list[_Ranked]:
    if "quality" not in objectives:
        return sorted(ranked, key=lambda pair: -pair[1].mean("quality"))
    place = list(objectives).index("quality")
    return sorted(ranked, key=lambda pair: -pair[0][place])


def _most_volume(
    ranked: Sequence[_Ranked], objectives: Sequence[Objective], n: int, *, keep_first: bool
) -> list[_Ranked]:
    """``n`` of them, each the one that adds the most volume; the first one wins a tie."""
    covered_by = _covered(_scaled(np.array([values for values, _ in ranked]), objectives))
    covered = np.zeros(_N_POINTS, dtype=bool)
    chosen: list[int] = []
    while len(chosen) < n:
        gains = (covered_by & ~covered).sum(axis=1)
        gains[chosen] = -1
        best = 0 if keep_first and not chosen else int(gains.argmax())
        covered |= covered_by[best]
        chosen.append(best)
    return [ranked[i] for i in chosen]


def _scaled(values: NDArray[np.float64], objectives: Sequence[Objective]) -> NDArray[np.float64]:
    """Each column from 0 (worst of these) to 1 (best), amounts by their logarithm."""
    scaled = values.copy()
    for i, objective in enumerate(objectives):
        column = scaled[:, i]
        if DIRECTIONS[objective] == "minimize":
            column = -logs_of(-column)
        spread = np.ptp(column)
        scaled[:, i] = (column - column.min()) / spread if spread else 1.0
    return scaled


def logs_of(amounts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logarithms of what pipelines take, >= 0.

    What takes nothing has none: it is put at a third of the least that anything takes.
    """
    least = amounts[amounts > 0.0].min() if (amounts > 0.0).any() else 1.0
    return np.asarray(np.log(np.maximum(amounts, least / _FREE)))


def _covered(scaled: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which points of the unit cube each pipeline dominates, shape (n_pipelines, n_points).

    The worst value of an axis lies a tenth of the range above the bottom, so that a pipeline at
    the end of the front still has a volume of its own.
    """
    points = np.random.default_rng(0).random((_N_POINTS, scaled.shape[1]))
    raised = (scaled + 0.1) / 1.1
    return np.stack([(points <= one).all(axis=1) for one in raised])
