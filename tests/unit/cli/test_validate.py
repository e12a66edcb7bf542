"""``archon validate``, ``estimate`` and ``models``: what is known before anything is paid."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import get_args

import pytest
import yaml

from archon.spec.model_spec import Backend
from tests.commands import archon
from tests.jobs import write_job, write_questions
from tests.stub import Stub, running_stub

SPACES = Path(__file__).parents[3] / "search_spaces"


@pytest.fixture
async def stub() -> AsyncIterator[Stub]:
    async with running_stub(Stub()) as stub:
        yield stub


def edited(path: Path, *keys: str | int, value: object) -> Path:
    """Change one entry of a file in place."""
    data = yaml.safe_load(path.read_text())
    place = data
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    path.write_text(yaml.safe_dump(data, sort_keys=False))
    return path


async def test_validate_sums_a_right_job_up_and_touches_nothing(stub: Stub, tmp_path: Path) -> None:
    job = write_job(tmp_path, stub.base_url)
    ran = await archon("validate", str(job), folder=tmp_path)
    assert (ran.code, ran.err) == (0, "")
    assert "40 questions, scored by numeric" in ran.out
    assert "A space of 24 combinations" in ran.out
    assert "10 trials" in ran.out
    assert stub.ledger.requests == 0
    assert not (tmp_path / "data").exists()


async def test_validate_names_every_problem_with_file_line_and_key(tmp_path: Path) -> None:
    job = write_job(tmp_path, "http://localhost:9/v1")
    edited(job, "objectives", value=["qualty"])
    edited(job, "space", "layers", 0, "generate", "modle", value="small")
    ran = await archon("validate", str(job), folder=tmp_path)
    assert ran.code == 2
    lines = job.read_text().splitlines()
    at = next(i for i, line in enumerate(lines, 1) if "qualty" in line)
    assert f"job.yaml:{at}: objectives[0]" in ran.err
    assert "Did you mean 'quality'?" in ran.err
    assert "Did you mean 'model'?" in ran.err
    assert "Traceback" not in ran.err


async def test_validate_as_json_has_the_same_problems_as_data(tmp_path: Path) -> None:
    job = edited(write_job(tmp_path, "http://localhost:9/v1"), "objectives", value=["qualty"])
    ran = await archon("validate", str(job), "--json", folder=tmp_path)
    assert ran.code == 2
    found = json.loads(ran.out)
    assert found["ok"] is False
    (problem,) = found["problems"]
    assert problem["key"] == "objectives[0]"
    assert problem["line"] > 0


async def test_validate_finds_questions_that_cannot_be_scored(tmp_path: Path) -> None:
    job = write_job(tmp_path, "http://localhost:9/v1")
    questions = tmp_path / "sums.jsonl"
    lines = questions.read_text().splitlines()
    lines[3] = json.dumps({"id": "q3", "input": "What is it?", "target": "no number"})
    questions.write_text("\n".join(lines))
    ran = await archon("validate", str(job), folder=tmp_path)
    assert ran.code == 2
    assert "sums.jsonl:4" in ran.err


async def test_validate_warns_of_a_key_that_is_not_set_and_never_shows_one(tmp_path: Path) -> None:
    job = write_job(tmp_path, "http://localhost:9/v1")
    edited(job, "models", "small", "key_env", value="SUMS_KEY")
    ran = await archon("validate", str(job), folder=tmp_path)
    assert ran.code == 0
    assert "export SUMS_KEY" in ran.err
    ran = await archon("validate", str(job), folder=tmp_path, SUMS_KEY="sk-hidden-1234567")
    assert (ran.code, ran.err) == (0, "")
    shown = await archon("models", str(job), folder=tmp_path, SUMS_KEY="sk-hidden-1234567")
    assert "SUMS_KEY (set)" in " ".join(shown.out.split())
    assert "hidden" not in shown.out + shown.err


async def test_model_that_no_component_uses_is_named_and_not_needed(
    stub: Stub, tmp_path: Path
) -> None:
    job = write_job(tmp_path, stub.base_url, budget={"trials": 1}, n_questions=8)
    other = {"url": "http://localhost:9/v1", "model": "other", "key_env": "NOT_SET_KEY"}
    edited(job, "models", "other", value=other)
    ran = await archon("validate", str(job), folder=tmp_path)
    assert ran.code == 0
    assert "model 'other' is used by no component; it is not opened." in ran.err
    assert "NOT_SET_KEY" not in ran.err
    searched = await archon("search", str(job), folder=tmp_path)
    assert searched.code == 0, searched.err


async def test_validate_takes_pipeline_files_too(tmp_path: Path) -> None:
    path = tmp_path / "best.yaml"
    path.write_text(
        "models: {small: {url: 'http://localhost:9/v1', model: m}}\n"
        "layers:\n- generate: {model: small, samples: 5}\n- vote\n"
    )
    ran = await archon("validate", str(path), folder=tmp_path)
    assert ran.code == 0, ran.err
    assert "Calls a question: 5" in ran.out
    path.write_text(path.read_text().replace("- vote", "- voet"))
    ran = await archon("validate", str(path), folder=tmp_path)
    assert ran.code == 2
    assert "best.yaml:4" in ran.err
    assert "Did you mean 'vote'?" in ran.err


async def test_file_that_is_not_there_is_an_error_in_one_line(tmp_path: Path) -> None:
    for verb in ("validate", "estimate", "models"):
        ran = await archon(verb, "nothing.yaml", folder=tmp_path)
        assert ran.code == 2
        assert "nothing.yaml" in ran.err
        assert "Traceback" not in ran.err


async def test_estimate_counts_the_space_and_bounds_calls_and_tokens(
    stub: Stub, tmp_path: Path
) -> None:
    job = write_job(tmp_path, stub.base_url)
    ran = await archon("estimate", str(job), "--json", folder=tmp_path)
    assert ran.code == 0, ran.err
    found = json.loads(ran.out)
    # Voting over one sample changes nothing: 24 walks less the 3 that end so.
    assert (found["n_walks"], found["n_pipelines"], found["is_exact"]) == (24, 21, True)
    assert (found["calls"]["low"], found["calls"]["high"]) == (1, 9)
    most = found["most"]["calls"]
    searched = json.loads((await archon("search", str(job), "--json", folder=tmp_path)).out)
    assert searched["spend"]["n_bought"] + searched["spend"]["n_reused"] <= most
    assert stub.ledger.completions <= most


async def test_estimate_says_what_the_job_can_show(tmp_path: Path) -> None:
    few = write_job(tmp_path, "http://localhost:9/v1", n_questions=40)
    said = (await archon("estimate", str(few), folder=tmp_path)).out
    many = write_job(tmp_path, "http://localhost:9/v1", n_questions=400)
    also = (await archon("estimate", str(many), folder=tmp_path)).out
    assert _points(said) > 2 * _points(also)
    assert "10 trials" in said
    assert "The space holds 21 different pipelines." in said


@pytest.mark.parametrize(
    ("budget", "says", "warns"),
    [
        ({"trials": 10}, "", ""),
        ({"calls": 100_000}, "are likely to allow 750 trials", ""),
        ({"calls": 40}, "are likely to allow 0 trials", "may end the search within its first"),
        ({"calls": 500}, "calls are likely to allow 3 trials", "after some 3 of 10 trials"),
        ({"tokens": 500}, "tokens are likely to allow", "may end the search within"),
        ({"usd": 0.02}, "dollars are likely to allow", "is likely to take more dollars"),
    ],
)
async def test_estimate_says_how_many_trials_the_budget_allows(
    tmp_path: Path, budget: dict[str, float], says: str, warns: str
) -> None:
    job = write_job(tmp_path, "http://localhost:9/v1", budget={"trials": 10, **budget})
    ran = await archon("estimate", str(job), folder=tmp_path)
    assert ran.code == 0, ran.err
    assert says in ran.out
    assert warns in ran.err
    assert bool(warns) == bool(ran.err)


async def test_validate_and_estimate_refuse_a_budget_that_buys_no_trial(tmp_path: Path) -> None:
    job = write_job(tmp_path, "http://localhost:9/v1", budget={"trials": 5, "calls": 1})
    for verb in ("validate", "estimate", "search"):
        ran = await archon(verb, str(job), folder=tmp_path)
        assert ran.code == 2
        assert "budget.calls: a limit of 1 call does not allow a single trial" in ran.err
        assert "takes at least 20 calls" in ran.err
    assert not (tmp_path / "data").exists()


def _points(said: str) -> int:
    (line,) = [line for line in said.splitlines() if line.startswith("Smallest gain")]
    return int(line.split(": ")[1].split()[0])


async def test_validate_and_estimate_say_what_each_of_them_counts(tmp_path: Path) -> None:
    job = write_job(tmp_path, "http://localhost:9/v1")
    validated = (await archon("validate", str(job), folder=tmp_path)).out
    assert "A space of 24 combinations, some of which may be one pipeline" in validated
    said = (await archon("estimate", str(job), folder=tmp_path)).out
    assert "The space holds 21 different pipelines. The other 3 of its 24 combinations" in said


@pytest.mark.parametrize("name", ["endpoint.yaml", "hosted.yaml"])
async def test_shipped_space_says_that_the_questions_are_the_users(
    tmp_path: Path, name: str
) -> None:
    job = tmp_path / name
    job.write_text((SPACES / name).read_text())
    ran = await archon("validate", name, folder=tmp_path)
    assert ran.code == 2
    assert "questions.jsonl: there is no such file. Put your questions there" in ran.err
    top = job.read_text().split("\n\n")[0]
    assert "questions.jsonl" in top
    write_questions(tmp_path, 40).rename(tmp_path / "questions.jsonl")
    assert (await archon("validate", name, folder=tmp_path)).code == 0


async def test_models_says_how_to_write_one_and_shows_those_of_a_file(tmp_path: Path) -> None:
    ways = await archon("models", folder=tmp_path)
    entries = yaml.safe_load(ways.out.split("\n\n")[1])["models"]
    assert [next(iter(entry)) for entry in entries.values()] == list(get_args(Backend))
    ran = await archon("models", str(SPACES / "hosted.yaml"), "--json", folder=tmp_path)
    reports = {report["alias"]: report for report in json.loads(ran.out)["models"]}
    assert reports["strong"]["backend"] == "litellm"
    assert reports["strong"]["price_from"] == "LiteLLM's table"
    assert reports["strong"]["price"]["output_usd_per_mtok"] > 0


async def test_validate_says_once_that_no_row_has_the_answer(tmp_path: Path) -> None:
    job = write_job(tmp_path, "http://localhost:9/v1")
    questions = tmp_path / "sums.jsonl"
    questions.write_text(questions.read_text().replace('"target"', '"answr"'))
    ran = await archon("validate", str(job), folder=tmp_path)
    assert ran.code == 2
    assert len(ran.err.splitlines()) == 1
    assert "no row has an answer in the field 'target'. Its rows also have 'answr'" in ran.err
    edited(job, "benchmark", "fields", value={"target": "answer"})
    ran = await archon("validate", str(job), folder=tmp_path)
    assert ran.code == 2
    assert len(ran.err.splitlines()) == 1
    assert "benchmark.fields.target: no row has a field 'answer'. Did you mean 'answr'?" in ran.err
    edited(job, "benchmark", "fields", value={"target": "answr"})
    assert (await archon("validate", str(job), folder=tmp_path)).code == 0


async def test_validate_knows_how_targets_name_choices(tmp_path: Path) -> None:
    job = write_job(tmp_path, "http://localhost:9/v1")
    rows = [{"id": i, "input": f"Which {i}?", "choices": [2, 0, 1], "target": 1} for i in range(12)]
    (tmp_path / "sums.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    edited(job, "benchmark", "scorer", value={"kind": "choice"})
    ran = await archon("validate", str(job), folder=tmp_path)
    assert ran.code == 2
    assert "target_is: position or text" in ran.err
    edited(job, "benchmark", "fields", value={"target_is": "text"})
    assert (await archon("validate", str(job), folder=tmp_path)).code == 0
    edited(job, "benchmark", "fields", value={"target_is": "number"})
    ran = await archon("validate", str(job), folder=tmp_path)
    assert ran.code == 2
    assert "position_from_1" in ran.err


async def test_offline_validate_downloads_no_questions(tmp_path: Path) -> None:
    came = 0

    async def hub(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal came
        came += 1
        writer.close()

    job = write_job(tmp_path, "http://localhost:9/v1")
    hf = {"hf": {"name": "owner/name", "split": "test"}, "scorer": {"kind": "numeric"}}
    edited(job, "benchmark", value=hf)
    async with await asyncio.start_server(hub, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        places = {"HF_ENDPOINT": f"http://127.0.0.1:{port}", "HF_HOME": str(tmp_path)}
        ran = await archon("validate", str(job), folder=tmp_path, ARCHON_OFFLINE="true", **places)
        assert ran.code == 2
        assert "owner/name: this data set is not on this machine" in ran.err
        assert "ARCHON_OFFLINE" in ran.err
        assert not came
        ran = await archon("validate", str(job), folder=tmp_path, **places)
        assert came
        assert ran.code == 2
        assert "this data set cannot be loaded" in ran.err
        assert "Traceback" not in ran.err
