"""The store on both databases: its contracts, and what survives kills, damage and restarts."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from archon.core.errors import Conflict, StoreError
from archon.core.records import NewStudy
from archon.store import Store, open_store
from archon.store.database import parse_url, write_engine
from archon.store.migrate import bring_up_to_date
from archon.store.schema import metadata
from archon.testing.instructions import InstructionSuite
from archon.testing.postgres import Cluster, postgres_cluster
from archon.testing.stores import IDENTITY, CallStoreSuite, batch_of, reply_to
from archon.testing.studies import StudyStoreSuite

BUYER = """
import asyncio, sys
from archon.store import open_store
from archon.testing.stores import IDENTITY, batch_of, reply_to

async def buy(calls, first):
    for i in range(first, 10**9, 8):
        batch = batch_of(f"Question {i}")
        await calls.claim(batch, IDENTITY, reserved_nusd=100, reserved_tokens=40)
        await calls.put((reply_to(batch, f"Answer {i}"),), (7,))
        print(i, flush=True)

async def main(calls):
    await asyncio.gather(*(buy(calls, first) for first in range(8)))

asyncio.run(main(open_store(sys.argv[1]).calls("s")))
"""

SHARER = """
import asyncio, sys
from archon.store import open_store
from archon.testing.stores import IDENTITY, batch_of, reply_to

async def buy(calls, i):
    batch = batch_of(f"Question {i}", (0, 1))
    found = await calls.claim(batch, IDENTITY)
    missing = [i for i, key in enumerate(batch.keys()) if key not in found]
    await asyncio.sleep(0.01)
    await calls.put(tuple(reply_to(batch, sys.argv[2], i) for i in missing), (7,) * len(missing))
    return len(missing)

async def main(calls):
    print(sum(await asyncio.gather(*(buy(calls, i) for i in range(100)))))

store = open_store(sys.argv[1])
asyncio.run(main(store.calls("s")))
store.close()
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with postgres_cluster() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'archon.db'}"
    databases: Cluster = request.getfixturevalue("cluster")
    return databases.create_database(f"test_{os.urandom(4).hex()}")


class TestStores(CallStoreSuite, StudyStoreSuite, InstructionSuite):
    @pytest.fixture
    def opener(self, url: str) -> Callable[[], Store]:
        return lambda: open_store(url)


def alter(url: str, statement: str) -> int:
    """Change rows behind the store's back; says how many."""
    engine = write_engine(parse_url(url))
    with engine.begin() as connection:
        n = connection.execute(sa.text(statement)).rowcount
    engine.dispose()
    return n


async def test_acknowledged_calls_survive_a_kill_and_the_rest_is_uncertain(url: str) -> None:
    with open_store(url):
        pass
    process = subprocess.Popen([sys.executable, "-c", BUYER, url], stdout=subprocess.PIPE)
    assert process.stdout is not None
    acknowledged = [int(process.stdout.readline()) for _ in range(200)]
    process.send_signal(signal.SIGKILL)
    acknowledged += [int(line) for line in process.stdout.read().splitlines()]
    process.wait()
    process.stdout.close()
    with open_store(url) as store:
        spend = store.reader().spend("s")
        for i in acknowledged:
            batch = batch_of(f"Question {i}")
            found = await store.calls("s").claim(batch, IDENTITY)
            assert found[batch.keys()[0]].text == f"Answer {i}"
    assert spend.n_in_flight == 0
    assert spend.n_uncertain <= 8, "at most the calls in flight are lost"
    assert spend.uncertain_nusd == 100 * spend.n_uncertain
    assert len(acknowledged) <= spend.n_bought <= len(acknowledged) + 8


async def test_processes_that_want_the_same_calls_share_them(url: str) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", SHARER, url, name], stdout=subprocess.PIPE)
        for name in ("a", "b", "c")
    ]
    n_bought = sum(int(process.communicate()[0]) for process in processes)
    with open_store(url) as store:
        spend = store.reader().spend("s")
    assert (spend.n_bought, spend.n_in_flight, spend.n_uncertain) == (200, 0, 0)
    assert n_bought == 200 + spend.n_duplicate, "every purchase is accounted for"
    if url.startswith("sqlite"):
        assert spend.n_duplicate == 0


async def test_live_process_keeps_its_intents_when_another_opens_the_store(url: str) -> None:
    with open_store(url) as buyer:
        await buyer.calls("s").claim(batch_of(), IDENTITY, reserved_nusd=100)
        with open_store(url) as other:
            spend = other.reader().spend("s")
    assert (spend.n_in_flight, spend.n_uncertain) == (1, 0)


async def test_study_of_a_host_that_is_gone_is_free_after_half_a_minute_of_silence(
    url: str,
) -> None:
    elsewhere = "UPDATE {} SET owner = 'gone/1/7/1/abcd'"
    with open_store(url) as store:
        await store.studies().create(NewStudy("s", "sums", "{}", "f", 0), ())
        await store.calls("s").claim(batch_of(), IDENTITY, reserved_nusd=100)
        queued = batch_of("Waits for a place?", slots=(0, 1))
        await store.calls("s").claim(queued, IDENTITY, reserved_nusd=100, is_sent=False)
        for table, n in (("studies", 1), ("intents", 3)):
            assert alter(url, elsewhere.format(table)) == n
    with open_store(url) as store:
        assert store.reader().find_study("s").has_live_owner
        with pytest.raises(Conflict, match=r"process 7 on gone.*try again in (29|30) s"):
            await store.studies().take("s")
        alter(url, "UPDATE studies SET heartbeat_at = heartbeat_at - 30")
        assert not store.reader().find_study("s").has_live_owner
        await store.studies().take("s")
        spend = store.reader().spend("s")
    assert (spend.n_in_flight, spend.n_uncertain, spend.uncertain_nusd) == (0, 1, 100)


