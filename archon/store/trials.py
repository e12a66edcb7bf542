"""A study's proposals, their ends, and the results of questions."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from archon.core.errors import Conflict, NotFound, StoreError
from archon.core.records import ProposalRow
from archon.core.results import Completed, ExampleResult, TrialOutcome
from archon.store.schema import example_results, trials
from archon.store.statements import insert_new
from archon.store.texts import escape, escape_all, pack
from archon.store.writer import Step, Writer

_IS_OPEN = trials.c.state.in_(("proposed", "running"))


@dataclass(frozen=True, slots=True)
class Ending:
    """The columns in which a trial's end differs from another end."""

    study_id: str
    number: int
    state: str
    objectives: str | None
    reason: str
    n_examples: int | None


@dataclass(frozen=True)
class TrialSteps:
    """The work on the tables of trials. Runs in the writer's thread."""

    dialect: str

    def propose(
        self, connection: sa.Connection, rows: Sequence[dict[str, Any]]
    ) -> list[StoreError | None]:
        """Insert proposals; one that is there already must be the same."""
        connection.execute(
            insert_new(trials, self.dialect),
            [row | _PROPOSED | {"proposed_at": time.time()} for row in rows],
        )
        return [
            _difference(_stored(connection, row["study_id"], row["number"]), row) for row in rows
        ]

    def begin(
        self, connection: sa.Connection, keys: Sequence[tuple[str, int]]
    ) -> list[StoreError | None]:
        """Note that proposed trials run."""
        outcomes: list[StoreError | None] = []
        for study_id, number in keys:
            proposed = sa.and_(_is_trial(study_id, number), trials.c.state == "proposed")
            changed = connection.execute(
                sa.update(trials).where(proposed).values(state="running")
            ).rowcount
            is_known = changed or _stored(connection, study_id, number) is not None
            outcomes.append(None if is_known else _no_trial(study_id, number))
        return outcomes

    def end(self, connection: sa.Connection, endings: Sequence[Ending]) -> list[StoreError | None]:
        """Compare and set: only an open trial can end, and a repeated end must be the same."""
        return [self._end(connection, ending) for ending in endings]

    def record(
        self, connection: sa.Connection, groups: Sequence[list[dict[str, Any]]]
    ) -> list[None]:
        """Insert results; those that are there already stay, faults make way for scores."""
        rows = [row for group in groups for row in group]
        if scored := [_bound(row) for row in rows if row["score"] is not None]:
            connection.execute(_DELETE_FAULT, scored)
        connection.execute(insert_new(example_results, self.dialect), rows)
        return [None] * len(groups)

    def _end(self, connection: sa.Connection, ending: Ending) -> StoreError | None:
        values: dict[str, Any] = {
            "state": ending.state,
            "objectives": ending.objectives,
            "reason": ending.reason,
        }
        if ending.n_examples is not None:
            values["n_examples"] = ending.n_examples
        this = _is_trial(ending.study_id, ending.number)
        update = sa.update(trials).where(this, _IS_OPEN).values(**values, ended_at=time.time())
        if connection.execute(update).rowcount:
            return None
        stored = _stored(connection, ending.study_id, ending.number)
        if stored is None:
            return _no_trial(ending.study_id, ending.number)
        if all(stored[name] == value for name, value in values.items()):
            return None
        return Conflict(
            f"trial {ending.number} of study {ending.study_id} ended as {stored['state']} before, "
            f"and cannot end as {ending.state} now. Is another process running this study?"
        )


