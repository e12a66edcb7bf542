"""How much better than something known a normal value is expected to be."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray


def improvement(mean: ArrayLike, deviation: ArrayLike, best: ArrayLike) -> NDArray[np.float64]:
    """How much more than ``best`` is expected, counting less as nothing.

    Source: Jones, Schonlau & Welch (1998), equation 15.

    Args:
        mean: Of what is not known yet; any shape that goes with the others.
        deviation: Its standard deviation, over 0.
        best: What is known.
    """
    from scipy.special import ndtr  # Commands that do not search should not wait for SciPy.

    score = (np.asarray(mean) - best) / np.asarray(deviation)
    density = np.exp(-(score**2) / 2) / math.sqrt(2 * math.pi)
    return np.asarray(np.maximum(deviation * (score * ndtr(score) + density), 0.0))
