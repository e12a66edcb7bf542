"""A user's own pipelines are tried next in a study, or refused with the reason."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import yaml

from archon.core.errors import Conflict, NotFound, SpecError
from archon.search.choices import from_json
from archon.service.enqueue import enqueue
from archon.service.settings import Settings
from archon.spec.job import load_job
from archon.store.opening import Store, open_store
from tests.jobs import write_job
from tests.stub import Stub
from tests.studies import run

VOTE = {"vote": {"answer": "number"}}


def generate(model: str = "small", **params: object) -> dict[str, object]:
    return {"generate": {"model": model, "max_tokens": 32, **params}}


def write_pipeline(
    folder: Path,
    url: str,
    *layers: dict[str, object],
    name: str = "mine.yaml",
    alias: str = "small",
    model: str = "adds-0.6",
) -> Path:
    data = {"models": {alias: {"url": url, "model": model}}, "layers": list(layers)}
    (folder / name).write_text(yaml.safe_dump(data, sort_keys=False))
    return folder / name


async def test_pipeline_enqueued_in_a_job_without_a_study_comes_right_after_the_baselines(
    stub: Stub, tmp_path: Path, store: Store, settings: Settings
) -> None:
    job = write_job(tmp_path, stub.base_url)
    mine = write_pipeline(tmp_path, stub.base_url, generate(samples=7, temperature=0.5), VOTE)
    queue = await enqueue(str(job), [mine], store)
    assert [(one.number, one.state) for one in queue.files] == [(1, "proposed")]
    assert store.reader().find_study("sums").state == "paused"
    assert stub.ledger.completions == 0
    report = await run(load_job(job), store, settings)
    assert report.study.study_id == queue.study_id
    origins = [line.origin for line in report.trials]
    assert origins[:3] == ["baseline", "user", "seed"]
    assert len({line.pipeline_id for line in report.trials}) == 10
    assert report.trials[1].pipeline.startswith("small x7")
    assert len(report.trials) == 10


async def test_pipeline_enqueued_in_a_paused_study_comes_before_the_samplers_next(
    stub: Stub, tmp_path: Path, store: Store, settings: Settings
) -> None:
    stub.latency_s = 0.02
    job = write_job(tmp_path, stub.base_url)
    task = asyncio.ensure_future(run(load_job(job), store, settings))
    while stub.ledger.completions < 100:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    n_before = len(store.reader().trials(store.reader().find_study("sums").study_id))
    mine = write_pipeline(tmp_path, stub.base_url, generate(samples=7, temperature=0.5), VOTE)
    queue = await enqueue("sums", [mine], store)
    assert queue.files[0].number == n_before
    stub.latency_s = 0.0
    report = await run(load_job(job), store, settings)
    assert [line.number for line in report.trials if line.origin == "user"] == [n_before]
    assert report.trials[n_before].state in ("complete", "pruned")
    assert report.study.state == "completed"


async def test_pipeline_that_was_tried_is_recognised_however_it_is_written(
    stub: Stub, tmp_path: Path, store: Store, settings: Settings
) -> None:
    job = write_job(tmp_path, stub.base_url)
    first = write_pipeline(tmp_path, stub.base_url, generate(samples=3, temperature=0.7), VOTE)
    again = write_pipeline(
        tmp_path,
        stub.base_url,
        # 0.7 is the default, and two equal producers side by side are one with more samples.
        {"side_by_side": [generate("m", samples=1), generate("m", samples=2)]},
        VOTE,
        name="again.yaml",
        alias="m",
    )
    both = await enqueue(str(job), [first, again], store)
    assert [one.number for one in both.files] == [1, 1]
    study = store.reader().find_study("sums").study_id
    assert len(store.reader().trials(study)) == 2
    assert (await enqueue("sums", [again], store)).files[0].number == 1
    assert len(store.reader().trials(study)) == 2
    report = await run(load_job(job), store, settings)
    assert [line.number for line in report.trials if line.origin == "user"] == [1]


async def test_sampler_knows_the_walk_to_a_users_pipeline_that_lies_in_the_space(
    stub: Stub, tmp_path: Path, store: Store
) -> None:
    job = write_job(tmp_path, stub.base_url)
    files = [
        write_pipeline(tmp_path, stub.base_url, generate(samples=n), VOTE, name=f"{n}.yaml")
        for n in (5, 7)
    ]
    queue = await enqueue(str(job), files, store)
    inside, outside = (
        from_json(store.reader().trial(queue.study_id, one.number).proposal.choices_json)
        for one in queue.files
    )
    assert {answer.name: answer.value for answer in inside}["0.generate.samples"] == 5
    assert outside == ()


async def test_model_that_only_the_users_pipeline_asks_is_opened(
    stub: Stub, tmp_path: Path, store: Store, settings: Settings
) -> None:
    small = {"url": stub.base_url, "model": "adds-0.6", "send_slots": True}
    other = {"url": stub.base_url, "model": "adds-0.9", "send_slots": True}
    models = {"small": small, "other": other}
    job = write_job(tmp_path, stub.base_url, models=models, budget={"trials": 4})
    mine = write_pipeline(tmp_path, stub.base_url, generate("x"), alias="x", model="adds-0.9")
    await enqueue(str(job), [mine], store)
    report = await run(load_job(job), store, settings)
    assert report.trials[1].state == "complete"
    assert report.trials[1].pipeline.startswith("other")
    assert stub.ledger.requests_by_model["adds-0.9"] >= 20


async def test_refused_file_says_where_and_why_and_leaves_no_study(
    stub: Stub, tmp_path: Path, store: Store, settings: Settings
) -> None:
    space = yaml.safe_load(write_job(tmp_path, stub.base_url).read_text())["space"]
    job = write_job(tmp_path, stub.base_url, space=space | {"max_calls": 9})
    good = write_pipeline(tmp_path, stub.base_url, generate(samples=2), VOTE)
    foreign = write_pipeline(
        tmp_path, stub.base_url, generate(), name="foreign.yaml", model="adds-0.1"
    )
    dear = write_pipeline(tmp_path, stub.base_url, generate(samples=10), VOTE, name="dear.yaml")
    with pytest.raises(SpecError) as refused:
        await enqueue(str(job), [good, foreign, dear], store)
    lacking, over = refused.value.problems
    assert (Path(lacking.file).name, lacking.path) == ("foreign.yaml", "models.small")
    assert lacking.line == 2
    assert "adds-0.1" in lacking.message
    assert "small: adds-0.6" in lacking.hint
    assert Path(over.file).name == "dear.yaml"
    assert "up to 10 calls a question, and space.max_calls is 9" in over.message
    with pytest.raises(NotFound):
        store.reader().find_study("sums")


async def test_judge_of_the_job_is_no_part_of_a_users_pipeline(
    stub: Stub, tmp_path: Path, store: Store
) -> None:
    judge = {"kind": "judge", "model": "big"}
    models = {
        alias: {"url": stub.base_url, "model": model}
        for alias, model in (("small", "adds-0.6"), ("big", "adds-0.9"))
    }
    benchmark = {"file": "sums.jsonl", "scorer": judge}
    job = write_job(tmp_path, stub.base_url, benchmark=benchmark, models=models)
    mine = write_pipeline(tmp_path, stub.base_url, generate(), model="adds-0.9")
    with pytest.raises(SpecError, match="'big' scores the answers of this job"):
        await enqueue(str(job), [mine], store)


async def test_study_that_is_done_or_full_or_runs_takes_nothing(
    stub: Stub, tmp_path: Path, store: Store, settings: Settings
) -> None:
    job = write_job(tmp_path, stub.base_url, budget={"trials": 2})
    files = [
        write_pipeline(tmp_path, stub.base_url, generate(samples=n), VOTE, name=f"{n}.yaml")
        for n in (2, 4, 6)
    ]
    with pytest.raises(SpecError, match="0 of at most 2 trials"):
        await enqueue(str(job), files, store)
    study = store.reader().find_study("sums").study_id
    with open_store(f"sqlite:///{tmp_path / 'archon.db'}") as other:
        await other.studies().take(study)
        with pytest.raises(Conflict, match="is run by process"):
            await enqueue("sums", files[:1], store)
    await run(load_job(job), store, settings)
    with pytest.raises(SpecError, match="completed, and nothing further runs in it"):
        await enqueue("sums", files[:1], store)
