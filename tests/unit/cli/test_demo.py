"""``archon demo``: a study of simulated models, from nothing to a verdict and a file."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

from archon.spec.pipeline_file import load_pipeline_file
from tests.commands import archon


async def test_demo_ends_in_a_verdict_and_a_file_and_says_that_it_is_simulated(
    tmp_path: Path,
) -> None:
    ran = await archon("demo", folder=tmp_path)
    assert ran.code == 0, ran.err
    assert "This is a simulation" in ran.err
    assert "Nothing that is found here says anything of real models" in ran.err
    said = " ".join(ran.out.split())
    assert "Verdict: " in said
    assert "is better than the best single call" in said
    # Every single call that was run is in sight, since each row is compared with one of them.
    assert "Other single calls: trial " in said
    others = said.split("Other single calls: ")[1].split(". Each row")[0]
    named = re.findall(r"trial (\d+) 0\.\d{3}", others)
    assert len(named) == 2
    left = re.search(r"but not run again: trials? ([^.]*)\.", said)
    assert not set(named) & set(left[1].split(", ") if left else ())
    compared = set(re.findall(r"\(to trial (\d+)\)", said))
    assert compared <= set(named)
    made = load_pipeline_file(tmp_path / "demo-best.yaml")
    assert {model.backend for model in made.models} == {"simulated"}
    *_, last = ran.err.strip().splitlines()
    _, _, command = last.partition("Ask it: archon ")
    answered = await archon(*shlex.split(command), folder=tmp_path)
    assert "Answer: " in answered.out
    other = await archon("ask", "demo-best.yaml", "What is 2 + 2?", folder=tmp_path)
    assert "know only the questions of my world" in other.out


async def test_export_of_a_simulated_study_names_a_question_that_its_models_know(
    tmp_path: Path,
) -> None:
    await archon("demo", "--trials", "3", folder=tmp_path)
    ran = await archon("export", "demo", "-o", "mine.yaml", folder=tmp_path)
    assert "archon ask mine.yaml 'This is simulated question " in ran.err


async def test_demo_of_one_seed_finds_the_same_again(tmp_path: Path) -> None:
    found = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        ran = await archon("demo", "--trials", "6", "--json", folder=tmp_path / name)
        assert ran.code == 0, ran.err
        report = json.loads(ran.out)
        found.append([(t["pipeline_id"], t["objectives"]) for t in report["trials"]])
    assert found[0] == found[1]
    assert len(found[0]) == 6


async def test_world_or_model_that_is_not_there_is_an_error_with_its_line(tmp_path: Path) -> None:
    job = tmp_path / "job.yaml"
    job.write_text(
        "benchmark: {simulated: defualt, scorer: {kind: numeric}}\n"
        "models: {weak: {simulated: default/week}}\n"
        "budget: {trials: 1}\n"
        "space: {layers: [{generate: {model: weak}}]}\n"
    )
    ran = await archon("validate", "job.yaml", folder=tmp_path)
    assert ran.code == 2
    assert "job.yaml:1: benchmark.simulated" in ran.err
    assert "job.yaml:2: models.weak.simulated" in ran.err
    assert "default/weak" in ran.err
