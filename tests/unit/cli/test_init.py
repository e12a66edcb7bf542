"""``archon init``: a job file that is right from the start, and that says what was guessed."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from archon.core.candidates import Answer
from archon.scoring.table import build_scorer
from archon.service.questions import load_benchmark
from archon.spec.job import load_job
from tests.commands import archon
from tests.jobs import write_questions
from tests.stub import Stub, running_stub


def write_rows(folder: Path, *rows: dict[str, object]) -> Path:
    """Twelve questions that hold the given fields in turn."""
    path = folder / "questions.jsonl"
    filled = [
        {"id": f"q{i}"} | {k: f"{v} {i}?" if k == "input" else v for k, v in row.items()}
        for i in range(12)
        for row in [rows[i % len(rows)]]
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in filled))
    return path


async def init_at_a_terminal(folder: Path, typed: str) -> tuple[int | None, str]:
    """Run ``archon init`` with a terminal as its input; exit code and what it said."""
    screen, terminal = pty.openpty()
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", "from archon.cli.main import run; run()", "init"),
            cwd=folder,
            stdin=terminal,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        os.write(screen, typed.encode())
        said, _ = await process.communicate()
    finally:
        os.close(screen)
        os.close(terminal)
    return process.returncode, said.decode()


async def test_init_without_flags_writes_a_job_on_the_shipped_questions(tmp_path: Path) -> None:
    ran = await archon("init", folder=tmp_path)
    assert ran.code == 0, ran.err
    assert "Next: archon estimate job.yaml" in ran.out
    assert "the shipped benchmark 'keywords' stands in" in ran.err
    assert "# share of the questions that the search never sees" in (
        (tmp_path / "job.yaml").read_text()
    )
    checked = await archon("validate", "job.yaml", folder=tmp_path)
    assert (checked.code, checked.err) == (0, "")


async def test_init_leaves_a_file_alone_unless_told(tmp_path: Path) -> None:
    (tmp_path / "job.yaml").write_text("mine")
    ran = await archon("init", folder=tmp_path)
    assert ran.code == 2
    assert "job.yaml is there already" in ran.err
    assert (tmp_path / "job.yaml").read_text() == "mine"
    assert (await archon("init", "--force", folder=tmp_path)).code == 0
    assert (tmp_path / "job.yaml").read_text() != "mine"


@pytest.mark.parametrize(
    ("rows", "scorer"),
    [
        pytest.param([{"input": "2 + 2", "target": "1,004"}, {"target": 3.5}], "numeric", id="n"),
        pytest.param([{"target": "B", "choices": ["a", "b"]}], "choice", id="choices"),
        pytest.param([{"target": r"\frac{1}{2}"}], "math", id="latex"),
        pytest.param([{"target": "Paris"}, {"target": ["Rome", "Roma"]}], "exact", id="short"),
        pytest.param([{"target": "a long answer of many words in a row"}], "f1", id="long"),
        pytest.param([{}], "judge", id="no-target"),
    ],
)
async def test_init_guesses_the_scorer_and_says_why(
    rows: list[dict[str, object]], scorer: str, tmp_path: Path
) -> None:
    questions = write_rows(tmp_path, *({"input": "What is this"} | row for row in rows))
    ran = await archon("init", "--questions", questions.name, folder=tmp_path)
    assert ran.code == 0, ran.err
    assert f"scorer '{scorer}', since " in ran.err
    job = yaml.safe_load((tmp_path / "job.yaml").read_text())
    assert job["benchmark"]["scorer"]["kind"] == scorer
    assert (await archon("validate", "job.yaml", folder=tmp_path)).code == 0


async def test_init_finds_fields_by_their_usual_names(tmp_path: Path) -> None:
    questions = write_rows(tmp_path, {"problem": "One and two", "answer": 3})
    text = questions.read_text().replace("One and two", "Sum").splitlines()
    questions.write_text("\n".join(line.replace("Sum", f"Sum {i}") for i, line in enumerate(text)))
    ran = await archon("init", "--questions", questions.name, folder=tmp_path)
    assert ran.code == 0, ran.err
    assert "the question is in 'problem', the answer in 'answer'" in ran.err
    assert (await archon("validate", "job.yaml", folder=tmp_path)).code == 0


async def test_init_names_the_fields_where_none_looks_like_a_question(tmp_path: Path) -> None:
    questions = write_rows(tmp_path, {"frage": "Was ist das", "antwort": "x"})
    ran = await archon("init", "--questions", questions.name, folder=tmp_path)
    assert ran.code == 2
    assert "no field looks like the question; there is: antwort, frage, id" in ran.err
    assert not (tmp_path / "job.yaml").exists()


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        pytest.param(["--url", "http://localhost:8000/v1"], "--model NAME", id="no-model"),
        pytest.param(["--model-kind", "url", "--model", "m"], "which endpoint?", id="no-url"),
        pytest.param(["--scorer", "exakt"], "Did you mean 'exact'?", id="scorer"),
        pytest.param(["--scorer", "regex"], "needs parameters", id="scorer-with-parameters"),
        pytest.param(
            ["--url", "http://h/v1", "--model", "m", "--usd", "3"], "--input-usd", id="no-price"
        ),
        pytest.param(["--questions", "none.jsonl"], "none.jsonl", id="no-file"),
        pytest.param(
            ["--url", "http://h/v1", "--model", "m", "--input-usd", "3"],
            "--input-usd goes with --output-usd",
            id="half-a-price",
        ),
        pytest.param(
            ["--url", "http://h/v1", "--model", "m", "--output-usd", "3"],
            "--output-usd goes with --input-usd",
            id="other-half",
        ),
        pytest.param(["--url", "h:80", "--model", "m"], "--url: expected a URL", id="url"),
        pytest.param(["--name", "a b"], "--name: 'a b' is no name", id="name"),
        pytest.param(["--trials", "1000000"], "--trials: ", id="trials"),
        pytest.param(["--model", "x", "--key-env", "a-b"], "--key-env: ", id="key"),
    ],
)
async def test_init_says_what_is_missing_and_writes_nothing(
    flags: list[str], says: str, tmp_path: Path
) -> None:
    ran = await archon("init", *flags, folder=tmp_path)
    assert ran.code == 2
    assert says in ran.err
    assert "Traceback" not in ran.err
    assert "job.yaml:" not in ran.err
    assert not (tmp_path / "job.yaml").exists()


async def test_job_of_init_in_another_folder_runs(tmp_path: Path) -> None:
    write_questions(tmp_path, 20)
    (tmp_path / "jobs").mkdir()
    async with running_stub(Stub()) as stub:
        flags = ("--url", stub.base_url, "--model", "adds-0.6", "--trials", "3")
        prices = ("--input-usd", "1", "--output-usd", "2", "--usd", "2.5")
        where = ("jobs/sums.yaml", "--questions", "sums.jsonl")
        ran = await archon("init", *where, *flags, *prices, folder=tmp_path)
        assert ran.code == 0, ran.err
        ran = await archon("search", "jobs/sums.yaml", folder=tmp_path)
        assert ran.code == 0, ran.err
        assert stub.ledger.requests > 0
    assert "sums" in (await archon("ls", folder=tmp_path)).out


async def test_init_asks_at_a_terminal_for_what_flags_leave_open(tmp_path: Path) -> None:
    write_questions(tmp_path, 12)
    typed = "sums.jsonl\nurl\nhttp://localhost:9/v1\nsome-model\n"
    code, said = await init_at_a_terminal(tmp_path, typed)
    assert code == 0, said
    job = yaml.safe_load((tmp_path / "job.yaml").read_text())
    assert job["benchmark"]["file"] == "sums.jsonl"
    assert job["models"]["main"] == {"url": "http://localhost:9/v1", "model": "some-model"}


async def test_init_asks_again_for_a_kind_of_model_that_is_none(tmp_path: Path) -> None:
    code, said = await init_at_a_terminal(tmp_path, "\ngpt\nengine\n")
    assert code == 0, said
    assert "Traceback" not in said


LETTERS = {"input": "Which?\nA) pear\nB) plum\nC) fig\nD) rock\n", "target": "B"}
ARC = {"question": "Which?", "choices": {"text": ["w", "x", "y", "z"], "label": ["1"]}}
GUESSES = {
    "solutions of GSM8K": (
        [{"question": "How many?", "answer": "9 * 2 = <<9*2=18>>18\n#### 1,018"}],
        {"kind": "numeric"},
        {"question": "question", "target": "answer"},
    ),
    "letters without choices": (
        [LETTERS],
        {"kind": "exact", "read": "stated", "options": ["A", "B", "C", "D"]},
        {},
    ),
    "nested choices, positions from 1": (
        [ARC | {"answerKey": "4"}, ARC | {"answerKey": "1"}],
        {"kind": "choice"},
        {
            "question": "question",
            "target": "answerKey",
            "choices": "choices.text",
            "target_is": "position_from_1",
        },
    ),
    "endings, positions from 0": (
        [
            {"ctx": "He", "endings": ["w", "x"], "label": "1"},
            {"ctx": "He", "endings": ["w", "x"], "label": "0"},
        ],
        {"kind": "choice"},
        {"question": "ctx", "target": "label", "choices": "endings", "target_is": "position"},
    ),
    "short texts": (
        [{"input": "Where?", "target": "Rome"}],
        {"kind": "exact", "read": "stated"},
        {},
    ),
    "long texts": (
        [{"input": "Why?", "target": "because of the many words in it"}],
        {"kind": "f1", "read": "stated"},
        {},
    ),
}


@pytest.mark.parametrize(("rows", "scorer", "fields"), GUESSES.values(), ids=list(GUESSES))
async def test_job_of_init_scores_right_answers_as_right(
    rows: list[dict[str, object]],
    scorer: dict[str, object],
    fields: dict[str, str],
    tmp_path: Path,
) -> None:
    questions = write_rows(tmp_path, *rows)
    ran = await archon("init", "--questions", questions.name, folder=tmp_path)
    assert ran.code == 0, ran.err
    spec = load_job(tmp_path / "job.yaml").benchmark
    assert spec.scorer.to_data() == scorer
    assert yaml.safe_load((tmp_path / "job.yaml").read_text())["benchmark"].get("fields", {}) == (
        fields
    )
    built = build_scorer(spec.scorer.to_data())
    benchmark = load_benchmark(replace(spec, location=str(questions)))
    for example in benchmark.examples:
        said = example.targets[0].rpartition("#### ")[2]
        score = await built.score(example, Answer(f"Let us see.\nThe answer is {said}."))
        assert score.value == 1, (example, score)


async def test_init_does_not_say_where_the_answer_is_when_there_is_none(tmp_path: Path) -> None:
    questions = write_rows(tmp_path, {"input": "Why"})
    ran = await archon("init", "--questions", questions.name, folder=tmp_path)
    assert ran.code == 0, ran.err
    assert "no field has the answer" in ran.err
    assert "'target'" not in ran.err
