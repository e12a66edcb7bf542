"""The real embedded engine: vLLM's build for this machine with its small model."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import aiohttp
import pytest
from platformdirs import user_cache_path

from archon.core.errors import SetupError
from archon.models.engine import EmbeddedEngine
from archon.models.engine_weights import prepared_model
from tests.processes import processes_with, session_of, until

pytestmark = [pytest.mark.engine, pytest.mark.timeout(420)]

CACHE = user_cache_path("archon")
QUESTION = 'Write one sentence that contains the words "river" and "lantern".'
STARTER = """
import asyncio, os, sys
from pathlib import Path
from archon.models.engine import EmbeddedEngine

async def main():
    async with EmbeddedEngine(Path(sys.argv[1]), environment=os.environ) as engine:
        print(engine.base_url, flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


async def ask(
    session: aiohttp.ClientSession, engine: EmbeddedEngine, *, n: int, temperature: float = 0.8
) -> tuple[int, list[str]]:
    body = {
        "model": engine.model_name,
        "messages": [{"role": "user", "content": QUESTION}],
        "n": n,
        "temperature": temperature,
        "max_tokens": 40,
    }
    async with session.post(f"{engine.base_url}/chat/completions", json=body) as reply:
        data = await reply.json()
        choices = data.get("choices", [])
        return reply.status, [choice["message"]["content"] for choice in choices]


async def is_served(base_url: str) -> bool:
    try:
        async with aiohttp.ClientSession() as session, session.get(f"{base_url}/models"):
            return True
    except aiohttp.ClientError:
        return False


async def test_engine_answers_many_samples_and_leaves_nothing_behind() -> None:
    said: list[str] = []
    engine = EmbeddedEngine(CACHE, environment=os.environ, report=said.append)
    async with engine:
        assert engine._guard is not None
        guard = engine._guard.pid
        headers = {"Authorization": f"Bearer {engine.api_key.reveal()}"}
        async with aiohttp.ClientSession(headers=headers) as session:
            status, texts = await ask(session, engine, n=8)
            assert status == 200
            assert len(texts) == 8
            assert all(texts)
            assert len(set(texts)) > 1
            assert (await ask(session, engine, n=2, temperature=0.0))[0] == 400
            first, second = [await ask(session, engine, n=1, temperature=0.0) for _ in range(2)]
            assert first == second
            at_once = await asyncio.gather(*(ask(session, engine, n=1) for _ in range(32)))
            assert {status for status, _ in at_once} == {200}
            async with session.post(engine.base_url.replace("/v1", "/invocations")) as reply:
                assert reply.status == 404
        async with aiohttp.ClientSession() as stranger:
            assert (await ask(stranger, engine, n=1))[0] == 401
        assert engine.failure() is None
    assert session_of(guard) == []
    assert not await is_served(engine.base_url)
    assert "the engine answers after" in said[-1]


async def test_engine_ends_when_its_parent_is_killed() -> None:
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", STARTER, str(CACHE)), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    base_url = (await parent.stdout.readline()).decode().strip()
    port = base_url.rsplit(":", 1)[1].removesuffix("/v1")
    assert await is_served(base_url)
    (guard,) = [pid for pid in processes_with(f"-{port}.log") if os.getsid(pid) == pid]
    assert len(session_of(guard)) >= 2
    parent.kill()
    await parent.wait()
    assert until(lambda: session_of(guard) == [], timeout_s=15)
    assert not await is_served(base_url)


async def test_model_file_that_is_none_is_told_with_the_last_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bogus = tmp_path / "bogus.gguf"
    bogus.write_bytes(b"not a model")
    monkeypatch.setattr("archon.models.engine_weights.packaged_model", lambda: (bogus, "0"))
    with pytest.raises(SetupError, match="could not be prepared"):
        await prepared_model(tmp_path, {"PATH": os.environ["PATH"]}, lambda line: None)
    assert list((tmp_path / "models").iterdir()) == []


async def test_frozen_engine_stops_when_asked() -> None:
    async with EmbeddedEngine(CACHE, environment=os.environ) as engine:
        assert engine._guard is not None
        guard = engine._guard.pid
        for pid in session_of(guard):
            if pid != guard:
                os.kill(pid, signal.SIGSTOP)
        assert not await engine.is_answering(deadline_s=2.0)
        assert engine.failure() is None
    assert session_of(guard) == []
