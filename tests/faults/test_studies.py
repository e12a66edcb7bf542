"""Whole studies among faults: they end as they would have without, or rest and run on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from archon.core.errors import AuthFailed, Unreachable
from archon.core.records import SEARCH_SPLIT
from archon.runtime.gate import Gate
from archon.service import assemble
from archon.service.prepare import prepare
from archon.service.report import StudyReport, load_report
from archon.service.settings import Settings
from archon.service.study_run import run_job
from archon.spec.job import load_job
from archon.store.opening import Store, open_store
from tests.jobs import write_job
from tests.stub import Stub, running_stub
from tests.unit.runtime.clients import Clock
from tests.unit.search.world import Log

MODEL = "adds-0.6"
FAULTS = ("500", "429:7", "reset", "cut", "503-html", "529", "error-200")
GARBAGE = ("html", "broken-json", "number")
"""Sent again once only, so that two of them must not meet the same request."""
ONE_PIPELINE = {"layers": [{"generate": {"model": "small", "temperature": 0.7, "max_tokens": 32}}]}


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Waits between tries pass at once."""
    clock = Clock()
    monkeypatch.setattr(assemble, "Gate", partial(Gate, clock=clock, sleep=clock.sleep))
    return clock


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(f"sqlite:///{tmp_path / 'archon.db'}") as store:
        yield store


async def run(path: Path, store: Store, settings: Settings) -> StudyReport:
    prepared = prepare(load_job(path))
    await run_job(prepared, store, settings, watcher=Log(), say=lambda line: None)
    return load_report(store.reader(), prepared.study_id)


def found(report: StudyReport) -> list[object]:
    """What a study found out, without what differs between two runs of one job: times."""
    return [
        (line.number, line.pipeline_id, line.state, line.objectives, line.is_on_front)
        for line in report.trials
    ]


async def undisturbed(folder: Path, settings: Settings) -> StudyReport:
    """The report of the same job where nothing goes wrong."""
    folder.mkdir()
    async with running_stub(Stub()) as stub:
        with open_store(f"sqlite:///{folder / 'archon.db'}") as store:
            return await run(write_job(folder, stub.base_url), store, settings)


async def test_study_among_faults_finds_what_it_would_have_found_without(
    stub: Stub, tmp_path: Path, store: Store, settings: Settings
) -> None:
    stub.key = ""
    stub.script(MODEL, *[mode for fault in FAULTS for mode in (fault, "ok", "ok")] * 4)
    stub.script(MODEL, *[mode for fault in GARBAGE for mode in (fault, *["ok"] * 30)])
    report = await run(write_job(tmp_path, stub.base_url), store, settings)
    assert report.study.state == "completed"
    assert found(report) == found(await undisturbed(tmp_path / "calm", settings))
    spend = report.spend
    assert spend.n_in_flight == 0
    assert 4 * 6 + 3 <= spend.n_uncertain <= 9 * (4 * 6 + 3), "tries of up to nine samples each"
    bill = 1000 * stub.ledger.billed_prompt_tokens + 2000 * stub.ledger.billed_completion_tokens
    assert spend.spend_nusd < bill <= spend.spend_nusd + spend.uncertain_nusd


async def test_study_whose_endpoint_is_away_rests_and_runs_on_as_if_nothing_had_been(
    stub: Stub, tmp_path: Path, store: Store, settings: Settings
) -> None:
    stub.key = ""
    path = write_job(tmp_path, stub.base_url)
    stub.script(MODEL, *["ok"] * 60)
    stub.always(MODEL, "503-html")
    with pytest.raises(Unreachable, match="503"):
        await run(path, store, settings)
    resting = load_report(store.reader(), "sums")
    assert resting.study.state == "paused"
    assert MODEL in resting.study.stop_reason
    assert 60 <= resting.spend.n_bought == stub.ledger.completions

    stub.always(MODEL, "ok")
    report = await run(path, store, settings)
    assert report.study.state == "completed"
    assert found(report) == found(await undisturbed(tmp_path / "calm", settings))
    assert stub.ledger.completions == report.spend.n_bought
    assert not stub.ledger.to_data()["bought_again"]


async def test_calls_in_flight_when_a_study_is_stopped_are_on_the_books_and_nothing_else(
    stub: Stub, tmp_path: Path, store: Store, settings: Settings
) -> None:
    stub.key = ""
    path = write_job(tmp_path, stub.base_url, parallel_trials=1)
    stub.script(MODEL, *["ok"] * 60)
    stub.always(MODEL, "hang")
    task = asyncio.ensure_future(run(path, store, settings))
    while stub.ledger.requests < 60 + 4:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    resting = load_report(store.reader(), "sums")
    assert resting.study.state == "paused"
    assert resting.spend.n_in_flight == 0
    assert resting.spend.n_uncertain == stub.ledger.completions - resting.spend.n_bought > 0

    stub.always(MODEL, "ok")
    report = await run(path, store, settings)
    assert found(report) == found(await undisturbed(tmp_path / "calm", settings))
    assert report.spend.n_uncertain == resting.spend.n_uncertain
    assert stub.ledger.completions == report.spend.n_bought + report.spend.n_uncertain


async def test_question_that_met_a_fault_before_a_rest_is_asked_again_and_its_result_kept(
    stub: Stub, tmp_path: Path, store: Store, settings: Settings
) -> None:
    stub.key = ""
    path = write_job(
        tmp_path, stub.base_url, n_questions=24, space=ONE_PIPELINE, block_size=2,
        questions_in_flight=1, objectives=["quality"], budget={"trials": 1},
    )  # fmt: skip
    stub.script(MODEL, "400", *["ok"] * 7)
    stub.always(MODEL, "401")
    with pytest.raises(AuthFailed):
        await run(path, store, settings)
    resting = load_report(store.reader(), "sums")
    (line,) = resting.trials
    before = statuses(store, resting)
    assert before.count("infra_fault") == 1
    assert line.state == "running"

    stub.always(MODEL, "ok")
    report = await run(path, store, settings)
    assert [line.state for line in report.trials] == ["complete"]
    assert set(statuses(store, report)) == {"ok"}
    assert stub.ledger.completions == report.spend.n_bought


async def test_trial_with_a_question_that_no_request_answers_leaves_the_ranking(
    stub: Stub, tmp_path: Path, store: Store, settings: Settings
) -> None:
    stub.key = ""
    path = write_job(tmp_path, stub.base_url, questions_in_flight=1, budget={"trials": 4})
    # One of twenty questions fails, and again when it has its second chance.
    stub.script(MODEL, *["ok"] * 5, "400", *["ok"] * 14, "400")
    report = await run(path, store, settings)
    assert report.study.state == "completed"
    assert [line.state for line in report.trials] == ["failed", *["complete"] * 3]
    failed = report.trials[0]
    assert (failed.is_on_front, failed.objectives) == (False, {})
    assert "have no score" in failed.reason and "Unknown parameter" in failed.reason


def statuses(store: Store, report: StudyReport) -> list[str]:
    (line,) = report.trials
    reader = store.reader()
    found = reader.results(report.study.study_id, line.pipeline_id, split=SEARCH_SPLIT)
    return [result.status for result in found]
