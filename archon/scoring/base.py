"""What a scorer is, and the one wrapper that holds every scorer to its promise."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar, Protocol

from archon.benchmarks.examples import Benchmark, Example
from archon.components.answers import visible
from archon.core.candidates import Answer
from archon.core.errors import ArchonError, Problem, ScoringError, SpecError
from archon.core.results import Score

RIGHT = 1.0
WRONG = 0.0
_MAX_SHOWN = 20


class Scorer(Protocol):
    """One way of scoring: a frozen dataclass whose fields are its parameters.

    Contract: the same example and answer give the same score (a judge: up to its model). It
    judges what the answer says and is never led by instructions in it. It is safe to call from
    many tasks. Where it cannot score, it raises ``ScoringError`` (the example is then missing,
    not wrong) or lets errors of model calls pass through.
    """

    kind: ClassVar[str]

    def missing(self, example: Example) -> str:
        """What this example lacks to be scored so, as a sentence; "" when it can be scored."""
        ...

    async def score(self, example: Example, answer: Answer) -> Score:
        """Score one answer, in [0, 1]."""
        ...


@dataclass(frozen=True, slots=True)
class Checked:
    """A scorer that keeps its promise: a finite value in [0, 1], or a typed error."""

    inner: Scorer

    @property
    def kind(self) -> str:
        """The kind of the scorer inside."""
        return self.inner.kind

    def missing(self, example: Example) -> str:
        """What the example lacks, as the scorer inside says."""
        return self.inner.missing(example)

    async def score(self, example: Example, answer: Answer) -> Score:
        """Score one answer without its reasoning block; an empty one is wrong at once.

        Raises:
            ScoringError: The scorer failed, or gave something that is no score.
            CallError: A judge's model could not be reached.
        """
        text = visible(answer.text)
        if text is None or not text.strip():
            return Score(WRONG, "the answer is empty")
        try:
            score = await self.inner.score(example, replace(answer, text=text))
        except ArchonError:
            raise
        except Exception as error:
            # One of the places where anything may happen: scorers read what models wrote.
            message = f"scorer {self.kind!r} failed on example {example.id!r}: {error!r}"
            raise ScoringError(message) from error
        if wrong := _not_a_score(score):
            raise ScoringError(f"scorer {self.kind!r} gave {wrong} for example {example.id!r}")
        return score


def checked(scorer: Scorer) -> Checked:
    """Hold ``scorer`` to its promise."""
    return Checked(scorer)


def check_examples(scorer: Scorer | Checked, benchmark: Benchmark) -> None:
    """Make sure, before anything is paid, that all examples can be scored in this way.

    Raises:
        SpecError: Some example lacks what the scorer needs; lists the first 20.
    """
    problems = [
        Problem(f"example {example.id!r}: {lack}", benchmark.source, example.line or None)
        for example in benchmark.examples
        if (lack := scorer.missing(example))
    ]
    if len(problems) > _MAX_SHOWN:
        message = f"{len(problems)} examples cannot be scored; the first {_MAX_SHOWN} are shown."
        problems = [*problems[:_MAX_SHOWN], Problem(message, benchmark.source)]
    if problems:
        raise SpecError(problems)


def lacks_target(example: Example) -> str:
    """``missing`` of scorers that compare with a reference answer."""
    return "" if example.targets else "it has no target to compare the answer with."


def lacks_field(example: Example, name: str, kind: type | tuple[type, ...]) -> str:
    """``missing`` of scorers that read one field of the metadata."""
    value = example.metadata.get(name)
    return "" if isinstance(value, kind) and value else f"its metadata has no usable {name!r}."


def verdict(is_right: bool, reason: str = "") -> Score:
    """A score of all or nothing."""
    return Score(RIGHT if is_right else WRONG, reason)


def _not_a_score(score: object) -> str:
    """What is wrong with a scorer's result ("" if nothing)."""
    if not isinstance(score, Score):
        return f"a {type(score).__name__} instead of a score"
    value: object = score.value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"the value {value!r}, which is no number"
    if not math.isfinite(value) or not 0 <= value <= 1:
        return f"the value {value}, which is not in 0 to 1"
    return ""
