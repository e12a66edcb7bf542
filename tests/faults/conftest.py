"""What every test of faults has, and what each of them asserts besides its own subject."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from archon.core.calls import CallBatch, ModelRequest
from archon.core.messages import ask
from archon.models.litellm import LiteLLMModel
from archon.models.secret import Secret
from archon.service.settings import Settings, keep_litellm_at_home, load_settings
from tests.faults.rig import CANARY, KEY_NAME, MakeRig, Rig
from tests.stub import Stub, running_stub


@pytest.fixture(scope="session", autouse=True)
def loaded_litellm() -> None:
    """Its first calls load parts of itself, which takes longer than some deadlines here."""

    async def call_once() -> None:
        request = ModelRequest("m", ask("hello"))
        batch = CallBatch(request, request.digest("warm"), (0,))
        async with running_stub(Stub()) as stub:
            for name, base in (("openai/m", stub.base_url), ("anthropic/m", stub.origin)):
                model = LiteLLMModel(name, secret=Secret("none"), api_base=base)
                await model.complete(batch)
                await model.aclose()

    keep_litellm_at_home()
    asyncio.run(call_once())


@pytest.fixture
async def stub() -> AsyncIterator[Stub]:
    async with running_stub(Stub(key=CANARY)) as stub:
        yield stub


@pytest.fixture
def settings(stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The stub is where the providers' own variables say that the providers are."""
    monkeypatch.setenv("ARCHON_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("ARCHON_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("OPENAI_BASE_URL", stub.base_url)
    monkeypatch.setenv("ANTHROPIC_API_BASE", stub.origin)
    monkeypatch.setenv(KEY_NAME, CANARY)
    return load_settings()


@pytest.fixture
def make_rig(
    stub: Stub, settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> Iterator[MakeRig]:
    """Makes the test's one rig. Afterwards the key stands in no file, message or log of it."""
    caplog.set_level(logging.DEBUG)
    made: list[Rig] = []

    def make(**fields: Any) -> Rig:
        made.append(Rig(stub, settings, tmp_path, **fields))
        return made[-1]

    yield make
    assert stub.last_headers, "nothing was sent, so nothing was tested"
    for rig in made:
        assert "CANARY" not in "\n".join(rig.said)
    assert "CANARY" not in caplog.text
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or b"CANARY" not in file.read_bytes(), file
