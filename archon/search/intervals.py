"""How far a measured mean or difference may be from the truth, for questions drawn at random.

Questions number in the tens, scores are often 0 or 1, and two pipelines often agree on all of
them. The usual mean plus or minus two standard errors fails exactly there (its width is 0 when
everything is equal), so no interval below can shrink to a point for lack of variety in scores.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from archon.search.objectives import mean_of
from archon.search.quantiles import gamma, student_t

_N_RESAMPLES = 1999
_N_ENOUGH = 1000
"""From this many questions on, the mean of a skewed amount is normal enough for Student's t."""
_BISECTIONS = 60
_N_RARE = 2
"""So many right (or wrong) answers among up to 50 questions are few; one more among more."""

_FEWEST_TELLING = 8
"""From so many questions on with the property, and without it, they tell how alike things are."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its interval; a bound that the data do not give is infinite."""

    value: float
    low: float
    high: float

    def to_data(self) -> dict[str, float | None]:
        """Plain data; an infinite bound is None, since JSON has no infinity."""
        low, high = (b if math.isfinite(b) else None for b in (self.low, self.high))
        return {"value": self.value, "low": low, "high": high}

    @classmethod
    def from_data(cls, data: Mapping[str, float | None]) -> Interval:
        """The inverse of ``to_data``."""
        value, low, high = data["value"], data["low"], data["high"]
        if value is None:
            raise ValueError("an interval has a value")
        return cls(value, -math.inf if low is None else low, math.inf if high is None else high)


def mean_score(scores: Sequence[float], *, coverage: float = 0.95) -> Interval:
    """The mean score over all questions of the kind.

    Args:
        scores: One score in [0, 1] per question, shape (n_questions,).
        coverage: Two-sided coverage, in (0, 1).

    Returns:
        The mean with Wilson's score interval, mended near 0 and 1, where every score is 0 or 1;
        otherwise with Student's t after one score of 0 and one of 1 are added: the scores not yet
        seen may be anything.

    Raises:
        ValueError: There is no score.
    Source: Wilson (1927), JASA 22, 209-212, as modified by Brown, Cai & DasGupta (2001),
        Statistical Science 16, section 4.1.1; for graded scores the adding of Agresti & Caffo
        (2000), The American Statistician 54, 280-288, carried over from shares to means.
    """
    mean = _mean(scores)
    if set(scores) <= {0, 1}:
        low, high = _wilson(round(sum(scores)), len(scores), coverage)
    else:
        low, high = _student([*scores, 0.0, 1.0], coverage)
    return _within(mean, low, high, bounds=(0.0, 1.0))


def paired_difference(
    scores: Sequence[float], baseline: Sequence[float], *, coverage: float = 0.95
) -> Interval:
    """How much better ``scores`` are than ``baseline`` on the same questions.

    Args:
        scores: One score in [0, 1] per question, shape (n_questions,).
        baseline: Likewise, for the same questions in the same order.
        coverage: Two-sided coverage, in (0, 1).

    Returns:
        The mean difference in score points (positive: ``scores`` wins). Where every difference is
        -1, 0 or 1: Tango's score interval, which leaves out 0 exactly when McNemar's test rejects
        equality. Otherwise Student's t after one loss and one win of a whole point are added, which
        keeps its promise when most questions are ties or a rare total loss was not met.

    Raises:
        ValueError: The lengths differ, or there is no question.
    Source: Tango (1998), Statistics in Medicine 17, 891-908; for graded scores the adding of
        Bonett & Price (2012), JEBS 37, 479-488, carried over from shares to means.
    """
    gains = gains_of(scores, baseline)
    mean = _mean(gains)
    if set(gains) <= {-1, 0, 1}:
        low, high = _tango(gains.count(1), gains.count(-1), len(gains), normal_quantile(coverage))
    else:
        low, high = _student([*gains, -1.0, 1.0], coverage)
    return _within(mean, low, high, bounds=(-1.0, 1.0))


