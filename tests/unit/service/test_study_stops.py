"""When a study stops, by its time, by its user or by another process, and who owns it then."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from archon.core.errors import Conflict, NotFound
from archon.service import ownership
from archon.service.export import export_by_rule
from archon.service.prepare import prepare
from archon.service.report import load_report
from archon.service.settings import Settings
from archon.spec.job import load_job
from archon.store.opening import Store, open_store
from tests.jobs import write_job
from tests.stub import Stub
from tests.studies import run


async def test_wall_time_of_the_budget_ends_the_study(
    stub: Stub, tmp_path: Path, store: Store, settings: Settings
) -> None:
    stub.latency_s = 0.1
    path = write_job(tmp_path, stub.base_url, budget={"wall_s": 3.0, "held_out_share": 0.3})
    started = asyncio.get_running_loop().time()
    report = await run(load_job(path), store, settings)
    took = asyncio.get_running_loop().time() - started
    assert took < 3.6
    assert "time" in report.study.stop_reason
    assert report.final is not None
    assert report.final.judgement.baseline is not None


async def test_cancelled_study_rests_as_paused_and_runs_on(
    stub: Stub, tmp_path: Path, store: Store, settings: Settings
) -> None:
    stub.latency_s = 0.02
    job = load_job(write_job(tmp_path, stub.base_url))
    task = asyncio.ensure_future(run(job, store, settings))
    while stub.ledger.completions < 100:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    paused = load_report(store.reader(), "sums")
    assert paused.study.state == "paused"
    assert paused.final is None
    with pytest.raises(NotFound, match="held-out"):
        export_by_rule(paused, store.reader(), "best")
    report = await run(job, store, settings)
    assert report.study.study_id == paused.study.study_id
    assert report.study.state == "completed"


async def test_wall_time_of_the_budget_counts_runs_that_were_stopped(
    stub: Stub, tmp_path: Path, store: Store, settings: Settings
) -> None:
    stub.latency_s = 0.1
    budget = {"wall_s": 4.0, "held_out_share": 0.3}
    job = load_job(write_job(tmp_path, stub.base_url, n_questions=200, budget=budget))
    clock = asyncio.get_running_loop().time
    worked_s = 0.0
    for _ in range(3):
        began = clock()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(run(job, store, settings), 1.0)
        worked_s += clock() - began
        assert store.reader().find_study("sums").elapsed_s == pytest.approx(worked_s, abs=0.6)
    began = clock()
    await run(job, store, settings)
    # Without what was worked before it would be 7 seconds and more.
    assert worked_s + clock() - began < 6.5


async def test_job_that_two_processes_begin_at_once_runs_in_one_of_them(
    stub: Stub, tmp_path: Path, store: Store, settings: Settings
) -> None:
    job = load_job(write_job(tmp_path, stub.base_url, budget={"trials": 2}))
    with open_store(f"sqlite:///{tmp_path / 'archon.db'}") as other:
        ends = await asyncio.gather(
            *(run(job, one, settings) for one in (store, other)), return_exceptions=True
        )
    assert sorted(type(end).__name__ for end in ends) == ["Conflict", "StudyReport"]
    report = load_report(store.reader(), "sums")
    assert report.study.state == "completed"
    assert stub.ledger.completions == report.spend.n_bought


async def test_study_that_another_process_took_is_left_to_it(
    stub: Stub, tmp_path: Path, store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ownership, "HEARTBEAT_S", 0.05)
    stub.latency_s = 0.05
    job = load_job(write_job(tmp_path, stub.base_url))
    running = asyncio.ensure_future(run(job, store, settings))
    while stub.ledger.completions < 20:
        await asyncio.sleep(0.01)
    with open_store(f"sqlite:///{tmp_path / 'archon.db'}") as other:
        await other.studies().take(prepare(job).study_id, is_forced=True)
        with pytest.raises(Conflict, match="another one has taken it"):
            await running
        study = other.reader().find_study("sums")
        assert (study.state, study.has_live_owner) == ("running", True)
