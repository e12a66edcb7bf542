"""``archon ls``, ``show``, ``export`` and ``ask``: from a finished study to an answer."""

from __future__ import annotations

import json
import signal
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, get_args

import pytest

from archon.cli.export import RuleName
from archon.cli.show import SplitName
from archon.core.records import HELD_OUT_SPLIT, SEARCH_SPLIT
from archon.service.export import Rule
from archon.spec.pipeline_file import load_pipeline_file
from tests.commands import archon, ended, start
from tests.jobs import write_job
from tests.stub import Stub, running_stub
from tests.stub.texts import Turn, respond


@pytest.fixture
async def stub() -> AsyncIterator[Stub]:
    async with running_stub(Stub()) as stub:
        yield stub


@pytest.fixture
async def study(stub: Stub, tmp_path: Path) -> dict[str, Any]:
    """The report of a finished study named "sums"."""
    job = write_job(tmp_path, stub.base_url, n_questions=160)
    ran = await archon("search", str(job), "--json", folder=tmp_path)
    assert ran.code == 0, ran.err
    report: dict[str, Any] = json.loads(ran.out)
    return report


def test_names_on_the_command_line_are_those_of_the_service() -> None:
    assert [rule.value for rule in RuleName] == list(get_args(Rule))
    assert [split.value for split in SplitName] == [SEARCH_SPLIT, HELD_OUT_SPLIT]


async def test_commands_that_read_make_no_database(tmp_path: Path) -> None:
    listed = await archon("ls", folder=tmp_path)
    assert listed.code == 0
    assert "archon search job.yaml" in listed.out
    assert json.loads((await archon("ls", "--json", folder=tmp_path)).out) == {"studies": []}
    for verb in ("show", "export"):
        ran = await archon(verb, "sums", folder=tmp_path)
        assert ran.code == 2
        assert "no study yet" in ran.err
    assert not (tmp_path / "data").exists()


async def test_ls_says_how_each_study_stands(study: dict[str, Any], tmp_path: Path) -> None:
    ran = await archon("ls", folder=tmp_path)
    (line,) = [line for line in ran.out.splitlines() if line.startswith(study["study"]["id"])]
    assert "sums" in line
    assert "completed" in line
    assert "over a single call" in line
    best = max(trial["objectives"]["quality"] for trial in study["trials"])
    assert f"{best:.3f}" in line
    assert " 0 min " in line or " 1 min " in line
    assert len(line.rstrip()) <= 80
    (entry,) = json.loads((await archon("ls", "--json", folder=tmp_path)).out)["studies"]
    assert (entry["id"], entry["state"]) == (study["study"]["id"], "completed")
    assert (entry["n_trials"], entry["n_complete"]) == (10, 10)
    assert entry["best_quality"] == best


async def test_ls_tells_a_search_that_was_killed_and_how_it_goes_on(
    stub: Stub, tmp_path: Path
) -> None:
    stub.latency_s = 0.05
    job = write_job(tmp_path, stub.base_url)
    process = await start("search", str(job), folder=tmp_path)
    assert process.stderr is not None
    while b"trial 1 " not in await process.stderr.readline():
        pass
    await ended(process, signal.SIGKILL)
    (entry,) = json.loads((await archon("ls", "--json", folder=tmp_path)).out)["studies"]
    assert entry["state"] == "cut off"
    assert "resumes" in entry["outcome"]
    assert 0 < entry["best_quality"] <= 1
    shown = await archon("show", "sums", folder=tmp_path)
    assert shown.code == 0
    assert "cut off" in shown.out
    exported = await archon("export", "sums", folder=tmp_path)
    assert exported.code == 2
    assert "--trial N" in exported.err
    by_trial = await archon("export", "sums", "--trial", "0", folder=tmp_path)
    assert by_trial.code == 0
    assert "layers:" in by_trial.out


async def test_show_as_json_names_the_trial_of_every_pipeline_of_the_verdict(
    study: dict[str, Any],
) -> None:
    judgement = study["final"]["judgement"]
    numbers = {trial["number"]: trial["pipeline_id"] for trial in study["trials"]}
    for standing in (judgement["baseline"], *judgement["finalists"]):
        assert numbers[study["trial_of"][standing["pipeline_id"]]] == standing["pipeline_id"]


async def test_show_lists_all_trials_and_finds_a_study_by_name_or_id(
    study: dict[str, Any], tmp_path: Path
) -> None:
    by_name = await archon("show", "sums", folder=tmp_path)
    assert by_name.code == 0
    assert "Verdict: " in by_name.out
    for trial in study["trials"]:
        assert trial["pipeline"] in by_name.out
    by_id = await archon("show", study["study"]["id"][:6], folder=tmp_path)
    assert by_id.out == by_name.out
    assert json.loads((await archon("show", "sums", "--json", folder=tmp_path)).out) == study
    unknown = await archon("show", "sms", folder=tmp_path)
    assert unknown.code == 2
    assert "archon ls" in unknown.err


