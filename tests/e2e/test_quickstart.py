"""The quickstart with the real engine and its real model, cut to three trials."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from platformdirs import user_cache_path

from archon.spec.pipeline_file import load_pipeline_file
from tests.commands import archon
from tests.processes import processes_with

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

JOB = Path(__file__).parents[2] / "search_spaces" / "quickstart.yaml"
ENGINE = "vllm.entrypoints"


async def test_quickstart_searches_exports_answers_and_stops_its_engine(tmp_path: Path) -> None:
    before = processes_with(ENGINE)
    ran = await archon(
        "search",
        str(JOB),
        *("--trials", "3", "--export", "best.yaml", "--json"),
        *("--ask", 'Write one sentence that contains the words "river" and "lantern".'),
        folder=tmp_path,
        ARCHON_CACHE_DIR=str(user_cache_path("archon")),
    )
    assert ran.code == 0, ran.err
    report = json.loads(ran.out)
    assert report["study"]["state"] == "completed"
    states = [trial["state"] for trial in report["trials"]]
    assert len(states) == 3
    assert states[0] == "complete"
    assert set(states) <= {"complete", "pruned"}
    spend = report["spend"]
    assert spend["n_bought"] >= 24
    assert spend["completion_tokens"] > spend["n_bought"]
    judgement = report["final"]["judgement"]
    assert judgement["baseline"]["n_scored"] == 60
    assert 0 < judgement["baseline"]["quality"]["value"] < 1
    assert "best single call" in judgement["verdict"]
    provenance = load_pipeline_file(tmp_path / "best.yaml").provenance
    assert provenance is not None
    assert provenance.study == report["study"]["id"]
    answered = ran.err.split("Answered:")[1].strip()
    assert len(answered.split()) > 3
    assert set(processes_with(ENGINE)) <= set(before)
