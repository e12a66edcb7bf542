"""What more samples can bring where what accepts them makes mistakes.

Samples are drawn until one passes, at most so many. On a question where a share p of the samples
is right, a verifier that passes right ones with probability t and wrong ones with f lets a share
a = p t + (1 - p) f pass, of which p t / a are right: drawing again brings more that passes, and
nothing that is better. Over questions everything below is a mean, since p differs.

Source: "Inference Scaling fLaws", arXiv 2411.17501 (version 2): false positives bound what
resampling can reach, section 3; the best number of samples where a false positive costs, section 4.
The algebra is done afresh here: verdicts are independent given whether the sample is right, and t
and f are the same on all questions.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from archon.explain.skill import Floats

Nodes = tuple[Floats, Floats, Floats]
"""Chances of a right sample, their complements, and weights of such questions; of ``Skill``."""

MOST_SAMPLES = 100
"""A best number that is not below this one counts as without an end."""


@dataclass(frozen=True, slots=True)
class Verdicts:
    """How a verifier judges one sample."""

    true_positive: float
    """Probability that it passes a right one, in [0, 1]."""
    false_positive: float
    """Probability that it passes a wrong one."""


@dataclass(frozen=True, slots=True)
class Resampled:
    """What becomes of a question with at most ``n`` samples; shares of questions."""

    n: int
    right: float
    """A right one passes first."""
    wrong: float
    """A wrong one does: a false positive."""
    unanswered: float
    """None passes."""
    right_at_last: float
    """Right, where one of those that failed is taken by chance if none passes."""
    draws: float
    """Mean number of samples, if drawn one after the other."""

    def to_data(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Best:
    """The number of samples that is worth most."""

    n: int
    """0: better no answer at all. ``MOST_SAMPLES``: that many or more."""
    value: float
    """What it is worth a question, where a right answer is worth 1 and none 0."""


def ceiling(nodes: Nodes, verdicts: Verdicts) -> float:
    """Share of right answers with samples without end.

    E[p t / (p t + (1 - p) f)]: the verifier multiplies the odds of a right sample by t / f, once.
    Questions on which nothing ever passes count as wrong.
    """
    return multiplied(nodes, verdicts.true_positive, verdicts.false_positive)


def multiplied(nodes: Nodes, right: float, wrong: float) -> float:
    """Mean share of right ones when they weigh ``right`` and wrong ones ``wrong``; both >= 0."""
    p, q, weights = nodes
    passing = p * right + q * wrong
    shares = np.divide(p * right, passing, out=np.zeros_like(p), where=passing > 0)
    return float(weights @ shares)


def resampled(nodes: Nodes, verdicts: Verdicts, n: int) -> Resampled:
    """At most ``n`` samples, stopping at the first that passes; n >= 1.

    With A = 1 - (1 - a)^n, by question: right A p t / a, wrong A (1 - p) f / a, and of the rest the
    share p (1 - t) / (1 - a) is right; A / a samples on average.
    """
    p, q, weights = nodes
    t, f = verdicts.true_positive, verdicts.false_positive
    passing = p * t + q * f
    failing = p * (1 - t) + q * (1 - f)
    none = failing**n
    draws = np.divide(1 - none, passing, out=np.full_like(p, float(n)), where=passing > 0)
    right = np.where(passing > 0, draws * p * t, 0.0)
    wrong = np.where(passing > 0, draws * q * f, 0.0)
    rest = np.divide(p * (1 - t), failing, out=np.zeros_like(p), where=failing > 0)
    return Resampled(
        n=n,
        right=float(weights @ right),
        wrong=float(weights @ wrong),
        unanswered=float(weights @ none),
        right_at_last=float(weights @ (right + none * rest)),
        draws=float(weights @ draws),
    )


def best_number(
    nodes: Nodes, verdicts: Verdicts, *, cost_of_wrong: float, price: float = 0.0
) -> Best:
    """How many samples to draw at most, where no answer is given if none passes.

    The value of n samples is the sum over k < n of E[(1 - a)^k g] with g = p t - L (1 - p) f - c:
    what one more draw brings, where k have failed. Each failure says that the question is hard, so
    at some number, if t > f, a further draw costs more in wrong answers than it brings in right
    ones. For one known p there is no such number: it comes from not knowing which are hard.

    Args:
        nodes: The questions.
        verdicts: The verifier.
        cost_of_wrong: L: what a wrong answer costs, in right answers; >= 0.
        price: c: what a sample and its check cost, in right answers.
    """
    p, q, weights = nodes
    t, f = verdicts.true_positive, verdicts.false_positive
    gains = weights * (p * t - cost_of_wrong * q * f - price)
    failing = p * (1 - t) + q * (1 - f)
    powers = np.empty((MOST_SAMPLES, len(p)))
    powers[0], powers[1:] = 1.0, failing
    powers = np.multiply.accumulate(powers)
    marginal, rounding = powers @ gains, 1e-12 * (powers @ abs(gains))
    values = np.concatenate([[0.0], np.cumsum(marginal)])
    # The first that brings nothing is the last to look at: with t > f none after it brings more.
    first = np.append(marginal <= rounding, True).argmax()
    best = int(first if t > f else np.argmax(values))
    return Best(best, float(values[best]))
