"""The letter of a multiple-choice question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from archon.benchmarks.examples import Example
from archon.components.answers import answer_key
from archon.core.candidates import Answer
from archon.core.results import Score
from archon.scoring.base import lacks_target, verdict


@dataclass(frozen=True, slots=True)
class Choice:
    """Right when the letter that the answer gives, or the choice that it spells out, is the target.

    Letters are read as votes read them.
    """

    kind: ClassVar[str] = "choice"

    def missing(self, example: Example) -> str:
        """It needs choices and the letter of the right one."""
        if not example.choices:
            return "it has no choices."
        return lacks_target(example)

    async def score(self, example: Example, answer: Answer) -> Score:
        """1 if the right choice is given, else 0."""
        given = answer_key(answer.text, "choice", example.choices)
        return verdict(given in example.targets, f"read {given}" if given else "no choice is read")