def winner_of(study: dict[str, Any]) -> dict[str, Any]:
    """A trial that was a finalist and votes over several samples."""
    finalists = [one["pipeline_id"] for one in study["final"]["judgement"]["finalists"]]
    trials: list[dict[str, Any]] = study["trials"]
    return next(t for t in trials if t["pipeline_id"] in finalists and "vote" in t["pipeline"])


async def test_show_trial_has_its_pipeline_and_every_question(
    study: dict[str, Any], tmp_path: Path
) -> None:
    trial = winner_of(study)
    ran = await archon("show", "sums", "--trial", str(trial["number"]), folder=tmp_path)
    assert ran.code == 0, ran.err
    assert "layers:" in ran.out
    assert "Held-out questions" in ran.out
    assert f"archon show {study['study']['id']} --trial" in ran.out  # a name may mean another
    # As ``archon explain`` takes it.
    as_data = await archon("show", "sums", str(trial["number"]), "--json", folder=tmp_path)
    results = json.loads(as_data.out)["results"]
    assert (len(results["search"]), len(results["held_out"])) == (80, 80)
    scores = [result["score"] for result in results["search"]]
    assert sum(scores) / 80 == pytest.approx(trial["objectives"]["quality"])
    for result in results["search"]:
        assert f"\n{result['example']} " in ran.out


async def test_show_question_has_every_call_with_prompt_and_reply(
    study: dict[str, Any], tmp_path: Path
) -> None:
    number = str(winner_of(study)["number"])
    page = await archon("show", "sums", "--trial", number, "--json", folder=tmp_path)
    example = json.loads(page.out)["results"]["search"][0]["example"]
    args = ("show", "sums", "--trial", number, "--question", example, "--split", "search")
    ran = await archon(*args, folder=tmp_path)
    assert ran.code == 0, ran.err
    asked = json.loads((await archon(*args, "--json", folder=tmp_path)).out)
    assert len(asked["calls"]) == asked["result"]["deployed"]["calls"] > 1
    for i, call in enumerate(asked["calls"], 1):
        assert f"Call {i}: layers[0].generate[0]" in ran.out
        assert call["call"]["messages"][-1]["content"] in ran.out
        assert call["call"]["text"] in ran.out
    assert "After layer 1: 1 candidate" in ran.out
    assert f"Score: {asked['result']['score']:g}" in ran.out
    assert f"Target: {asked['example']['target']}" in ran.out


async def test_show_says_what_is_missing(study: dict[str, Any], tmp_path: Path) -> None:
    alone = await archon("show", "sums", "--question", "q1", folder=tmp_path)
    assert alone.code == 2
    assert "--trial" in alone.err
    for args, said in (
        (("--trial", "99"), "no trial 99. Its trials: archon show"),
        (("--trial", "0", "--question", "qq1"), "'qq1'. Did you mean 'q"),
        (("--trial", "0", "--question", "q999"), "--trial 0"),
    ):
        ran = await archon("show", "sums", *args, folder=tmp_path)
        assert ran.code == 2
        assert said in ran.err
        assert "Traceback" not in ran.err


async def test_show_says_who_paid_for_a_call_that_was_reused(
    study: dict[str, Any], tmp_path: Path
) -> None:
    fresh = await archon("search", "job.yaml", "--new", "--json", folder=tmp_path)
    other = json.loads(fresh.out)["study"]["id"]
    page = await archon("show", other, "--trial", "0", "--json", folder=tmp_path)
    example = json.loads(page.out)["results"]["search"][0]["example"]
    args = ("--trial", "0", "--question", example, "--split", "search")
    bought = await archon("show", study["study"]["id"], *args, folder=tmp_path)
    assert "bought here" in bought.out
    reused = await archon("show", other, *args, folder=tmp_path)
    assert f"reused, bought by study {study['study']['id']}" in reused.out


async def test_export_writes_the_winner_once_and_ask_answers_with_it(
    study: dict[str, Any], stub: Stub, tmp_path: Path
) -> None:
    ran = await archon("export", "sums", "-o", "best.yaml", folder=tmp_path)
    assert ran.code == 0, ran.err
    made = load_pipeline_file(tmp_path / "best.yaml")
    winner = study["final"]["judgement"]["winner_id"]
    assert made.architecture.pipeline_id() == winner
    assert "the winner" in ran.err
    again = await archon("export", "sums", "-o", "best.yaml", folder=tmp_path)
    assert again.code == 0  # it is as it was written, and can be made again
    mine = (tmp_path / "best.yaml").read_text() + "# how I like it\nname: mine\n"
    (tmp_path / "best.yaml").write_text(mine)
    refused = await archon("export", "sums", "-o", "best.yaml", folder=tmp_path)
    assert refused.code == 2
    assert "--force" in refused.err
    assert (tmp_path / "best.yaml").read_text() == mine
    forced = await archon("export", "sums", "-o", "best.yaml", "--force", folder=tmp_path)
    assert forced.code == 0
    printed = await archon("export", "sums", folder=tmp_path)
    assert printed.out == (tmp_path / "best.yaml").read_text()

    before = stub.ledger.completions
    question = "What is 17 + 25?"
    answered = await archon("ask", "best.yaml", question, "--json", "--trace", folder=tmp_path)
    data = json.loads(answered.out)
    assert data["calls"] == stub.ledger.completions - before
    assert [e["event"] for e in data["trace"]].count("call") == data["calls"]
    plain = await archon("ask", "best.yaml", "-", folder=tmp_path, typed=question)
    assert plain.code == 0
    assert plain.out.strip()


