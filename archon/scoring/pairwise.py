"""A model compares an answer with a fixed baseline answer, in both orders."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar, Literal

from archon.benchmarks.examples import Example
from archon.components.quoting import Fence, transcript
from archon.core.candidates import Answer
from archon.core.results import Score
from archon.prompts import load
from archon.scoring.base import WRONG, lacks_field
from archon.scoring.judge import Asks, Unreadable, ask_judge, both, last_object
from archon.scoring.trivial import is_trivial

_THREE = {"first": 1.0, "tie": 0.5, "second": 0.0}
_FIVE = {"first_much": 1.0, "first": 0.75, "tie": 0.5, "second": 0.25, "second_much": 0.0}


@dataclass(frozen=True, slots=True)
class PairwiseJudge:
    """1 for a win over the baseline, one half for a tie, 0 for a loss, by the mean of both orders.

    Source: both orders, disagreement as a tie, MT-Bench, arXiv 2306.05685, section 3.4.

    Attributes:
        model: Alias of the judge's model.
        asks: How that model is asked.
        baseline: Field of the metadata that holds the baseline's answer.
        levels: 3: win, tie, loss. 5: also by how much, as 1, 3/4, 1/2, 1/4, 0.
        agreement: Where the orders name different winners, or one a tie, "soft" takes the mean
            and "strict" a tie.
        samples: Judgements per order; at temperature 0 for one, else 0.7.
        max_tokens: Longest reply, tokens.
    """

    model: str
    asks: Asks = field(repr=False, compare=False)
    baseline: str = "baseline_output"
    levels: Literal[3, 5] = 3
    agreement: Literal["soft", "strict"] = "soft"
    samples: int = 1
    max_tokens: int = 1024

    kind: ClassVar[str] = "judge_pairwise"

    def __post_init__(self) -> None:
        if not 1 <= self.samples <= 25:
            raise ValueError(f"samples must be 1 to 25, not {self.samples}")
        if self.max_tokens < 1:
            raise ValueError("max_tokens must be at least 1")

    def missing(self, example: Example) -> str:
        """It needs the baseline's answer."""
        return lacks_field(example, self.baseline, str)

    async def score(self, example: Example, answer: Answer) -> Score:
        """How far the answer beats the baseline; the same text is a tie and costs no call.

        Raises:
            ScoringError: The judge could not be understood.
        """
        if is_trivial(answer.text, example.targets):
            return Score(WRONG, "the answer says nothing")
        baseline = str(example.metadata[self.baseline])
        if answer.text.split() == baseline.split():
            return Score(0.5, "the same text as the baseline")
        question = transcript(example.question)
        values = []
        for sample in range(self.samples):
            ahead, behind = await both(
                self._judged(question, answer.text, baseline, sample),
                self._judged(question, baseline, answer.text, sample),
            )
            values.append(combined(ahead, 1 - behind, self.agreement))
        mean = math.fsum(value for value, _ in values) / len(values)
        n_inconsistent = sum(inconsistent for _, inconsistent in values)
        return Score(mean, f"{n_inconsistent} of {len(values)} verdicts turned with the order")

    async def _judged(self, question: str, first: str, second: str, sample: int) -> float:
        """How far the judge prefers the answer shown first, in [0, 1]."""
        verdicts = _THREE if self.levels == 3 else _FIVE
        shown = json.dumps({"verdict": "..."})  # no verdict, so that a copy of it says nothing
        fence = Fence.around(question, first, second)
        prompt = load("judge_pairwise").fill(
            question=fence.quote("question", question),
            first=fence.quote("first", first),
            second=fence.quote("second", second),
            example=shown,
            verdicts=", ".join(verdicts),
        )
        return await ask_judge(
            self.asks,
            prompt,
            partial(read_verdict, verdicts=verdicts),
            example=shown,
            temperature=0.0 if self.samples == 1 else 0.7,
            max_tokens=self.max_tokens,
            sample=sample,
        )


def read_verdict(reply: str, *, verdicts: Mapping[str, float]) -> float:
    """The value of the verdict in a judge's reply.

    Raises:
        Unreadable: There is no verdict, or none of those allowed.
    """
    verdict = last_object(reply, ("verdict",)).get("verdict")
    if not isinstance(verdict, str) or verdict.strip().lower() not in verdicts:
        raise Unreadable(f"the verdict must be one of {', '.join(verdicts)}.")
    return verdicts[verdict.strip().lower()]


def combined(ahead: float, behind: float, agreement: str) -> tuple[float, bool]:
    """One value from both orders, and whether the winner turned with the order.

    Args:
        ahead: How far the answer was preferred when shown first, in [0, 1].
        behind: The same when shown second.
        agreement: "soft" or "strict".
    """
    sides = [(value > 0.5) - (value < 0.5) for value in (ahead, behind)]
    if agreement == "strict" and sides[0] != sides[1]:
        return 0.5, sides[0] * sides[1] < 0
    return (ahead + behind) / 2, sides[0] * sides[1] < 0