class StoredTrials:
    """The trials of one study: implements ``TrialLog``."""

    def __init__(self, writer: Writer, steps: TrialSteps, study_id: str) -> None:
        self._writer = writer
        self._study_id = study_id
        self._propose = Step(4, steps.propose)
        self._begin = Step(5, steps.begin)
        self._record = Step(6, steps.record)
        self._end = Step(7, steps.end)

    async def propose(self, proposal: ProposalRow) -> None:
        """See ``TrialLog``."""
        row = {
            "study_id": self._study_id,
            "number": proposal.number,
            "pipeline_id": proposal.pipeline_id,
            "architecture": proposal.architecture.canonical_json(),
            "choices": proposal.choices_json,
            "origin": proposal.origin,
        }
        await self._writer.submit(self._propose, row)

    async def begin(self, number: int) -> None:
        """See ``TrialLog``."""
        await self._writer.submit(self._begin, (self._study_id, number))

    async def append(self, number: int, outcome: TrialOutcome) -> None:
        """See ``TrialLog``.

        Raises:
            ValueError: An objective is not finite.
        """
        await self._writer.submit(self._end, _ending(self._study_id, number, outcome))

    async def record(self, results: Sequence[ExampleResult]) -> None:
        """See ``TrialLog``."""
        if results:
            rows = [_result_row(self._study_id, result) for result in results]
            await self._writer.submit(self._record, rows)


_PROPOSED = {
    "state": "proposed",
    "objectives": None,
    "reason": "",
    "n_examples": 0,
    "ended_at": None,
}


_RESULT_KEY = ("study_id", "split", "pipeline_id", "example_id")
_DELETE_FAULT = sa.delete(example_results).where(
    *(example_results.c[name] == sa.bindparam(f"b_{name}") for name in _RESULT_KEY),
    example_results.c.score.is_(None),
)


def _bound(row: dict[str, Any]) -> dict[str, Any]:
    """The parameters of ``_DELETE_FAULT``."""
    return {f"b_{name}": row[name] for name in _RESULT_KEY}


def _is_trial(study_id: str, number: int) -> sa.ColumnElement[bool]:
    return sa.and_(trials.c.study_id == study_id, trials.c.number == number)


def _stored(connection: sa.Connection, study_id: str, number: int) -> sa.RowMapping | None:
    select = sa.select(trials).where(_is_trial(study_id, number))
    return connection.execute(select).mappings().one_or_none()


def _no_trial(study_id: str, number: int) -> NotFound:
    return NotFound(f"study {study_id} has no trial {number}")


def _difference(stored: sa.RowMapping | None, row: dict[str, Any]) -> StoreError | None:
    if stored is not None and all(stored[name] == value for name, value in row.items()):
        return None
    return Conflict(
        f"trial {row['number']} of study {row['study_id']} is taken by another proposal. "
        "Is another process running this study?"
    )


def _ending(study_id: str, number: int, outcome: TrialOutcome) -> Ending:
    if not isinstance(outcome, Completed):
        return Ending(study_id, number, outcome.state, None, escape(outcome.reason), None)
    if not all(math.isfinite(value) for value in outcome.objectives):
        raise ValueError(f"the objectives of trial {number} are not finite: {outcome.objectives}")
    objectives = json.dumps([float(value) for value in outcome.objectives])
    return Ending(study_id, number, "complete", objectives, "", outcome.n_examples)


def _result_row(study_id: str, result: ExampleResult) -> dict[str, Any]:
    reason = result.score.reason if result.score else ""
    texts, raw = escape_all({"answer": result.answer.text, "reason": reason, "error": result.error})
    call = result.answer.call
    return {
        "study_id": study_id,
        "split": result.split,
        "pipeline_id": result.pipeline_id,
        "example_id": result.example_id,
        "status": result.status,
        **texts,
        "raw": raw,
        "answer_digest": call.digest if call else None,
        "answer_slot": call.slot if call else None,
        "score": result.score.value if result.score else None,
        "deployed_calls": result.deployed.calls,
        "deployed_prompt_tokens": result.deployed.prompt_tokens,
        "deployed_completion_tokens": result.deployed.completion_tokens,
        "deployed_nusd": result.deployed.cost_nusd,
        "deployed_latency_s": result.deployed.latency_s,
        "bought_calls": result.bought.calls,
        "bought_prompt_tokens": result.bought.prompt_tokens,
        "bought_completion_tokens": result.bought.completion_tokens,
        "bought_nusd": result.bought.cost_nusd,
        "bought_latency_s": result.bought.latency_s,
        "degradations": json.dumps(result.degradations),
        "trace": pack(result.trace),
    }
