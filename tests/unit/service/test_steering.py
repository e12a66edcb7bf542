"""A running study that is paused, changed and ended from outside, with the stub as the witness."""

from __future__ import annotations

import asyncio
import json
import random
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from archon.core.errors import ArchonError, SpecError
from archon.core.records import Verb
from archon.service import steering, study_run
from archon.service.gain_run import gain_search
from archon.service.instruct import NOTHING, Answered, instruct
from archon.service.listing import list_studies
from archon.service.report import StudyReport, load_report
from archon.service.settings import Settings
from archon.service.steering import StoppedFromOutside
from archon.service.terms import Change
from archon.spec.job import JobSpec, load_job
from archon.store.opening import Store, open_store
from tests.jobs import write_job
from tests.stub import Stub
from tests.studies import run


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steering, "LOOK_EVERY_S", 0.05)


class Elsewhere:
    """Another process: a store of its own on the same database."""

    def __init__(self, store: Store) -> None:
        self.store = store

    async def tell(self, verb: Verb, change: Change = NOTHING) -> Answered:
        return await instruct("sums", verb, self.store, change=change)

    def report(self) -> StudyReport:
        return load_report(self.store.reader(), "sums")


@pytest.fixture
def elsewhere(tmp_path: Path, store: Store) -> Elsewhere:
    return Elsewhere(open_store(f"sqlite:///{tmp_path / 'archon.db'}"))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def running(
    job: JobSpec, store: Store, settings: Settings
) -> AsyncIterator[asyncio.Task[StudyReport]]:
    task = asyncio.ensure_future(run(job, store, settings))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_paused_study_sends_nothing_keeps_what_flew_and_its_time_stands_still(
    stub: Stub, tmp_path: Path, store: Store, settings: Settings, elsewhere: Elsewhere
) -> None:
    stub.latency_s = 0.05
    budget = {"trials": 5, "wall_s": 100, "held_out_share": 0.5}
    job = load_job(write_job(tmp_path, stub.base_url, budget=budget))
    async with running(job, store, settings) as task:
        await until(lambda: stub.ledger.completions > 20)
        paused = await elsewhere.tell("pause")
        assert paused.answer.startswith("paused")
        await until(lambda: stub.ledger.in_flight == 0)
        (line,) = list_studies(store.reader(), limit=9)
        assert (line.state, line.outcome) == ("on hold", "archon resume sums lets it go on")
        served = stub.ledger.completions
        await asyncio.sleep(1.0)
        assert stub.ledger.completions == served
        # What flew is stored, and nothing that was not sent would count as lost in a power cut.
        spend = elsewhere.report().spend
        assert (spend.n_bought, spend.n_uncertain) == (served, 0)
        assert (await elsewhere.tell("pause")).answer == "it is paused already"
        assert (await elsewhere.tell("resume")).answer == "goes on"
        report = await task
    assert report.study.state == "completed"
    assert stub.ledger.to_data()["bought_again"] == 0
    assert [one.verb for one in report.changes] == ["pause", "pause", "resume"]
    assert report.final is not None
    loop_s = report.final.elapsed_s
    began, ended = report.study.created_at, report.changes[-1].given_at
    assert loop_s < (ended - began).total_seconds() + 10
    resumed = report.changes[2].answered_at
    assert resumed is not None
    assert report.changes[0].answered_at is not None
    assert (resumed - report.changes[0].answered_at).total_seconds() > 1.0


async def test_time_of_a_pause_is_not_taken_from_the_budget(
    stub: Stub, tmp_path: Path, store: Store, settings: Settings, elsewhere: Elsewhere
) -> None:
    stub.latency_s = 0.05
    budget = {"trials": 3, "wall_s": 4.0, "held_out_share": 0.5}
    job = load_job(write_job(tmp_path, stub.base_url, n_questions=20, budget=budget))
    async with running(job, store, settings) as task:
        await until(lambda: stub.ledger.completions > 5)
        await elsewhere.tell("pause")
        await asyncio.sleep(4.0)
        await elsewhere.tell("resume")
        report = await task
    assert report.study.stop_reason == "the budget's trials are done"
    assert report.final is not None
    assert report.final.elapsed_s < 4.0