def mean_amount(amounts: Sequence[float], *, coverage: float = 0.95) -> Interval:
    """The mean cost, tokens, calls or seconds a question: not negative, without an upper end.

    Args:
        amounts: One amount >= 0 per question, shape (n_questions,).
        coverage: Two-sided coverage, in (0, 1).

    Returns:
        The mean with its bootstrap-t interval, for amounts are skewed to the right; Student's t
        where too many resamples are constant for the bootstrap, or questions abound. One question
        gives no upper bound; an amount that never varies gives a point.

    Raises:
        ValueError: There is no amount.
    Source: Efron & Tibshirani (1993), An Introduction to the Bootstrap, section 12.5.
    """
    mean = _mean(amounts)
    if len(amounts) == 1:
        return Interval(mean, 0.0, math.inf)
    if len(set(amounts)) == 1:
        return Interval(mean, mean, mean)
    low, high = _bootstrap_t(amounts, coverage)
    if not (math.isfinite(low) and math.isfinite(high)):
        low, high = _student(amounts, coverage)
    return _within(mean, low, high, bounds=(0.0, math.inf))


def paired_amounts(
    amounts: Sequence[float], others: Sequence[float], *, coverage: float = 0.95
) -> Interval:
    """How much more of something one pipeline takes a question than another on the same ones.

    Args:
        amounts: Cost, tokens, calls or seconds per question, shape (n_questions,).
        others: Likewise, for the same questions in the same order.
        coverage: Two-sided coverage, in (0, 1).

    Returns:
        The mean difference (positive: ``amounts`` is more) with the interval of ``mean_amount``,
        which may lie below 0 here. One question gives no bounds.

    Raises:
        ValueError: The lengths differ, or there is no question.
    """
    more = gains_of(amounts, others)
    mean = _mean(more)
    if len(more) == 1:
        return Interval(mean, -math.inf, math.inf)
    if len(set(more)) == 1:
        return Interval(mean, mean, mean)
    low, high = _bootstrap_t(more, coverage)
    if not (math.isfinite(low) and math.isfinite(high)):
        low, high = _student(more, coverage)
    return _within(mean, low, high, bounds=(-math.inf, math.inf))


def clustered_share(groups: Sequence[tuple[int, int]], *, coverage: float = 0.95) -> Interval:
    """A share over things that come in groups: candidates of questions, where questions are drawn.

    Args:
        groups: For each question how many of its things have the property, and how many there are
            (>= 1), shape (n_questions, 2).
        coverage: Two-sided coverage, in (0, 1).

    Returns:
        The share over all things, with the interval of ``mean_score`` for as many independent ones
        as tell as much: what differs between questions counts, and few questions widen it. Where
        hardly a question has any of them (or lacks any), it is not known how alike the things of a
        question are, and they are taken to be copies.

    Raises:
        ValueError: There is no group.
    Source: effective sample sizes, Korn & Graubard (1998), Survey Methodology 24, 193-201, in
        Wilson's interval, as Franco, Little, Louis & Slud (2019), JSSAM 7, 334-364, recommend.
    """
    n_effective = effective_size(groups, coverage=coverage)
    share = sum(hits for hits, _ in groups) / sum(size for _, size in groups)
    low, high = _wilson(share * n_effective, n_effective, coverage)
    return _within(share, low, high, bounds=(0.0, 1.0))


def effective_size(groups: Sequence[tuple[int, int]], *, coverage: float = 0.95) -> float:
    """How many independent things would tell as much of a share as these; see ``clustered_share``.

    Raises:
        ValueError: There is no group.
    """
    if not groups:
        raise ValueError("there is no question to take a share over")
    hits, sizes = (np.array(column, dtype=float) for column in zip(*groups, strict=True))
    n, share = float(sizes.sum()), float(hits.sum() / sizes.sum())
    n_effective = n_like_questions = n * n / float((sizes * sizes).sum())
    n_telling = min(int((hits > 0).sum()), int((hits < sizes).sum()))
    if n_telling >= _FEWEST_TELLING:
        off = hits - share * sizes
        variance = len(groups) / (len(groups) - 1) * float((off * off).sum()) / (n * n)
        n_alike = share * (1 - share) / variance if variance > 0 else n
        n_effective = min(n, max(n_like_questions, n_alike))
    if 1 < len(groups) < n:
        t = student_t(len(groups) - 1, (1 + coverage) / 2)
        n_effective *= (normal_quantile(coverage) / t) ** 2
    return n_effective


