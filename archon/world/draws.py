"""Random numbers that depend on what they are for, and on nothing else.

A draw is keyed by names (world, purpose, question, model, request, slot), so what a model says does
not depend on the order of calls, on how many run at once, or on what was said before.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

_STANDARD = NormalDist()
_SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True)
class Draws:
    """The random numbers of one world."""

    seed: int

    def uniform(self, *names: str | int) -> float:
        """A number from the open interval (0, 1), with 53 random bits."""
        text = _SEPARATOR.join(map(str, (self.seed, *names)))
        bits = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 11
        return (bits + 0.5) / 2.0**53

    def normal(self, *names: str | int) -> float:
        """A number from the standard normal distribution."""
        return _STANDARD.inv_cdf(self.uniform(*names))

    def gumbel(self, *names: str | int) -> float:
        """A number from the standard Gumbel distribution."""
        return -math.log(-math.log(self.uniform(*names)))

    def chance(self, probability: float, *names: str | int) -> bool:
        """Whether something of this probability happens."""
        return self.uniform(*names) < probability

    def place(self, weights: Sequence[float], *names: str | int) -> int:
        """A place in ``weights``, which are not negative and not all 0, in proportion to them."""
        left = self.uniform(*names) * math.fsum(weights)
        for i, weight in enumerate(weights):
            left -= weight
            if left < 0:
                return i
        return max(i for i, weight in enumerate(weights) if weight > 0)
