"""Reading a database that others write, without leaving anything in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from archon.core.errors import NotFound, SchemaOutdated, StoreError
from archon.store import migrate
from archon.store.opening import open_reader, open_store


def test_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "archon.db"
    expected = pytest.raises(NotFound, match=r"holds no study yet.*archon search")
    with expected, open_reader(f"sqlite:///{path}"):
        pass
    assert not path.parent.exists()


def test_empty_file_stays_empty(tmp_path: Path) -> None:
    path = tmp_path / "archon.db"
    path.touch()
    with pytest.raises(NotFound, match="holds no study yet"), open_reader(f"sqlite:///{path}"):
        pass
    assert path.stat().st_size == 0


def test_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "archon.db"
    path.write_text("questions and answers\n" * 100)
    with pytest.raises(StoreError, match="not a database"), open_reader(f"sqlite:///{path}"):
        pass


def test_readers_see_what_a_store_holds(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'archon.db'}"
    with open_store(url), open_reader(url) as reader:
        assert list(reader.studies()) == []


def test_database_of_a_newer_version_is_not_misread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'archon.db'}"
    open_store(url).close()
    monkeypatch.setattr(migrate, "HEAD", "9999")
    with pytest.raises(SchemaOutdated, match="archon db upgrade"), open_reader(url):
        pass
