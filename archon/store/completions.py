"""How a completion stands in its row, with the checksum that every reading verifies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import sqlalchemy as sa

from archon.core.calls import CallKey, Finish, ModelReply, Usage
from archon.store.texts import checksum, escape_all, original

_CHECKED = (
    "digest",
    "slot",
    "text",
    "reasoning",
    "raw",
    "finish",
    "prompt_tokens",
    "completion_tokens",
    "billed_prompt_tokens",
    "is_estimated",
    "latency_s",
    "served_model",
    "spend_nusd",
)
"""The key is part of it: two rows that changed places are found out too."""


def to_row(reply: ModelReply, spend_nusd: int) -> dict[str, Any]:
    """The columns of a reply, without those that say who bought it when."""
    texts, raw = escape_all(
        {"text": reply.text, "reasoning": reply.reasoning, "served_model": reply.served_model}
    )
    row: dict[str, Any] = {
        "digest": reply.key.digest,
        "slot": reply.key.slot,
        **texts,
        "raw": raw,
        "finish": reply.finish,
        "prompt_tokens": reply.usage.prompt_tokens,
        "completion_tokens": reply.usage.completion_tokens,
        "billed_prompt_tokens": reply.usage.billed_prompt_tokens,
        "is_estimated": reply.usage.is_estimated,
        "latency_s": float(reply.latency_s),
        "spend_nusd": spend_nusd,
    }
    row["checksum"] = _checksum(row)
    return row


def is_intact(row: sa.Row[Any]) -> bool:
    """Whether a row of ``calls`` is what was once written."""
    columns = row._mapping
    return bool(columns["checksum"] == _checksum(columns))


def from_row(row: sa.Row[Any]) -> ModelReply:
    """The stored reply."""
    return ModelReply(
        key=CallKey(row.digest, row.slot),
        text=original("text", row.text, row.raw),
        finish=cast(Finish, row.finish),
        usage=usage_of(row),
        latency_s=row.latency_s,
        served_model=original("served_model", row.served_model, row.raw),
        reasoning=original("reasoning", row.reasoning, row.raw),
        is_reused=True,
    )


def usage_of(row: sa.Row[Any]) -> Usage:
    """The stored token counts."""
    return Usage(
        row.prompt_tokens, row.completion_tokens, row.billed_prompt_tokens, bool(row.is_estimated)
    )


def _checksum(columns: Mapping[Any, Any]) -> str:
    # A boolean comes as a number from SQLite's driver.
    values = dict(columns) | {"is_estimated": bool(columns["is_estimated"])}
    return checksum([values[name] for name in _CHECKED])
