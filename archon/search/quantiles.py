"""Quantiles and inverses of SciPy's, which takes as long to import as all else that a reader needs.

Most commands show intervals that were computed long ago.
"""

from __future__ import annotations


def student_t(degrees: int, probability: float) -> float:
    """The quantile of Student's t distribution."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees, probability))


def gamma(shape: float, probability: float) -> float:
    """The quantile of the gamma distribution of this shape and scale 1."""
    from scipy.special import gammaincinv

    return float(gammaincinv(shape, probability))


def beta(a: float, b: float, probability: float) -> float:
    """The quantile of the beta distribution."""
    from scipy.special import betaincinv

    return float(betaincinv(a, b, probability))
