from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from archon.core.errors import SetupError, StoreError
from archon.store import open_store
from archon.store.database import display, parse_url, write_engine
from archon.testing.stores import IDENTITY, batch_of, reply_to

HOLD = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
time.sleep(1.5)
connection.execute("COMMIT")
"""


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "not a URL"),
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
        ("mysql://host/name", "a mysql database cannot be used"),
        ("postgresql://ann:hunter2@host:abc/name", "not a URL"),
    ],
    ids=["no-url", "no-file", "memory", "other-database", "no-port"],
)
def test_unusable_url_says_what_to_write(url: str, message: str) -> None:
    with pytest.raises(SetupError, match=message):
        open_store(url)


def test_password_is_never_displayed() -> None:
    url = parse_url("postgresql://ann:hunter2@db:5432/archon")
    assert display(url) == "postgresql://ann:***@db:5432/archon"


def test_new_file_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "new" / "archon.db"
    with open_store(f"sqlite:///{path}"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"file/archon\.db.*Name a file"):
        open_store(f"sqlite:///{tmp_path}/file/archon.db")


def test_file_of_another_kind_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("milk, bread and a good deal more than that\n" * 50)
    before = path.read_bytes()
    with pytest.raises(StoreError, match="not a database"):
        open_store(f"sqlite:///{path}")
    assert path.read_bytes() == before


def test_every_commit_waits_for_the_disk(tmp_path: Path) -> None:
    engine = write_engine(parse_url(f"sqlite:///{tmp_path / 'a.db'}"))
    with engine.connect() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    engine.dispose()
    full = 2
    assert found == {
        "journal_mode": "wal",
        "synchronous": full,
        "foreign_keys": 1,
        "busy_timeout": 10_000,
    }


async def test_locked_file_delays_calls_and_fails_none(tmp_path: Path) -> None:
    path = tmp_path / "archon.db"
    batch = batch_of()
    with open_store(f"sqlite:///{path}") as store:
        await store.calls().claim(batch, IDENTITY)
        holder = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE)
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        began = time.monotonic()
        await store.calls().put((reply_to(batch),), (1,))
        assert time.monotonic() - began > 0.5
        assert await store.calls().claim(batch, IDENTITY)
        holder.communicate()


async def test_full_disk_is_said_and_what_was_stored_is_intact(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'archon.db'}"
    first, second = batch_of("first"), batch_of("second")
    with open_store(url) as store:
        await store.calls().put((reply_to(first),), (1,))

    def allow_no_growth(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")

    sa.event.listen(sa.Pool, "connect", allow_no_growth)
    try:
        with open_store(url) as store:
            calls = store.calls()
            with pytest.raises(StoreError, match=r"disk is full.*Free some space"):
                await calls.put((reply_to(second, "x" * 1_000_000),), (1,))
            assert await calls.claim(first, IDENTITY)
    finally:
        sa.event.remove(sa.Pool, "connect", allow_no_growth)
    with open_store(url) as store:
        assert store.reader().spend("").n_bought == 1
