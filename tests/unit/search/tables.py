"""Every outcome that two pipelines can have on questions scored 0 or 1, and its probability."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from archon.search.intervals import Interval, paired_difference


def paired(n_wins: int, n_losses: int, n: int, coverage: float = 0.95) -> Interval:
    n_ties = n - n_wins - n_losses
    scores = [1.0] * n_wins + [0.0] * n_losses + [1.0] * n_ties
    baseline = [0.0] * n_wins + [1.0] * n_losses + [1.0] * n_ties
    return paired_difference(scores, baseline, coverage=coverage)


def all_tables(n: int, coverage: float) -> dict[tuple[int, int], Interval]:
    return {
        (wins, losses): paired(wins, losses, n, coverage)
        for wins in range(n + 1)
        for losses in range(n + 1 - wins)
    }


def chance_of(tables: list[tuple[int, int]], n: int, p: float, q: float) -> NDArray[np.float64]:
    counts = [(wins, losses, n - wins - losses) for wins, losses in tables]
    return np.asarray(stats.multinomial.pmf(counts, n, [p, q, 1 - p - q]))
