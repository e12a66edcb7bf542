"""Opening connections to SQLite and PostgreSQL, and saying what went wrong in a user's words."""

from __future__ import annotations

import os
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from archon.core.errors import SetupError, StoreError

BUSY_TIMEOUT_MS = 10_000

BAD_WORK = (SQLAlchemyError, ValueError, TypeError, OverflowError)
"""What a statement, or a value in it, can bring about."""


def parse_url(url: str) -> sa.URL:
    """Check a database URL and name its driver.

    Raises:
        SetupError: It is no URL of an SQLite file or a PostgreSQL database.
    """
    try:
        parsed = sa.make_url(url)
    except (ArgumentError, ValueError) as error:  # the latter for a port that is no number
        raise SetupError(
            "the database's address is not a URL. Write sqlite:////path/to/archon.db or "
            "postgresql://user@host/name"
        ) from error
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        if not parsed.database or parsed.database == ":memory:":
            raise SetupError("an SQLite database needs a file: sqlite:////path/to/archon.db")
        return parsed.set(drivername="sqlite+pysqlite")
    if backend in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    raise SetupError(f"a {backend} database cannot be used; SQLite and PostgreSQL can")


def display(url: sa.URL) -> str:
    """The URL as it may be shown: without the password."""
    return url.set(drivername=url.get_backend_name()).render_as_string(hide_password=True)


def write_engine(url: sa.URL) -> sa.Engine:
    """An engine whose every transaction may write."""
    if url.get_backend_name() != "sqlite":
        return _postgres(url)
    _create_file(Path(url.database or ""))
    engine = _sqlite(url)
    # A transaction that begins by reading and writes later fails at once when another process
    # has written in between, whatever the timeout; so a writer asks for its place first.
    sa.event.listen(engine, "begin", lambda c: c.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def read_engine(url: sa.URL) -> sa.Engine:
    """An engine for readers, who see one state of the database per transaction."""
    if url.get_backend_name() != "sqlite":
        return _postgres(url).execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
    engine = _sqlite(url)
    sa.event.listen(engine, "connect", lambda c, _: c.execute("PRAGMA query_only = ON"))
    sa.event.listen(engine, "begin", lambda c: c.exec_driver_sql("BEGIN"))
    return engine


def explain(error: Exception, url: sa.URL) -> StoreError:
    """Turn a driver's error into ours, with the place and what to do."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    first_line = (str(cause).strip().splitlines() or [type(cause).__name__])[0]
    message = f"database {display(url)}: {first_line}"
    if "disk is full" in first_line or "No space left" in first_line:
        return StoreError(f"{message}. Free some space and resume; what was stored is intact")
    if "locked" in first_line:
        return StoreError(f"{message}. Another process holds it; try again when that has ended")
    if "not a database" in first_line or "malformed" in first_line:
        return StoreError(f"{message}. Restore the file from a backup, or name another one")
    return StoreError(message)


def is_passing(error: BaseException) -> bool:
    """Whether the same statements may succeed when they are repeated.

    True for a busy or locked SQLite file, a connection that broke, a PostgreSQL server that is
    away or shutting down, and for transactions that it set back because they met others.
    """
    if not isinstance(error, DBAPIError):
        return False
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return state[:2] in ("08", "40", "53") or state in ("57P01", "57P02", "57P03", "55P03")
    if error.connection_invalidated:
        return True
    text = str(error.orig)
    is_sqlite = type(error.orig).__module__ == "sqlite3"
    return "locked" in text if is_sqlite else isinstance(error, sa.exc.OperationalError)


def _postgres(url: sa.URL) -> sa.Engine:
    try:
        return sa.create_engine(
            url,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={"connect_timeout": 10, "application_name": "archon"},
        )
    except ImportError as error:
        raise SetupError(
            f"psycopg is not installed, and {display(url)} needs it. "
            "Run: pip install 'archon[postgres]'"
        ) from error


def _sqlite(url: sa.URL) -> sa.Engine:
    engine = sa.create_engine(url, hide_parameters=True, paramstyle="named")
    sa.event.listen(engine, "connect", _set_up_sqlite)
    return engine


def _set_up_sqlite(connection: object, _record: object) -> None:
    connection.isolation_level = None  # type: ignore[attr-defined]  # we begin, not the driver
    for pragma in (
        f"busy_timeout = {BUSY_TIMEOUT_MS}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
    ):
        connection.execute(f"PRAGMA {pragma}")  # type: ignore[attr-defined]


def _create_file(path: Path) -> None:
    """Make the file, for its owner's eyes only: prompts and answers may be confidential."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise StoreError(
            f"database {path}: {error.strerror}. Name a file that you may write to"
        ) from error
