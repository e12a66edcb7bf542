from __future__ import annotations

import re
from io import StringIO
from pathlib import Path
from typing import cast

import pytest
from rich.console import Console

from archon.cli.report import print_study
from archon.core.calls import ModelCard
from archon.core.errors import AuthFailed, NotFound, SetupError
from archon.core.records import HELD_OUT_SPLIT
from archon.models.secret import Secret
from archon.runtime import limits
from archon.search.objectives import Measured
from archon.search.samplers.table import SAMPLERS, SamplerKind
from archon.service import assemble
from archon.service.export import export_by_rule, export_trial
from archon.service.prepare import in_store, prepare
from archon.service.report import load_report
from archon.service.settings import Settings
from archon.service.study_run import run_job
from archon.spec.job import load_job
from archon.spec.pipeline_file import load_pipeline_file
from archon.store.opening import Store
from tests.jobs import write_job
from tests.stub import Stub
from tests.studies import run
from tests.unit.search.world import Log


async def test_job_ends_in_a_front_a_verdict_and_a_file_that_loads(
    stub: Stub, tmp_path: Path, store: Store, settings: Settings
) -> None:
    report = await run(load_job(write_job(tmp_path, stub.base_url)), store, settings)
    assert report.study.state == "completed"
    assert [line.number for line in report.trials] == list(range(10))
    assert any(line.is_on_front for line in report.trials)
    assert report.final is not None
    judgement = report.final.judgement
    assert judgement.baseline is not None
    assert judgement.baseline.calls.value == 1
    assert 1 <= len(judgement.finalists) <= 3
    assert "best single call" in judgement.verdict
    assert stub.ledger.completions == report.spend.n_bought
    exported = export_by_rule(report, store.reader(), "best")
    exported.save(tmp_path / "best.yaml")
    loaded = load_pipeline_file(tmp_path / "best.yaml")
    assert loaded.architecture == exported.architecture
    assert loaded.provenance is not None
    assert loaded.provenance.n_questions == 20


async def test_fresh_study_of_a_job_is_the_one_that_is_resumed_from_then_on(
    stub: Stub, tmp_path: Path, store: Store, settings: Settings
) -> None:
    prepared = prepare(load_job(write_job(tmp_path, stub.base_url, budget={"trials": 2})))
    ids = []
    for is_fresh in (False, True, False, True, False):
        meant = in_store(prepared, store.reader(), is_fresh=is_fresh)
        await run_job(meant, store, settings, watcher=Log(), say=lambda line: None)
        ids.append(meant.study_id)
    assert ids[0] != ids[1] == ids[2] != ids[3] == ids[4] != ids[0]
    assert len(store.reader().studies()) == 3
    assert stub.ledger.completions == store.reader().spend(ids[0]).n_bought


async def test_finalists_and_single_call_are_measured_on_fresh_samples_of_other_questions(
    stub: Stub, tmp_path: Path, store: Store, settings: Settings
) -> None:
    log = Log()
    report = await run(load_job(write_job(tmp_path, stub.base_url)), store, settings, log)
    assert report.final is not None
    judgement = report.final.judgement
    assert judgement.baseline is not None
    n_singles = 3  # one for each temperature
    assert log.seen[-1] == f"held out {n_singles + len(judgement.finalists)} x 20"
    reader, study = store.reader(), report.study.study_id
    for standing in (judgement.baseline, *judgement.finalists):
        search = reader.results(study, standing.pipeline_id)
        held_out = reader.results(study, standing.pipeline_id, split="held_out")
        assert not {r.example_id for r in search} & {r.example_id for r in held_out}
        assert standing.n_scored == len(held_out) == 20


