from __future__ import annotations

import json
from pathlib import Path

import pytest

from archon.core.errors import SpecError
from archon.service.prepare import prepare
from archon.spec.job import load_job, read_stored_job
from tests.jobs import write_job

URL = "http://127.0.0.1:1/v1"


def test_same_job_is_the_same_study(tmp_path: Path) -> None:
    job = load_job(write_job(tmp_path, URL))
    assert prepare(job).study_id == prepare(job).study_id


@pytest.mark.parametrize(
    "changes",
    [{"seed": 1}, {"objectives": ["quality"]}, {"budget": {"trials": 11}}, {"n_questions": 41}],
    ids=["seed", "objectives", "budget", "questions"],
)
def test_other_job_is_another_study(tmp_path: Path, changes: dict[str, int]) -> None:
    before = prepare(load_job(write_job(tmp_path, URL))).study_id
    after = prepare(load_job(write_job(tmp_path, URL, **changes))).study_id
    assert before != after


def test_comments_and_layout_make_no_other_study(tmp_path: Path) -> None:
    path = write_job(tmp_path, URL)
    before = prepare(load_job(path)).study_id
    path.write_text("# a comment\n\n" + path.read_text())
    assert prepare(load_job(path)).study_id == before


def test_search_and_held_out_questions_are_kept_with_the_study(tmp_path: Path) -> None:
    rows = prepare(load_job(write_job(tmp_path, URL))).questions.rows()
    by_split = {s: [r.example_id for r in rows if r.split == s] for s in ("search", "held_out")}
    assert len(by_split["search"]) == len(by_split["held_out"]) == 20
    assert not set(by_split["search"]) & set(by_split["held_out"])


TEMPERATURES = "takes no temperature, and the space varies it"
LAYER = {"generate": {"model": "small", "max_tokens": 32}}


@pytest.mark.parametrize(
    ("model", "temperatures", "is_noted"),
    [
        ("openai/gpt-5-mini", [0.3, 0.9], True),
        ("openai/gpt-5-mini", {"from": 0.1, "to": 0.9}, True),
        ("openai/gpt-5-mini", 0.3, False),
        ("openai/gpt-4.1-mini", [0.3, 0.9], False),
    ],
    ids=["some", "range", "one", "model takes it"],
)
def test_temperature_that_never_reaches_the_model_is_told_before_it_is_paid_for(
    tmp_path: Path, model: str, temperatures: object, is_noted: bool
) -> None:
    layer = {"generate": {**LAYER["generate"], "temperature": temperatures, "samples": [1, 2]}}
    changes = {"models": {"small": {"litellm": model}}, "space": {"layers": [layer]}}
    prepared = prepare(load_job(write_job(tmp_path, URL, **changes)))
    assert any(TEMPERATURES in warning for warning in prepared.warnings) is is_noted


def test_two_alternatives_at_different_temperatures_are_told_too(tmp_path: Path) -> None:
    ways = [{"generate": {**LAYER["generate"], "temperature": t}} for t in (0.3, 0.9)]
    changes = {
        "models": {"small": {"litellm": "openai/gpt-5-mini"}},
        "space": {"layers": [{"one_of": ways}]},
    }
    (note,) = prepare(load_job(write_job(tmp_path, URL, **changes))).notes
    assert TEMPERATURES in note


@pytest.mark.parametrize(
    ("changes", "n"),
    [
        ({"racing": False, "sampler": {}}, 1),
        ({"racing": True, "sampler": {"kind": "gain"}}, 1),
        ({"racing": False, "sampler": {"kind": "tpe"}}, 0),
        ({}, 0),
    ],
    ids=["default sampler", "gain", "another sampler", "not written"],
)
def test_racing_that_the_sampler_does_not_know_is_told(
    tmp_path: Path, changes: dict[str, object], n: int
) -> None:
    warnings = prepare(load_job(write_job(tmp_path, "http://localhost:9/v1", **changes))).warnings
    assert len([said for said in warnings if said.startswith("racing: ")]) == n


def test_model_without_a_provider_that_litellm_knows_is_refused(tmp_path: Path) -> None:
    models = {"small": {"litellm": "nobody-knows-this"}}
    job = load_job(write_job(tmp_path, URL, models=models))
    with pytest.raises(SpecError, match=r"job\.yaml:\d+: models\.small\.litellm: .*no provider"):
        prepare(job)


@pytest.mark.parametrize(
    ("price", "is_refused"),
    [({}, True), ({"price": {"input_usd_per_mtok": 1, "output_usd_per_mtok": 2}}, False)],
    ids=["unknown", "given"],
)
def test_money_cannot_be_counted_without_a_price(
    tmp_path: Path, price: dict[str, object], is_refused: bool
) -> None:
    models = {"small": {"litellm": "openai/nobody-knows-this", **price}}
    job = load_job(write_job(tmp_path, URL, models=models, budget={"usd": 1.0}))
    if is_refused:
        with pytest.raises(SpecError, match=r"job\.yaml:\d+: models\.small: LiteLLM's table"):
            prepare(job)
    else:
        assert prepare(job).study_id


