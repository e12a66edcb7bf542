from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory

from archon.core.errors import SchemaOutdated
from archon.store import migrate, open_store
from archon.store.database import parse_url, write_engine
from archon.store.schema import HEAD
from archon.testing.stores import IDENTITY, batch_of, reply_to

NEXT = """
from alembic import op
import sqlalchemy as sa

revision = "9999"
down_revision = "{head}"


def upgrade() -> None:
    op.add_column("calls", sa.Column("later", sa.Text()))
    {failure}
"""


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'archon.db'}"


@pytest.fixture
def later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The code as it may be one version from now: the file with its further migration."""
    folder = tmp_path / "migrations"
    shutil.copytree(migrate.MIGRATIONS, folder)
    script = folder / "versions" / "9999_later.py"
    script.write_text(NEXT.format(head=HEAD, failure=""))
    monkeypatch.setattr(migrate, "MIGRATIONS", folder)
    monkeypatch.setattr(migrate, "HEAD", "9999")
    return script


def state_of(url: str) -> tuple[str | None, bool]:
    """The schema's version, and whether the later column is there."""
    engine = write_engine(parse_url(url))
    with engine.connect() as connection:
        columns = {column["name"] for column in sa.inspect(connection).get_columns("calls")}
        found = migrate.revision(connection)
    engine.dispose()
    return found, "later" in columns


async def fill(url: str) -> None:
    with open_store(url) as store:
        await store.calls("s").put((reply_to(batch_of()),), (1,))


def test_head_is_the_last_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrate.MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


async def test_older_database_is_upgraded_with_its_calls(url: str, later: Path) -> None:
    with pytest.MonkeyPatch.context() as earlier:
        earlier.setattr(migrate, "HEAD", HEAD)
        await fill(url)
    assert state_of(url) == (HEAD, False)
    with open_store(url) as store:
        assert await store.calls("s").claim(batch_of(), IDENTITY)
    assert state_of(url) == ("9999", True)


async def test_study_of_the_first_schema_is_read_and_taken_after_the_upgrade(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = write_engine(parse_url(url))
    with monkeypatch.context() as earlier:
        earlier.setattr(migrate, "HEAD", "0001")
        migrate.bring_up_to_date(engine)
    names = ("name", "job", "job_sha256", "stop_reason", "benchmark_fingerprint")
    row = {"id": "s", "created_at": 1.0, "state": "running", "owner": "gone/1/7/1/abcd", "seed": 0}
    row |= dict.fromkeys(names, "")
    with engine.begin() as connection:
        columns = ", ".join(row)
        values = ", ".join(f":{name}" for name in row)
        connection.execute(sa.text(f"INSERT INTO studies ({columns}) VALUES ({values})"), row)
    engine.dispose()
    with open_store(url) as store:
        study = store.reader().find_study("s")
        await store.studies().take("s")
    assert (study.elapsed_s, study.has_live_owner) == (0.0, False)


async def test_older_database_is_left_alone_where_upgrades_are_not_allowed(
    url: str, later: Path
) -> None:
    with pytest.MonkeyPatch.context() as earlier:
        earlier.setattr(migrate, "HEAD", HEAD)
        await fill(url)
    with pytest.raises(SchemaOutdated, match="archon db upgrade"):
        open_store(url, is_upgrade_allowed=False)
    assert state_of(url) == (HEAD, False)


async def test_failing_upgrade_leaves_the_old_schema(url: str, later: Path) -> None:
    with pytest.MonkeyPatch.context() as earlier:
        earlier.setattr(migrate, "HEAD", HEAD)
        await fill(url)
    later.write_text(NEXT.format(head=HEAD, failure='raise RuntimeError("power cut")'))
    with pytest.raises(RuntimeError, match="power cut"):
        open_store(url)
    assert state_of(url) == (HEAD, False)


async def test_newer_database_is_refused_with_the_command(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(url)
    engine = write_engine(parse_url(url))
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(SchemaOutdated, match=r"has schema 9999.*pip install --upgrade archon"):
        open_store(url)
    assert state_of(url) == ("9999", False)


def test_two_processes_may_create_the_tables_at_once(url: str) -> None:
    code = "import sys; from archon.store import open_store; open_store(sys.argv[1]).close()"
    processes = [subprocess.Popen([sys.executable, "-c", code, url]) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert state_of(url) == (HEAD, False)


def test_opening_an_up_to_date_database_needs_no_alembic(url: str) -> None:
    with open_store(url):
        pass
    code = (
        "import sys; from archon.store import open_store; open_store(sys.argv[1]).close();"
        "sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, url], check=False).returncode == 0
