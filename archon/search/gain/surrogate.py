"""What is believed of every pipeline's quality, given what was seen of some: a Gaussian process.

The covariance of two pipelines is a sum: one term for each group of features (what a component is
worth by itself), one over all features together (how they work with each other), and one that a
pipeline shares with none (what no feature tells). Source: Rasmussen & Williams (2006), chapters 2
and 5; additive kernels: Duvenaud, Nickisch & Rasmussen (2011), arXiv 1112.4394.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LEVEL_VARIANCE = 0.25
"""Of what all pipelines have in common: nothing is known of it."""
_JITTER = 1e-9
_PRIOR_SD = 1.0
"""Of the logarithm of each hyperparameter about its usual value."""


@dataclass(frozen=True, slots=True)
class Hyper:
    """Hyperparameters on a logarithmic scale."""

    log_lengths: Array
    """One for each group: how far a feature moves before a pipeline is another one."""
    log_sds: Array
    """Standard deviation in score of each group by itself."""
    log_joint_sd: float
    log_own_sd: float

    @classmethod
    def usual(cls, n_groups: int) -> Hyper:
        """What is believed before anything was seen: groups move scores by some hundredths."""
        return cls(
            np.zeros(n_groups), np.full(n_groups, math.log(0.07)), math.log(0.07), math.log(0.03)
        )

    def packed(self) -> Array:
        """All as one vector."""
        joint = [self.log_joint_sd, self.log_own_sd]
        return np.concatenate([self.log_lengths, self.log_sds, joint])

    @classmethod
    def unpacked(cls, vector: Array) -> Hyper:
        """The inverse of ``packed``."""
        n = (len(vector) - 2) // 2
        return cls(vector[:n], vector[n : 2 * n], float(vector[-2]), float(vector[-1]))


class Kernel:
    """Covariances of a pool of pipelines under hyperparameters."""

    def __init__(self, points: Array, groups: Sequence[Sequence[int]]) -> None:
        """Nothing is computed yet.

        Args:
            points: Features of the pool, shape (pool, features); what is changed in it counts for
                all covariances that are computed from then on.
            groups: Columns that belong together.
        """
        self._points = points
        self._groups = groups

    @property
    def n_groups(self) -> int:
        """Groups of features."""
        return len(self._groups)

    def between(self, one: Sequence[int], other: Sequence[int], hyper: Hyper) -> Array:
        """Covariances, shape (len(one), len(other)), without what pipelines have of their own."""
        total = np.full((len(one), len(other)), LEVEL_VARIANCE)
        joint = np.zeros_like(total)
        # One group at a time: together they would take several times the memory of the result.
        for columns, length, sd in zip(self._groups, hyper.log_lengths, hyper.log_sds, strict=True):
            scaled = -0.5 * self._distance(columns, one, other) * math.exp(-2.0 * length)
            joint += scaled
            total += math.exp(2.0 * sd) * np.exp(scaled)
        return np.asarray(total + math.exp(2.0 * hyper.log_joint_sd) * np.exp(joint))

    def distances(self, one: Sequence[int], other: Sequence[int]) -> list[Array]:
        """Squared distances within each group."""
        return [self._distance(columns, one, other) for columns in self._groups]

    def _distance(self, columns: Sequence[int], one: Sequence[int], other: Sequence[int]) -> Array:
        left = self._points[np.ix_(list(one), columns)]
        right = self._points[np.ix_(list(other), columns)]
        squares = (left**2).sum(1)[:, None] + (right**2).sum(1)[None, :] - 2.0 * left @ right.T
        return np.asarray(np.maximum(squares, 0.0))


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen, one entry for each pipeline: means, and how far they may be off."""

    places: tuple[int, ...]
    """In the pool."""
    means: Array
    variances: Array
    """Of the means, from the number of questions."""


def fitted(kernel: Kernel, seen: Seen, start: Hyper, *, n_steps: int = 40) -> Hyper:
    """The most likely hyperparameters, with a prior that holds them near the usual ones.

    Args:
        kernel: Of the pool.
        seen: What they are to explain; at least one pipeline.
        start: Where to begin.
        n_steps: Most steps of L-BFGS.
    """
    from scipy.optimize import minimize  # Commands that do not search should not wait for SciPy.

    squares = kernel.distances(seen.places, seen.places)
    usual = Hyper.usual(kernel.n_groups).packed()
    found = minimize(
        lambda vector: _loss(vector, squares, seen, usual),
        start.packed(),
        jac=True,
        method="L-BFGS-B",
        bounds=[(low - 3.0, low + 3.0) for low in usual],
        options={"maxiter": n_steps},
    )
    return Hyper.unpacked(np.asarray(found.x, dtype=float))


