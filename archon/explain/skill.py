"""How the chance of a right sample is spread over questions, from few samples of each.

A ceiling is a mean over questions, and not what the mean question has: on a hard one nearly all
that passes is wrong. With few samples a question its own chance is not known, but how the chances
are spread is: by how often samples of one question agree. The spread is taken to be a Beta law.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_LEAST, _MOST = 1e-4, 200.0
"""Between these lie the parameters: chances that are all 0 or 1, and chances that hardly differ."""
_STEPS = 60
_N_NODES = 601
_WIDTH = 11.0


@dataclass(frozen=True)
class Skill:
    """The chance of a right sample over questions: Beta(a, b)."""

    a: float
    b: float

    @property
    def mean(self) -> float:
        """The chance that one sample of one question is right."""
        return self.a / (self.a + self.b)

    @cached_property
    def nodes(self) -> tuple[Floats, Floats, Floats]:
        """Chances p, their complements 1 - p, and weights that sum to 1, each of shape (n,).

        The sum of weight times f(p) is the mean of f over questions. Double-exponential nodes in
        log-odds, since the density may be infinite at 0 and 1.
        Source: Takahasi & Mori (1974), Publ. RIMS 9, 721-741.
        """
        steps = np.linspace(-_WIDTH, _WIDTH, _N_NODES)
        log_odds = np.clip(math.pi / 2 * np.sinh(steps), -1e6, 1e6)
        log_p, log_q = -np.logaddexp(0, -log_odds), -np.logaddexp(0, log_odds)
        log_weights = self.a * log_p + self.b * log_q + np.log(np.cosh(steps))
        weights = np.exp(log_weights - log_weights.max())
        return np.exp(log_p), np.exp(log_q), weights / weights.sum()


def fit_skill(counts: Sequence[tuple[int, int]] | NDArray[np.int64]) -> Skill | None:
    """The Beta law that makes the counts most likely.

    Args:
        counts: For each question how many of its samples are right, and how many there are,
            shape (n_questions, 2).

    Returns:
        None where no question has two samples: then nothing tells how the chances are spread.
    Source: the beta-binomial likelihood in factorial form, Griffiths (1973), Biometrics 29,
        637-648; maximised by Newton's method in the logarithms of a and b.
    """
    table = np.asarray(counts, dtype=np.int64).reshape(-1, 2)
    right, size = table[:, 0], table[:, 1]
    if len(size) == 0 or size.max() < 2:
        return None
    likelihood = _Likelihood(_tail(right), _tail(size - right), _tail(size))
    mean = (right.sum() + 0.5) / (size.sum() + 1)
    point = np.log([2 * mean, 2 * (1 - mean)])
    point = likelihood.maximum(point)
    a, b = np.exp(point)
    return Skill(float(a), float(b))


def _tail(counts: NDArray[np.int64]) -> Floats:
    """How many counts are larger than 0, 1, 2 ..."""
    found = np.bincount(counts)
    tail: Floats = found[::-1].cumsum()[::-1][1:].astype(float)
    return tail


@dataclass(frozen=True)
class _Likelihood:
    """Of Beta-binomial counts: sums of log(a + i), log(b + i) and -log(a + b + i)."""

    rights: Floats
    wrongs: Floats
    sizes: Floats

    def maximum(self, point: Floats) -> Floats:
        """Where the likelihood is largest, within the bounds of the parameters."""
        low, high = math.log(_LEAST), math.log(_MOST)
        value = self.at(point)
        for _ in range(_STEPS):
            slope, curve = self.derivatives(point)
            damping = 1e-6
            while True:
                step = np.linalg.solve(curve - damping * np.eye(2) * (1 + abs(curve)), -slope)
                step = np.clip(step, -2, 2)
                following = np.clip(point + step, low, high)
                higher = self.at(following)
                if higher >= value or damping > 1e6:
                    break
                damping = max(1e-3, damping * 10)
            if higher - value < 1e-10:
                return point if higher < value else following
            point, value = following, higher
        return point

    def at(self, point: Floats) -> float:
        """The logarithm of the likelihood, but for a constant."""
        a, b = np.exp(point)
        return float(
            self.rights @ np.log(a + np.arange(len(self.rights)))
            + self.wrongs @ np.log(b + np.arange(len(self.wrongs)))
            - self.sizes @ np.log(a + b + np.arange(len(self.sizes)))
        )

    def derivatives(self, point: Floats) -> tuple[Floats, Floats]:
        """Gradient and Hessian in (log a, log b)."""
        a, b = np.exp(point)
        of_a = a + np.arange(len(self.rights))
        of_b = b + np.arange(len(self.wrongs))
        of_both = a + b + np.arange(len(self.sizes))
        both, both_2 = (self.sizes / of_both).sum(), (self.sizes / of_both**2).sum()
        slope_a = (self.rights / of_a).sum() - both
        slope_b = (self.wrongs / of_b).sum() - both
        curve_a = both_2 - (self.rights / of_a**2).sum()
        curve_b = both_2 - (self.wrongs / of_b**2).sum()
        slope = np.array([a * slope_a, b * slope_b])
        curve = np.array(
            [
                [a * a * curve_a + a * slope_a, a * b * both_2],
                [a * b * both_2, b * b * curve_b + b * slope_b],
            ]
        )
        return slope, curve
