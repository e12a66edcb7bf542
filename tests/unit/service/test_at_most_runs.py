"""Ceilings of a job, over a whole study."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

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
