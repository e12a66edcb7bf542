"""Runs units of evaluation: one pipeline on one block of examples.

This is an error boundary: what fails on one example becomes a recorded result that names it. Only
what concerns the whole study passes through: the database, a key, a model that is gone. Where the
budget ends within a unit, the examples that were answered by then stand.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from archon.benchmarks.examples import Example
from archon.components.base import Component
from archon.components.table import COMPONENTS
from archon.core.architecture import Architecture
from archon.core.calls import ModelCard, ModelClient
from archon.core.candidates import Answer
from archon.core.errors import (
    ArchonError,
    AuthFailed,
    BudgetExceeded,
    CallError,
    ModelGone,
    QuotaExhausted,
    RateLimited,
    ScoringError,
    SetupError,
    StoreError,
    TimedOut,
    Unreachable,
)
from archon.core.records import EVALUATION, HELD_OUT_SPLIT, SEARCH_SPLIT
from archon.core.results import ExampleResult, ExampleStatus, Score, Spending
from archon.runtime.asking import heard
from archon.runtime.failures import first_cause
from archon.runtime.pipeline import Pipeline, PipelineResult
from archon.runtime.places import Places
from archon.runtime.slots import EVALUATION_SLOT, HELD_OUT_SLOT, SEARCH_SLOT
from archon.runtime.trace import scorer_call_data
from archon.scoring.base import Checked
from archon.search.objectives import score_of

FEWEST_FOR_OUTAGE = 3
"""So many examples of one pipeline in succession, in whole units, that reached no model make an
outage. Fewer may be questions that upset the endpoint."""

N_CHANCES = 2
"""So often a question of a pipeline is run before it stays without a score. A call has its own
tries; this is for what has passed by the time all other questions are done. A judge's reply that
could not be read is stored like any other, and is not asked for anew."""

STUDY_WIDE = (StoreError, SetupError, AuthFailed, QuotaExhausted, ModelGone)
"""Errors that the next example would meet as well: they stop the study, which can be resumed."""

OUTAGE = (Unreachable, TimedOut, RateLimited)

_FIRST_SLOT = {
    SEARCH_SPLIT: SEARCH_SLOT,
    HELD_OUT_SPLIT: HELD_OUT_SLOT,
    EVALUATION: EVALUATION_SLOT,
}


@dataclass(frozen=True, slots=True)
class Unit:
    """What is handed out at once: one pipeline, one block of the examples of one split."""

    pipeline_id: str
    architecture: Architecture
    split: str
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class UnitEnd:
    """What came of a unit."""

    results: tuple[ExampleResult, ...]
    """Of the examples that ran to their end, in the order of the unit."""
    stopped: str
    """Why the others did not: which limit of the budget is reached; "" where all did."""
    outage: ArchonError | None = None
    """Why none of its examples reached a model; None where one did, or none ran."""


class RunsUnits(Protocol):
    """What a search needs of whoever runs its units: an ``Evaluator``, or a table of results."""

    async def evaluate(self, unit: Unit, *, is_again: bool = False) -> UnitEnd:
        """Run a unit; see ``Evaluator``."""
        ...


@dataclass(slots=True)
class _Course:
    """What the examples of one unit tell each other while they run."""

    outages: list[ArchonError] = field(default_factory=list)
    stopped: str = ""


class Evaluator:
    """Runs units in one event loop, with a common limit on questions in flight."""

    def __init__(
        self,
        client: ModelClient,
        cards: Mapping[str, ModelCard],
        scorer: Checked,
        *,
        questions_in_flight: int,
        table: Mapping[str, type[Component]] = COMPONENTS,
    ) -> None:
        """Nothing runs yet.

        Args:
            client: Where calls go.
            cards: What is known of each model, by alias.
            scorer: What answers are worth.
            questions_in_flight: Most examples that run at once, over all units.
            table: Component kinds.
        """
        self._client = client
        self._cards = cards
        self._scorer = scorer
        self._places = Places(questions_in_flight)
        self._table = table
        self._unreached: Counter[tuple[str, str]] = Counter()
        """By split and pipeline, the examples since one last reached a model."""

    @property
    def questions_in_flight(self) -> int:
        """Most examples that run at once; may be set at any time, and holds for what begins."""
        return self._places.n

    @questions_in_flight.setter
    def questions_in_flight(self, n: int) -> None:
        self._places.n = n

    @property
    def scorer(self) -> Checked:
        """What answers are worth; asks its judge, if it has one, as the pipelines ask theirs."""
        return self._scorer

    async def evaluate(self, unit: Unit, *, is_again: bool = False) -> UnitEnd:
        """Run a unit. Once the budget refuses a call, no further example begins.

        Args:
            unit: What to run.
            is_again: Its examples have failed before, and others of the pipeline have not: that
                they fail again is no outage.

        Raises:
            ArchonError: One of ``STUDY_WIDE``; the other examples of the unit are cancelled. Or
                an outage: no example of the unit reached its model, nor did those of the units
                of this pipeline that ended just before, ``FEWEST_FOR_OUTAGE`` in all.
        """
        course = _Course()
        pipeline = Pipeline(unit.architecture, self._client, self._cards, table=self._table)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._within_budget(pipeline, unit, example, course))
                    for example in unit.examples
                ]
        except ExceptionGroup as group_of_errors:
            raise first_cause(group_of_errors) from group_of_errors
        results = tuple(result for task in tasks if (result := task.result()) is not None)
        is_outage = 0 < len(results) == len(course.outages)
        if not is_again:
            self._note(unit, len(results), course.outages[0] if is_outage else None)
        return UnitEnd(results, course.stopped, course.outages[0] if is_outage else None)

    def _note(self, unit: Unit, n_ran: int, outage: ArchonError | None) -> None:
        key = (unit.split, unit.pipeline_id)
        if outage is None:
            self._unreached[key] = 0
            return
        self._unreached[key] += n_ran
        if self._unreached[key] >= FEWEST_FOR_OUTAGE:
            self._unreached[key] = 0
            raise outage

    async def _within_budget(
        self, pipeline: Pipeline, unit: Unit, example: Example, course: _Course
    ) -> ExampleResult | None:
        async with self._places:
            if course.stopped:
                return None
            try:
                return await self._example(pipeline, unit, example, course)
            except BudgetExceeded as limit:
                course.stopped = course.stopped or str(limit)
                return None

    async def _example(
        self, pipeline: Pipeline, unit: Unit, example: Example, course: _Course
    ) -> ExampleResult:
        try:
            ran = await pipeline.generate(example.question, first_slot=_FIRST_SLOT[unit.split])
        except (BudgetExceeded, *STUDY_WIDE):
            raise
        except ArchonError as error:
            course.outages += [error] * isinstance(error, OUTAGE)
            return _faulty(unit, example, "infra_fault", f"{error}")
        except Exception as error:
            # A component may meet anything in what models write; one example, not the study.
            return _faulty(unit, example, "infra_fault", f"{type(error).__name__}: {error}")
        return await self._scored(unit, example, ran)

    async def _scored(self, unit: Unit, example: Example, ran: PipelineResult) -> ExampleResult:
        status: ExampleStatus = "ok" if ran.answer.text.strip() else "model_fault"
        score: Score | None = None
        error = ""
        with heard() as asked:
            try:
                score = await self._scorer.score(example, ran.answer)
            except (BudgetExceeded, *STUDY_WIDE):
                raise
            except (ScoringError, CallError) as failure:
                status, error = "scorer_fault", str(failure)
        return ExampleResult(
            pipeline_id=unit.pipeline_id,
            example_id=example.id,
            split=unit.split,
            status=status,
            answer=ran.answer,
            score=score,
            deployed=ran.deployed,
            bought=ran.bought,
            degradations=tuple(sorted(ran.trace.degradations.items())),
            trace=(*ran.trace.to_data(), *(scorer_call_data(*call) for call in asked)),
            error=error,
        )


def _faulty(unit: Unit, example: Example, status: ExampleStatus, error: str) -> ExampleResult:
    return ExampleResult(
        pipeline_id=unit.pipeline_id,
        example_id=example.id,
        split=unit.split,
        status=status,
        answer=Answer(""),
        score=None,
        deployed=Spending(),
        bought=Spending(),
        error=error,
    )


def without_traces(results: Sequence[ExampleResult]) -> tuple[ExampleResult, ...]:
    """Results as they are kept in memory once they are recorded: traces are most of their size."""
    return tuple(replace(result, trace=()) for result in results)


def is_scored(result: ExampleResult) -> bool:
    """Whether the result counts: faults of the infrastructure or of a scorer never do."""
    return score_of(result) is not None


def usable(results: Sequence[ExampleResult]) -> tuple[ExampleResult, ...]:
    """Recorded results that need not be had again: those that have a score."""
    return tuple(result for result in results if is_scored(result))


def unanswered(results: Sequence[ExampleResult]) -> str:
    """Why a trial with these results has no objectives, as a sentence; "" where it has."""
    missing = [result for result in results if not is_scored(result)]
    if not missing:
        return ""
    first = missing[0]
    return (
        f"{len(missing)} of {len(results)} questions have no score; "
        f"the first, {first.example_id!r}: {first.error or first.status}"
    )


def outage_of(ends: Sequence[UnitEnd], results: Sequence[ExampleResult]) -> ArchonError | None:
    """Why not one example of a trial reached its model; None where one did, or none was asked."""
    if any(is_scored(result) for result in results):
        return None
    outages = [end.outage for end in ends if end.outage is not None]
    return outages[0] if outages and len(outages) == len(ends) else None