async def test_baseline_is_the_best_of_the_single_calls_on_the_held_out_questions(
    stub: Stub, tmp_path: Path, store: Store, settings: Settings
) -> None:
    job = load_job(write_job(tmp_path, stub.base_url, budget={"trials": 30}))
    report = await run(job, store, settings)
    assert report.final is not None
    baseline = report.final.judgement.baseline
    assert baseline is not None
    reader, study = store.reader(), report.study.study_id
    singles = {
        line.pipeline_id: Measured(
            line.pipeline_id,
            reader.trial(study, line.number).proposal.architecture,
            tuple(reader.results(study, line.pipeline_id, split=HELD_OUT_SPLIT)),
        ).mean("quality")
        for line in report.trials
        if " x" not in line.pipeline
    }
    assert len(singles) == 3  # one for each temperature
    assert singles[baseline.pipeline_id] == max(singles.values())
    assert not singles.keys() & {one.pipeline_id for one in report.final.judgement.finalists}


async def test_report_says_on_how_many_questions_a_trial_and_a_finalist_was_seen(
    stub: Stub, tmp_path: Path, store: Store, settings: Settings
) -> None:
    path = write_job(
        tmp_path,
        stub.base_url,
        n_questions=120,
        sampler={"kind": "gain"},
        budget={"calls": 900, "held_out_share": 0.5},
    )
    report = await run(load_job(path), store, settings)
    assert report.final is not None
    results, study = store.reader().results, report.study.study_id
    assert report.to_data()["study"]["n_examples"] == report.n_examples == 60
    assert [line.n_examples for line in report.trials] == [
        len(results(study, line.pipeline_id)) for line in report.trials
    ]
    printed = StringIO()
    print_study(report, Console(file=printed, width=300), has_all_trials=True)
    lines = printed.getvalue().splitlines()
    finalists = [report.trial_of(one.pipeline_id) for one in report.final.judgement.finalists]
    in_part = [line for line in finalists if line.n_examples < 60]
    assert in_part
    for line in finalists:
        (said,) = (one for one in lines if one.startswith(f"  trial {line.number}: "))
        seen = f"(in the search seen on {line.n_examples} of 60)"
        assert said.endswith(seen) == (line in in_part)
    for line in report.trials:
        said = next(one for one in lines if re.match(rf" *{line.number} ", one))
        assert said.count(f"seen on {line.n_examples} of 60") == (0 < line.n_examples < 60)


SAMPLED = {
    "layers": [
        {"generate": {"model": "small", "samples": [3, 5, 9], "max_tokens": 32}},
        {"vote": {"answer": "number"}},
    ]
}


async def test_single_call_that_met_faults_in_the_search_is_measured_on_the_held_out_questions(
    stub: Stub, tmp_path: Path, store: Store, settings: Settings
) -> None:
    stub.script("adds-0.6", *["400"] * 40)  # twice the questions of the first trial
    path = write_job(tmp_path, stub.base_url, budget={"trials": 4}, space=SAMPLED)
    report = await run(load_job(path), store, settings)
    assert [line.state for line in report.trials] == ["failed", *["complete"] * 3]
    assert report.final is not None
    baseline = report.final.judgement.baseline
    assert baseline is not None
    assert (baseline.pipeline_id, baseline.n_scored) == (report.trials[0].pipeline_id, 20)


async def test_nothing_wins_over_a_single_call_that_no_question_was_scored_for(
    stub: Stub, tmp_path: Path, store: Store, settings: Settings
) -> None:
    stub.always("adds-1.0", "400")
    small = {"url": stub.base_url, "model": "adds-0.3", "send_slots": True}
    path = write_job(
        tmp_path,
        stub.base_url,
        models={"small": small, "strong": {**small, "model": "adds-1.0"}},
        budget={"trials": 6},
        space={
            "layers": [
                {"generate": {"model": ["small", "strong"], "samples": [1, 9]}},
                {"vote": {"answer": "number"}},
            ]
        },
    )
    report = await run(load_job(path), store, settings)
    assert report.final is not None
    judgement = report.final.judgement
    strong = next(line for line in report.trials if line.state == "failed")
    assert judgement.uncompared == (strong.pipeline_id,)
    assert judgement.winner_id is None
    assert f"the single call trial {strong.number} has no score" in judgement.verdict


