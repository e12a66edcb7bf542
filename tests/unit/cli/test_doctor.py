"""``archon doctor``: what is missing is named before it is needed, and secrets are not."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.commands import archon
from tests.stub import Stub, running_stub

KEY = "sk-hidden-1234567890"


@pytest.fixture
async def stub() -> AsyncIterator[Stub]:
    async with running_stub(Stub()) as stub:
        yield stub


def write_pipeline(folder: Path, **model: object) -> Path:
    path = folder / "one.yaml"
    layers = [{"generate": {"model": "small"}}]
    path.write_text(yaml.safe_dump({"models": {"small": model}, "layers": layers}))
    return path


async def findings(*args: str, folder: Path, **environment: str) -> tuple[int, dict[str, Any]]:
    ran = await archon("doctor", *args, "--json", folder=folder, **environment)
    assert KEY not in ran.out + ran.err
    return ran.code, {entry["what"]: entry for entry in json.loads(ran.out)["findings"]}


async def test_doctor_looks_at_the_set_up_and_makes_nothing(tmp_path: Path) -> None:
    code, found = await findings(folder=tmp_path)
    assert code == 0
    assert found["database"]["state"] == "ok"
    assert "Python 3" in found["machine"]["detail"]
    assert not (tmp_path / "data").exists()
    ran = await archon("doctor", folder=tmp_path)
    assert ran.code == 0
    assert "database" in ran.out


async def test_doctor_asks_an_endpoint_for_its_models_and_nothing_else(
    stub: Stub, tmp_path: Path
) -> None:
    good = write_pipeline(tmp_path, url=stub.base_url, model="good")
    code, found = await findings(str(good), folder=tmp_path)
    assert (code, found["model small"]["state"]) == (0, "ok")
    other = write_pipeline(tmp_path, url=stub.base_url, model="other")
    code, found = await findings(str(other), folder=tmp_path)
    assert (code, found["model small"]["state"]) == (3, "wrong")
    assert "serves good" in found["model small"]["detail"]
    assert stub.ledger.requests == 0


async def test_doctor_names_what_is_away_and_what_is_not_set(tmp_path: Path) -> None:
    away = write_pipeline(tmp_path, url="http://127.0.0.1:9/v1", model="m")
    code, found = await findings(str(away), folder=tmp_path)
    assert (code, found["model small"]["state"]) == (3, "wrong")
    keyless = write_pipeline(tmp_path, litellm="openai/gpt-5-mini", key_env="SUMS_KEY")
    code, found = await findings(str(keyless), folder=tmp_path)
    assert (code, found["model small"]["state"]) == (3, "missing")
    assert "export SUMS_KEY" in found["model small"]["remedy"]
    code, found = await findings(str(keyless), folder=tmp_path, SUMS_KEY=KEY)
    assert (code, found["model small"]["state"]) == (0, "ok")


async def test_doctor_says_whose_key_may_follow_a_redirect(tmp_path: Path) -> None:
    azure = write_pipeline(tmp_path, litellm="azure/gpt-4o", key_env="SUMS_KEY")
    _, found = await findings(str(azure), folder=tmp_path, SUMS_KEY=KEY)
    assert "follows redirects" in found["model small"]["detail"]
    openai = write_pipeline(tmp_path, litellm="openai/gpt-4.1-mini", key_env="SUMS_KEY")
    _, found = await findings(str(openai), folder=tmp_path, SUMS_KEY=KEY)
    assert "redirects" not in found["model small"]["detail"]


async def test_doctor_says_that_a_database_cannot_be_used(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("no database\n" * 50)
    code, found = await findings(folder=tmp_path, ARCHON_DATABASE_URL=f"sqlite:///{path}")
    assert (code, found["database"]["state"]) == (3, "wrong")
    url = "postgresql://ann:hunter2@127.0.0.1:9/archon"
    ran = await archon("doctor", folder=tmp_path, ARCHON_DATABASE_URL=url)
    assert ran.code == 3
    assert "hunter2" not in ran.out + ran.err