async def test_export_of_a_rule_or_a_trial_is_that_pipeline(
    study: dict[str, Any], tmp_path: Path
) -> None:
    baseline = await archon("export", "sums", "--rule", "baseline", "-o", "a", folder=tmp_path)
    assert "best single call" in baseline.err
    judgement = study["final"]["judgement"]
    made = load_pipeline_file(tmp_path / "a")
    assert made.architecture.pipeline_id() == judgement["baseline"]["pipeline_id"]
    await archon("export", "sums", "--trial", "4", "-o", "b", folder=tmp_path)
    trial = next(trial for trial in study["trials"] if trial["number"] == 4)
    made = load_pipeline_file(tmp_path / "b")
    assert made.architecture.pipeline_id() == trial["pipeline_id"]
    gone = await archon("export", "sums", "--trial", "99", folder=tmp_path)
    assert gone.code == 2
    near = await archon("export", "sums", "--rule", "best", "--within", "0.1", folder=tmp_path)
    assert near.code == 2
    assert "give --rule cheapest" in near.err
    both = await archon("export", "sums", "--trial", "4", "--rule", "best", folder=tmp_path)
    assert both.code == 2
    assert not both.out


async def test_ask_says_what_is_wrong_in_one_line(stub: Stub, tmp_path: Path) -> None:
    path = tmp_path / "one.yaml"
    path.write_text(
        f"models: {{small: {{url: '{stub.base_url}', model: good, key_env: NO_SUCH_KEY}}}}\n"
        "layers: [{generate: {model: small}}]\n"
    )
    without_key = await archon("ask", "one.yaml", "Why?", folder=tmp_path)
    assert without_key.code == 3
    assert "export NO_SUCH_KEY" in without_key.err
    empty = await archon("ask", "one.yaml", "  ", folder=tmp_path)
    assert empty.code == 2
    stub.always("good", "401")
    refused = await archon("ask", "one.yaml", "Why?", folder=tmp_path, NO_SUCH_KEY="sk-1234567890")
    assert refused.code != 0
    assert "Traceback" not in refused.err
    assert "sk-1234567890" not in refused.err


async def test_ask_warns_where_prompts_changed_since_the_pipeline_was_measured(
    stub: Stub, tmp_path: Path
) -> None:
    path = tmp_path / "old.yaml"
    path.write_text(
        f"models: {{small: {{url: '{stub.base_url}', model: good}}}}\n"
        "layers:\n- generate: {model: small, samples: 3}\n- fuse: {model: small}\n"
        "prompts: {fuse: abc000000000}\n"
    )
    ran = await archon("validate", "old.yaml", folder=tmp_path)
    assert "'fuse'" in ran.err
    ran = await archon("ask", "old.yaml", "Why?", folder=tmp_path)
    assert "wording of fuse" in ran.err


async def test_show_question_has_what_the_judge_was_asked_and_said(
    stub: Stub, tmp_path: Path
) -> None:
    def graded(model: str, messages: Sequence[Turn], slot: int) -> str:
        grades = '{"correctness": 4, "usefulness": 5}'
        return f"It is right.\n{grades}" if model == "judge" else respond(model, messages, slot)

    stub.responder = graded
    small = {"url": stub.base_url, "model": "good"}
    job = write_job(
        tmp_path,
        stub.base_url,
        n_questions=6,
        models={"small": small, "other": {"url": stub.base_url, "model": "judge"}},
        benchmark={"file": "sums.jsonl", "scorer": {"kind": "judge", "model": "other"}},
        space={"layers": [{"generate": {"model": "small"}}]},
        budget={"trials": 1},
    )
    ran = await archon("search", str(job), "--json", folder=tmp_path)
    assert ran.code == 0, ran.err
    page = await archon("show", "sums", "--trial", "0", "--json", folder=tmp_path)
    example = json.loads(page.out)["results"]["search"][0]["example"]
    args = ("show", "sums", "--trial", "0", "--question", example)
    asked = json.loads((await archon(*args, "--json", folder=tmp_path)).out)
    assert len(asked["calls"]) == asked["result"]["deployed"]["calls"] == 1
    first, *_ = asked["scorer_calls"]
    assert first["call"]["model"] == "other"
    shown = await archon(*args, "--prompts", folder=tmp_path)
    assert "Scorer's call 1: scorer" in shown.out
    assert first["call"]["messages"][0]["content"].splitlines()[0] in shown.out
    assert first["call"]["text"].splitlines()[-1] in shown.out
