"""The tables. Migrations build them; a test holds that both say the same.

Times are seconds since 1970 (UTC), money is whole billionths of a dollar, JSON is ASCII text: all
three are equal to the bit in SQLite and PostgreSQL, as is any text that went through ``texts``.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)

HEAD: Final = "0003"
"""The migration that this code needs."""

metadata = MetaData()


def _text(name: str, *, primary_key: bool = False) -> Column[str]:
    return Column(name, Text, primary_key=primary_key, nullable=False)


def _count(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def _time(name: str) -> Column[float]:
    return Column(name, Double, nullable=False)


requests = Table(
    "requests",
    metadata,
    _text("digest", primary_key=True),
    _text("identity"),
    _text("alias"),
    _text("body"),
)
"""Each distinct request once, so that every prompt can be read later."""

calls = Table(
    "calls",
    metadata,
    _text("digest", primary_key=True),
    Column("slot", Integer, primary_key=True, autoincrement=False, nullable=False),
    _text("study_id"),
    _text("owner"),
    _text("text"),
    _text("reasoning"),
    _text("raw"),
    _text("finish"),
    _count("prompt_tokens"),
    _count("completion_tokens"),
    _count("billed_prompt_tokens"),
    Column("is_estimated", Boolean, nullable=False),
    _time("latency_s"),
    _text("served_model"),
    _count("spend_nusd"),
    _time("done_at"),
    _text("checksum"),
    Index("ix_calls_study", "study_id"),
)
"""Completions. Rows are only ever inserted, and deleted when their checksum fails."""

intents = Table(
    "intents",
    metadata,
    _text("digest", primary_key=True),
    Column("slot", Integer, primary_key=True, autoincrement=False, nullable=False),
    _text("owner", primary_key=True),
    _text("study_id"),
    _count("reserved_nusd"),
    _count("reserved_tokens"),
    _time("sent_at"),
    sqlite_with_rowid=False,
)
"""Calls to be made and in flight. The owner is part of the key: two buyers of one call are both
accounted for. ``sent_at`` is when the request may have left; where it has not, minus the time of
the claim or of the last try."""

lost_calls = Table(
    "lost_calls",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    _text("digest"),
    Column("slot", Integer, nullable=False),
    _text("study_id"),
    _text("reason"),
    _count("nusd"),
    _count("tokens"),
    _time("lost_at"),
    Index("ix_lost_calls_study", "study_id"),
)
"""Purchases without a stored completion. Only ever inserted: buying again forgets nothing."""

instructions = Table(
    "instructions",
    metadata,
    Column("study_id", Text, ForeignKey("studies.id"), primary_key=True, nullable=False),
    Column("number", Integer, primary_key=True, autoincrement=False, nullable=False),
    _text("verb"),
    _text("arguments"),
    _text("given_by"),
    _time("given_at"),
    _text("state"),
    _text("answer"),
    Column("answered_at", Double),
)
"""What users asked of a study from outside its process, and what came of it: its history of
changes. Rows are never deleted."""

studies = Table(
    "studies",
    metadata,
    _text("id", primary_key=True),
    _text("name"),
    _time("created_at"),
    _text("job"),
    _text("job_sha256"),
    _text("state"),
    _text("stop_reason"),
    _text("owner"),
    _text("benchmark_fingerprint"),
    _count("seed"),
    # Added to rows that were there before them: hence the defaults.
    Column("elapsed_s", Double, nullable=False, server_default=text("0")),
    Column("heartbeat_at", Double, nullable=False, server_default=text("0")),
    Column("paused_at", Double, nullable=False, server_default=text("0")),
    Column("progress", Text, nullable=False, server_default=text("''")),
    Index("ix_studies_created", "created_at"),
)
"""``paused_at`` is 0 unless the process that runs the study waits for `archon resume`; ``progress``
is what that process last said of itself, as JSON."""

examples = Table(
    "examples",
    metadata,
    Column("study_id", Text, ForeignKey("studies.id"), primary_key=True, nullable=False),
    _text("split", primary_key=True),
    _text("example_id", primary_key=True),
    Column("position", Integer, nullable=False),
    _text("row"),
)

trials = Table(
    "trials",
    metadata,
    Column("study_id", Text, ForeignKey("studies.id"), primary_key=True, nullable=False),
    Column("number", Integer, primary_key=True, autoincrement=False, nullable=False),
    _text("pipeline_id"),
    _text("architecture"),
    _text("choices"),
    _text("origin"),
    _text("state"),
    Column("objectives", Text),
    _text("reason"),
    Column("n_examples", Integer, nullable=False),
    _time("proposed_at"),
    Column("ended_at", Double),
)

example_results = Table(
    "example_results",
    metadata,
    _text("study_id", primary_key=True),
    _text("split", primary_key=True),
    _text("pipeline_id", primary_key=True),
    _text("example_id", primary_key=True),
    _text("status"),
    _text("answer"),
    _text("raw"),
    Column("answer_digest", Text),
    Column("answer_slot", Integer),
    Column("score", Double),
    _text("reason"),
    _count("deployed_calls"),
    _count("deployed_prompt_tokens"),
    _count("deployed_completion_tokens"),
    _count("deployed_nusd"),
    _time("deployed_latency_s"),
    _count("bought_calls"),
    _count("bought_prompt_tokens"),
    _count("bought_completion_tokens"),
    _count("bought_nusd"),
    _time("bought_latency_s"),
    _text("degradations"),
    Column("trace", LargeBinary, nullable=False),
    _text("error"),
    ForeignKeyConstraint(
        ["study_id", "split", "example_id"],
        ["examples.study_id", "examples.split", "examples.example_id"],
    ),
)

reports = Table(
    "reports",
    metadata,
    Column("study_id", Text, ForeignKey("studies.id"), primary_key=True, nullable=False),
    _text("body"),
    _time("written_at"),
)
