"""From trails to figures: regret, tokens to near the best, volume of the front."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from archon.search.front import non_dominated
from tests.benchmarks.search.arena import Trail
from tests.benchmarks.search.table import Table

WITHIN = 0.01
"""A pipeline whose true quality is so near the best counts as found."""
SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Of what plain TPE spends."""


def regret(table: Table, trail: Trail, tokens: float) -> float:
    """How far what is named is below the best, in points of 100.

    Before the first name it is a pipeline by chance.
    """
    named = trail.at(tokens)
    reached = table.quality[list(named)].max() if named else table.quality.mean()
    return 100.0 * float(table.quality[table.best] - reached)


def tokens_until_near(table: Table, trail: Trail) -> float:
    """Tokens bought when something near the best is first named; infinite if it never is."""
    bar = table.quality[table.best] - WITHIN
    near = (name.tokens for name in trail.names if table.quality[list(name.pipelines)].max() >= bar)
    return float(next(near, math.inf))


def tokens_until_near_for_good(table: Table, trail: Trail) -> float:
    """The same, where nothing further off is named later; never less."""
    bar = table.quality[table.best] - WITHIN
    found = math.inf
    for name in trail.names:
        is_near = table.quality[list(name.pipelines)].max() >= bar
        found = min(found, float(name.tokens)) if is_near else math.inf
    return found


Until = Callable[[Table, Trail], float]


def ratio(
    other: Trail, ours: Trail, table: Table, until: Until = tokens_until_near_for_good
) -> float:
    """How many times the tokens of ours another method takes to come near the best, for good.

    Not when it first names something near: who changes the name often gets there by chance. One
    that never gets there counts with all that it bought, which is less than it would take; ours
    counts as 0 then, and as 1 where neither gets there.
    """
    theirs, mine = until(table, other), until(table, ours)
    if math.isinf(mine):
        return 1.0 if math.isinf(theirs) else 0.0
    return (other.tokens if math.isinf(theirs) else theirs) / mine


def median(values: Sequence[float]) -> float:
    """The middle of values that may be infinite: the lower one of two."""
    return statistics.median_low(values)


class Volume:
    """Volumes of fronts: true quality against the logarithm of true cost, the true front's is 1.

    The reference point is the worst single call in quality and the dearest pipeline in cost.
    """

    def __init__(self, table: Table) -> None:
        """Scale both objectives."""
        costs = np.log(table.costs_usd)
        worst = table.quality[list(table.space.singles)].min()
        self._quality = (table.quality - worst) / (table.quality.max() - worst)
        self._cheapness = (costs.max() - costs) / np.ptp(costs)
        self.front = true_front(table)
        self._whole = self._area(self.front)

    def share(self, pipelines: Sequence[int]) -> float:
        """The volume that these dominate, as a share of the most that there is."""
        return self._area(pipelines) / self._whole

    def _area(self, pipelines: Sequence[int]) -> float:
        area, reached = 0.0, 0.0
        for i in sorted(pipelines, key=lambda i: -self._cheapness[i]):
            gain = float(self._quality[i]) - reached
            if gain > 0.0:
                area += gain * float(self._cheapness[i])
                reached = float(self._quality[i])
        return area


def true_front(table: Table) -> tuple[int, ...]:
    """The pipelines that are truly on the front of quality and cost."""
    values: NDArray[np.float64] = np.stack([table.quality, -table.costs_usd], axis=1)
    return non_dominated({i: tuple(row) for i, row in enumerate(values.tolist())})
