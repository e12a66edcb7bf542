"""``archon eval``: a pipeline file measured on questions."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from archon.cli.eval import PartName
from archon.service.evaluate_file import PARTS
from tests.commands import archon, ended, start
from tests.jobs import write_job, write_questions
from tests.stub import Stub, running_stub


@pytest.fixture
async def stub() -> AsyncIterator[Stub]:
    async with running_stub(Stub()) as stub:
        yield stub


def write_pipeline(folder: Path, url: str, *, model: str = "adds-0.6", samples: int = 5) -> Path:
    path = folder / "five.yaml"
    small = {"url": url, "model": model, "send_slots": True}
    generate = {"model": "small", "samples": samples, "max_tokens": 32}
    data = {
        "models": {"small": small},
        "layers": [{"generate": generate}, {"vote": {"answer": "number"}}],
    }
    path.write_text(yaml.safe_dump(data))
    return path


def test_parts_on_the_command_line_are_those_of_the_service() -> None:
    assert tuple(part.value for part in PartName) == PARTS


async def test_eval_measures_with_intervals_and_buys_each_call_once(
    stub: Stub, tmp_path: Path
) -> None:
    pipeline = write_pipeline(tmp_path, stub.base_url)
    questions = write_questions(tmp_path, 60)
    args = ("eval", str(pipeline), "--benchmark", str(questions), "--scorer", "numeric", "--json")
    ran = await archon(*args, folder=tmp_path)
    assert ran.code == 0, ran.err
    found = json.loads(ran.out)
    quality = found["standing"]["quality"]
    assert quality["low"] < quality["value"] < quality["high"]
    assert quality["value"] > 0.6
    assert found["standing"]["calls"]["value"] == 5
    assert (found["n_bought"], found["n_reused"], found["standing"]["n_scored"]) == (300, 0, 60)
    assert stub.ledger.completions == 300
    again = json.loads((await archon(*args, folder=tmp_path)).out)
    assert (again["n_bought"], again["n_reused"]) == (0, 300)
    assert again["standing"] == found["standing"]
    assert stub.ledger.completions == 300


async def test_eval_of_a_studys_winner_draws_samples_that_the_study_did_not_see(
    stub: Stub, tmp_path: Path
) -> None:
    job = write_job(tmp_path, stub.base_url, n_questions=160)
    await archon("search", str(job), "--export", "best.yaml", folder=tmp_path)
    before = stub.ledger.completions
    ran = await archon("eval", "best.yaml", "--benchmark", str(job), folder=tmp_path)
    assert ran.code == 0, ran.err
    assert "80 of 80 questions scored" in ran.out
    assert "claimed" in ran.out
    assert "of the same benchmark" in ran.out
    assert stub.ledger.completions > before
    assert " 0 reused" in ran.out


async def test_eval_says_how_many_of_the_questions_its_search_has_seen(
    stub: Stub, tmp_path: Path
) -> None:
    job = write_job(tmp_path, stub.base_url)
    await archon("search", str(job), "--export", "best.yaml", folder=tmp_path)
    assert "What is" not in (tmp_path / "best.yaml").read_text()

    unseen = await archon("eval", "best.yaml", "--benchmark", str(job), folder=tmp_path)
    assert "used in the search" not in unseen.err

    # The same questions in another file, in another order and with other ids.
    rows = [json.loads(line) for line in (tmp_path / "sums.jsonl").read_text().splitlines()]
    again = [row | {"id": row["id"] + "b", "input": row["input"] + "\n"} for row in reversed(rows)]
    new = {"id": "new", "input": "What is 1000 + 1?", "target": 1001}
    lines = [json.dumps(row) + "\n" for row in [new, *again]]
    (tmp_path / "other.jsonl").write_text("".join(lines))
    args = ("eval", "best.yaml", "--benchmark", "other.jsonl", "--scorer", "numeric")
    seen = await archon(*args, folder=tmp_path)
    assert seen.code == 0, seen.err
    assert "Note: 20 of these 41 questions were used in the search" in seen.err
    assert "41 of 41 questions scored" in seen.out
    as_data = json.loads((await archon(*args, "--json", folder=tmp_path)).out)
    assert as_data["n_seen_in_search"] == 20

    data = yaml.safe_load((tmp_path / "best.yaml").read_text())
    del data["provenance"]["searched_on"], data["sha256"]
    (tmp_path / "old.yaml").write_text(yaml.safe_dump(data))
    old = await archon("eval", "old.yaml", "--benchmark", str(job), "--json", folder=tmp_path)
    assert old.code == 0, old.err
    assert "does not say which questions its search used" in old.err
    assert json.loads(old.out)["n_seen_in_search"] is None


async def test_eval_takes_a_side_of_a_jobs_split_and_a_number_of_questions(
    stub: Stub, tmp_path: Path
) -> None:
    job = write_job(tmp_path, stub.base_url)
    pipeline = write_pipeline(tmp_path, stub.base_url)
    for args, n in ((("--split", "all"), 40), (("--split", "search", "--limit", "7"), 7)):
        ran = await archon(
            "eval", str(pipeline), "--benchmark", str(job), *args, "--json", folder=tmp_path
        )
        assert json.loads(ran.out)["n_questions"] == n


async def test_eval_never_buys_more_than_it_may(stub: Stub, tmp_path: Path) -> None:
    pipeline = write_pipeline(tmp_path, stub.base_url)
    questions = write_questions(tmp_path, 60)
    ran = await archon(
        *("eval", str(pipeline), "--benchmark", str(questions), "--scorer", "numeric"),
        *("--max-calls", "42"),
        folder=tmp_path,
    )
    assert ran.code == 4
    assert f"{stub.ledger.completions} calls bought" in ran.out
    assert stub.ledger.completions <= 42
    assert "questions were not run" in ran.err
    assert "limit of 42" in ran.err


async def test_eval_with_a_limit_on_money_wants_to_know_prices(stub: Stub, tmp_path: Path) -> None:
    pipeline = write_pipeline(tmp_path, stub.base_url)
    questions = write_questions(tmp_path, 60)
    args = ("eval", str(pipeline), "--benchmark", str(questions), "--scorer", "numeric")
    unknown = await archon(*args, "--max-usd", "0.01", folder=tmp_path)
    assert unknown.code == 2
    assert "price: {input_usd_per_mtok" in unknown.err
    assert stub.ledger.requests == 0
    data = yaml.safe_load(pipeline.read_text())
    data["models"]["small"]["price"] = {"input_usd_per_mtok": 10, "output_usd_per_mtok": 10}
    pipeline.write_text(yaml.safe_dump(data))
    ran = await archon(*args, "--max-usd", "0.01", folder=tmp_path)
    assert ran.code == 4, ran.err
    assert 0 < stub.ledger.completions < 300
    assert "questions were not run" in ran.err
    assert f"{stub.ledger.completions} calls bought for $0.00" in ran.out
    wrong = await archon(*args, "--max-usd", "nan", folder=tmp_path)
    assert wrong.code == 2
    assert "Traceback" not in wrong.err


async def test_eval_counts_faults_apart_from_wrong_answers(stub: Stub, tmp_path: Path) -> None:
    pipeline = write_pipeline(tmp_path, stub.base_url, samples=1)
    questions = write_questions(tmp_path, 20)
    stub.script("adds-0.6", *["400"] * 3)
    ran = await archon(
        *("eval", str(pipeline), "--benchmark", str(questions), "--scorer", "numeric", "--json"),
        folder=tmp_path,
    )
    found = json.loads(ran.out)
    assert found["faults"] == {"infra_fault": 3}
    assert found["standing"]["n_scored"] == 17
    assert found["first_fault"]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ((), "--scorer"),
        (("--scorer", "numerik"), "Did you mean 'numeric'?"),
        (("--scorer", "judge"), "job file"),
        (("--scorer", "numeric", "--split", "search"), "not split"),
        (("--scorer", "{kind: exact, reed: stated}"), "Did you mean 'read'?"),
        (("--scorer", "{read: stated}"), "the kind is missing"),
        (("--scorer", "{kind: exact"), "Is a bracket left open"),
    ],
    ids=["no scorer", "misspelt", "judge", "split", "parameter", "no kind", "no YAML"],
)
async def test_eval_says_what_does_not_go_together(
    stub: Stub, tmp_path: Path, args: tuple[str, ...], said: str
) -> None:
    pipeline = write_pipeline(tmp_path, stub.base_url)
    questions = write_questions(tmp_path, 10)
    ran = await archon("eval", str(pipeline), "--benchmark", str(questions), *args, folder=tmp_path)
    assert ran.code == 2
    assert said in ran.err
    assert stub.ledger.requests == 0


async def test_eval_of_a_file_that_is_gone_says_so_whatever_else_is_missing(tmp_path: Path) -> None:
    pipeline = write_pipeline(tmp_path, "http://127.0.0.1:1/v1")
    ran = await archon("eval", str(pipeline), "--benchmark", "gone.jsonl", folder=tmp_path)
    assert ran.code == 2
    assert "gone.jsonl" in ran.err
    assert "no such file" in ran.err
    assert "--scorer" not in ran.err


async def test_eval_of_a_model_that_is_away_says_so_and_keeps_what_was_bought(
    stub: Stub, tmp_path: Path
) -> None:
    pipeline = write_pipeline(tmp_path, stub.base_url)
    questions = write_questions(tmp_path, 10)
    stub.always("adds-0.6", "401")
    args = ("eval", str(pipeline), "--benchmark", str(questions), "--scorer", "numeric")
    ran = await archon(*args, folder=tmp_path)
    assert ran.code != 0
    assert "Traceback" not in ran.err
    stub.always("adds-0.6", "ok")
    assert (await archon(*args, folder=tmp_path)).code == 0


async def test_stopped_eval_goes_on_from_where_it_was(stub: Stub, tmp_path: Path) -> None:
    stub.latency_s = 0.1
    pipeline = write_pipeline(tmp_path, stub.base_url)
    questions = write_questions(tmp_path, 60)
    args = ("eval", str(pipeline), "--benchmark", str(questions), "--scorer", "numeric", "--json")
    process = await start(*args, folder=tmp_path)
    while stub.ledger.completions < 150:
        await asyncio.sleep(0.01)
    stopped = await ended(process, signal.SIGINT)
    assert stopped.code == 130
    assert "goes on from there" in stopped.err
    stub.latency_s = 0.0
    done = json.loads((await archon(*args, folder=tmp_path)).out)
    assert done["n_reused"] > 0
    assert done["standing"]["n_scored"] == 60


async def test_eval_says_what_was_bought_for_questions_that_did_not_end_too(
    stub: Stub, tmp_path: Path
) -> None:
    price = {"input_usd_per_mtok": 1000.0, "output_usd_per_mtok": 1000.0}
    model = {"url": stub.base_url, "model": "adds-0.6", "send_slots": True, "price": price}
    path = tmp_path / "two.yaml"
    # One sample, and after it a layer that the limit does not allow any more.
    layers = [{"generate": {"model": "small", "max_tokens": 32}}, {"fuse": {"model": "small"}}]
    path.write_text(yaml.safe_dump({"models": {"small": model}, "layers": layers}))
    questions = write_questions(tmp_path, 12)
    ran = await archon(
        *("eval", str(path), "--benchmark", str(questions), "--scorer", "numeric"),
        *("--max-calls", "12", "--json"),
        folder=tmp_path,
    )
    assert ran.code == 4
    found = json.loads(ran.out)
    assert found["n_not_run"] > 0
    assert found["n_bought"] == found["bought"]["calls"] == stub.ledger.completions == 12
    assert found["bought"]["tokens"] > 0
    assert found["bought"]["cost_usd"] == pytest.approx(found["bought"]["tokens"] / 1000)


@pytest.mark.parametrize(("usd", "said"), [(0, "may have run"), (5, "may have been charged")])
async def test_eval_says_of_a_lost_call_whether_it_can_have_been_charged(
    stub: Stub, tmp_path: Path, usd: int, said: str
) -> None:
    pipeline = write_pipeline(tmp_path, stub.base_url, samples=1)
    data = yaml.safe_load(pipeline.read_text())
    data["models"]["small"]["price"] = {"input_usd_per_mtok": usd, "output_usd_per_mtok": usd}
    pipeline.write_text(yaml.safe_dump(data))
    stub.script("adds-0.6", "500")
    questions = write_questions(tmp_path, 4)
    args = ("eval", str(pipeline), "--benchmark", str(questions), "--scorer", "numeric")
    ran = await archon(*args, folder=tmp_path)
    assert f"1 call without a reply {said}" in ran.out


async def test_eval_takes_parameters_of_the_scorer(stub: Stub, tmp_path: Path) -> None:
    pipeline = write_pipeline(tmp_path, stub.base_url, model="adds-1", samples=1)
    questions = write_questions(tmp_path, 10)
    args = ("eval", str(pipeline), "--benchmark", str(questions), "--json", "--scorer")
    whole = await archon(*args, "{kind: exact, read: whole}", folder=tmp_path)
    assert json.loads(whole.out)["standing"]["quality"]["value"] == 0
    stated = await archon(*args, "{kind: exact, read: stated}", folder=tmp_path)
    assert json.loads(stated.out)["standing"]["quality"]["value"] == 1
