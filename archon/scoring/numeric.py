"""The final number of an answer, compared exactly or within a tolerance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from archon.benchmarks.examples import Example
from archon.components.answers import answer_key
from archon.core.candidates import Answer
from archon.core.results import Score
from archon.scoring.base import lacks_target, verdict


@dataclass(frozen=True, slots=True)
class Numeric:
    """Right when |given - target| <= tolerance + relative * |target|, in exact fractions.

    Numbers are read as votes read them: the stated answer, else the last number of the text.
    A percent sign makes no difference: "18%" is 18.
    """

    tolerance: float = 1e-6
    relative: float = 0.0

    kind: ClassVar[str] = "numeric"

    def __post_init__(self) -> None:
        for name, value in (("tolerance", self.tolerance), ("relative", self.relative)):
            if not math.isfinite(value) or value < 0:
                raise ValueError(f"{name} must be a number from 0, not {value}")

    def missing(self, example: Example) -> str:
        """It compares with the target, which must hold a number."""
        if lack := lacks_target(example):
            return lack
        if all(final_number(target) is None for target in example.targets):
            return f"its target {example.target!r} holds no number."
        return ""

    async def score(self, example: Example, answer: Answer) -> Score:
        """1 if the final number is close enough to a target, else 0."""
        given = final_number(answer.text)
        if given is None:
            return verdict(False, "no number is given")
        wanted = [number for t in example.targets if (number := final_number(t)) is not None]
        return verdict(any(self._close(given, n) for n in wanted), f"read {str(given)[:40]}")

    def _close(self, given: Fraction, wanted: Fraction) -> bool:
        allowed = Fraction(self.tolerance) + Fraction(self.relative) * abs(wanted)
        return abs(given - wanted) <= allowed


def final_number(text: str) -> Fraction | None:
    """The exact value of the final number of a text, or None."""
    key = answer_key(text, "number")
    return None if key is None else Fraction(key.removesuffix("%"))
