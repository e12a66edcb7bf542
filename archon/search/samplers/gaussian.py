"""A Gaussian process over the rows of a matrix, small enough to be fitted at every ask.

Source: Rasmussen & Williams (2006), algorithm 2.1 and section 5.4.1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.spatial.distance import cdist

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

LENGTHS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Times the median distance between two rows."""
NOISES = (0.01, 0.05, 0.2, 0.5)
"""Variance of what is not explained, beside a signal of variance 1."""


@dataclass(frozen=True, slots=True)
class Process:
    """A fitted process, whose values have mean 0 and variance 1 where nothing is known."""

    rows: Matrix
    values: Vector
    length: float
    noise: float
    _factor: Matrix
    _weights: Vector

    def at(self, rows: Matrix) -> tuple[Vector, Vector]:
        """The mean at each row, and its standard deviation without the noise; shape (n_rows,)."""
        between = _matern(cdist(rows, self.rows) / self.length)
        explained = solve_triangular(self._factor, between.T, lower=True)
        variance = 1.0 - (explained**2).sum(axis=0)
        return between @ self._weights, np.sqrt(np.maximum(variance, 1e-12))


def fit(rows: Matrix, values: Vector) -> Process:
    """The process that makes the values likeliest: among a few lengths, then a few noises.

    The kernel is Matern's with 5/2, one length for all columns.

    Args:
        rows: Shape (n, n_features), n >= 2, columns of like scale.
        values: Shape (n,), of mean 0 and variance about 1.
    """
    distances = cdist(rows, rows)
    apart = distances[distances > 0]
    middle = float(np.median(apart)) if apart.size else 1.0
    lengths = [middle * length for length in LENGTHS]
    found = max(
        (_fitted(rows, values, distances, length, NOISES[1]) for length in lengths),
        key=lambda pair: pair[0],
    )
    others = (noise for noise in NOISES if noise != NOISES[1])
    fits = [_fitted(rows, values, distances, found[1].length, noise) for noise in others]
    return max((found, *fits), key=lambda pair: pair[0])[1]


def extended(process: Process, rows: Matrix, values: Vector) -> Process:
    """The same process, once more is known.

    Args:
        process: Its length and noise stay as they are.
        rows: What is known beside, shape (n, n_features).
        values: Shape (n,).
    """
    both = np.concatenate([process.rows, rows])
    known = np.concatenate([process.values, values])
    return _fitted(both, known, cdist(both, both), process.length, process.noise)[1]


def _fitted(
    rows: Matrix, values: Vector, distances: Matrix, length: float, noise: float
) -> tuple[float, Process]:
    """The logarithm of the likelihood, up to a constant, and the process."""
    covariance = _matern(distances / length) + noise * np.eye(len(rows))
    factor, _ = cho_factor(covariance, lower=True)
    factor = np.tril(factor)
    weights = cho_solve((factor, True), values)
    scale = max(float(values @ weights) / len(values), 1e-12)
    likelihood = -len(values) / 2 * np.log(scale) - np.log(np.diag(factor)).sum()
    return float(likelihood), Process(rows, values, length, noise, factor, weights)


def _matern(distance: Matrix) -> Matrix:
    scaled = np.sqrt(5.0) * distance
    found: Matrix = (1.0 + scaled + scaled**2 / 3.0) * np.exp(-scaled)
    return found
