"""A study as Optuna's own storage: what Optuna opens is what the study holds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import optuna
import pytest

from archon.core.records import TrialRow
from archon.search.choices import from_json
from archon.service.export_optuna import export_to_optuna
from archon.service.prepare import prepare
from archon.service.report import StudyReport, load_report
from archon.service.settings import Settings
from archon.service.study_run import run_job
from archon.spec.job import load_job
from archon.store.opening import Store
from tests.commands import archon
from tests.jobs import write_job
from tests.stub import Stub
from tests.unit.search.world import Log

BLOCK = 5


def job_of(folder: Path, url: str, objectives: Sequence[str]) -> Path:
    """A good model, and one that never is right, with which every trial is stopped early."""
    models = {
        alias: {"url": url, "model": model, "send_slots": True}
        for alias, model in (("small", "adds-0.9"), ("wrong", "adds-0.0"))
    }
    generate = {
        "model": ["small", "wrong"],
        "samples": [1, 2, 4],
        "temperature": {"from": 0.3, "to": 1.0},
        "max_tokens": 32,
    }
    return write_job(
        folder,
        url,
        n_questions=120,
        objectives=list(objectives),
        models=models,
        budget={"trials": 16},
        block_size=BLOCK,
        space={"layers": [{"generate": generate}, {"one_of": ["nothing", "vote"]}]},
    )


async def exported(
    path: Path, store: Store, settings: Settings
) -> tuple[StudyReport, Sequence[TrialRow], optuna.Study]:
    prepared = prepare(load_job(path))
    await run_job(prepared, store, settings, watcher=Log(), say=lambda line: None)
    file = path.parent / "study.db"
    name = export_to_optuna(store.reader(), "sums", file)
    study = optuna.load_study(study_name=name, storage=f"sqlite:///{file}")
    rows = store.reader().trials(prepared.study_id, limit=None)
    return load_report(store.reader(), "sums"), rows, study


async def test_optuna_opens_the_study_with_its_trials_front_and_parameters(
    stub: Stub, tmp_path: Path, store: Store, settings: Settings
) -> None:
    job = job_of(tmp_path, stub.base_url, ["quality", "tokens"])
    report, rows, study = await exported(job, store, settings)
    assert [d.name for d in study.directions] == ["MAXIMIZE", "MINIMIZE"]
    assert study.metric_names == ["quality", "tokens"]
    assert [trial.number for trial in study.trials] == [row.number for row in rows]
    states = {"complete": "COMPLETE", "pruned": "PRUNED"}
    assert [trial.state.name for trial in study.trials] == [states[row.state] for row in rows]
    for row, trial in zip(rows, study.trials, strict=True):
        walk = from_json(row.proposal.choices_json)
        assert walk
        assert trial.params == {answer.name: answer.value for answer in walk}
        assert trial.user_attrs["pipeline"] == report.trials[row.number].pipeline
        if row.objectives is not None:
            assert tuple(trial.values) == row.objectives
            assert tuple(trial.user_attrs[name] for name in ("quality", "tokens")) == row.objectives
    front = {trial.number for trial in study.best_trials}
    assert front == {line.number for line in report.trials if line.is_on_front}
    importances = optuna.importance.get_param_importances(study)
    assert set(importances) >= {"0.generate.model", "0.generate.samples"}


async def test_stopped_trial_has_its_score_after_each_block_and_why_it_was_stopped(
    stub: Stub, tmp_path: Path, store: Store, settings: Settings
) -> None:
    job = job_of(tmp_path, stub.base_url, ["quality"])
    _, rows, study = await exported(job, store, settings)
    pruned = [row for row in rows if row.state == "pruned"]
    assert pruned
    for row in rows:
        trial = study.trials[row.number]
        results = store.reader().results(row.study_id, row.proposal.pipeline_id)
        scores = [result.score.value for result in results if result.score is not None]
        steps = range(1, len(scores) // BLOCK + 1)
        means = {step: sum(scores[: step * BLOCK]) / (step * BLOCK) for step in steps}
        assert trial.intermediate_values == pytest.approx(means)
        assert trial.value == pytest.approx(means[max(means)])
        assert trial.user_attrs["reason"] == row.reason
        assert trial.user_attrs["n_questions"] == len(scores)
    best = max((row for row in rows if row.objectives), key=lambda row: row.objectives or ())
    assert study.best_value == (best.objectives or ())[0]
    assert optuna.importance.get_param_importances(study)


async def test_export_writes_the_file_and_says_how_to_open_it(stub: Stub, tmp_path: Path) -> None:
    job = write_job(tmp_path, stub.base_url, budget={"trials": 3})
    searched = await archon("search", str(job), "--json", folder=tmp_path)
    n_trials = len(json.loads(searched.out)["trials"])
    command = ("export", "sums", "--format", "optuna", "sums.db")
    ran = await archon(*command, folder=tmp_path)
    assert ran.code == 0, ran.err
    assert "Wrote sums.db" in ran.err
    (name,) = optuna.get_all_study_names(f"sqlite:///{tmp_path / 'sums.db'}")
    assert repr(name) in ran.err
    study = optuna.load_study(study_name=name, storage=f"sqlite:///{tmp_path / 'sums.db'}")
    assert len(study.trials) == n_trials
    again = await archon(*command, folder=tmp_path)
    assert again.code == 2
    assert "--force" in again.err
    assert (await archon(*command, "--force", folder=tmp_path)).code == 0


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--format", "optuna"], "Name its file"),
        (["s.db", "--format", "optuna", "--trial", "1"], "writes all trials"),
        (["a.yaml", "-o", "b.yaml"], "Leave one of them out"),
        (["a.db", "--format", "optunna"], "optuna"),
    ],
    ids=["no file", "one trial", "two files", "format"],
)
async def test_wrong_use_of_export_is_refused(tmp_path: Path, args: list[str], said: str) -> None:
    ran = await archon("export", "sums", *args, folder=tmp_path)
    assert ran.code == 2
    assert said in ran.err
    assert not list(tmp_path.glob("*.db"))
