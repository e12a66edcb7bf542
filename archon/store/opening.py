"""Opening a store: the schema brought up to date, the dead accounted for, one writer started."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import sqlalchemy as sa

from archon.store.calls import CallSteps, StoredCalls
from archon.store.database import BAD_WORK, display, explain, parse_url, read_engine, write_engine
from archon.store.instructions import InstructionSteps, StoredInstructions
from archon.store.migrate import bring_up_to_date, check_readable, no_study_in, revision
from archon.store.owners import new_owner
from archon.store.reading import Reader
from archon.store.schema import HEAD
from archon.store.studies import StoredStudies, StudySteps
from archon.store.trials import StoredTrials, TrialSteps
from archon.store.writer import Writer


class Store:
    """One opened database: hands out what writes and reads it. Use ``open_store``.

    Writing goes through one thread and may be awaited from any event loop; readers have their own
    connections. Not for use after a fork.
    """

    def __init__(self, writing: sa.Engine, reading: sa.Engine) -> None:
        dialect = writing.dialect.name
        self._writing = writing
        self._reading = reading
        self._owner = new_owner()
        self._call_steps = CallSteps(self._owner, dialect)
        self._study_steps = StudySteps(self._owner, dialect)
        self._trial_steps = TrialSteps(dialect)
        self._instruction_steps = InstructionSteps(self._owner)
        with writing.begin() as connection:
            self._call_steps.bury_the_dead(connection)
        self._writer = Writer(writing)

    @property
    def url(self) -> str:
        """Where the database is, without a password."""
        return display(self._writing.url)

    def calls(self, study_id: str = "") -> StoredCalls:
        """The calls, with what is bought put down to this study ("" = to none)."""
        return StoredCalls(self._writer, self._call_steps, study_id)

    def studies(self) -> StoredStudies:
        """Makes studies and moves them between their states."""
        return StoredStudies(self._writer, self._study_steps)

    def trials(self, study_id: str) -> StoredTrials:
        """The log of one study's trials."""
        return StoredTrials(self._writer, self._trial_steps, study_id)

    def instructions(self, study_id: str) -> StoredInstructions:
        """What users ask of one study from outside its process."""
        return StoredInstructions(self._writer, self._instruction_steps, study_id)

    def reader(self) -> Reader:
        """Reads everything; may be used from any thread."""
        return Reader(self._reading)

    def close(self) -> None:
        """Finish what is pending; calls still in flight count as uncertain spend from now on."""
        self._writer.close()
        try:
            with self._writing.begin() as connection:
                self._call_steps.bury(connection, [self._owner])
                self._study_steps.release(connection)
        except BAD_WORK as error:
            raise explain(error, self._writing.url) from error
        finally:
            self._writing.dispose()
            self._reading.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_store(url: str, *, is_upgrade_allowed: bool = True) -> Store:
    """Open the database, creating or upgrading its tables first.

    Args:
        url: ``sqlite:////path/to/file.db`` or ``postgresql://user@host/name``.
        is_upgrade_allowed: Whether data of an older version may be upgraded on the way.

    Raises:
        SetupError: The URL or the database's driver is wrong.
        SchemaOutdated: Another version wrote the database; says which command mends it.
        StoreError: The database cannot be reached or read.
    """
    parsed = parse_url(url)
    engine = write_engine(parsed)
    try:
        bring_up_to_date(engine, is_upgrade_allowed=is_upgrade_allowed)
        return Store(engine, read_engine(parsed))
    except BAD_WORK as error:
        engine.dispose()
        raise explain(error, parsed) from error


@contextlib.contextmanager
def open_reader(url: str) -> Iterator[Reader]:
    """Read a database that is there; nothing is created, upgraded or written.

    Args:
        url: As for ``open_store``.

    Raises:
        SetupError: The URL or the database's driver is wrong.
        NotFound: There is no database, or nothing in it yet.
        SchemaOutdated: Another version wrote the database; says which command mends it.
        StoreError: The database cannot be reached or read.
    """
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite" and not _holds_anything(Path(parsed.database or "")):
        raise no_study_in(parsed)
    engine = read_engine(parsed)
    try:
        try:
            check_readable(engine)
        except BAD_WORK as error:
            raise explain(error, parsed) from error
        yield Reader(engine)
    finally:
        engine.dispose()


@dataclass(frozen=True, slots=True)
class SchemaStatus:
    """A database and its tables."""

    url: str
    """Where it is, without a password."""
    found: str | None
    """Its schema; None where it has none of ours, or is not there."""
    newest: str
    """The schema that this version works with."""

    @property
    def is_current(self) -> bool:
        """Whether this version can work with it as it is."""
        return self.found == self.newest


def schema_status(url: str) -> SchemaStatus:
    """Look at a database; nothing is created or changed.

    Args:
        url: As for ``open_store``.

    Raises:
        SetupError: The URL or the database's driver is wrong.
        StoreError: The database cannot be reached or read.
    """
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite" and not _holds_anything(Path(parsed.database or "")):
        return SchemaStatus(display(parsed), None, HEAD)
    engine = read_engine(parsed)
    try:
        with engine.begin() as connection:
            return SchemaStatus(display(parsed), revision(connection), HEAD)
    except BAD_WORK as error:
        raise explain(error, parsed) from error
    finally:
        engine.dispose()


def _holds_anything(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0
