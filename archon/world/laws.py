"""What follows from the world's parameters in closed form: the truth that simulation must meet.

Sources: item response theory (2PL), Birnbaum (1968); ceilings of imperfect verifiers, "Inference
Scaling fLaws", arXiv 2411.17501. The other formulas are derived from the rules of this world.
"""

from __future__ import annotations

import math
from collections.abc import Sequence


def logistic(x: float) -> float:
    """1 / (1 + exp(-x)), for any x."""
    if x >= 0:
        return 1.0 / (1.0 + math.exp(-x))
    return math.exp(x) / (1.0 + math.exp(x))


def at_temperature(masses: Sequence[float], temperature: float, junk: float) -> list[float]:
    """An answer distribution at another temperature.

    Args:
        masses: Probabilities at temperature 1; their sum is 1.
        temperature: >= 0. At 0 only the likeliest answer is left, the first of equals.
        junk: At temperatures T over 1 a share 1 - exp(-junk (T - 1)) is spread evenly.
    """
    if temperature == 0:
        top = max(range(len(masses)), key=lambda i: (masses[i], -i))
        return [float(i == top) for i in range(len(masses))]
    most = max(masses)
    powers = [(mass / most) ** (1.0 / temperature) for mass in masses]
    total = math.fsum(powers)
    even = 1.0 - math.exp(-junk * max(0.0, temperature - 1.0))
    return [(1.0 - even) * power / total + even / len(masses) for power in powers]


def plurality(p: float, wrong: Sequence[float], n: int) -> float:
    """Chance that the most frequent of ``n`` independent answers is right; ties go by chance.

    Sums over how often the right answer came (k) and how many wrong ones came as often (t), with
    the coefficients of an exponential generating function in the other samples.

    Args:
        p: Probability of the right answer.
        wrong: Probabilities of the wrong ones.
        n: Samples, up to about 150.
    """
    total = 0.0
    for k in range(1, n + 1):
        ways = _others(wrong, n - k, k)
        chance = math.fsum(way / (1 + ties) for ties, way in enumerate(ways))
        total += math.factorial(n) * p**k / math.factorial(k) * chance
    return total


def _others(wrong: Sequence[float], samples: int, k: int) -> list[float]:
    """Weight of all ways to place ``samples`` among wrong answers, none over ``k`` times, by how
    many of them come exactly ``k`` times.
    """
    table = [[1.0] + [0.0] * len(wrong)] + [[0.0] * (len(wrong) + 1) for _ in range(samples)]
    for mass in wrong:
        terms = [mass**i / math.factorial(i) for i in range(min(k, samples) + 1)]
        new = [[0.0] * (len(wrong) + 1) for _ in range(samples + 1)]
        for used in range(samples + 1):
            for ties, weight in enumerate(table[used]):
                if weight == 0.0:
                    continue
                for i, term in enumerate(terms[: samples - used + 1]):
                    new[used + i][ties + (i == k)] += weight * term
        table = new
    return table[samples]


def verified(p: float, true_positive: float, false_positive: float, n: int) -> float:
    """Chance that a candidate is right that is picked by chance among those a verifier accepts.

    Among all ``n`` where it accepts none. For n to infinity: the verifier's ceiling
    p t / (p t + (1 - p) f), below 1 wherever f > 0.
    """
    accepted = p * true_positive + (1.0 - p) * false_positive
    if accepted == 0.0:
        return p
    some = (1.0 - (1.0 - accepted) ** n) * p * true_positive / accepted
    return some + (1.0 - accepted) ** (n - 1) * p * (1.0 - true_positive)


def ranked_first(p: float, reliability: float, n: int) -> float:
    """Chance that the first in a Plackett-Luce order of ``n`` candidates is right, without bias."""
    weight = math.exp(reliability)
    return math.fsum(
        math.comb(n, k) * p**k * (1.0 - p) ** (n - k) * k * weight / (k * weight + n - k)
        for k in range(n + 1)
    )


def fused(
    p: float, n: int, *, copies: float, discernment: float, own: float, distraction: float
) -> float:
    """Chance that a fuser of ``n`` candidates writes a right answer.

    With probability ``copies`` it takes over one of them, a right one with a weight of
    exp(``discernment``); else it works alone, and is distracted by the share of wrong ones.
    """
    weight = math.exp(discernment)
    return math.fsum(
        math.comb(n, k)
        * p**k
        * (1.0 - p) ** (n - k)
        * (
            copies * k * weight / (k * weight + n - k)
            + (1.0 - copies) * own * (1.0 - distraction * (n - k) / n)
        )
        for k in range(n + 1)
    )
