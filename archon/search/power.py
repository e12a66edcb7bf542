"""The smallest difference that a number of questions can show, before a run and after it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from archon.search.intervals import gains_of, normal_quantile
from archon.search.quantiles import beta

POWER = 0.8
"""A difference counts as one that could be shown if it would be, so often."""


def smallest_difference(
    n_questions: int, *, sd: float, coverage: float = 0.95, power: float = POWER
) -> float:
    """The smallest true difference that a paired comparison would probably show.

    Args:
        n_questions: Questions that both pipelines answer, >= 1.
        sd: Standard deviation of the difference of two graded scores on one question.
        coverage: Coverage of the interval that has to leave out 0.
        power: Probability with which it does so.

    Returns:
        Score points in (0, 1]; 1 means that no difference could be shown.
    Source: normal approximation, for instance Cohen (1988), section 2.4.
    """
    quantiles = normal_quantile(coverage) + NormalDist().inv_cdf(power)
    return min(1.0, quantiles * sd / math.sqrt(n_questions))


def smallest_difference_of_shares(
    n_questions: int, *, discordance: float, coverage: float = 0.95, power: float = POWER
) -> float:
    """The same where every score is 0 or 1.

    Args:
        n_questions: Questions that both pipelines answer, >= 1.
        discordance: Share of the questions that exactly one of the two gets right. A difference
            cannot be larger than it; where it would have to be, all disagreements are taken to be
            wins, as many as it takes, so that few or none of them do not pass for precision.
        coverage: Coverage of the interval that has to leave out 0.
        power: Probability with which it does so.

    Returns:
        Score points in (0, 1]; 1 means that no difference could be shown.
    Source: the sample size of Connor (1987), Biometrics 43, 207-211, solved for the difference;
        without losses the exact binomial law.
    """
    a, b, n = normal_quantile(coverage), NormalDist().inv_cdf(power), n_questions
    one_sided = _smallest_without_losses(n, a, power)
    if one_sided >= discordance:
        return one_sided
    # sqrt(n) d = a sqrt(s) + b sqrt(s - d^2) with s the discordance: a quadratic equation in d.
    inner = a * a * discordance * n - (n + b * b) * (a * a - b * b) * discordance
    difference = (a * math.sqrt(discordance * n) + math.sqrt(max(0.0, inner))) / (n + b * b)
    return min(difference, discordance)


def shown_by(scores: Sequence[float], baseline: Sequence[float], *, coverage: float) -> float:
    """The smallest difference that these very data could have shown, with the usual power.

    Args:
        scores: One score in [0, 1] per question, shape (n_questions,).
        baseline: Likewise, for the same questions in the same order.
        coverage: Coverage of the interval that has to leave out 0.

    Raises:
        ValueError: The lengths differ, or there is no question.
    """
    gains = gains_of(scores, baseline)
    if set(gains) <= {-1, 0, 1}:
        share = sum(gain != 0 for gain in gains) / len(gains)
        return smallest_difference_of_shares(len(gains), discordance=share, coverage=coverage)
    sd = float(np.std([*gains, -1.0, 1.0], ddof=1))
    return smallest_difference(len(gains), sd=sd, coverage=coverage)


def _smallest_without_losses(n: int, z: float, power: float) -> float:
    """The share of wins that makes an interval leave out 0 where there are no losses."""
    n_wins = math.floor(z * z) + 1  # McNemar's test rejects from here on
    return beta(n_wins, n - n_wins + 1, power) if n_wins <= n else 1.0