async def test_held_out_question_without_a_score_is_recorded_and_counted(
    stub: Stub, tmp_path: Path, store: Store, settings: Settings
) -> None:
    path = write_job(tmp_path, stub.base_url, budget={"trials": 1}, space=SAMPLED)

    class FailsLater(Log):
        """Lets the held-out run meet faults: eight of the first chance, two of the second."""

        def held_out_begins(self, n_pipelines: int, n_examples: int) -> None:
            stub.script("adds-0.6", *["400"] * 8, *["ok"] * 12, *["400"] * 2)

    report = await run(load_job(path), store, settings, FailsLater())
    assert report.final is not None
    baseline = report.final.judgement.baseline
    assert baseline is not None
    assert (baseline.n_scored, baseline.n_missing) == (18, 2)
    found = store.reader().results(
        report.study.study_id, baseline.pipeline_id, split=HELD_OUT_SPLIT
    )
    assert [one.status for one in found].count("infra_fault") == 2


async def test_finished_job_is_reported_again_without_a_call(
    stub: Stub, tmp_path: Path, store: Store, settings: Settings
) -> None:
    job = load_job(write_job(tmp_path, stub.base_url))
    first = await run(job, store, settings)
    bought = stub.ledger.requests
    again = await run(job, store, settings)
    assert stub.ledger.requests == bought
    assert again.to_data() == first.to_data()


async def test_changed_question_makes_another_study_that_reuses_the_calls(
    stub: Stub, tmp_path: Path, store: Store, settings: Settings
) -> None:
    first = await run(load_job(write_job(tmp_path, stub.base_url)), store, settings)
    bought = stub.ledger.completions
    job = load_job(write_job(tmp_path, stub.base_url, n_questions=41))
    second = await run(job, store, settings)
    assert second.study.study_id != first.study.study_id
    assert second.spend.n_bought == stub.ledger.completions - bought < bought


@pytest.mark.parametrize(
    ("budget", "unit"),
    [
        ({"calls": 150}, "calls"),
        ({"tokens": 6000}, "tokens"),
        ({"usd": 0.004}, "USD"),
    ],
    ids=["calls", "tokens", "usd"],
)
async def test_budget_holds_over_search_and_held_out_run(
    stub: Stub,
    tmp_path: Path,
    store: Store,
    settings: Settings,
    budget: dict[str, float],
    unit: str,
) -> None:
    path = write_job(tmp_path, stub.base_url, budget={**budget, "held_out_share": 0.4})
    report = await run(load_job(path), store, settings)
    assert unit in report.study.stop_reason
    assert report.final is not None
    spend = report.spend
    bill = stub.ledger.billed_prompt_tokens + 2 * stub.ledger.billed_completion_tokens
    assert spend.n_bought == stub.ledger.completions <= budget.get("calls", 10**9)
    assert spend.spend_nusd == bill * 1000 <= budget.get("usd", 10**9) * 10**9
    assert spend.prompt_tokens + spend.completion_tokens <= budget.get("tokens", 10**9)
    held_out = store.reader().results(
        report.study.study_id, report.trials[0].pipeline_id, split="held_out"
    )
    assert held_out  # the share that was kept back was used


async def test_refused_key_pauses_the_study_with_what_to_do(
    stub: Stub, tmp_path: Path, store: Store, settings: Settings
) -> None:
    stub.always("adds-0.6", "401")
    job = load_job(write_job(tmp_path, stub.base_url))
    with pytest.raises(AuthFailed):
        await run(job, store, settings)
    report = load_report(store.reader(), "sums")
    assert report.study.state == "paused"
    assert "key" in report.study.stop_reason
    assert "CANARY" not in str(report.to_data())
    assert stub.ledger.completions == 0


