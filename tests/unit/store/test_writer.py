from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa

from archon.core.errors import NotFound, StoreError
from archon.store.database import parse_url, write_engine
from archon.store.writer import Step, Writer


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = write_engine(parse_url(f"sqlite:///{tmp_path / 'a.db'}"))
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE numbers (n INTEGER PRIMARY KEY)"))
    yield engine
    engine.dispose()


class Numbers:
    """Inserts numbers, and notes the size of each group; ``gate`` holds the writer's thread up."""

    def __init__(self) -> None:
        self.groups: list[int] = []
        self.gate = threading.Event()
        self.gate.set()
        self.n_locked = 0

    def insert(self, connection: sa.Connection, numbers: Sequence[int]) -> list[int | StoreError]:
        self.gate.wait()
        self.groups.append(len(numbers))
        if self.n_locked:
            self.n_locked -= 1
            locked = sqlite3.OperationalError("database is locked")
            raise sa.exc.OperationalError("INSERT", {}, locked)
        rows = [{"n": n} for n in numbers]
        connection.execute(sa.text("INSERT INTO numbers VALUES (:n)"), rows)
        return [-n if n < 100 else NotFound(f"no {n}") for n in numbers]


def stored(engine: sa.Engine) -> list[int]:
    with engine.connect() as connection:
        return list(connection.scalars(sa.text("SELECT n FROM numbers ORDER BY n")))


async def test_pending_work_shares_a_transaction(engine: sa.Engine) -> None:
    numbers, writer = Numbers(), Writer(engine)
    step = Step(0, numbers.insert)
    numbers.gate.clear()
    first = writer.submit(step, 0)
    await asyncio.sleep(0)
    while not writer._queue.empty():
        await asyncio.sleep(0.01)
    rest = [writer.submit(step, n) for n in range(1, 50)]
    numbers.gate.set()
    assert await asyncio.gather(first, *rest) == [-n for n in range(50)]
    writer.close()
    assert numbers.groups == [1, 49]


async def test_what_tasks_submit_in_one_turn_of_the_loop_is_one_transaction(
    engine: sa.Engine,
) -> None:
    numbers, writer = Numbers(), Writer(engine)
    step = Step(0, numbers.insert)

    async def work(n: int) -> list[int]:
        return [await writer.submit(step, 2 * n), await writer.submit(step, 2 * n + 1)]

    assert await asyncio.gather(*(work(n) for n in range(20))) == [
        [-2 * n, -2 * n - 1] for n in range(20)
    ]
    writer.close()
    assert numbers.groups == [20, 20]


async def test_bad_row_fails_its_caller_and_no_other(engine: sa.Engine) -> None:
    numbers, writer = Numbers(), Writer(engine)
    step = Step(0, numbers.insert)
    futures = [writer.submit(step, n) for n in (1, 2, 2, 2**70, 3)]
    outcomes = await asyncio.gather(*futures, return_exceptions=True)
    writer.close()
    assert [type(o) is StoreError for o in outcomes] == [False, False, True, True, False]
    assert stored(engine) == [1, 2, 3]


async def test_refusal_of_a_step_is_raised_where_the_work_came_from(engine: sa.Engine) -> None:
    numbers, writer = Numbers(), Writer(engine)
    with pytest.raises(NotFound, match="no 100"):
        await writer.submit(Step(0, numbers.insert), 100)
    writer.close()


async def test_locked_database_is_tried_again(engine: sa.Engine) -> None:
    numbers, writer = Numbers(), Writer(engine)
    numbers.n_locked = 3
    assert await writer.submit(Step(0, numbers.insert), 7) == -7
    writer.close()
    assert (numbers.groups, stored(engine)) == ([1, 1, 1, 1], [7])


async def test_closing_finishes_what_is_pending(engine: sa.Engine) -> None:
    numbers, writer = Numbers(), Writer(engine)
    futures = [writer.submit(Step(0, numbers.insert), n) for n in range(20)]
    writer.close()
    assert len(await asyncio.gather(*futures)) == 20
    assert stored(engine) == list(range(20))


async def test_cancelled_caller_disturbs_nobody(engine: sa.Engine) -> None:
    numbers, writer = Numbers(), Writer(engine)
    gone, waiting = (writer.submit(Step(0, numbers.insert), n) for n in (1, 2))
    gone.cancel()
    assert await waiting == -2
    writer.close()


def test_work_may_come_from_several_event_loops(engine: sa.Engine) -> None:
    numbers, writer = Numbers(), Writer(engine)

    async def work(start: int) -> list[int]:
        step = Step(0, numbers.insert)
        return [await writer.submit(step, n) for n in range(start, start + 10)]

    results: dict[int, list[int]] = {}
    threads = [
        threading.Thread(target=lambda s=start: results.update({s: asyncio.run(work(s))}))
        for start in (0, 10, 20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()
    assert results == {s: [-n for n in range(s, s + 10)] for s in (0, 10, 20)}
