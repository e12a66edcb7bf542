from __future__ import annotations

import ast
import asyncio
import re
import time
from pathlib import Path
from typing import Any

import pytest

import archon
from archon import Pipeline, Study
from archon.core.errors import NotFound, SpecError
from archon.core.messages import Message
from archon.service import library
from archon.service.library import Question, conversation
from archon.store.opening import Store, open_store
from tests.jobs import write_job
from tests.stub import Stub


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARCHON_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("ARCHON_CACHE_DIR", str(tmp_path / "cache"))


async def test_study_runs_in_a_running_loop_and_its_pipeline_answers(
    stub: Stub, tmp_path: Path
) -> None:
    study = Study.from_file(write_job(tmp_path, stub.base_url))
    with pytest.raises(NotFound):
        study.report()
    report = await study.run()
    assert report.study.state == "completed"
    assert report.final is not None
    verdict = report.final.judgement.verdict
    assert re.search(r"[Tt]rial \d+", verdict)
    assert not [line for line in report.trials if line.pipeline_id in verdict]
    single = study.pipeline_of(0)
    assert single.architecture.pipeline_id() == report.trials[0].pipeline_id
    with pytest.raises(NotFound):
        study.pipeline_of(99)
    assert study.front() == tuple(line for line in report.trials if line.is_on_front)
    study.best().save(tmp_path / "best.yaml")
    async with Pipeline.load(tmp_path / "best.yaml") as pipeline:
        result = await pipeline.generate("What is 17 + 25?")
    assert result.answer.text.startswith("The answer is")
    assert result.deployed.calls == len(result.trace.calls) >= 1
    assert result.deployed.cost_nusd > 0


async def test_loop_runs_on_while_a_study_opens_and_closes_its_database(
    stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow_store(url: str) -> Store:
        time.sleep(1.0)
        store = open_store(url)
        close = store.close

        def slow_close() -> None:
            time.sleep(1.0)
            close()

        monkeypatch.setattr(store, "close", slow_close)
        return store

    study = Study.from_file(write_job(tmp_path, stub.base_url, budget={"trials": 1}))
    monkeypatch.setattr(library, "open_store", slow_store)
    clock, pauses = asyncio.get_running_loop().time, [0.0]
    running = asyncio.ensure_future(study.run())
    while not running.done():
        began = clock()
        await asyncio.sleep(0.005)
        pauses.append(clock() - began)
    await running
    assert max(pauses) < 0.8


async def test_pipeline_opens_with_the_first_of_many_questions(stub: Stub, tmp_path: Path) -> None:
    path = tmp_path / "pipeline.yaml"
    path.write_text(
        f"models: {{m: {{url: '{stub.base_url}', model: echo}}}}\n"
        "layers: [{generate: {model: m}}]\n"
    )
    pipeline = Pipeline.load(path)
    questions = [f"question {i}" for i in range(20)]
    try:
        results = await asyncio.gather(*(pipeline.generate(text) for text in questions))
    finally:
        await pipeline.aclose()
    assert [result.answer.text for result in results] == questions
    again = await pipeline.generate("once more")
    await pipeline.aclose()
    assert again.answer.text == "once more"


def test_wrong_file_is_refused_before_anything_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "pipeline.yaml"
    path.write_text("models: {m: {url: 'http://localhost:1/v1', model: x}}\nlayer: []\n")
    with pytest.raises(SpecError, match="Did you mean 'layers'"):
        Pipeline.load(path)


@pytest.mark.parametrize(
    "question",
    [
        "Why?",
        [{"role": "user", "content": "Why?"}],
        (Message("user", "Why?"),),
    ],
    ids=["text", "dicts", "messages"],
)
def test_question_may_be_a_text_or_the_turns_of_a_chat(question: Question) -> None:
    assert conversation(question) == (Message("user", "Why?"),)


@pytest.mark.parametrize(
    ("question", "complaint"),
    [
        ([{"role": "robot", "content": "hi"}], "robot"),
        ([{"content": "hi"}], "role"),
        ([{"role": "assistant", "content": "hi"}], "ends with a turn of the user"),
        ([], "ends with a turn of the user"),
        ("  \n", "empty"),
        ([{"role": "user", "content": " "}], "empty"),
        ([{"role": "user"}], "no content"),
        ([{"role": "user", "content": None}], "no content"),
        ([{"role": "user", "content": [{"type": "text", "text": "hi"}]}], "list as its content"),
        ("half \ud83d of it", "no character"),
        ([{"role": "system", "content": "\udc00"}, {"role": "user", "content": "hi"}], "turn 0"),
        ({"role": "user", "content": "hi"}, "list of turns"),
        (None, "list of turns"),
        ([["user", "hi"]], "turn 0"),
        (["What is 1 + 1?", "What is 2 + 2?"], r"for several questions.*asyncio\.gather"),
    ],
    ids=[
        *("role", "no role", "last turn", "no turn", "blank", "blank turn", "no content"),
        *("null", "parts", "surrogate", "surrogate in a turn", "one turn", "None", "pairs"),
        "texts",
    ],
)
def test_chat_that_is_none_is_refused(question: Question, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        conversation(question)


async def test_bad_question_and_bad_rule_are_refused_before_anything_is_asked(
    stub: Stub, tmp_path: Path
) -> None:
    path = tmp_path / "pipeline.yaml"
    path.write_text(
        f"models: {{m: {{url: '{stub.base_url}', model: echo}}}}\n"
        "layers: [{generate: {model: m}}]\n"
    )
    async with Pipeline.load(path) as pipeline:
        with pytest.raises(ValueError, match="empty"):
            await pipeline.generate("   ")
    study = Study.from_file(write_job(tmp_path, stub.base_url))
    rule: Any = "fastest"
    with pytest.raises(ValueError, match="best, cheapest, baseline"):
        study.best(rule)
    assert stub.ledger.requests == 0


def test_package_shows_its_public_names_and_no_others() -> None:
    assert {"Pipeline", "Study"} <= set(dir(archon))
    with pytest.raises(AttributeError, match="no attribute 'Pipelin'"):
        archon.Pipelin  # noqa: B018


async def test_readme_example_of_python_runs_as_it_stands(
    stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```python\n(.*?)^```$", readme, flags=re.MULTILINE | re.DOTALL)
    write_job(tmp_path, stub.base_url)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    # As a notebook runs a cell: in the loop that is there already.
    code = compile(example, "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    await eval(code, names)
    assert names["result"].answer.text
    assert (tmp_path / "best.yaml").exists()