@pytest.mark.parametrize(
    ("budget", "key", "said"),
    [
        ({"calls": 26}, "calls", "a trial on 20 questions takes at least 20 calls. Write 27"),
        ({"calls": 1}, "calls", "a limit of 1 call does not allow a single trial"),
        ({"tokens": 100}, "tokens", "does not allow a single trial"),
        ({"usd": 0.0000001}, "usd", "does not allow a single trial"),
        ({"calls": 27}, "", ""),
        ({"tokens": 1000}, "", ""),
        ({"usd": 0.01}, "", ""),
        ({"calls": 1000, "tokens": 100}, "tokens", "does not allow"),
    ],
)
def test_budget_that_buys_no_trial_is_refused_before_anything_is_paid(
    tmp_path: Path, budget: dict[str, float], key: str, said: str
) -> None:
    job = load_job(write_job(tmp_path, URL, budget={"trials": 5, **budget}))
    if not key:
        assert prepare(job).study_id
        return
    with pytest.raises(SpecError) as refused:
        prepare(job)
    (problem,) = refused.value.problems
    assert problem.path == f"budget.{key}"
    assert problem.line
    assert said in str(problem)


@pytest.mark.parametrize("profile", ["free", "paper"])
@pytest.mark.parametrize("limit", [{"tokens": 100}, {"usd": 0.0000001}], ids=["tokens", "usd"])
def test_budget_that_buys_no_trial_of_a_profile_is_refused(
    tmp_path: Path, profile: str, limit: dict[str, float]
) -> None:
    space = {"profile": profile}
    job = load_job(write_job(tmp_path, URL, space=space, budget={"trials": 5, **limit}))
    with pytest.raises(SpecError, match="does not allow a single trial"):
        prepare(job)


def test_calls_of_a_judge_belong_to_a_trial(tmp_path: Path) -> None:
    models = {
        "small": {"url": URL, "model": "adds-0.6"},
        "judge": {"url": URL, "model": "echo"},
    }
    scorer = {"kind": "judge_pairwise", "model": "judge", "samples": 2, "baseline": "base"}
    path = write_job(
        tmp_path,
        URL,
        models=models,
        benchmark={"file": "sums.jsonl", "scorer": scorer},
        budget={"calls": 133, "trials": 2},
    )
    rows = [{"id": f"{i}", "input": f"q {i}", "metadata": {"base": "x"}} for i in range(40)]
    (tmp_path / "sums.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(SpecError, match="takes at least 100 calls"):
        prepare(load_job(path))


@pytest.mark.parametrize(
    ("benchmark", "key", "said"),
    [
        ({"file": "none.jsonl"}, "file", "none.jsonl: there is no such file"),
        ({"file": "."}, "file", "this is a directory"),
        ({"held_out": 0.01}, "held_out", "40 examples leave none for this side"),
        ({"held_out": 0.99}, "held_out", "40 examples leave none for this side"),
        (
            {"fields": {"question": "inputt"}},
            "fields.question",
            "no row has a field 'inputt'. Did you mean 'input'?",
        ),
        ({"fields": {"target": "answer"}}, "fields.target", "no row has a field 'answer'."),
        ({"fields": {"id": "number"}}, "fields.id", "Without ids, write fields: {id: null}."),
    ],
)
def test_what_the_job_says_of_its_questions_is_wrong_in_the_job(
    tmp_path: Path, benchmark: dict[str, object], key: str, said: str
) -> None:
    whole = {"file": "sums.jsonl", "scorer": {"kind": "numeric"}} | benchmark
    path = write_job(tmp_path, URL, benchmark=whole)
    with pytest.raises(SpecError) as refused:
        prepare(load_job(path))
    (problem,) = refused.value.problems
    assert (problem.file, problem.path) == (str(path), f"benchmark.{key}")
    assert problem.line == next(
        i
        for i, line in enumerate(path.read_text().splitlines(), 1)
        if line.strip().startswith(f"{key.rpartition('.')[2]}:")
    )
    assert said in str(problem)


def test_row_that_is_wrong_is_named_by_its_own_line(tmp_path: Path) -> None:
    path = write_job(tmp_path, URL)
    questions = tmp_path / "sums.jsonl"
    lines = questions.read_text().splitlines()
    lines[4] = json.dumps({"id": "q4", "target": 3})
    questions.write_text("\n".join(lines))
    with pytest.raises(SpecError, match=r"sums\.jsonl:5: input: is missing"):
        prepare(load_job(path))


def test_job_without_a_name_is_read_back_from_its_study(tmp_path: Path) -> None:
    path = write_job(tmp_path, URL)
    path.write_text(path.read_text().replace("name: sums\n", ""))
    study = prepare(load_job(path)).new_study()
    assert study.name == "job"
    assert read_stored_job(study.job_json, f"job of study {study.study_id}").name == "job"
