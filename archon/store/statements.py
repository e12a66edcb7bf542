"""Statements that several parts need, and the quick way to run those that every call runs."""

from __future__ import annotations

import functools
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

Key = tuple[str, int]
"""Digest and slot."""

_ENCODER = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"))


@functools.cache
def insert_new(table: sa.Table, dialect: str) -> sa.Insert:
    """An insert that leaves rows alone which are there already; ``rowcount`` is the new ones."""
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    # Inline: no RETURNING for keys that we know, which would hide the count.
    statement = insert(table).on_conflict_do_nothing().inline()
    return statement.execution_options(preserve_rowcount=True)


def with_keys(statement: sa.Select[Any], table: sa.Table, dialect: str) -> sa.Select[Any]:
    """A statement that gives only rows whose (digest, slot) is in the list of parameter ``keys``.

    The list is one parameter, as JSON, and is joined: a statement is then the same for any number
    of keys, and each row is looked up by its whole key. Under a condition that a pair is in a list,
    SQLite reads all of the table, or all slots of a digest.
    """
    keys = sa.bindparam("keys", type_=sa.Text)
    if dialect == "postgresql":
        pairs = sa.func.json_array_elements(sa.cast(keys, postgresql.JSON))
        first, second = "wanted.value ->> 0", "wanted.value ->> 1"
    else:
        pairs = sa.func.json_each(keys)
        first, second = (f"json_extract(wanted.value, '$[{place}]')" for place in (0, 1))
    has_digest = table.c.digest == sa.literal_column(first, sa.Text)
    has_slot = table.c.slot == sa.cast(sa.literal_column(second), sa.Integer)
    wanted = pairs.table_valued("value", name="wanted")
    return statement.join(wanted, sa.and_(has_digest, has_slot))


def listed(keys: Iterable[Key]) -> dict[str, str]:
    """The parameter of ``with_keys``."""
    return {"keys": _ENCODER.encode(sorted(set(keys)))}


def select_by_keys(
    connection: sa.Connection,
    statement: sa.Select[Any],
    table: sa.Table,
    keys: Collection[Key],
) -> Sequence[sa.Row[Any]]:
    """The rows of a statement whose key in ``table`` is one of these."""
    if not keys:
        return []
    chosen = with_keys(statement, table, connection.dialect.name)
    return connection.execute(chosen, listed(keys)).all()


class Prepared:
    """A statement in the driver's own SQL, for what every call runs.

    Binding parameters by SQLAlchemy's types costs several times what the database does with them.
    Here they go to the driver as they are, by name, and rows come as it gives them: SQLite's
    booleans are numbers then.
    """

    def __init__(self, statement: sa.sql.expression.ClauseElement) -> None:
        self._statement = statement
        self._sql: dict[str, str] = {}

    def _sql_for(self, connection: sa.Connection) -> str:
        dialect = connection.dialect
        if dialect.name not in self._sql:
            self._sql[dialect.name] = str(self._statement.compile(dialect=dialect))
        return self._sql[dialect.name]

    def all(
        self, connection: sa.Connection, parameters: Mapping[str, object]
    ) -> Sequence[sa.Row[Any]]:
        """The rows of a query."""
        return connection.exec_driver_sql(self._sql_for(connection), dict(parameters)).all()

    def write(self, connection: sa.Connection, rows: Sequence[dict[str, Any]]) -> int:
        """Run a change once for each row of parameters; returns how many rows changed."""
        if not rows:
            return 0
        done = connection.exec_driver_sql(
            self._sql_for(connection), list(rows), execution_options={"preserve_rowcount": True}
        )
        return done.rowcount
