"""Calls in flight, and purchases that came to nothing: moved from one table to the other."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from archon.core.records import LossReason
from archon.store.schema import intents, lost_calls
from archon.store.statements import Key, Prepared, select_by_keys

_KEY = (intents.c.digest, intents.c.slot, intents.c.owner)
_IS_ROW = [column == sa.bindparam(column.name, type_=column.type) for column in _KEY]
_DELETE = Prepared(sa.delete(intents).where(*_IS_ROW))


def take_away(
    connection: sa.Connection,
    condition: sa.ColumnElement[bool],
    keys: Collection[Key] | None = None,
) -> list[dict[str, Any]]:
    """Delete intents and return what they had reserved, for ``record_losses``.

    Args:
        connection: In a transaction.
        condition: Which intents.
        keys: Only those with these keys.
    """
    # The lock (PostgreSQL) lets only one of two processes see the rows and count them.
    select = sa.select(intents).where(condition).with_for_update(of=intents)
    rows = (
        connection.execute(select).all()
        if keys is None
        else select_by_keys(connection, select, intents, keys)
    )
    delete_intents(connection, [dict(row._mapping) for row in rows])
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


def delete_intents(connection: sa.Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Delete the intents with the digest, slot and owner of these rows."""
    _DELETE.write(connection, rows)


def bury(connection: sa.Connection, owner: str) -> None:
    """Turn the intents of a dead owner into uncertain spend; what was not sent is forgotten."""
    take_away(connection, sa.and_(intents.c.owner == owner, intents.c.sent_at < 0))
    record_losses(connection, take_away(connection, intents.c.owner == owner), "owner_died")


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