async def test_change_that_comes_while_the_search_is_set_up_holds_for_it(
    stub: Stub,
    tmp_path: Path,
    store: Store,
    settings: Settings,
    elsewhere: Elsewhere,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    is_set_up, may_go_on = threading.Event(), threading.Event()

    def slowly(*given: Any) -> Any:
        is_set_up.set()
        assert may_go_on.wait(20)
        return gain_search(*given)

    monkeypatch.setattr(study_run, "gain_search", slowly)
    stub.latency_s = 0.05
    options = {"sampler": {"kind": "gain"}, "questions_in_flight": 2, "parallel_trials": 1}
    budget = {"trials": 6, "held_out_share": 0.5}
    job = load_job(write_job(tmp_path, stub.base_url, budget=budget, **options))
    async with running(job, store, settings) as task:
        await until(is_set_up.is_set)
        try:
            answered = await elsewhere.tell("change", Change(trials=2, questions_in_flight=12))
        finally:
            may_go_on.set()
        assert answered.state == "done"
        report = await task
    assert len(report.trials) == 2
    assert stub.ledger.max_in_flight > 2


async def test_stopped_study_rests_with_its_calls_and_runs_on_with_its_changes(
    stub: Stub, tmp_path: Path, store: Store, settings: Settings, elsewhere: Elsewhere
) -> None:
    stub.latency_s = 0.05
    job = load_job(write_job(tmp_path, stub.base_url, budget={"trials": 6, "held_out_share": 0.5}))
    async with running(job, store, settings) as task:
        await until(lambda: stub.ledger.completions > 20)
        changed = await elsewhere.tell(
            "change", Change(trials=9, parallel_trials=3, questions_in_flight=20)
        )
        assert changed.answer == (
            "trials 6 -> 9, trials in parallel 1 -> 3, questions in flight 8 -> 20"
        )
        assert changed.is_running
        assert (await elsewhere.tell("stop")).answer.startswith("stops")
        with pytest.raises(StoppedFromOutside, match="archon stop"):
            await task
    resting = elsewhere.report()
    assert (resting.study.state, resting.spend.n_uncertain) == ("paused", 0)
    assert resting.spend.n_bought == stub.ledger.completions
    with pytest.raises(ArchonError, match=r"nothing to resume.*archon search with the job file"):
        await elsewhere.tell("resume")
    with pytest.raises(ArchonError, match="nothing to pause"):
        await elsewhere.tell("pause")
    stub.latency_s = 0.02
    report = await run(job, store, settings)
    assert report.study.state == "completed"
    assert len(report.trials) == 9
    assert stub.ledger.max_in_flight > 8
    assert stub.ledger.to_data()["bought_again"] == 0


async def test_finished_search_runs_its_finalists_also_where_it_was_paused(
    stub: Stub, tmp_path: Path, store: Store, settings: Settings, elsewhere: Elsewhere
) -> None:
    stub.latency_s = 0.03
    job = load_job(write_job(tmp_path, stub.base_url, budget={"trials": 20, "held_out_share": 0.5}))
    async with running(job, store, settings) as task:
        await until(lambda: elsewhere_complete(elsewhere) > 1)
        await elsewhere.tell("pause")
        answered = await elsewhere.tell("finish")
        assert "the finalists come next" in answered.answer
        report = await task
    assert report.study.state == "completed"
    assert report.study.stop_reason == "ended by `archon stop --finish`"
    assert len(report.trials) < 20
    assert report.final is not None
    assert report.final.judgement.baseline is not None
    assert not report.final.held_out_stopped


async def test_search_without_one_whole_trial_is_not_finished_but_runs_on(
    stub: Stub, tmp_path: Path, store: Store, settings: Settings, elsewhere: Elsewhere
) -> None:
    stub.latency_s = 0.1
    job = load_job(write_job(tmp_path, stub.base_url, budget={"trials": 2, "held_out_share": 0.5}))
    async with running(job, store, settings) as task:
        await until(lambda: stub.ledger.completions > 0)
        await elsewhere.tell("pause")
        early = await elsewhere.tell("finish")
        assert (early.state, "no finalist" in early.answer) == ("refused", True)
        await elsewhere.tell("stop")
        with pytest.raises(StoppedFromOutside):
            await task
    at_rest = await elsewhere.tell("finish")
    assert (at_rest.state, at_rest.is_running) == ("refused", False)
    stub.latency_s = 0.0
    assert len((await run(job, store, settings)).trials) == 2


def elsewhere_complete(elsewhere: Elsewhere) -> int:
    studies = elsewhere.store.reader().studies()
    return studies[0].n_complete if studies else 0


async def test_calls_never_pass_a_limit_that_is_changed_again_and_again_under_load(
    stub: Stub, tmp_path: Path, store: Store, settings: Settings, elsewhere: Elsewhere
) -> None:
    stub.latency_s = 0.02
    budget = {"calls": 4000, "held_out_share": 0.3}
    changes = {"parallel_trials": 3, "questions_in_flight": 30}
    job = load_job(write_job(tmp_path, stub.base_url, n_questions=60, budget=budget, **changes))
    chance, limit, n_changed = random.Random(0), 4000, 0
    async with running(job, store, settings) as task:
        await until(lambda: stub.ledger.completions > 100)
        refused = await elsewhere.tell("change", Change(calls=stub.ledger.completions - 50))
        assert (refused.state, "or more is possible" in refused.answer) == ("refused", True)
        while n_changed < 12:
            wanted = stub.ledger.completions + chance.randint(0, 400)
            try:
                answered = await elsewhere.tell("change", Change(calls=wanted))
            except ArchonError as over:
                assert "is completed" in str(over)
                break
            assert stub.ledger.completions <= max(limit, wanted)
            if answered.state == "done":
                limit, n_changed = wanted, n_changed + 1
                assert stub.ledger.completions <= limit
            if not answered.is_running:
                break
        report = await task
    assert n_changed
    assert stub.ledger.completions <= limit
    assert elsewhere.report().terms.budget.calls == limit
    assert report.spend.n_bought == stub.ledger.completions


async def test_study_that_its_budget_ended_searches_on_with_a_larger_one_and_says_so(
    stub: Stub, tmp_path: Path, store: Store, settings: Settings, elsewhere: Elsewhere
) -> None:
    budget = {"calls": 200, "held_out_share": 0.5}
    job = load_job(write_job(tmp_path, stub.base_url, budget=budget))
    first = await run(job, store, settings)
    assert (first.study.state, first.trials[-1].state) == ("completed", "interrupted")
    with pytest.raises(ArchonError, match="not lower than before"):
        await elsewhere.tell("change", Change(parallel_trials=2))
    answered = await elsewhere.tell("change", Change(calls=600))
    assert (answered.answer, answered.is_running) == ("calls 200 -> 600", False)
    assert answered.study.state == "paused"
    second = await run(job, store, settings)
    assert second.study.study_id == first.study.study_id
    assert len(second.trials) > len(first.trials)
    assert second.trials[len(first.trials) - 1].state == "complete"
    assert 200 < stub.ledger.completions <= 600
    assert stub.ledger.to_data()["bought_again"] == 0
    assert second.final is not None
    assert any("judged once" in warning for warning in second.final.warnings)
    data = json.loads(json.dumps(second.to_data()))
    assert data["budget"]["calls"] == 600
    assert [one["answer"] for one in data["changes"]] == ["calls 200 -> 600"]
    refused = await elsewhere.tell("change", Change(calls=300, trials=500))
    assert "300 is less than the" in refused.answer


async def test_limit_that_leaves_the_search_no_room_is_refused_or_said_to_end_it(
    stub: Stub, tmp_path: Path, store: Store, settings: Settings, elsewhere: Elsewhere
) -> None:
    stub.latency_s = 0.03
    options = {"sampler": {"kind": "tpe"}, "racing": False}
    budget = {"trials": 24, "calls": 5000, "held_out_share": 0.5}
    job = load_job(write_job(tmp_path, stub.base_url, budget=budget, **options))
    async with running(job, store, settings) as task:
        await until(lambda: stub.ledger.completions > 200)
        limit = stub.ledger.completions + 120  # more than what is in flight may take
        answered = await elsewhere.tell("change", Change(calls=limit))
        assert answered.state == "done"
        assert "this ends the search. calls: of " in answered.answer
        report = await task
    assert report.study.state == "completed"
    spent = report.spend.n_bought
    refused = await elsewhere.tell("change", Change(calls=limit + 10))
    assert refused.state == "refused"
    assert f"It takes more than {2 * spent} to search on" in refused.answer
    assert (await elsewhere.tell("change", Change(calls=2 * spent + 40))).state == "done"
    again = await run(job, store, settings)
    assert again.spend.n_bought > spent


async def test_instructions_that_nobody_heard_do_not_hold_the_next_run(
    stub: Stub,
    tmp_path: Path,
    store: Store,
    settings: Settings,
    elsewhere: Elsewhere,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(steering, "LOOK_EVERY_S", 60.0)
    job = load_job(write_job(tmp_path, stub.base_url, budget={"trials": 2, "held_out_share": 0.5}))
    stub.latency_s = 0.05
    async with running(job, store, settings):
        await until(lambda: stub.ledger.completions > 5)
        study_id = elsewhere.report().study.study_id
        given = elsewhere.store.instructions(study_id)
        # Whoever gave these was killed, and so was the process that should have heard them.
        await given.give("pause")
        await given.give("change", Change(trials=3).to_json())
        store.close()
    with open_store(f"sqlite:///{tmp_path / 'archon.db'}") as again:
        report = await asyncio.wait_for(run(job, again, settings), 20)
    assert report.study.state == "completed"
    assert len(report.trials) == 3
    assert [one.state for one in report.changes] == ["void", "done"]


async def test_limit_that_a_deterministic_search_is_given_on_the_way_ends_a_whole_batch(
    stub: Stub, tmp_path: Path, store: Store, settings: Settings, elsewhere: Elsewhere
) -> None:
    stub.latency_s = 0.02
    options = {"sampler": {"kind": "random"}, "deterministic": True, "parallel_trials": 3}
    budget = {"trials": 13, "held_out_share": 0.5}
    job = load_job(write_job(tmp_path, stub.base_url, budget=budget, racing=False, **options))
    async with running(job, store, settings) as task:
        await until(lambda: elsewhere_complete(elsewhere) > 3)
        with pytest.raises(SpecError, match="is deterministic, and where a limit of time ends"):
            await elsewhere.tell("change", Change(wall_s=100.0))
        limit = 2 * (stub.ledger.completions + 100)
        assert (await elsewhere.tell("change", Change(calls=limit))).state == "done"
        report = await task
    states = [trial.state for trial in report.trials]
    n_kept = states.count("complete")
    assert n_kept % 3 == 0
    assert states[n_kept:] == ["interrupted"] * 3
    assert "counts whole batches" in report.study.stop_reason


async def test_dollars_cannot_be_limited_where_a_model_has_no_price(
    stub: Stub, tmp_path: Path, store: Store, settings: Settings, elsewhere: Elsewhere
) -> None:
    model = {"small": {"url": stub.base_url, "model": "adds-0.6"}}
    budget = {"trials": 1, "held_out_share": 0.5}
    await run(
        load_job(write_job(tmp_path, stub.base_url, models=model, budget=budget)), store, settings
    )
    with pytest.raises(SpecError, match="needs a price for every model, and small has none"):
        await elsewhere.tell("change", Change(usd=5.0))
    with pytest.raises(SpecError, match="--seconds nan is out of range"):
        await elsewhere.tell("change", Change(wall_s=float("nan")))
