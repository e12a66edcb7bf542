"""Statements that several parts need."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

MAX_KEYS = 512


@functools.cache
def insert_new(table: sa.Table, dialect: str) -> sa.Insert:
    """An insert that leaves rows alone which are there already; ``rowcount`` is the new ones."""
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    # Inline: no RETURNING for keys that we know, which would hide the count.
    statement = insert(table).on_conflict_do_nothing().inline()
    return statement.execution_options(preserve_rowcount=True)


def has_key(table: sa.Table) -> sa.ColumnElement[bool]:
    """The condition that a row's (digest, slot) is among the parameter ``keys``."""
    pair = sa.tuple_(table.c.digest, table.c.slot)
    return pair.in_(sa.bindparam("keys", expanding=True))


def in_chunks(keys: Collection[tuple[str, int]]) -> Iterator[list[tuple[str, int]]]:
    """The keys in lists whose lengths are powers of two, the last key repeated.

    A statement is prepared once per length of its list, so there must be few lengths.
    """
    ordered = sorted(keys)
    for start in range(0, len(ordered), MAX_KEYS):
        chunk = ordered[start : start + MAX_KEYS]
        size = 1 << (len(chunk) - 1).bit_length()
        yield chunk + chunk[-1:] * (size - len(chunk))


def select_by_keys(
    connection: sa.Connection, statement: sa.Select[Any], keys: Collection[tuple[str, int]]
) -> Sequence[sa.Row[Any]]:
    """All rows of a statement that has ``has_key`` in its condition."""
    return [
        row
        for chunk in in_chunks(keys)
        for row in connection.execute(statement, {"keys": chunk}).all()
    ]