class Clock:
    """Stands in for the module ``time`` where the store looks at the time."""

    now = 1_000_000.0

    def time(self) -> float:
        return self.now


async def test_time_in_which_a_study_was_paused_is_not_counted_when_its_process_is_killed(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr("archon.store.studies.time", clock)
    with open_store(url) as store:
        await store.studies().create(NewStudy("s", "sums", "{}", "f", 0), ())
        await store.studies().beat("s", elapsed_s=10.0)
        await store.studies().hold("s", is_held=True, elapsed_s=12.0)
        clock.now += 4
    with open_store(url) as store:
        await store.studies().take("s")
        killed_in_the_pause = store.reader().find_study("s").elapsed_s
        await store.studies().hold("s", is_held=True, elapsed_s=15.0)
        clock.now += 4
        await store.studies().hold("s", is_held=False, elapsed_s=15.0)
        clock.now += 1
    with open_store(url) as store:
        await store.studies().take("s")
        killed_after_it = store.reader().find_study("s").elapsed_s
        clock.now += 4
    with open_store(url) as store:
        await store.studies().take("s")
        killed_as_it_ran = store.reader().find_study("s").elapsed_s
    assert (killed_in_the_pause, killed_after_it, killed_as_it_ran) == (12.0, 16.0, 20.0)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE calls SET text = 'Answer 2' WHERE text = 'Answer 1'",
        "UPDATE calls SET spend_nusd = 8 WHERE text = 'Answer 1'",
        "UPDATE calls SET checksum = 'none' WHERE text = 'Answer 1'",
    ],
    ids=["text", "spend", "checksum"],
)
async def test_damaged_call_is_asked_again_and_reported(url: str, damage: str) -> None:
    batch = batch_of()
    with open_store(url) as store:
        await store.calls("s").put((reply_to(batch, "Answer 1"),), (7,))
        assert alter(url, damage) == 1
        calls = store.calls("s")
        assert await calls.claim(batch, IDENTITY) == {}
        await calls.put((reply_to(batch, "Answer 3"),), (7,))
        found = await calls.claim(batch, IDENTITY)
        spend = store.reader().spend("s")
    assert found[batch.keys()[0]].text == "Answer 3"
    assert (spend.n_corrupt, spend.n_bought) == (1, 1)


async def test_calls_that_changed_places_are_both_asked_again(url: str) -> None:
    batch = batch_of(slots=(0, 1))
    with open_store(url) as store:
        calls = store.calls("s")
        await calls.put((reply_to(batch, "a"), reply_to(batch, "b", 1)), (7, 7))
        for old, new in ((0, 2), (1, 0), (2, 1)):
            alter(url, f"UPDATE calls SET slot = {new} WHERE slot = {old}")
        assert await calls.claim(batch, IDENTITY) == {}
        assert store.reader().spend("s").n_corrupt == 2


def test_tables_are_what_the_code_says(url: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    engine = write_engine(parse_url(url))
    bring_up_to_date(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_no_table_has_a_place_for_secrets(url: str) -> None:
    with open_store(url) as store:
        assert "archon" in store.url
    engine = write_engine(parse_url(url))
    with engine.connect() as connection:
        inspector = sa.inspect(connection)
        names = {
            column["name"]
            for table in inspector.get_table_names()
            for column in inspector.get_columns(table)
        }
    engine.dispose()
    suspicious = ("key", "secret", "password", "credential", "authorization", "header", "endpoint")
    assert "digest" in names
    assert not [name for name in names if any(word in name for word in suspicious)]


async def test_calls_in_flight_outlive_a_restart_of_postgresql() -> None:
    with postgres_cluster() as cluster, open_store(cluster.create_database("archon")) as store:
        calls = store.calls("s")
        batches = [batch_of(f"Question {i}") for i in range(16)]
        for batch in batches:
            await calls.claim(batch, IDENTITY, reserved_nusd=100)
        cluster.stop()
        putting = [
            asyncio.create_task(calls.put((reply_to(batch, f"Answer {i}"),), (7,)))
            for i, batch in enumerate(batches)
        ]
        await asyncio.sleep(1.0)
        assert not any(task.done() for task in putting), "they wait for the database"
        await asyncio.to_thread(cluster.start)
        await asyncio.gather(*putting)
        spend = store.reader().spend("s")
    assert (spend.n_bought, spend.n_in_flight, spend.n_duplicate) == (16, 0, 0)


async def test_cut_connections_to_postgresql_are_made_again(cluster: Cluster) -> None:
    url = cluster.create_database("cut")
    with open_store(url) as store:
        await store.calls("s").claim(batch_of(), IDENTITY)
        alter(
            url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        await store.calls("s").put((reply_to(batch_of()),), (7,))
        assert store.reader().spend("s").n_bought == 1


def test_lost_database_is_a_store_error_for_readers(tmp_path: Path) -> None:
    path = tmp_path / "archon.db"
    with open_store(f"sqlite:///{path}") as store:
        alter(f"sqlite:///{path}", "DROP TABLE reports")
        with pytest.raises(StoreError, match=r"archon\.db: no such table: reports"):
            store.reader().report("s")


def test_unreachable_database_is_named_without_its_password() -> None:
    url = "postgresql://ann:hunter2@127.0.0.1:1/archon"
    with pytest.raises(StoreError, match="postgresql://ann:") as caught:
        open_store(url)
    assert "hunter2" not in str(caught.value)
