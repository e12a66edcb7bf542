"""The covariance matrix adaptation evolution strategy, in the unit cube.

Source: Hansen, The CMA Evolution Strategy: A Tutorial (arXiv 1604.00772), with its default
constants and positive weights alone; points from elsewhere are shortened before they count, as in
Hansen, Injecting External Solutions Into CMA-ES (arXiv 1110.4181).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

FIRST_SIGMA, LEAST_SIGMA = 0.3, 0.02
"""A third of the cube, and what is left at last: scores of few questions show nothing finer."""


class Evolution:
    """A normal distribution that moves to where the better points are."""

    def __init__(self, n: int) -> None:
        """Around the middle of the cube.

        Args:
            n: Dimensions, >= 1.
        """
        self.size = 4 + int(3 * math.log(n))
        """Points in one generation."""
        self.mean: Vector = np.full(n, 0.5)
        self.sigma = FIRST_SIGMA
        self._covariance: Matrix = np.eye(n)
        self._path: Vector = np.zeros(n)
        self._sigma_path: Vector = np.zeros(n)
        self._n_generations = 0

    def point(self, chance: np.random.Generator) -> Vector:
        """One point of the cube, shape (n,)."""
        values, vectors = np.linalg.eigh(self._covariance)
        step = vectors @ (np.sqrt(np.maximum(values, 0.0)) * chance.standard_normal(len(values)))
        found: Vector = np.clip(self.mean + self.sigma * step, 0.0, 1.0)
        return found

    def learn(self, points: Matrix) -> None:
        """Move towards the better half of a generation.

        Args:
            points: Shape (size, n), the best first.
        """
        n, n_parents = len(self.mean), self.size // 2
        raw = math.log((self.size + 1) / 2) - np.log(np.arange(1, n_parents + 1))
        weights = raw / raw.sum()
        mass = 1.0 / float((weights**2).sum())
        whiten = self._whitening()
        steps = (points[:n_parents] - self.mean) / self.sigma
        longest = math.sqrt(n) + 2 * n / (n + 2)
        lengths = np.linalg.norm(steps @ whiten, axis=1, keepdims=True)
        steps = steps * np.minimum(1.0, longest / np.maximum(lengths, 1e-12))
        moved = weights @ steps
        self.mean = np.clip(self.mean + self.sigma * moved, 0.0, 1.0)
        self._n_generations += 1
        rate, damping = _sigma_rate(n, mass)
        self._sigma_path = (1 - rate) * self._sigma_path + math.sqrt(rate * (2 - rate) * mass) * (
            whiten @ moved
        )
        usual = math.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n))
        length = float(np.linalg.norm(self._sigma_path))
        fresh = math.sqrt(1 - (1 - rate) ** (2 * self._n_generations))
        is_steady = length / fresh < (1.4 + 2 / (n + 1)) * usual
        self._adapt(steps, moved, weights, mass, is_steady=is_steady)
        grown = self.sigma * math.exp(rate / damping * (length / usual - 1))
        self.sigma = min(FIRST_SIGMA, max(LEAST_SIGMA, grown))

    def _adapt(
        self, steps: Matrix, moved: Vector, weights: Vector, mass: float, *, is_steady: bool
    ) -> None:
        """Stretch the distribution along the path of its mean, and along the steps that paid."""
        n = len(self.mean)
        rate = (4 + mass / n) / (n + 4 + 2 * mass / n)
        one = 2 / ((n + 1.3) ** 2 + mass)
        many = min(1 - one, 2 * (mass - 2 + 1 / mass) / ((n + 2) ** 2 + mass))
        added = math.sqrt(rate * (2 - rate) * mass) * moved if is_steady else 0.0
        self._path = (1 - rate) * self._path + added
        kept = 1 - one - many + (0.0 if is_steady else one * rate * (2 - rate))
        self._covariance = (
            kept * self._covariance
            + one * np.outer(self._path, self._path)
            + many * (steps.T * weights) @ steps
        )

    def _whitening(self) -> Matrix:
        """The covariance to the power of -1/2."""
        values, vectors = np.linalg.eigh(self._covariance)
        found: Matrix = (vectors / np.sqrt(np.maximum(values, 1e-12))) @ vectors.T
        return found


def _sigma_rate(n: int, mass: float) -> tuple[float, float]:
    """How fast the path of the step size forgets, and how much it counts."""
    rate = (mass + 2) / (n + mass + 5)
    return rate, 1 + 2 * max(0.0, math.sqrt((mass - 1) / (n + 1)) - 1) + rate
