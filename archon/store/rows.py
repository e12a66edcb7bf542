"""Rows of the database as values."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from archon.core.architecture import Architecture
from archon.core.calls import CallKey
from archon.core.candidates import Answer
from archon.core.messages import Message
from archon.core.records import (
    CallRow,
    ExampleRow,
    Instruction,
    ProposalRow,
    StudyRow,
    TrialRow,
)
from archon.core.results import ExampleResult, Score, Spending
from archon.store.completions import from_row
from archon.store.owners import LEASE_S, is_alive
from archon.store.texts import original


def to_study(row: sa.Row[Any]) -> StudyRow:
    """A row of ``studies`` with ``n_trials`` and ``n_complete``."""
    silent_s = time.time() - row.heartbeat_at
    return StudyRow(
        study_id=row.id,
        name=row.name,
        created_at=_time(row.created_at),
        job_json=row.job,
        job_sha256=row.job_sha256,
        state=row.state,
        stop_reason=row.stop_reason,
        benchmark_fingerprint=row.benchmark_fingerprint,
        seed=row.seed,
        owner=row.owner,
        has_live_owner=is_alive(row.owner, silent_s=silent_s, forgotten_after_s=LEASE_S),
        elapsed_s=row.elapsed_s,
        n_trials=row.n_trials,
        n_complete=row.n_complete,
        paused_at=_time(row.paused_at) if row.paused_at else None,
        progress_json=row.progress,
    )


def to_instruction(row: sa.Row[Any]) -> Instruction:
    """A row of ``instructions``."""
    return Instruction(
        number=row.number,
        verb=row.verb,
        arguments_json=row.arguments,
        given_from=row.given_by.partition("/")[0],
        given_at=_time(row.given_at),
        state=row.state,
        answer=row.answer,
        answered_at=_time(row.answered_at) if row.answered_at is not None else None,
    )


def to_example(row: sa.Row[Any]) -> ExampleRow:
    """A row of ``examples``."""
    return ExampleRow(row.example_id, row.split, row.position, row.row)


def to_trial(row: sa.Row[Any]) -> TrialRow:
    """A row of ``trials``."""
    return TrialRow(
        study_id=row.study_id,
        proposal=ProposalRow(
            number=row.number,
            pipeline_id=row.pipeline_id,
            architecture=Architecture.from_data(json.loads(row.architecture)),
            choices_json=row.choices,
            origin=row.origin,
        ),
        state=row.state,
        objectives=tuple(json.loads(row.objectives)) if row.objectives is not None else None,
        reason=row.reason,
        n_examples=row.n_examples,
        proposed_at=_time(row.proposed_at),
        ended_at=_time(row.ended_at) if row.ended_at is not None else None,
    )


def to_result(row: sa.Row[Any]) -> ExampleResult:
    """A row of ``example_results`` without its trace."""
    score = None
    if row.score is not None:
        score = Score(row.score, original("reason", row.reason, row.raw))
    call = CallKey(row.answer_digest, row.answer_slot) if row.answer_digest is not None else None
    return ExampleResult(
        pipeline_id=row.pipeline_id,
        example_id=row.example_id,
        split=row.split,
        status=row.status,
        answer=Answer(original("answer", row.answer, row.raw), call),
        score=score,
        deployed=_spending(row, "deployed"),
        bought=_spending(row, "bought"),
        degradations=tuple((name, n) for name, n in json.loads(row.degradations)),
        error=original("error", row.error, row.raw),
    )


def to_call(row: sa.Row[Any]) -> CallRow:
    """A row of ``calls`` joined with ``requests``."""
    reply = from_row(row)
    body = json.loads(row.body)
    messages = tuple(Message(item["role"], item["content"]) for item in body["messages"])
    return CallRow(
        key=reply.key,
        identity=row.identity,
        model=row.alias,
        messages=messages,
        sampling_json=json.dumps(body["sampling"], sort_keys=True),
        text=reply.text,
        reasoning=reply.reasoning,
        finish=reply.finish,
        usage=reply.usage,
        latency_s=reply.latency_s,
        served_model=reply.served_model,
        spend_nusd=row.spend_nusd,
        bought_by=row.study_id,
        done_at=_time(row.done_at),
    )


def _spending(row: sa.Row[Any], side: str) -> Spending:
    columns = row._mapping
    return Spending(
        calls=columns[f"{side}_calls"],
        prompt_tokens=columns[f"{side}_prompt_tokens"],
        completion_tokens=columns[f"{side}_completion_tokens"],
        cost_nusd=columns[f"{side}_nusd"],
        latency_s=columns[f"{side}_latency_s"],
    )


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
