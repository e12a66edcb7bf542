"""Runs pipelines on held-out questions from recorded calls, and scores what they wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from archon.benchmarks.examples import Example
from archon.core.architecture import Architecture
from archon.core.calls import ModelCard, ModelClient
from archon.core.candidates import Answer
from archon.core.errors import ArchonError, CallError, NotRecorded, ScoringError
from archon.core.records import HELD_OUT_SPLIT
from archon.core.results import ExampleResult, ExampleStatus, Score, Spending
from archon.runtime.pipeline import Pipeline
from archon.runtime.slots import HELD_OUT_SLOT
from archon.runtime.trace import Trace
from archon.scoring.base import Checked


class Scored(NamedTuple):
    """What a text is worth as an answer to a question."""

    value: float | None
    """None: it has no score."""
    is_missing: bool = False
    """Whether that is for want of a recorded call; else the scorer failed."""


@dataclass(frozen=True, slots=True)
class Replay:
    """One pipeline on one question."""

    example: Example
    trace: Trace
    """As far as the recorded calls reach."""
    result: ExampleResult | None
    """None where a call is missing, of the pipeline or of a judge of its answer."""

    @property
    def is_missing(self) -> bool:
        """Whether calls would have to be bought to know more."""
        return self.result is None


@dataclass(frozen=True, slots=True)
class Replayer:
    """Sends nothing and writes nothing. Later purchases are seen by a new one only."""

    client: ModelClient
    """Answers from what is recorded."""
    cards: Mapping[str, ModelCard]
    scorer: Checked
    """Asks its judge, if it has one, through the same client."""
    _scored: dict[tuple[str, str], Scored] = field(default_factory=dict)

    async def run(
        self, architecture: Architecture, examples: Sequence[Example]
    ) -> tuple[Replay, ...]:
        """One pipeline on each of the examples, as in the study's held-out run.

        Raises:
            SpecError: The architecture is no pipeline.
        """
        pipeline = Pipeline(architecture, self.client, self.cards)
        return tuple([await self._run(pipeline, example) for example in examples])

    async def score(self, example: Example, text: str) -> Scored:
        """The benchmark's score of one text; each text is scored once."""
        key = (example.id, text)
        if key not in self._scored:
            self._scored[key] = await self._score(example, text)
        return self._scored[key]

    async def _run(self, pipeline: Pipeline, example: Example) -> Replay:
        trace = Trace()
        try:
            ran = await pipeline.generate(example.question, first_slot=HELD_OUT_SLOT, trace=trace)
        except NotRecorded:
            return Replay(example, trace, None)
        except ArchonError as error:
            return Replay(example, trace, _faulty(pipeline, example, str(error)))
        scored = await self.score(example, ran.answer.text)
        if scored.is_missing:
            return Replay(example, trace, None)
        status: ExampleStatus = "ok" if ran.answer.text.strip() else "model_fault"
        result = ExampleResult(
            pipeline_id=pipeline.id,
            example_id=example.id,
            split=HELD_OUT_SPLIT,
            status=status if scored.value is not None else "scorer_fault",
            answer=ran.answer,
            score=None if scored.value is None else Score(scored.value),
            deployed=ran.deployed,
            bought=Spending(),
            degradations=tuple(sorted(trace.degradations.items())),
        )
        return Replay(example, trace, result)

    async def _score(self, example: Example, text: str) -> Scored:
        try:
            return Scored((await self.scorer.score(example, Answer(text))).value)
        except NotRecorded:
            return Scored(None, is_missing=True)
        except (ScoringError, CallError):
            return Scored(None)


def _faulty(pipeline: Pipeline, example: Example, error: str) -> ExampleResult:
    nothing = Spending()
    return ExampleResult(
        pipeline_id=pipeline.id,
        example_id=example.id,
        split=HELD_OUT_SPLIT,
        status="infra_fault",
        answer=Answer(""),
        score=None,
        deployed=nothing,
        bought=nothing,
        error=error,
    )
