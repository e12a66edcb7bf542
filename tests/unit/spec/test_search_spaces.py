from __future__ import annotations

import re
from pathlib import Path

import pytest

from archon.components.estimate_calls import estimate_calls
from archon.search.choices import Chance, walks
from archon.search.draw import draw
from archon.search.feasible import feasible
from archon.search.size import count_walks
from archon.service.check_file import check_file
from archon.service.settings import load_settings
from archon.spec.job import load_job, read_stored_job
from tests.jobs import write_questions

FOLDER = Path(__file__).parents[3] / "search_spaces"
FILES = sorted(FOLDER.glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_shipped_job_is_a_job_without_problems(path: Path) -> None:
    job = load_job(path)
    assert job.name == path.stem
    assert job.budget.has_limit


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_shipped_job_is_read_back_from_a_database(path: Path) -> None:
    job = load_job(path)
    again = read_stored_job(job.canonical_json(), "job of study 0123456789ab")
    assert (again.name, again.space, again.models) == (job.name, job.space, job.models)
    assert again.canonical_json() == job.canonical_json()


def opening(path: Path) -> str:
    """What a file says of itself, on one line."""
    lines = path.read_text(encoding="utf-8").split("\nname:")[0].splitlines()
    return " ".join(line.removeprefix("#").strip() for line in lines)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_shipped_job_opens_with_its_size_as_it_is_counted(path: Path) -> None:
    (said,) = re.findall(r"Size: (.*?) Calls per question: ", opening(path))
    space = load_job(path).space
    n = count_walks(space)
    if n is None:
        assert "no end of pipelines" in said
        return
    if found := re.search(r"([\d,]+) pipelines that differ", said):
        n = len({one.pipeline_id() for drawn, _ in walks(space) if (one := feasible(space, drawn))})
        assert found[1] == f"{n:,}"
    else:
        assert f"{n:,} combinations" in said
    drawn = (draw(space, Chance(seed)) for seed in range(400))
    is_bound = any(feasible(space, one) is None for one in drawn)
    assert ("at most" in said, "max_calls is left out" in said) == (is_bound, is_bound)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_shipped_job_opens_with_the_calls_that_its_pipelines_take(path: Path) -> None:
    (low, high) = re.findall(r"Calls per question: (\d+) to (\d+)", opening(path))[0]
    space = load_job(path).space
    drawn = (feasible(space, draw(space, Chance(seed))) for seed in range(400))
    calls = [estimate_calls(one).calls.high for one in drawn if one is not None]
    assert (min(calls), max(calls)) == (int(low), int(high))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_shipped_job_can_be_validated_with_questions_of_ones_own(
    path: Path, tmp_path: Path
) -> None:
    write_questions(tmp_path, 40).rename(tmp_path / "questions.jsonl")
    copy = tmp_path / path.name
    copy.write_bytes(path.read_bytes())
    checked = check_file(copy, load_settings())
    assert (checked.kind, checked.name) == ("job", path.stem)


def test_all_kinds_of_models_have_a_shipped_job() -> None:
    backends = {path.stem: {model.backend for model in load_job(path).models} for path in FILES}
    assert backends == {
        "cheapest": {"litellm"},
        "endpoint": {"url"},
        "free": {"simulated"},
        "hosted": {"litellm"},
        "latency": {"litellm"},
        "local": {"engine"},
        "paper": {"simulated"},
        "quality": {"litellm"},
        "quickstart": {"engine"},
    }
