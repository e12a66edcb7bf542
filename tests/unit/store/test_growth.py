"""What a call costs the database does not grow with the calls that are stored already."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from archon.core.calls import CallBatch
from archon.store.calls import Abandonment, CallSteps, Claim, FailedTry, Mark
from archon.store.completions import to_row
from archon.store.database import parse_url, write_engine
from archon.store.migrate import bring_up_to_date
from archon.testing.stores import IDENTITY, batch_of, reply_to

N_STORED = 5_000
N_KEYS = 10
STEPS_PER_COUNT = 10
"""SQLite reports its progress every so many steps of its virtual machine."""


class CountedEngine:
    """A database whose virtual machine's steps are counted."""

    def __init__(self, path: Path) -> None:
        self.engine = write_engine(parse_url(f"sqlite:///{path}"))
        self.count = 0
        sa.event.listen(self.engine, "connect", self._listen)
        bring_up_to_date(self.engine)
        self.steps = CallSteps("me", self.engine.dialect.name)

    def _listen(self, connection: object, _record: object) -> None:
        connection.set_progress_handler(self._tick, STEPS_PER_COUNT)  # type: ignore[attr-defined]

    def _tick(self) -> int:
        self.count += 1
        return 0

    def steps_of(self, work: Callable[[sa.Connection, CallSteps], object]) -> int:
        """How many steps the work takes in one transaction, which is then set back."""
        with self.engine.connect() as connection:
            before = self.count
            work(connection, self.steps)
            connection.rollback()
            return (self.count - before) * STEPS_PER_COUNT

    def fill(self, n: int) -> None:
        """Store and claim so many calls that nobody below asks for: of others, and other slots."""
        digests = [hashlib.sha256(str(i).encode()).hexdigest() for i in range(n)]
        batches = [replace(batch_of(), digest=digest, slots=(0,)) for digest in digests]
        batches += [replace(batch_of(), slots=(2 * N_KEYS + 2 * i,)) for i in range(n)]
        rows = [to_row(reply_to(batch), 1) | {"study_id": "s"} for batch in batches]
        with self.engine.begin() as connection:
            self.steps.put(connection, [rows])
            claims = [_claim(replace(b, slots=(b.slots[0] + 1,))) for b in batches]
            self.steps.claim(connection, claims)


def _claim(batch: CallBatch) -> Claim:
    return Claim(batch, IDENTITY, "s", 100, 40, is_patient=True)


def _batch() -> CallBatch:
    return replace(batch_of(), slots=tuple(range(N_KEYS)))


@pytest.fixture
def counted(tmp_path: Path) -> Iterator[CountedEngine]:
    database = CountedEngine(tmp_path / "archon.db")
    yield database
    database.engine.dispose()


KEYS = tuple((key.digest, key.slot) for key in _batch().keys())  # noqa: SIM118
ROWS = [to_row(reply_to(_batch(), index=i), 1) | {"study_id": "s"} for i in range(N_KEYS)]
AFTER_CLAIM: dict[str, Callable[[sa.Connection, CallSteps], object]] = {
    "nothing": lambda _connection, _steps: None,
    "put": lambda connection, steps: steps.put(connection, [[dict(row) for row in ROWS]]),
    "put twice": lambda connection, steps: steps.put(
        connection, [[dict(row) for row in ROWS], [row | {"checksum": "other"} for row in ROWS]]
    ),
    "mark": lambda connection, steps: steps.mark(connection, [Mark(KEYS, is_sent=True)]),
    "abandon": lambda connection, steps: steps.abandon(
        connection, [Abandonment(KEYS, is_maybe_billed=True)]
    ),
    "write off": lambda connection, steps: steps.write_off(connection, [FailedTry(KEYS, 2e9)]),
}


@pytest.mark.parametrize("name", AFTER_CLAIM)
def test_work_on_calls_does_not_grow_with_the_calls_that_are_stored(
    counted: CountedEngine, name: str
) -> None:
    def work(connection: sa.Connection, steps: CallSteps) -> None:
        steps.claim(connection, [_claim(_batch())])
        AFTER_CLAIM[name](connection, steps)

    counted.fill(N_KEYS)
    in_small = counted.steps_of(work)
    counted.fill(N_STORED)
    assert counted.steps_of(work) < 2 * in_small
