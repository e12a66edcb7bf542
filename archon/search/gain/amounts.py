"""What pipelines take besides their quality, predicted: calls, tokens, dollars, seconds.

Such an amount hardly varies between questions, so what was seen of a pipeline is taken as it is.
Of the others it is a linear model on the logarithm, over features and what they are priced at.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from archon.search.front import logs_of

Array = NDArray[np.float64]

_RIDGE = 0.1
UNKNOWN_SPREAD = 1.0
"""Before anything was seen: a factor of 2.7 more or less."""


class Amounts:
    """One or more amounts of every pipeline of a pool."""

    def __init__(self, points: Array, n_amounts: int) -> None:
        """Nothing was seen yet.

        Args:
            points: Features of the pool, shape (pool, features).
            n_amounts: How many there are; may be 0.
        """
        self._points = points
        self._n = n_amounts
        self._seen: dict[int, tuple[Array, int]] = {}
        self.spread: Array = np.full(n_amounts, UNKNOWN_SPREAD)
        """How far the logarithms of what was predicted last are off, as standard deviations."""

    def __len__(self) -> int:
        """How many amounts there are."""
        return self._n

    def learn(self, place: int, amounts: Sequence[float], n: int) -> None:
        """What a pipeline took.

        Args:
            place: In the pool.
            amounts: Means over questions that were not told of before.
            n: How many.
        """
        before, n_before = self._seen.get(place, (np.zeros(self._n), 0))
        total = before * n_before + np.array(amounts, dtype=float) * n
        self._seen[place] = (total / (n_before + n), n_before + n)

    def is_seen(self) -> NDArray[np.bool_]:
        """Which pipelines were seen, shape (pool,)."""
        found = np.zeros(len(self._points), dtype=bool)
        found[list(self._seen)] = True
        return found

    def predicted(self, priced: Array) -> Array:
        """Logarithms of what each pipeline takes.

        Args:
            priced: What each is taken to cost a question, > 0, shape (pool,).

        Returns:
            Shape (pool, amounts); see ``archon.search.front.logs_of`` for what takes nothing.
        """
        known = logs_of(priced)[:, None]
        if not self._seen or not self._n:
            return np.repeat(known, self._n, axis=1)
        places = sorted(self._seen)
        took = np.array([self._seen[place][0] for place in places])
        wanted = np.column_stack([logs_of(column) for column in took.T])
        basis = np.column_stack([known[:, 0], self._points])
        centre = basis[places].mean(0)
        here = basis[places] - centre
        level = wanted.mean(0)
        gram = here.T @ here + _RIDGE * np.eye(basis.shape[1])
        found = (basis - centre) @ np.linalg.solve(gram, here.T @ (wanted - level)) + level
        off = found[places] - wanted
        self.spread = np.sqrt((off**2).sum(0) / max(1, len(places) - 1))
        found[places] = wanted
        return np.asarray(found)
