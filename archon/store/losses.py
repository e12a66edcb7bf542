"""Calls in flight, and purchases that came to nothing: moved from one table to the other."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from archon.core.records import LossReason
from archon.store.schema import intents, lost_calls
from archon.store.statements import select_by_keys

_DELETE_INTENT = sa.delete(intents).where(
    intents.c.digest == sa.bindparam("b_digest"),
    intents.c.slot == sa.bindparam("b_slot"),
    intents.c.owner == sa.bindparam("b_owner"),
)


def take_away(
    connection: sa.Connection,
    condition: sa.ColumnElement[bool],
    keys: Collection[tuple[str, int]] | None = None,
) -> list[dict[str, Any]]:
    """Delete intents and return what they had reserved, for ``record_losses``.

    Args:
        connection: In a transaction.
        condition: Which intents.
        keys: The keys for a condition that holds ``has_key(intents)``.
    """
    # The lock (PostgreSQL) lets only one of two processes see the rows and count them.
    select = sa.select(intents).where(condition).with_for_update()
    rows = (
        connection.execute(select).all()
        if keys is None
        else select_by_keys(connection, select, keys)
    )
    if rows:
        delete_intents(connection, ((row.digest, row.slot, row.owner) for row in rows))
    return [
        {
            "digest": row.digest,
            "slot": row.slot,
            "study_id": row.study_id,
            "nusd": row.reserved_nusd,
            "tokens": row.reserved_tokens,
        }
        for row in rows
    ]


def delete_intents(connection: sa.Connection, keys: Iterable[tuple[str, int, str]]) -> None:
    """Delete the intents with these keys: (digest, slot, owner)."""
    connection.execute(
        _DELETE_INTENT,
        [{"b_digest": digest, "b_slot": slot, "b_owner": owner} for digest, slot, owner in keys],
    )


def record_losses(
    connection: sa.Connection, rows: Sequence[dict[str, Any]], reason: LossReason
) -> None:
    """Put down purchases that have no stored completion."""
    if rows:
        now = time.time()
        connection.execute(
            sa.insert(lost_calls), [row | {"reason": reason, "lost_at": now} for row in rows]
        )


def paid(row: Mapping[Any, Any]) -> dict[str, Any]:
    """What the completion in a row of ``calls`` took, for ``record_losses``."""
    return {
        "digest": row["digest"],
        "slot": row["slot"],
        "study_id": row["study_id"],
        "nusd": row["spend_nusd"],
        "tokens": row["billed_prompt_tokens"] + row["completion_tokens"],
    }
