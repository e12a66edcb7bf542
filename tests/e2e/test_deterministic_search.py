"""A deterministic search that is killed here and there ends as the uninterrupted one does."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from tests.commands import archon
from tests.e2e.test_killed_search import search_once
from tests.jobs import write_job
from tests.stub import Stub, running_stub
from tests.stub.texts import Turn, respond

SPACE = {
    "layers": [
        {"generate": {"model": "small", "samples": [1, 2, 3, 5, 9], "max_tokens": 32}},
        {"one_of": ["nothing", {"rank": {"model": "small", "keep": 1, "max_tokens": 32}}]},
        {"one_of": ["nothing", {"vote": {"answer": "number"}}]},
    ]
}


@dataclass
class UnevenStub(Stub):
    """Takes another time for each request, in another order in each run."""

    chance: random.Random = field(default_factory=lambda: random.Random(0))

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        await request.read()  # a client that is killed meanwhile cannot send it any more
        await asyncio.sleep(self.chance.random() * 0.02)
        return await super().handle(request)


def at_length(model: str, messages: Sequence[Turn], slot: int) -> str:
    """Replies of very different lengths, so that a shared bill is shared unevenly."""
    n = hashlib.sha256(f"{messages}{slot}".encode()).digest()[0] % 12
    return "Well. " * n + respond(model, messages, slot)


async def shown(folder: Path, url: str) -> dict[str, str]:
    """What a user sees of the study but for times: its trials with the front, the exported file."""
    page, file = await asyncio.gather(
        archon("show", "sums", "--json", folder=folder, ARCHON_DATABASE_URL=url),
        archon("export", "sums", folder=folder, ARCHON_DATABASE_URL=url),
    )
    assert "sha256" in file.out
    report = json.loads(page.out)
    return {
        "trials": json.dumps(report["trials"], indent=1),
        "reason": report["study"]["stop_reason"],
        "verdict": report["final"]["judgement"]["verdict"],
        "export": file.out,
    }


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("sampler", "budget"),
    [
        ("tpe", {"trials": 13}),
        ("gain", {"trials": 13}),
        ("gain", {"tokens": 30_000, "held_out_share": 0.9}),
        # Calls in flight at a kill may have been charged; what is kept back has room for them.
        ("portfolio", {"tokens": 350_000, "held_out_share": 0.9}),
    ],
    ids=[
        "tpe until its trials are done",
        "gain of some trials",
        "gain until its tokens are spent",
        "portfolio until its tokens are spent",
    ],
)
async def test_deterministic_search_killed_anywhere_shows_and_exports_the_same(
    tmp_path: Path, sampler: str, budget: dict[str, object]
) -> None:
    async with running_stub(UnevenStub(responder=at_length)) as stub:
        changes = {
            "deterministic": True,
            "parallel_trials": 3,
            "block_size": 4,
            "space": SPACE,
            "sampler": {"kind": sampler},
            "budget": budget,
        }
        job = write_job(tmp_path, stub.base_url, n_questions=48, **changes)
        whole_url = f"sqlite:///{tmp_path / 'whole.db'}"
        assert await search_once(job, whole_url, kill_after=10**9, stub=stub) == 0
        n_whole = stub.ledger.completions

        stub.ledger = type(stub.ledger)()
        killed_url = f"sqlite:///{tmp_path / 'killed.db'}"
        for share in (0.1, 0.5, 0.7, 0.95):  # the last in the held-out run
            moment = int(share * n_whole)
            assert await search_once(job, killed_url, kill_after=moment, stub=stub) != 0
        assert await search_once(job, killed_url, kill_after=10**9, stub=stub) == 0

    whole, killed = await shown(tmp_path, whole_url), await shown(tmp_path, killed_url)
    assert "complete" in whole["trials"]
    assert killed == whole
    assert ("interrupted" in whole["trials"]) == ("tokens" in budget)
