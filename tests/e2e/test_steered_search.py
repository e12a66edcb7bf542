"""A real ``archon search`` that other processes pause, change, stop and end."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.commands import Ran, archon, ended, start
from tests.jobs import write_job
from tests.stub import Stub, running_stub


@pytest.mark.timeout(180)
async def test_search_is_paused_changed_stopped_and_ended_from_other_processes(
    tmp_path: Path,
) -> None:
    async with running_stub(Stub(latency_s=0.4)) as stub:
        budget = {"trials": 18, "calls": 4000, "held_out_share": 0.5}
        job = write_job(tmp_path, stub.base_url, n_questions=60, budget=budget)

        async def told(*args: str) -> Ran:
            return await archon(*args, folder=tmp_path)

        async def shown() -> dict[str, Any]:
            found: dict[str, Any] = json.loads((await told("show", "sums", "--json")).out)
            return found

        nobody = await told("pause", "sums")
        assert (nobody.code, "no study" in nobody.err) == (2, True)

        search = await start("search", str(job), folder=tmp_path)
        assert search.stderr is not None
        while b"trial 2 " not in await search.stderr.readline():
            pass
        paused = await told("pause", "sums")
        assert paused.code == 0, paused.err
        assert "paused" in paused.out
        assert "archon resume sums" in paused.err
        while stub.ledger.in_flight:
            await asyncio.sleep(0.05)
        served = stub.ledger.completions
        assert "on hold" in (await told("ls")).out
        assert stub.ledger.completions == served

        refused = await told("change", "sums", "--calls", "20")
        assert (refused.code, "20 is less than the" in refused.err) == (2, True)
        assert (await told("change", "sums")).code == 2
        changed = await told(
            "change", "sums", "--calls", "3000", "--parallel-trials", "2", "--trials", "20"
        )
        assert "trials 18 -> 20, calls 4,000 -> 3,000, trials in parallel 1 -> 2" in changed.out
        page = (await told("show", "sums")).out
        assert "Progress: paused, " in page
        assert "of 3,000 calls" in page
        assert "the job file's: 18 trials, 4,000 calls" in page
        assert stub.ledger.completions == served

        assert "goes on" in (await told("resume", "sums")).out
        stopped = await told("stop", "sums")
        assert "stops" in stopped.out
        first = await ended(search)
        assert first.code == 130
        for said in ("`archon pause` from", "`archon resume` from", "Stopped by `archon stop`"):
            assert said in first.err
        assert "Traceback" not in first.err
        resting = await shown()
        assert resting["study"]["state"] == "paused"
        assert resting["spend"]["n_uncertain"] == 0
        assert resting["spend"]["n_bought"] == stub.ledger.completions
        again = await told("resume", "sums")
        assert (again.code, "archon search with the job file" in again.err) == (1, True)

        stub.latency_s = 1.5
        search = await start("search", str(job), folder=tmp_path)
        assert search.stderr is not None
        said = b""
        while b" of 20  trial 2 " not in said:
            said += await search.stderr.readline()
        assert "the finalists come next" in (await told("stop", "--finish", "sums")).out
        stub.latency_s = 0.0
        second = await ended(search)
        assert second.code == 0, second.err
        assert b"Its budget was changed: 20 trials, 3,000 calls" in said
        assert "Verdict" in second.out

        report = await shown()
        assert report["study"]["state"] == "completed"
        assert "--finish" in report["study"]["stop_reason"]
        assert report["budget"]["calls"] == 3000
        verbs = ["pause", "change", "change", "resume", "stop", "finish"]
        assert [one["verb"] for one in report["changes"]] == verbs
        assert len(report["trials"]) < 18
        assert stub.ledger.completions <= 3000
        assert report["spend"]["n_bought"] == stub.ledger.completions
        assert stub.ledger.to_data()["bought_again"] == 0
