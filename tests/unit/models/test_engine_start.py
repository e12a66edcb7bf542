from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from archon.core.errors import SetupError
from archon.models import engine
from archon.models.engine import EmbeddedEngine, card
from archon.models.engine_choice import Build
from archon.models.engine_command import EngineSize
from archon.models.engine_watch import EngineModel
from archon.models.openai_endpoint import OpenAIEndpoint
from archon.runtime.limits import Limited
from archon.testing.clients import batch_of
from tests.processes import session_of

FAKE = str(Path(__file__).with_name("fake_vllm.py"))
Start = Callable[..., EmbeddedEngine]


@pytest.fixture
def behaving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    """An engine whose vLLM is a small server that behaves as told."""

    def start(behaviour: str, **options: object) -> EmbeddedEngine:
        def command(model: Path, port: int, build: Build, size: EngineSize) -> list[str]:
            return [sys.executable, FAKE, behaviour, str(port)]

        async def prepared(cache: Path, env: Mapping[str, str], report: object) -> Path:
            return tmp_path

        monkeypatch.setattr(engine, "command", command)
        monkeypatch.setattr(engine, "prepared_model", prepared)
        monkeypatch.setattr(engine, "installed_build", lambda: "cpu")
        return EmbeddedEngine(tmp_path, **options)  # type: ignore[arg-type]

    return start


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def port_of(running: EmbeddedEngine) -> int:
    return int(running.base_url.rsplit(":", 1)[1].removesuffix("/v1"))


def served_by(running: EmbeddedEngine) -> int:
    """The process of the engine's server, which the guard started."""
    assert running._guard is not None
    (server,) = [pid for pid in session_of(running._guard.pid) if pid != running._guard.pid]
    return server


async def test_engine_answers_inside_its_block_and_is_gone_after(
    behaving: Start, tmp_path: Path
) -> None:
    said: list[str] = []
    async with behaving("works", report=said.append) as running:
        assert await running.is_answering()
        assert running.failure() is None
        port = port_of(running)
    assert is_free(port)
    assert "starting vLLM (cpu build" in said[0]
    assert "the engine answers after" in said[-1]
    assert list(tmp_path.glob("engine/*.log")) == []


async def test_two_engines_run_side_by_side_with_a_key_each(behaving: Start) -> None:
    async with behaving("works") as first, behaving("works") as second:
        assert first.base_url != second.base_url
        assert first.api_key.reveal() != second.api_key.reveal()
        assert await first.is_answering()
        assert await second.is_answering()


async def test_engine_that_fails_to_start_shows_its_last_forty_lines_and_no_key(
    behaving: Start,
) -> None:
    failing = behaving("fails")
    with pytest.raises(SetupError) as failure:
        await failing.__aenter__()
    lines = str(failure.value).splitlines()
    assert lines[0].startswith("the embedded engine ended. Its log: ")
    assert "OSError: no such model, key (hidden)" in lines
    assert "line 22" in lines
    assert "line 20" not in lines
    assert failing.api_key.reveal() not in str(failure.value)


async def test_engine_that_gives_no_token_is_given_up_after_its_time(behaving: Start) -> None:
    silent = behaving("silent", start_timeout_s=1.0)
    with pytest.raises(SetupError, match="vLLM gave no token in"):
        await silent.__aenter__()
    assert silent.failure() is not None


async def test_cancelled_start_leaves_no_engine(behaving: Start) -> None:
    silent = behaving("silent")
    start = asyncio.create_task(silent.__aenter__())
    await asyncio.sleep(0.5)
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start
    assert silent.failure() is not None


async def test_killed_engine_is_found_out_and_its_log_is_kept(
    behaving: Start, tmp_path: Path
) -> None:
    async with behaving("works") as running:
        assert running._guard is not None
        os.kill(served_by(running), signal.SIGKILL)
        await running._guard.wait()
        assert not await running.is_answering()
        assert "the embedded engine ended" in str(running.failure())
    assert len(list(tmp_path.glob("engine/*.log"))) == 1


async def test_frozen_engine_is_found_out_within_the_deadline(behaving: Start) -> None:
    async with behaving("works") as running:
        os.kill(served_by(running), signal.SIGSTOP)
        assert not await running.is_answering(deadline_s=0.5)
        os.kill(served_by(running), signal.SIGCONT)
        assert await running.is_answering()


async def test_silence_of_an_engine_is_explained_by_its_log(behaving: Start) -> None:
    async with behaving("works") as running:
        assert await running.why_silent() is None
        os.kill(served_by(running), signal.SIGSTOP)
        frozen = await running.why_silent(deadline_s=0.5)
        assert "runs, and gave no token" in str(frozen)
        assert "Its log: " in str(frozen)
        os.kill(served_by(running), signal.SIGKILL)
        assert running._guard is not None
        await running._guard.wait()
        assert "the embedded engine ended" in str(await running.why_silent())


async def test_request_to_an_engine_that_ended_says_so_and_is_not_repeated(
    behaving: Start,
) -> None:
    async with behaving("works") as running:
        endpoint = OpenAIEndpoint(running.base_url, "m", secret=running.api_key)
        model = EngineModel(endpoint, running)
        assert running._guard is not None
        os.kill(served_by(running), signal.SIGKILL)
        await running._guard.wait()
        with pytest.raises(SetupError, match="the embedded engine ended"):
            await Limited(model).complete(batch_of("hello"))
        await model.aclose()


async def test_old_logs_of_failed_engines_are_pruned(behaving: Start, tmp_path: Path) -> None:
    folder = tmp_path / "engine"
    folder.mkdir()
    for n in range(30):
        (folder / f"engine-{n:02}-1.log").touch()
    async with behaving("works"):
        kept = {file.name for file in folder.glob("*.log")}
    assert len(kept) == 10
    assert {f"engine-{n}-1.log" for n in range(21, 30)} < kept


def test_card_of_the_embedded_model_is_free_and_many_sampled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine, "packaged_model", lambda: (Path("m.gguf"), "0.1.2"))
    small = card("small")
    assert small.alias == "small"
    assert small.identity == "engine/smollm2-135m-instruct@0.1.2/bfloat16"
    assert small.has_many_samples
    assert small.price.cost_nusd(1000, 1000) == 0
    assert small.context_tokens == 2048
