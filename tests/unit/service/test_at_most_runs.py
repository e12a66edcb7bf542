"""Ceilings of a job, over a whole study."""

from __future__ import annotations

import re
from pathlib import Path
from statistics import mean

import pytest

from archon.core.records import SEARCH_SPLIT
from archon.search.samplers.table import SamplerKind
from archon.service.report import StudyReport
from archon.service.settings import Settings
from archon.spec.job import load_job
from archon.store.opening import Store
from tests.jobs import write_job
from tests.stub import Stub
from tests.studies import run


async def test_what_takes_more_than_at_most_is_tried_and_is_no_finalist(
    stub: Stub, tmp_path: Path, store: Store, settings: Settings
) -> None:
    async def ended(at_most: dict[str, float]) -> StudyReport:
        budget, sampler = {"trials": 30}, {"kind": "random"}
        path = write_job(
            tmp_path, stub.base_url, budget=budget, sampler=sampler, racing=False, at_most=at_most
        )
        return await run(load_job(path), store, settings)

    whole = await ended({})
    some = [line.objectives["tokens"] for line in whole.trials if " x" in line.pipeline]
    most = sorted(some)[len(some) // 2]
    report = await ended({"tokens": most})
    assert len(report.trials) == len(whole.trials)
    assert report.final is not None
    finalists = report.final.judgement.finalists
    assert finalists
    for one in finalists:
        assert report.trial_of(one.pipeline_id).objectives["tokens"] <= most


def mean_tokens(store: Store, report: StudyReport, pipeline_id: str) -> float:
    results = store.reader().results(report.study.study_id, pipeline_id, split=SEARCH_SPLIT)
    return mean([result.deployed.tokens for result in results])


async def test_no_trial_is_stopped_behind_one_that_passes_a_ceiling(
    stub: Stub, tmp_path: Path, store: Store, settings: Settings
) -> None:
    most = 30
    write = {"model": "small", "samples": [1, 2, 3, 4, 24], "temperature": [0.3, 0.7, 1.0]}
    path = write_job(
        tmp_path,
        stub.base_url,
        n_questions=160,
        objectives=["quality"],
        budget={"trials": 12},
        sampler={"kind": "random"},
        space={
            "layers": [{"generate": {**write, "max_tokens": 32}}, {"vote": {"answer": "number"}}]
        },
        at_most={"tokens": most},
    )
    report = await run(load_job(path), store, settings)
    rivals = [re.match(r"behind trial (\d+)", line.reason) for line in report.trials]
    stopped = [found for found in rivals if found]
    assert stopped
    for found in stopped:
        rival = report.trials[int(found[1])]
        assert mean_tokens(store, report, rival.pipeline_id) <= most
    over = [line for line in report.trials if mean_tokens(store, report, line.pipeline_id) > most]
    assert 0 < len(over) < len(report.trials)
    assert report.final is not None
    assert report.final.judgement.finalists


@pytest.mark.parametrize("kind", ["tpe", "nsga2", "gp"])
async def test_search_by_trials_turns_to_what_keeps_to_at_most(
    kind: SamplerKind, stub: Stub, tmp_path: Path, store: Store, settings: Settings
) -> None:
    most = 50
    samples = {"from": 1, "to": 24}
    write = {"model": "small", "samples": samples, "temperature": {"from": 0.3, "to": 1.0}}
    space = {"layers": [{"generate": {**write, "max_tokens": 32}}, {"vote": {"answer": "number"}}]}

    async def n_kept(at_most: dict[str, float]) -> int:
        path = write_job(
            tmp_path,
            stub.base_url,
            n_questions=16,
            objectives=["quality"],
            budget={"trials": 30},
            racing=False,
            sampler={"kind": kind},
            space=space,
            at_most=at_most,
        )
        report = await run(load_job(path), store, settings)
        ids = [line.pipeline_id for line in report.trials]
        assert len(ids) == 30
        return sum(mean_tokens(store, report, one) <= most for one in ids)

    assert await n_kept({"tokens": most}) > await n_kept({})


@pytest.mark.parametrize("kind", ["gain", "nsga2"])
async def test_why_nothing_keeps_to_at_most_is_said_with_the_trial_that_comes_nearest(
    kind: SamplerKind, stub: Stub, tmp_path: Path, store: Store, settings: Settings
) -> None:
    path = write_job(tmp_path, stub.base_url, at_most={"tokens": 1}, sampler={"kind": kind})
    report = await run(load_job(path), store, settings)
    assert report.final is not None
    assert report.final.judgement.finalists == ()
    none, singles = (one for one in report.final.warnings if "at_most" in one)
    assert singles.startswith("single calls are not held to at_most: on the held-out questions tr")
    assert re.search(r"nearest, trial \d+ takes \d+ tokens a question, where 1 tokens", none)