def _loss(vector: Array, squares: Sequence[Array], seen: Seen, usual: Array) -> tuple[float, Array]:
    """Negative log posterior of the hyperparameters, and its gradient."""
    hyper = Hyper.unpacked(vector)
    n, n_groups = len(seen.places), len(squares)
    gradients: list[Array] = []
    joint_log = np.zeros((n, n))
    total = np.full((n, n), LEVEL_VARIANCE)
    parts: list[Array] = []
    scaled: list[Array] = []
    for distance, length, sd in zip(squares, hyper.log_lengths, hyper.log_sds, strict=True):
        scaled.append(distance * math.exp(-2.0 * length))
        joint_log -= 0.5 * scaled[-1]
        parts.append(math.exp(2.0 * sd) * np.exp(-0.5 * scaled[-1]))
        total += parts[-1]
    joint = math.exp(2.0 * hyper.log_joint_sd) * np.exp(joint_log)
    own = math.exp(2.0 * hyper.log_own_sd)
    total = total + joint + np.diag(own + seen.variances + _JITTER)
    gradients += [(part + joint) * one for part, one in zip(parts, scaled, strict=True)]
    gradients += [2.0 * part for part in parts]
    gradients += [2.0 * joint, 2.0 * own * np.eye(n)]
    try:
        lower = np.linalg.cholesky(total)
    except np.linalg.LinAlgError:
        return 1e10, np.zeros(2 * n_groups + 2)
    inverse_lower = np.linalg.inv(lower)
    inverse = inverse_lower.T @ inverse_lower
    weights = inverse @ (seen.means - 0.5)
    inner = inverse - np.outer(weights, weights)
    loss = 0.5 * float((seen.means - 0.5) @ weights) + float(np.log(np.diag(lower)).sum())
    slope = np.array([0.5 * float((inner * each).sum()) for each in gradients])
    away = (vector - usual) / _PRIOR_SD
    return loss + 0.5 * float(away @ away), slope + away / _PRIOR_SD


class Prior:
    """What is believed of a pool before anything was seen of it, under some hyperparameters."""

    def __init__(self, kernel: Kernel, hyper: Hyper, n_pool: int) -> None:
        """Compute all covariances once; they hold until the hyperparameters change."""
        self._pool = range(n_pool)
        self.covariances: Array = kernel.between(self._pool, self._pool, hyper)
        self.covariances[self._pool, self._pool] += math.exp(2.0 * hyper.log_own_sd)

    def replace(self, kernel: Kernel, hyper: Hyper, places: Sequence[int]) -> None:
        """Compute those of some places anew, where other pipelines stand now."""
        fresh = kernel.between(places, self._pool, hyper)
        fresh[range(len(places)), places] += math.exp(2.0 * hyper.log_own_sd)
        self.covariances[places] = fresh
        self.covariances[:, places] = fresh.T


class Belief:
    """Means and covariances of all pipelines of a pool, given what was seen."""

    def __init__(self, prior: Prior, seen: Seen) -> None:
        """Condition on what was seen; at least one pipeline."""
        places = list(seen.places)
        self._prior = prior.covariances
        cross = self._prior[places]
        lower = np.linalg.cholesky(cross[:, places] + np.diag(seen.variances + _JITTER))
        inverse = np.linalg.inv(lower)
        self._half = inverse @ cross
        self.means: Array = 0.5 + self._half.T @ (inverse @ (seen.means - 0.5))
        """Of every pipeline of the pool, in score."""
        own = np.diag(self._prior) - (self._half**2).sum(0)
        self.variances: Array = np.maximum(own, 1e-12)

    def covariances(self, some: Sequence[int]) -> Array:
        """Of some pipelines with all, shape (len(some), pool)."""
        return np.asarray(self._prior[list(some)] - self._half[:, list(some)].T @ self._half)
