"""A model grades one answer by a rubric."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

from archon.benchmarks.examples import Example
from archon.components.quoting import Fence, transcript
from archon.core.candidates import Answer
from archon.core.results import Score
from archon.prompts import load
from archon.scoring.base import WRONG
from archon.scoring.judge import Asks, Unreadable, ask_judge, last_object
from archon.scoring.trivial import is_trivial

_WHOLE = re.compile(r"-?[0-9]{1,4}")
_CRITERION = re.compile(r"([A-Za-z][\w -]{0,40}): +(\S.*)")


@dataclass(frozen=True, slots=True)
class PointwiseJudge:
    """Grades per criterion, their weighted mean scaled to [0, 1], the mean over ``samples``.

    Source: rubrics with reasons first, G-Eval, arXiv 2303.16634, section 2; grades outside the
    scale are unreadable, never clipped.

    Attributes:
        model: Alias of the judge's model.
        asks: How that model is asked.
        rubric: Criteria, each "name: what the lowest, middle and highest grade mean"; by default
            correctness and usefulness.
        weights: One positive weight per criterion; equal by default.
        low: Lowest grade.
        high: Highest grade.
        samples: Independent judgements; at temperature 0 for one, else 0.7.
        reference: Show the judge the target where an example has one.
        max_tokens: Longest reply, tokens.
    """

    model: str
    asks: Asks = field(repr=False, compare=False)
    rubric: tuple[str, ...] = ()
    weights: tuple[float, ...] = ()
    low: int = 1
    high: int = 5
    samples: int = 1
    reference: bool = True
    max_tokens: int = 1024

    kind: ClassVar[str] = "judge"

    def __post_init__(self) -> None:
        criteria = self._criteria()
        if not self.low < self.high:
            raise ValueError(f"low ({self.low}) must be less than high ({self.high})")
        if not 1 <= self.samples <= 25:
            raise ValueError(f"samples must be 1 to 25, not {self.samples}")
        if self.max_tokens < 1:
            raise ValueError("max_tokens must be at least 1")
        usable = all(math.isfinite(weight) and weight > 0 for weight in self.weights)
        if self.weights and (len(self.weights) != len(criteria) or not usable):
            raise ValueError("weights must be positive, one for each criterion")

    def missing(self, example: Example) -> str:
        """It can grade any answer."""
        return ""

    async def score(self, example: Example, answer: Answer) -> Score:
        """The mean grade, scaled; an answer that says nothing gets 0 and costs no call.

        Raises:
            ScoringError: The judge could not be understood.
        """
        if is_trivial(answer.text, example.targets):
            return Score(WRONG, "the answer says nothing")
        criteria = self._criteria()
        # No grade, so that a copy of the form says nothing.
        form = f"<{self.low} to {self.high}>"
        shown = json.dumps(dict.fromkeys(criteria, form), ensure_ascii=False)
        prompt = self._prompt(example, answer.text, criteria, shown)
        read = partial(read_grades, criteria=tuple(criteria), low=self.low, high=self.high)
        values = []
        for sample in range(self.samples):
            grades = await ask_judge(
                self.asks,
                prompt,
                read,
                example=shown,
                temperature=0.0 if self.samples == 1 else 0.7,
                max_tokens=self.max_tokens,
                sample=sample,
            )
            values.append(self._scaled(grades))
        return Score(math.fsum(values) / len(values), f"judged {len(values)} times")

    def _criteria(self) -> dict[str, str]:
        """Name of each criterion and what is said about it."""
        lines = self.rubric or tuple(load("judge_rubric").text.splitlines())
        matches = [_CRITERION.fullmatch(line.strip()) for line in lines]
        criteria = {match.group(1): match.group(2) for match in matches if match}
        if len(criteria) != len(lines):
            raise ValueError('each line of the rubric must be "name: meaning", each name once')
        return criteria

    def _prompt(self, example: Example, text: str, criteria: dict[str, str], shown: str) -> str:
        question = transcript(example.question)
        targets = " | ".join(example.targets) if self.reference else ""
        fence = Fence.around(question, targets, text)
        reference = load("judge_reference").fill(reference=fence.quote("reference", targets))
        return load("judge_pointwise").fill(
            question=fence.quote("question", question),
            reference=f"{reference}\n\n" if targets else "",
            answer=fence.quote("answer", text),
            low=str(self.low),
            high=str(self.high),
            rubric="\n".join(f"- {name}: {meaning}" for name, meaning in criteria.items()),
            example=shown,
        )

    def _scaled(self, grades: tuple[int, ...]) -> float:
        weights = self.weights or (1.0,) * len(grades)
        mean = math.fsum(w * g for w, g in zip(weights, grades, strict=True)) / math.fsum(weights)
        return min(1.0, max(0.0, (mean - self.low) / (self.high - self.low)))


def read_grades(reply: str, *, criteria: tuple[str, ...], low: int, high: int) -> tuple[int, ...]:
    """The grades of a judge's reply, in the order of the criteria.

    Raises:
        Unreadable: A criterion has no whole grade on the scale.
    """
    given = last_object(reply, criteria)
    grades = []
    for name in criteria:
        grade = given.get(name)
        if isinstance(grade, str) and _WHOLE.fullmatch(grade.strip()):
            grade = int(grade)
        if isinstance(grade, bool) or not isinstance(grade, int | float) or grade != grade // 1:
            raise Unreadable(f"there is no whole grade for {name!r}.")
        if not low <= grade <= high:
            raise Unreadable(f"the grade for {name!r} is not in {low} to {high}.")
        grades.append(int(grade))
    return tuple(grades)
