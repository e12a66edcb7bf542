"""``archon enqueue``, then ``archon search``."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from tests.commands import archon
from tests.jobs import write_job
from tests.stub import Stub, running_stub


@pytest.fixture
async def stub() -> AsyncIterator[Stub]:
    async with running_stub(Stub()) as stub:
        yield stub


async def test_enqueued_pipeline_runs_next_when_the_job_is_searched(
    stub: Stub, tmp_path: Path
) -> None:
    job = write_job(tmp_path, stub.base_url, budget={"trials": 3})
    model = {"url": stub.base_url, "model": "adds-0.6"}
    layers = [{"generate": {"model": "small", "samples": 6, "max_tokens": 32}}, "vote"]
    mine = {"models": {"small": model}, "layers": layers}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(mine))
    ran = await archon("enqueue", str(job), "mine.yaml", folder=tmp_path)
    assert ran.code == 0, ran.err
    assert "mine.yaml is tried next, as trial 1: small x6(max_tokens=32) > vote" in ran.out
    searched = await archon("search", str(job), "--json", folder=tmp_path)
    trials = json.loads(searched.out)["trials"]
    assert [trial["origin"] for trial in trials] == ["baseline", "user", "seed"]
    again = await archon("enqueue", "sums", "mine.yaml", folder=tmp_path)
    assert again.code == 2
    assert "is completed, and nothing further runs in it" in again.err
