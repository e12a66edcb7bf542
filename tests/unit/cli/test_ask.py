"""``archon ask``: what is said while nobody answers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import yaml

from tests.commands import start
from tests.stub import Stub, running_stub


def write_pipeline(folder: Path, url: str) -> Path:
    path = folder / "one.yaml"
    models = {"small": {"url": url, "model": "adds-0.6"}}
    layers = [{"generate": {"model": "small"}}]
    path.write_text(yaml.safe_dump({"models": models, "layers": layers}))
    return path


async def test_ask_says_that_it_waits_for_somebody_who_is_not_there(tmp_path: Path) -> None:
    async with running_stub(Stub()) as gone:
        pass
    pipeline = write_pipeline(tmp_path, gone.base_url)
    process = await start("ask", str(pipeline), "Why?", folder=tmp_path)
    try:
        assert process.stderr is not None
        async with asyncio.timeout(20):
            line = (await process.stderr.readline()).decode()
    finally:
        process.kill()
        await process.wait()
    assert line.startswith("Trying again in ")
    assert f"at {gone.base_url}: nobody listens there." in line
