"""A Gaussian process over the rows of a matrix, small enough to be fitted at every ask.

Source: Rasmussen & Williams (2006), algorithm 2.1 and section 5.4.1; expected improvement: Jones,
Schonlau & Welch (1998).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.spatial.distance import cdist
from scipy.special import ndtr

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

LENGTHS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Of which the likeliest is taken, times the median distance between two rows."""
NOISES = (0.01, 0.05, 0.2, 0.5)
"""Variance of what is not explained, as a share of the whole; likewise."""


@dataclass(frozen=True, slots=True)
class Process:
    """A fitted process, whose values have mean 0 and variance 1 where nothing is known."""

    rows: Matrix
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
    """The process that makes the values likeliest, among a few lengths and noises.

    The kernel is Matern's with 5/2, one length for all columns.

    Args:
        rows: Shape (n, n_features), n >= 2, columns of like scale.
        values: Shape (n,), of mean 0 and variance about 1.
    """
    distances = cdist(rows, rows)
    apart = distances[distances > 0]
    middle = float(np.median(apart)) if apart.size else 1.0
    fits = [
        _fitted(rows, values, distances, middle * length, noise)
        for length, noise in product(LENGTHS, NOISES)
    ]
    return max(fits, key=lambda pair: pair[0])[1]


def improvement(mean: Vector, deviation: Vector, best: float) -> Vector:
    """How much more than ``best`` is expected, counting less as nothing; shape as ``mean``."""
    score = (mean - best) / deviation
    density = np.exp(-(score**2) / 2) / np.sqrt(2 * np.pi)
    expected: Vector = deviation * (score * ndtr(score) + density)
    return expected


def _fitted(
    rows: Matrix, values: Vector, distances: Matrix, length: float, noise: float
) -> tuple[float, Process]:
    """The logarithm of the likelihood, up to a constant, and the process."""
    # Signal and noise together have variance 1, as the values do.
    covariance = _matern(distances / length) + noise * np.eye(len(rows))
    factor, _ = cho_factor(covariance, lower=True)
    factor = np.tril(factor)
    weights = cho_solve((factor, True), values)
    scale = max(float(values @ weights) / len(values), 1e-12)
    likelihood = -len(values) / 2 * np.log(scale) - np.log(np.diag(factor)).sum()
    return float(likelihood), Process(rows, length, noise, factor, weights)


def _matern(distance: Matrix) -> Matrix:
    scaled = np.sqrt(5.0) * distance
    found: Matrix = (1.0 + scaled + scaled**2 / 3.0) * np.exp(-scaled)
    return found
