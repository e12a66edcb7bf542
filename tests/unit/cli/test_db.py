"""``archon db``: where things are kept, and in which schema."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from archon.store.opening import open_store
from archon.store.schema import HEAD
from tests.commands import archon


async def test_db_path_hides_the_password(tmp_path: Path) -> None:
    url = "postgresql://ann:hunter2@db.example:5432/archon"
    ran = await archon("db", "path", folder=tmp_path, ARCHON_DATABASE_URL=url)
    assert ran.out.strip() == "postgresql://ann:***@db.example:5432/archon"


async def test_db_without_a_verb_lists_its_verbs(tmp_path: Path) -> None:
    ran = await archon("db", folder=tmp_path)
    said = ran.out + ran.err
    assert "path" in said and "status" in said and "upgrade" in said
    assert "Missing command" not in said


async def test_db_status_looks_and_upgrade_makes(tmp_path: Path) -> None:
    ran = await archon("db", "status", folder=tmp_path)
    assert ran.code == 0
    assert "nothing stored yet" in ran.out
    assert not (tmp_path / "data").exists()
    made = await archon("db", "upgrade", folder=tmp_path)
    assert f"schema {HEAD} (from nothing)" in made.out
    again = await archon("db", "upgrade", folder=tmp_path)
    assert "was up to date" in again.out
    assert (
        f"schema {HEAD}, which is the newest" in (await archon("db", "status", folder=tmp_path)).out
    )


async def test_db_status_is_data_for_programs_too(tmp_path: Path) -> None:
    before = json.loads((await archon("db", "status", "--json", folder=tmp_path)).out)
    assert (before["schema"], before["newest"], before["is_current"]) == (None, HEAD, False)
    assert before["url"].startswith("sqlite:///")
    assert not (tmp_path / "data").exists()
    await archon("db", "upgrade", folder=tmp_path)
    after = json.loads((await archon("db", "status", "--json", folder=tmp_path)).out)
    assert (after["schema"], after["is_current"]) == (HEAD, True)


async def test_db_of_another_version_is_named_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "data" / "archon.db"
    open_store(f"sqlite:///{path}").close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    assert "schema 9999" in (await archon("db", "status", folder=tmp_path)).out
    for args in (("ls",), ("show", "sums"), ("db", "upgrade")):
        ran = await archon(*args, folder=tmp_path)
        assert ran.code == 3
        assert "schema 9999" in ran.err
        assert "pip install --upgrade archon" in ran.err
