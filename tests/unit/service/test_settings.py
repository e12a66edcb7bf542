from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest

from archon.core.errors import SetupError
from archon.models.secret import Secret
from archon.service.settings import load_settings

CANARY = "sk-CANARY-0123456789"


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATA_DIR", "CACHE_DIR", "DATABASE_URL", "OFFLINE"):
        monkeypatch.delenv(f"ARCHON_{name}", raising=False)


def test_without_variables_everything_is_in_the_user_s_folders(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    settings = load_settings()
    assert settings.data_dir.is_absolute()
    assert settings.data_dir.name == settings.cache_dir.name == "archon"
    assert settings.database_url.reveal() == f"sqlite:///{settings.data_dir / 'archon.db'}"
    assert not settings.offline
    assert list(tmp_path.iterdir()) == []


def test_variables_say_where_things_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ARCHON_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("ARCHON_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("ARCHON_DATABASE_URL", "postgresql://me:pw@host/archon")
    monkeypatch.setenv("ARCHON_OFFLINE", "true")
    settings = load_settings()
    assert settings.data_dir == tmp_path / "data"
    assert settings.cache_dir == tmp_path / "cache"
    assert settings.database_url.reveal() == "postgresql://me:pw@host/archon"
    assert settings.offline


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARCHON_OFFLINE", "")
    monkeypatch.setenv("SOME_KEY", "  ")
    assert not load_settings().offline
    assert load_settings().secret("SOME_KEY") is None


def test_a_variable_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARCHON_OFFLINE", "maybe")
    with pytest.raises(SetupError) as refused:
        load_settings()
    assert "ARCHON_OFFLINE: expected true or false" in str(refused.value)
    assert "maybe" not in str(refused.value)


def test_a_key_is_found_under_the_name_that_the_job_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", f" {CANARY}\n")
    settings = load_settings()
    assert settings.need_secret("MY_KEY", why="model 'big'").reveal() == CANARY


def test_a_missing_key_is_named_with_who_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MY_KEY", raising=False)
    settings = load_settings()
    assert settings.secret("MY_KEY") is None
    with pytest.raises(SetupError) as refused:
        settings.need_secret("MY_KEY", why="model 'big'")
    assert "model 'big' needs a key" in str(refused.value)
    assert "export MY_KEY=" in str(refused.value)


def test_settings_never_show_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", CANARY)
    monkeypatch.setenv("ARCHON_DATABASE_URL", f"postgresql://me:{CANARY}@host/archon")
    settings = load_settings()
    assert CANARY not in f"{settings} {settings!r} {settings.secret('MY_KEY')!r}"
    with pytest.raises(TypeError):
        pickle.dumps(settings)


def test_a_secret_is_shown_only_on_purpose() -> None:
    secret = Secret(CANARY)
    assert CANARY not in f"{secret} {secret!r} {secret:>30} {[secret]} {(secret,)!s}"
    assert secret.reveal() == CANARY
    for serialise in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            serialise(secret)