def gains_of(scores: Sequence[float], baseline: Sequence[float]) -> list[float]:
    """Score minus baseline on each question; refuses different lengths with a ``ValueError``."""
    return [score - base for score, base in zip(scores, baseline, strict=True)]


def _mean(numbers: Sequence[float]) -> float:
    if not numbers:
        raise ValueError("there is no question to take a mean over")
    return mean_of(numbers)


def _within(value: float, low: float, high: float, *, bounds: tuple[float, float]) -> Interval:
    # The added scores pull an interval to the middle; the estimate stays inside all the same.
    return Interval(value, max(bounds[0], min(low, value)), min(bounds[1], max(high, value)))


def normal_quantile(coverage: float) -> float:
    """So many standard errors either way hold this share of a normal law."""
    return NormalDist().inv_cdf((1 + coverage) / 2)


def _wilson(n_right: float, n: float, coverage: float) -> tuple[float, float]:
    # Turning right into wrong turns the bounds around, so the lower one serves for both.
    return _wilson_low(n_right, n, coverage), 1 - _wilson_low(n - n_right, n, coverage)


def _wilson_low(n_right: float, n: float, coverage: float) -> float:
    if n_right == 0:
        return 0.0
    z, share = normal_quantile(coverage), n_right / n
    centre = share + z * z / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low = (centre - half) / (1 + z * z / n)
    if n_right <= (_N_RARE if n <= 50 else _N_RARE + 1):
        # Few right ones come from a Poisson law, and Wilson's bound is too high for them: without
        # this line a true share of 0.01 would lie outside in 16 of 100 studies of 20 questions.
        low = min(low, gamma(n_right, 1 - coverage) / n)
    return low


def _student(numbers: Sequence[float], coverage: float) -> tuple[float, float]:
    n = len(numbers)
    error = float(np.std(numbers, ddof=1)) / math.sqrt(n)
    half = student_t(n - 1, (1 + coverage) / 2) * error
    return mean_of(numbers) - half, mean_of(numbers) + half


def _tango(n_wins: int, n_losses: int, n: int, z: float) -> tuple[float, float]:
    # Exchanging the pipelines exchanges the bounds, so the upper one serves for both.
    return -_tango_high(n_losses, n_wins, n, z), _tango_high(n_wins, n_losses, n, z)


def _tango_high(n_wins: int, n_losses: int, n: int, z: float) -> float:
    """The largest difference whose score test does not reject, by bisection."""
    observed = (n_wins - n_losses) / n
    low, high = observed, 1.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        error = math.sqrt(n * _variance_given(middle, n_wins, n_losses, n))
        is_rejected = n * (middle - observed) > z * error
        low, high = (low, middle) if is_rejected else (middle, high)
    return high


def _variance_given(difference: float, n_wins: int, n_losses: int, n: int) -> float:
    """Variance of one gain, with the share of losses most likely under ``difference``."""
    b = (2 * n - n_wins + n_losses) * difference - n_wins - n_losses
    c = -n_losses * difference * (1 - difference)
    losses = (math.sqrt(max(0.0, b * b - 8 * n * c)) - b) / (4 * n)
    return max(0.0, 2 * losses + difference * (1 - difference))


def _bootstrap_t(amounts: Sequence[float], coverage: float) -> tuple[float, float]:
    given = np.asarray(amounts, dtype=float)
    n = len(given)
    if n >= _N_ENOUGH:
        return _student(amounts, coverage)
    # A fixed seed: the same results always give the same report.
    drawn = given[np.random.default_rng(0).integers(0, n, (_N_RESAMPLES, n))]
    shifts, spreads = drawn.mean(axis=1) - given.mean(), drawn.std(axis=1, ddof=1)
    # A constant resample says that the error may be any number of its own (zero) spreads.
    scaled = np.where(shifts < 0, -np.inf, np.inf)
    np.divide(shifts, spreads, out=scaled, where=spreads > 1e-12 * abs(given.mean()))
    tail = (1 - coverage) / 2
    first, last = np.quantile(scaled, [tail, 1 - tail], method="inverted_cdf")
    spread = given.std(ddof=1)
    return float(given.mean() - last * spread), float(given.mean() - first * spread)
