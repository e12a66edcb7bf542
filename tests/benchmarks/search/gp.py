"""Gaussian process with expected improvement, as the Archon paper searches.

Source: arXiv 2409.15254 and its published search code, which leaves a run to the library
``bayesian-optimization``: pipelines as points in a box, some at random first, then the largest
expected improvement under a process with a Matérn 5/2 kernel and standardised scores. The paper's
axes are those of its own grammar; here each choice of a space is one. It is kinder than the
original in two ways: the improvement is looked at for every pipeline, and the noise is fitted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.special import ndtr

from archon.core.architecture import Architecture
from tests.benchmarks.search.arena import Arena, Contender
from tests.benchmarks.search.baselines import Best

Floats = NDArray[np.float64]

N_RANDOM = 20
LENGTHS = (0.3, 0.5, 0.8, 1.2, 2.0, 3.0, 5.0)
NOISES = (0.01, 0.05, 0.2, 0.5)
"""Variance of the noise, with that of the scores as 1."""


def features(pipelines: Sequence[Architecture]) -> Floats:
    """Each pipeline as a point in the unit cube: which model does what, and the numbers."""
    rows: list[dict[str, float]] = []
    for one in pipelines:
        row: dict[str, float] = {}
        for layer in one.layers:
            for spec in layer:
                row[f"{spec.kind}:{spec.model}"] = 1.0
                for name, value in spec.params:
                    if isinstance(value, int | float):
                        row[f"{spec.kind}.{name}"] = float(value)
        rows.append(row)
    names = sorted({name for row in rows for name in row})
    points = np.array([[row.get(name, math.nan) for name in names] for row in rows])
    low = np.nanmin(points, axis=0)
    # A default is left out of a canonical form: a number that is not there is the least but one.
    points = np.where(np.isnan(points), np.where(low == 1.0, 0.0, low - 1.0), points)
    spread = np.ptp(points, axis=0)
    return np.asarray((points - points.min(axis=0)) / np.where(spread > 0, spread, 1.0))


def gp(arena: Arena, seed: int) -> None:
    """Random starts, then the pipeline with the largest expected improvement."""
    chance = np.random.default_rng(seed)
    distances = _distances(features(arena.table.space.pipelines))
    best, seen, scores = Best(arena), list[int](), list[float]()
    order = chance.permutation(len(distances))
    while len(seen) < len(distances):
        if len(seen) < N_RANDOM:
            pipeline = int(order[len(seen)])
        else:
            gains = improvement(distances, seen, np.array(scores))
            gains[seen] = -1.0
            pipeline = int(gains.argmax())
        values = arena.values(pipeline)
        best.note(pipeline, values)
        seen.append(pipeline)
        scores.append(values[0])


def improvement(distances: Floats, seen: Sequence[int], scores: Floats) -> Floats:
    """Expected improvement of each pipeline over the best score, shape (n_pipelines,)."""
    spread = scores.std() or 1.0
    standard = (scores - scores.mean()) / spread
    inner = distances[np.ix_(seen, seen)]
    fits = [_fitted(inner, standard, length, noise) for length in LENGTHS for noise in NOISES]
    _, length, root, weights = max(fits, key=lambda fit: fit[0])
    across = _matern(distances[:, seen] / length)
    mean = across @ weights
    reached = solve_triangular(root, across.T, lower=True)
    sd = np.sqrt(np.maximum(1e-12, 1.0 - (reached**2).sum(axis=0)))
    lead = mean - standard.max()
    z = lead / sd
    density = np.exp(-0.5 * z**2) / math.sqrt(2.0 * math.pi)
    return np.asarray(lead * ndtr(z) + sd * density)


def _fitted(
    inner: Floats, standard: Floats, length: float, noise: float
) -> tuple[float, float, Floats, Floats]:
    """Log likelihood, length, and what predictions need."""
    kernel = _matern(inner / length) + noise * np.eye(len(inner))
    root = cholesky(kernel, lower=True)
    weights = cho_solve((root, True), standard)
    fit = -0.5 * float(standard @ weights) - float(np.log(np.diag(root)).sum())
    return fit, length, root, weights


def _matern(scaled: Floats) -> Floats:
    root = math.sqrt(5.0) * scaled
    return np.asarray((1.0 + root + root**2 / 3.0) * np.exp(-root))


def _distances(points: Floats) -> Floats:
    squares = (points**2).sum(axis=1)
    apart = squares[:, None] + squares[None, :] - 2.0 * points @ points.T
    return np.asarray(np.sqrt(np.maximum(0.0, apart)))


GP = Contender("gp", gp)
