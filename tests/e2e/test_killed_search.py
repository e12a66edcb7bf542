"""A search that is killed at random moments and resumed, with the stub's counts as the witness."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from pathlib import Path

import pytest

from archon.service.report import StudyReport, load_report
from archon.store.opening import open_store
from tests.jobs import write_job
from tests.stub import Stub, running_stub

N_KILLS = 10
ROOT = Path(__file__).resolve().parents[2]


async def search_once(job: Path, url: str, *, kill_after: int, stub: Stub) -> int:
    """Run the job until its end, or kill it when the stub has served so many completions."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.e2e.search_process", str(job), url, cwd=ROOT
    )
    ending = asyncio.ensure_future(process.wait())
    while stub.ledger.completions < kill_after and not ending.done():
        await asyncio.sleep(0.002)
    if not ending.done():
        process.send_signal(signal.SIGKILL)
    return await ending


def outcome(report: StudyReport) -> dict[str, object]:
    """What must not depend on where a search was cut off; times do."""
    assert report.final is not None
    judgement = report.final.judgement
    return {
        "trials": [
            (line.number, line.pipeline_id, line.state, line.objectives) for line in report.trials
        ],
        "winner": judgement.winner_id,
        "finalists": [
            (one.pipeline_id, one.quality, one.tokens, one.versus_baseline)
            for one in judgement.finalists
        ],
    }


def read(url: str) -> StudyReport:
    with open_store(url) as store:
        return load_report(store.reader(), "sums")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("parallel_trials", [1, 3], ids=["one by one", "in threes"])
async def test_search_killed_ten_times_buys_nothing_again_and_names_the_same_winner(
    tmp_path: Path, parallel_trials: int
) -> None:
    chance = random.Random(parallel_trials)
    async with running_stub(Stub(latency_s=0.01)) as stub:
        changes = {"parallel_trials": parallel_trials, "budget": {"trials": 14}}
        job = write_job(tmp_path, stub.base_url, n_questions=60, **changes)
        whole_url = f"sqlite:///{tmp_path / 'whole.db'}"
        assert await search_once(job, whole_url, kill_after=10**9, stub=stub) == 0
        n_whole = stub.ledger.completions
        assert stub.ledger.to_data()["bought_again"] == 0

        stub.ledger = type(stub.ledger)()
        killed_url = f"sqlite:///{tmp_path / 'killed.db'}"
        for moment in sorted(chance.sample(range(1, n_whole), N_KILLS)):
            code = await search_once(job, killed_url, kill_after=moment, stub=stub)
            assert code == -signal.SIGKILL
        assert await search_once(job, killed_url, kill_after=10**9, stub=stub) == 0

    whole, killed = read(whole_url), read(killed_url)
    assert outcome(killed) == outcome(whole)
    assert killed.spend.n_bought == whole.spend.n_bought == n_whole
    # What the stub served beyond that was in flight when a process died, and is on the books.
    extra = stub.ledger.completions - n_whole
    assert extra <= killed.spend.n_uncertain
    assert killed.spend.n_uncertain <= N_KILLS * 8 * 9  # kills x questions in flight x samples


@pytest.mark.timeout(300)
@pytest.mark.parametrize("parallel_trials", [1, 3], ids=["one by one", "in threes"])
async def test_budget_of_calls_holds_and_ends_the_search_once_however_often_it_is_killed(
    tmp_path: Path, parallel_trials: int
) -> None:
    chance, n_calls = random.Random(parallel_trials), 700
    async with running_stub(Stub(latency_s=0.01)) as stub:
        budget = {"calls": n_calls, "held_out_share": 0.4}
        changes = {"parallel_trials": parallel_trials, "budget": budget}
        job = write_job(tmp_path, stub.base_url, n_questions=60, **changes)
        whole_url = f"sqlite:///{tmp_path / 'whole.db'}"
        assert await search_once(job, whole_url, kill_after=10**9, stub=stub) == 0
        n_whole = stub.ledger.completions

        stub.ledger = type(stub.ledger)()
        killed_url = f"sqlite:///{tmp_path / 'killed.db'}"
        # Calls in flight at a kill count as spent, so that what is left ends a little earlier. The
        # last kills come in the held-out run.
        anywhere = chance.sample(range(1, int(n_whole * 0.7)), 3)
        for moment in (*sorted(anywhere), int(n_whole * 0.8), int(n_whole * 0.9)):
            await search_once(job, killed_url, kill_after=moment, stub=stub)
        assert await search_once(job, killed_url, kill_after=10**9, stub=stub) == 0

    whole, killed = read(whole_url), read(killed_url)
    assert stub.ledger.completions <= n_calls
    assert killed.study.state == "completed"
    assert "calls" in killed.study.stop_reason
    ids = [[line.pipeline_id for line in report.trials] for report in (whole, killed)]
    assert ids[1] == ids[0][: len(ids[1])]
    states = [line.state for line in killed.trials]
    first = states.index("interrupted")
    assert set(states[:first]) == {"complete"}
    # What the budget interrupted belongs to one batch: no later run began another.
    assert first // parallel_trials == (len(states) - 1) // parallel_trials
