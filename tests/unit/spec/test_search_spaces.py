from __future__ import annotations

from pathlib import Path

import pytest

from archon.spec.job import load_job, read_stored_job

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


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_shipped_job_opens_with_its_size_and_its_calls(path: Path) -> None:
    opening = path.read_text(encoding="utf-8").split("\nname:")[0]
    assert "# Size: " in opening
    assert "# Calls per question: " in opening


def test_the_three_kinds_of_models_have_a_shipped_job_each() -> None:
    backends = {path.stem: {model.backend for model in load_job(path).models} for path in FILES}
    assert backends == {"endpoint": {"url"}, "hosted": {"litellm"}, "quickstart": {"engine"}}
