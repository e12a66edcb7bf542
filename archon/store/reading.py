"""Reading studies as pages of values, over connections that cannot write."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from archon.core.calls import CallKey, ModelReply
from archon.core.errors import NotFound
from archon.core.records import (
    SEARCH_SPLIT,
    CallRow,
    ExampleRow,
    Instruction,
    QuestionRow,
    SpendTotals,
    StudyRow,
    TrialRow,
)
from archon.core.results import ExampleResult, ExampleStatus
from archon.store.completions import from_row, is_intact
from archon.store.database import explain
from archon.store.rows import (
    to_call,
    to_example,
    to_instruction,
    to_result,
    to_study,
    to_trial,
)
from archon.store.schema import (
    calls,
    example_results,
    examples,
    instructions,
    intents,
    lost_calls,
    reports,
    requests,
    studies,
    trials,
)
from archon.store.statements import select_by_keys
from archon.store.texts import unpack

_SCORED: tuple[ExampleStatus, ...] = ("ok", "model_fault")
_UNCERTAIN = ("owner_died", "maybe_billed")


class Reader:
    """Implements ``StudyReader``; raises ``StoreError`` where the database cannot be read."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def studies(self, *, after: str | None = None, limit: int = 50) -> Sequence[StudyRow]:
        """See ``StudyReader``."""
        select = _STUDIES.order_by(studies.c.created_at.desc(), studies.c.id).limit(limit)
        with self._look() as connection:
            if after is not None:
                created = studies.c.created_at
                last = connection.scalar(sa.select(created).where(studies.c.id == after))
                is_behind = sa.or_(created < last, sa.and_(created == last, studies.c.id > after))
                select = select.where(is_behind)
            return [to_study(row) for row in connection.execute(select)]

    def studies_named(self, name: str) -> Sequence[StudyRow]:
        """See ``StudyReader``."""
        newest_first = _STUDIES.order_by(studies.c.created_at.desc(), studies.c.id)
        with self._look() as connection:
            select = newest_first.where(studies.c.name == name)
            return [to_study(row) for row in connection.execute(select)]

    def find_study(self, reference: str) -> StudyRow:
        """See ``StudyReader``."""
        by_prefix = _STUDIES.where(studies.c.id.startswith(reference, autoescape=True))
        by_name = _STUDIES.where(studies.c.name == reference)
        by_name = by_name.order_by(studies.c.created_at.desc(), studies.c.id).limit(1)
        with self._look() as connection:
            found = [to_study(row) for row in connection.execute(by_prefix)] if reference else []
            exact = [study for study in found if study.study_id == reference]
            named = [] if exact else [to_study(row) for row in connection.execute(by_name)]
        # A whole name goes before the beginning of another study's id, which may be chance.
        candidates = exact or named or found
        if len(candidates) == 1:
            return candidates[0]
        if candidates:
            ids = ", ".join(sorted(study.study_id for study in candidates)[:5])
            raise NotFound(f"several studies begin with {reference!r}: {ids}. Write more of the id")
        raise NotFound(
            f"no study has the id or name {reference!r}. Run: archon ls  (lists all studies)"
        )

    def examples(
        self, study_id: str, *, split: str, after: int = -1, limit: int | None = None
    ) -> Sequence[ExampleRow]:
        """See ``StudyReader``."""
        select = (
            sa.select(examples)
            .where(examples.c.study_id == study_id, examples.c.split == split)
            .where(examples.c.position > after)
            .order_by(examples.c.position)
            .limit(limit)
        )
        with self._look() as connection:
            return [to_example(row) for row in connection.execute(select)]

    def trials(
        self, study_id: str, *, after: int | None = None, limit: int | None = 200
    ) -> Sequence[TrialRow]:
        """See ``StudyReader``."""
        select = sa.select(trials).where(trials.c.study_id == study_id).limit(limit)
        if after is not None:
            select = select.where(trials.c.number > after)
        with self._look() as connection:
            return [to_trial(row) for row in connection.execute(select.order_by(trials.c.number))]

    def trial(self, study_id: str, number: int) -> TrialRow:
        """See ``StudyReader``."""
        found = self.trials(study_id, after=number - 1, limit=1)
        if not found or found[0].number != number:
            message = f"study {study_id} has no trial {number}. Its trials: archon show {study_id}"
            raise NotFound(message)
        return found[0]

    def results(
        self, study_id: str, pipeline_id: str, *, split: str = SEARCH_SPLIT
    ) -> Sequence[ExampleResult]:
        """See ``StudyReader``."""
        columns = [column for column in example_results.c if column.name != "trace"]
        select = (
            sa.select(*columns)
            .join(examples)
            .where(_is_result(study_id, pipeline_id, split))
            .order_by(examples.c.position)
        )
        with self._look() as connection:
            return [to_result(row) for row in connection.execute(select)]

    def n_examples(self, study_id: str, *, split: str) -> int:
        """See ``StudyReader``."""
        count = sa.select(sa.func.count()).select_from(examples)
        select = count.where(examples.c.study_id == study_id, examples.c.split == split)
        with self._look() as connection:
            return connection.scalar(select) or 0

    def n_scored(self, study_id: str, *, split: str) -> Mapping[str, int]:
        """See ``StudyReader``."""
        of_pipeline = example_results.c.pipeline_id
        select = (
            sa.select(of_pipeline, sa.func.count())
            .where(example_results.c.study_id == study_id, example_results.c.split == split)
            .where(example_results.c.status.in_(_SCORED))
            .group_by(of_pipeline)
        )
        with self._look() as connection:
            return {pipeline_id: n for pipeline_id, n in connection.execute(select)}

    def question(
        self, study_id: str, pipeline_id: str, example_id: str, *, split: str = SEARCH_SPLIT
    ) -> QuestionRow:
        """See ``StudyReader``."""
        this = sa.and_(
            _is_result(study_id, pipeline_id, split), example_results.c.example_id == example_id
        )
        of_example = sa.and_(
            examples.c.study_id == study_id,
            examples.c.split == split,
            examples.c.example_id == example_id,
        )
        with self._look() as connection:
            row = connection.execute(sa.select(example_results).where(this)).one_or_none()
            if row is None:
                raise NotFound(
                    f"pipeline {pipeline_id} of study {study_id} has no result for the example "
                    f"{example_id!r} in the split {split!r}"
                )
            example = connection.execute(sa.select(examples).where(of_example)).one()
            result = replace(to_result(row), trace=unpack(row.trace))
            found = _calls_of(connection, result)
        return QuestionRow(to_example(example), result, found)

    def calls_to(self, identity: str, *, limit: int) -> Sequence[CallRow]:
        """See ``StudyReader``."""
        newest = _CALLS.where(requests.c.identity == identity)
        newest = newest.order_by(calls.c.done_at.desc(), calls.c.digest, calls.c.slot).limit(limit)
        with self._look() as connection:
            return [to_call(row) for row in connection.execute(newest) if is_intact(row)]

    def completions(self, digest: str) -> Mapping[int, ModelReply]:
        """See ``StudyReader``; what fails its checksum counts as not there."""
        with self._look() as connection:
            rows = connection.execute(sa.select(calls).where(calls.c.digest == digest)).all()
        return {row.slot: from_row(row) for row in rows if is_intact(row)}

    def spend(self, study_id: str) -> SpendTotals:
        """See ``StudyReader``."""
        with self._look() as connection:
            bought = connection.execute(_BOUGHT.where(calls.c.study_id == study_id)).one()
            flying = connection.execute(_FLYING.where(intents.c.study_id == study_id)).one()
            used = example_results.c.study_id == study_id
            n_reused = connection.scalar(_REUSED.where(used)) or 0
            by_reason = _LOST.where(lost_calls.c.study_id == study_id)
            lost = {row.reason: row for row in connection.execute(by_reason)}
        uncertain = [row for reason, row in lost.items() if reason in _UNCERTAIN]
        wasted = [row for reason, row in lost.items() if reason not in _UNCERTAIN]
        return SpendTotals(
            n_bought=bought.n,
            n_reused=int(n_reused),
            prompt_tokens=int(bought.prompt),
            completion_tokens=int(bought.completion),
            spend_nusd=int(bought.nusd),
            n_in_flight=flying.n,
            reserved_nusd=int(flying.nusd),
            reserved_tokens=int(flying.tokens),
            n_uncertain=sum(row.n for row in uncertain),
            uncertain_nusd=sum(int(row.nusd) for row in uncertain),
            uncertain_tokens=sum(int(row.tokens) for row in uncertain),
            n_corrupt=lost["corrupt"].n if "corrupt" in lost else 0,
            n_duplicate=lost["duplicate"].n if "duplicate" in lost else 0,
            wasted_nusd=sum(int(row.nusd) for row in wasted),
            wasted_tokens=sum(int(row.tokens) for row in wasted),
        )

    def instructions(self, study_id: str, *, is_waiting: bool = False) -> Sequence[Instruction]:
        """See ``StudyReader``."""
        select = sa.select(instructions).where(instructions.c.study_id == study_id)
        if is_waiting:
            select = select.where(instructions.c.state == "waiting")
        with self._look() as connection:
            found = connection.execute(select.order_by(instructions.c.number))
            return [to_instruction(row) for row in found]

    def report(self, study_id: str) -> str | None:
        """See ``StudyReader``."""
        with self._look() as connection:
            select = sa.select(reports.c.body).where(reports.c.study_id == study_id)
            return connection.scalar(select)

    @contextlib.contextmanager
    def _look(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise explain(error, self._engine.url) from error


def _count_of(state: str | None) -> sa.ScalarSelect[int]:
    of_study = trials.c.study_id == studies.c.id
    count = sa.select(sa.func.count()).select_from(trials).where(of_study)
    return (count if state is None else count.where(trials.c.state == state)).scalar_subquery()


def _sum(column: sa.ColumnElement[int]) -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(column), 0)


