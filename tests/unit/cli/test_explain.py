"""``archon explain``: from a finished study to why a pipeline does what it does."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from tests.commands import archon
from tests.jobs import write_job
from tests.stub import Stub, running_stub
from tests.stub.texts import Turn, respond


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished ``archon demo``."""
    folder = tmp_path_factory.mktemp("demo")
    ran = asyncio.run(archon("demo", "--trials", "16", folder=folder))
    assert ran.code == 0, ran.err
    return folder


@pytest.fixture
async def stub() -> AsyncIterator[Stub]:
    async with running_stub(Stub()) as stub:
        yield stub


async def test_explain_of_the_demo_says_what_each_part_adds_and_where_answers_are_lost(
    demo: Path,
) -> None:
    ran = await archon("explain", "demo", "--questions", folder=demo)
    assert ran.code == 0, ran.err
    assert "240 of 240 held-out questions from recorded calls" in ran.out
    assert "Where right answers come up and are lost" in ran.out
    assert "Without one part of it" in ran.out
    assert "on 240 questions" in ran.out
    assert "calls bought" not in ran.out
    data = json.loads((await archon("explain", "demo", "--json", folder=demo)).out)
    assert data["bought"]["calls"] == 0
    lost = [line for line in data["questions"] if line["outcome"] == "loss"]
    won = [line for line in data["questions"] if line["outcome"] == "win"]
    versus = data["versus_baseline"]
    assert (len(won), len(lost)) == (versus["n_wins"], versus["n_losses"])
    shown = [line.split()[:2] for line in ran.out.splitlines()]
    assert [[line["example"], line["outcome"]] for line in lost + won] == [
        row for row in shown if row[1:] in (["win"], ["loss"])
    ]
    top = data["layers"][-1]["top_out"]["value"]
    assert top == pytest.approx(data["quality"]["value"])


async def test_explain_buys_only_what_a_budget_allows(demo: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(demo, tmp_path / "demo"))
    trials = json.loads((await archon("show", "demo", "--json", folder=folder)).out)["trials"]
    number = next(str(t["number"]) for t in trials if "rank(" in t["pipeline"])
    ran = await archon("explain", "demo", number, "--budget-calls", "30", "--json", folder=folder)
    assert ran.code == 0, ran.err
    data = json.loads(ran.out)
    assert 0 < data["bought"]["calls"] <= 30
    assert "limit of 30" in data["stopped"]
    ran = await archon("explain", "demo", number, "--budget-usd", "0.01", folder=folder)
    assert "The budget ended first" in ran.out
    assert "What recorded calls do not tell" in ran.out
    assert f" {number} --budget-usd " in ran.out


async def test_explain_reports_verifiers_and_heeds_what_a_mistake_costs(demo: Path) -> None:
    trials = json.loads((await archon("show", "demo", "--json", folder=demo)).out)
    ids = [one["pipeline_id"] for one in trials["final"]["judgement"]["finalists"]]
    number = next(
        str(t["number"])
        for t in trials["trials"]
        if t["pipeline_id"] in ids and "verify(" in t["pipeline"]
    )
    ran = await archon("explain", "demo", number, "--cost-of-wrong", "8", folder=demo)
    assert "the verifier against the scorer" in ran.out
    assert "false positives" in ran.out
    assert "Ceiling: with samples without end" in ran.out
    (dear,) = re.findall(r"costs 8 x a right one: (\d+ sample|no answer)", ran.out)
    n_dear = 0 if dear == "no answer" else int(dear.split()[0])
    ran = await archon("explain", "demo", number, "--json", "--cost-of-wrong", "0", folder=demo)
    (line,) = json.loads(ran.out)["verifiers"]
    assert line["report"]["best"]["n"] > n_dear


async def test_explain_with_a_judge_asks_about_candidates_only_within_a_budget(
    stub: Stub, tmp_path: Path
) -> None:
    def graded(model: str, messages: Sequence[Turn], slot: int) -> str:
        if model != "judge":
            return respond(model, messages, slot)
        grade = 5 if "(" in str(messages[-1]) and slot % 2 == 0 else 3
        return f'It is.\n{{"correctness": {grade}, "usefulness": {grade}}}'

    stub.responder = graded
    job = write_job(
        tmp_path,
        stub.base_url,
        n_questions=20,
        models={
            "small": {"url": stub.base_url, "model": "adds-0.6", "send_slots": True},
            "other": {"url": stub.base_url, "model": "judge"},
        },
        benchmark={"file": "sums.jsonl", "scorer": {"kind": "judge", "model": "other"}},
        space={
            "layers": [
                {"generate": {"model": "small", "samples": 3, "max_tokens": 32}},
                {"select": {"order": "longest"}},
            ]
        },
        budget={"trials": 2},
    )
    ran = await archon("search", str(job), folder=tmp_path)
    assert ran.code == 0, ran.err
    before = stub.ledger.completions
    ran = await archon("explain", "sums", folder=tmp_path)
    assert ran.code == 0, ran.err
    assert "scores of all candidates" in ran.out
    assert "Where right answers" not in ran.out
    assert stub.ledger.completions == before
    ran = await archon("explain", "sums", "--budget-calls", "500", folder=tmp_path)
    assert ran.code == 0, ran.err
    assert "Where right answers" in ran.out
    assert before < stub.ledger.completions <= before + 500


async def test_explain_says_in_a_line_what_it_cannot_do(demo: Path, tmp_path: Path) -> None:
    for args, said in (
        (("nope",), "archon ls"),
        (("demo", "99"), "no trial 99"),
        (("demo", "--trial", "99"), "no trial 99"),
        (("demo", "1", "--trial", "2"), "trial 1 or trial 2?"),
        (("demo", "--budget-usd", "inf"), "--budget-usd"),
        (("demo", "--worth-of-right", "0"), "--worth-of-right"),
        (("demo", "--cost-of-wrong", "nan"), "--cost-of-wrong"),
    ):
        ran = await archon("explain", *args, folder=demo)
        assert (ran.code, ran.out) == (2, "")
        assert said in ran.err
        assert "Traceback" not in ran.err
    ran = await archon("explain", "demo", folder=tmp_path)
    assert ran.code == 2
    assert "no study yet" in ran.err
    assert not (tmp_path / "data").exists()