@pytest.mark.parametrize(
    ("mode", "budget", "why"),
    [
        ("400", {"trials": 2}, "not one of 2 trials could be measured; trial 0: .*no score"),
        ("empty", {"calls": 27}, "before one pipeline was measured: .*calls"),
    ],
    ids=["every request is refused", "budget ends in the first trial"],
)
async def test_study_in_which_nothing_could_be_measured_is_not_called_completed(
    stub: Stub,
    tmp_path: Path,
    store: Store,
    settings: Settings,
    mode: str,
    budget: dict[str, int],
    why: str,
) -> None:
    stub.always("adds-0.6", mode)
    job = load_job(write_job(tmp_path, stub.base_url, budget=budget))
    report = await run(job, store, settings)
    assert report.study.state == "failed"
    assert re.search(why, report.study.stop_reason)
    requests = stub.ledger.requests
    again = await run(job, store, settings)
    assert again.study.state == "failed"
    assert stub.ledger.requests == requests


class FrozenEngine:
    """Stands in for an embedded engine that runs and answers nobody."""

    base_url, model_name, api_key = "http://127.0.0.1:9/v1", "m", Secret("k")

    async def running(self) -> FrozenEngine:
        return self

    def failure(self) -> None:
        return None

    async def why_silent(self) -> SetupError:
        return SetupError("the embedded engine runs, and gave no token. Its log: engine.log")


async def test_study_whose_engine_stopped_answering_rests_with_the_engines_own_reason(
    tmp_path: Path, store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = ModelCard("small", "engine/m", has_many_samples=True)
    monkeypatch.setattr(assemble, "engine_card", lambda alias: card)
    monkeypatch.setattr(limits, "LONGEST_WAIT_S", 0.001)
    models = {"small": {"engine": "smollm2-135m-instruct"}}
    prepared = prepare(load_job(write_job(tmp_path, "", models=models)))
    shared = cast(assemble.SharedEngine, FrozenEngine())
    with pytest.raises(SetupError, match=r"engine\.log"):
        await run_job(
            prepared, store, settings, watcher=Log(), say=lambda line: None, shared=shared
        )
    study = store.reader().find_study("sums")
    assert (study.state, study.stop_reason[:19]) == ("paused", "the embedded engine")


async def test_any_trial_can_be_exported(
    stub: Stub, tmp_path: Path, store: Store, settings: Settings
) -> None:
    report = await run(load_job(write_job(tmp_path, stub.base_url)), store, settings)
    for line in report.trials:
        exported = export_trial(report, store.reader(), line.number)
        assert exported.architecture.pipeline_id() == line.pipeline_id
        assert exported.provenance is not None
        assert exported.provenance.trial == line.number
    with pytest.raises(NotFound, match="no trial 99"):
        export_trial(report, store.reader(), 99)


@pytest.mark.parametrize("kind", SAMPLERS)
async def test_job_runs_with_every_sampler_and_tries_no_pipeline_twice(
    kind: SamplerKind, stub: Stub, tmp_path: Path, store: Store, settings: Settings
) -> None:
    generate = {"model": "small", "samples": [1, 3, 5, 9], "max_tokens": 32}
    warmth = [0.3, 0.7, 1.0] if kind == "exhaustive" else {"from": 0.0, "to": 1.0}
    job = write_job(
        tmp_path,
        stub.base_url,
        n_questions=16,
        sampler={"kind": kind},
        objectives=["quality"] if kind == "cmaes" else ["quality", "tokens"],
        budget={"trials": 12},
        parallel_trials=2,
        space={
            "layers": [
                {"generate": generate | {"temperature": warmth}},
                {"one_of": ["nothing", "vote"]},
            ]
        },
    )
    report = await run(load_job(job), store, settings)
    assert report.study.state == "completed"
    tried = {line.pipeline_id for line in report.trials}
    assert len(tried) == len(report.trials)
    assert 4 <= len(tried) <= 12 if kind == "gain" else len(tried) == 12
    assert {line.state for line in report.trials} <= {"complete", "pruned"}
