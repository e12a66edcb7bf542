"""The questions of a world: how hard they are, and which wrong answers tempt whom.

Two-parameter item response (2PL) with effects that models share: a question's difficulty is felt by
all of them, and models of one family fail together beyond that.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from archon.benchmarks.examples import Example
from archon.core.messages import ask
from archon.world.draws import Draws
from archon.world.laws import logistic

_ASKED = re.compile(r"\bsimulated\s+question\s+(?:no\.|number|#)?\s*(\d+)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class QuestionRules:
    """How the questions of a world are made."""

    difficulty_sd: float = 1.0
    discrimination_sd: float = 0.3
    """Of the logarithm."""
    n_wrong: int = 5
    concentration: float = 0.5
    """Of the wrong answers' shares (Dirichlet): low, and one misconception takes them all, so that
    votes fail on hard questions; high, and errors scatter, so that votes work."""
    own_sd: float = 1.0
    """How far one model's skill on one question is from what skill and difficulty say, in logits:
    its samples are alike by it."""
    shared: float = 0.5
    """Share of that variance which all models of a family have in common, in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Questions:
    """All questions of a world, without end: each is made from its number when it is looked at."""

    draws: Draws
    rules: QuestionRules = QuestionRules()

    def example(self, number: int) -> Example:
        """The question as a benchmark has it. Its text carries its number, its target the truth."""
        text = f"This is simulated question {number}. Which number is the answer to it?"
        return Example(f"s{number}", ask(text), str(self.value(number, 0)))

    def examples(self, numbers: Sequence[int]) -> tuple[Example, ...]:
        """Several of them."""
        return tuple(map(self.example, numbers))

    def value(self, number: int, answer: int) -> int:
        """The number that an answer says; answer 0 is the right one, the others are wrong."""
        first = 100 + int(self.draws.uniform("value", number) * 800)
        return first + 7 * answer

    def chance(self, number: int, *, model: str, skill: float, family: str) -> float:
        """Probability that one sample of a model is right at temperature 1."""
        rules = self.rules
        difficulty = rules.difficulty_sd * self.draws.normal("difficulty", number)
        slope = math.exp(rules.discrimination_sd * self.draws.normal("discrimination", number))
        common = self.draws.normal("family", number, family)
        own = self.draws.normal("model", number, model)
        mixed = math.sqrt(rules.shared) * common + math.sqrt(1.0 - rules.shared) * own
        return logistic(slope * (skill - difficulty) + rules.own_sd * mixed)

    def wrong(self, number: int, *, family: str) -> tuple[float, ...]:
        """How the wrong answers share what is wrong; the shares sum to 1."""
        rules = self.rules
        seed = int(self.draws.uniform("wrong", number) * 2**53)
        chance = random.Random(seed)
        gammas = [
            max(1e-12, chance.gammavariate(rules.concentration, 1.0)) for _ in range(rules.n_wrong)
        ]
        tilted = [
            gamma * math.exp(0.5 * self.draws.normal("tilt", number, family, i))
            for i, gamma in enumerate(gammas)
        ]
        total = math.fsum(tilted)
        return tuple(weight / total for weight in tilted)


def asked(prompt: str) -> int | None:
    """The number of the question in a prompt; None where there is none."""
    found = _ASKED.search(prompt)
    return int(found[1]) if found else None
