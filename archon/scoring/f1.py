"""Overlap of words with the best target."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import ClassVar

from archon.benchmarks.examples import Example
from archon.core.candidates import Answer
from archon.core.results import Score
from archon.scoring.base import lacks_target
from archon.scoring.text import Read, part_read, words_of


@dataclass(frozen=True, slots=True)
class F1:
    """Harmonic mean of precision and recall over words; the best of the aliases.

    The words are those of what the reply states as its answer, or else of its first or last line
    (``archon.scoring.text.part_read``); a reply that is a target as a whole is right as well.

    Source: the SQuAD evaluation, Rajpurkar et al. 2016 (arXiv 1606.05250), section 6.1.
    """

    read: Read = "stated"

    kind: ClassVar[str] = "f1"

    def __post_init__(self) -> None:
        if self.read == "contains":
            raise ValueError("read: contains belongs to scorer 'exact'")

    def missing(self, example: Example) -> str:
        """It compares with the target."""
        return lacks_target(example)

    async def score(self, example: Example, answer: Answer) -> Score:
        """The F1 of the answer's words, 0 where none is shared."""
        whole = words_of(answer.text)
        if self.read == "stated" and any(whole == words_of(target) for target in example.targets):
            return Score(1.0, "it is the target")
        given = words_of(part_read(answer.text, self.read))
        best = max(overlap(given, words_of(target)) for target in example.targets)
        return Score(best, f"F1 over {len(given)} words")


def overlap(given: list[str], wanted: list[str]) -> float:
    """F1 of two lists of words, counted with repetition; in [0, 1]."""
    shared = sum((Counter(given) & Counter(wanted)).values())
    # 2PR/(P + R) with P = shared/given and R = shared/wanted; exactly 1.0 for equal lists.
    return 2 * shared / (len(given) + len(wanted)) if shared else 0.0