_STUDIES = sa.select(
    studies, _count_of(None).label("n_trials"), _count_of("complete").label("n_complete")
)
_BOUGHT = sa.select(
    sa.func.count().label("n"),
    _sum(calls.c.billed_prompt_tokens).label("prompt"),
    _sum(calls.c.completion_tokens).label("completion"),
    _sum(calls.c.spend_nusd).label("nusd"),
)
_FLYING = sa.select(
    sa.func.count().label("n"),
    _sum(intents.c.reserved_nusd).label("nusd"),
    _sum(intents.c.reserved_tokens).label("tokens"),
)
_REUSED = sa.select(_sum(example_results.c.deployed_calls - example_results.c.bought_calls))
_LOST = sa.select(
    lost_calls.c.reason,
    sa.func.count().label("n"),
    _sum(lost_calls.c.nusd).label("nusd"),
    _sum(lost_calls.c.tokens).label("tokens"),
).group_by(lost_calls.c.reason)
_CALLS = sa.select(calls, requests.c.identity, requests.c.alias, requests.c.body).join(
    requests, requests.c.digest == calls.c.digest
)


def _is_result(study_id: str, pipeline_id: str, split: str) -> sa.ColumnElement[bool]:
    return sa.and_(
        example_results.c.study_id == study_id,
        example_results.c.pipeline_id == pipeline_id,
        example_results.c.split == split,
    )


def _calls_of(connection: sa.Connection, result: ExampleResult) -> tuple[CallRow, ...]:
    """The calls that the trace names, in its order; a row that is damaged is left out."""
    keys = [
        (str(event["digest"]), int(str(event["slot"])))
        for event in result.trace
        if event.get("event") in ("call", "scorer_call")
    ]
    rows = select_by_keys(connection, _CALLS, calls, set(keys))
    found = {CallKey(row.digest, row.slot): to_call(row) for row in rows if is_intact(row)}
    return tuple(found[key] for key in (CallKey(*pair) for pair in keys) if key in found)
