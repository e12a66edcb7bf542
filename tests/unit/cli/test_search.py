from __future__ import annotations

import json
import re
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from archon.spec.job import load_job
from archon.spec.pipeline_file import load_pipeline_file
from tests.commands import archon, ended, start
from tests.jobs import write_job
from tests.stub import Stub, running_stub


@pytest.fixture
async def stub() -> AsyncIterator[Stub]:
    async with running_stub(Stub()) as stub:
        yield stub


async def test_search_by_units_says_what_was_seen_to_the_end_and_how_many_were_not(
    stub: Stub, tmp_path: Path
) -> None:
    job = write_job(tmp_path, stub.base_url, sampler={"kind": "gain"}, block_size=4)
    ran = await archon("search", str(job), "--export", "best.yaml", folder=tmp_path)
    assert ran.code == 0, ran.err
    report = json.loads((await archon("show", "sums", "--json", folder=tmp_path)).out)
    states = {trial["number"]: trial["state"] for trial in report["trials"]}
    whole = {number for number, state in states.items() if state == "complete"}
    assert 0 in whole
    assert set(states.values()) == {"complete", "pruned"}
    named = {int(number) for number in re.findall(r"^trial (\d+) ", ran.err, re.MULTILINE)}
    assert named == whole
    n_in_part = len(states) - len(whole)
    assert re.search(
        rf"^{n_in_part} more pipelines? on a part of the questions$", ran.err, re.MULTILINE
    )
    assert "Verdict: " in ran.out
    assert (tmp_path / "best.yaml").exists()


async def test_search_shows_progress_and_report_writes_the_winner_and_asks_it(
    stub: Stub, tmp_path: Path
) -> None:
    job = write_job(tmp_path, stub.base_url)
    question = "What is 1 + 3?"
    ran = await archon(
        "search", str(job), "--export", "best.yaml", "--ask", question, folder=tmp_path
    )
    assert ran.code == 0, ran.err
    for number in range(10):
        assert f"trial {number} " in ran.err
    assert "Front, of 10 trials" in ran.out
    assert "Verdict: " in ran.out
    assert "best single call" in ran.out
    n_bought = stub.ledger.completions - load_pipeline_calls(tmp_path / "best.yaml")
    assert f"{n_bought:,} calls bought" in ran.out
    assert f"Asked:    {question}" in ran.out


def load_pipeline_calls(path: Path) -> int:
    """Calls of one question to a pipeline of samples and votes."""
    (generate, *_), *_ = load_pipeline_file(path).architecture.layers
    samples = dict(generate.params).get("samples", 1)
    assert isinstance(samples, int)
    return samples


async def test_search_that_is_done_reports_again_and_buys_nothing(
    stub: Stub, tmp_path: Path
) -> None:
    job = write_job(tmp_path, stub.base_url, budget={"trials": 3})
    first = await archon("search", str(job), folder=tmp_path)
    bought = stub.ledger.completions
    again = await archon("search", str(job), folder=tmp_path)
    assert again.code == 0
    assert again.out == first.out
    assert "--new" in again.err
    assert stub.ledger.completions == bought


async def test_search_that_an_endpoint_ends_says_that_it_can_be_run_on(
    stub: Stub, tmp_path: Path
) -> None:
    job = write_job(tmp_path, stub.base_url, budget={"trials": 3})
    model = load_job(job).models[0].model
    stub.always(model, "401")
    refused = await archon("search", str(job), folder=tmp_path)
    assert refused.code != 0
    assert "What was bought is kept; once the cause is mended, the same command" in refused.err
    stub.always(model, "ok")
    assert (await archon("search", str(job), folder=tmp_path)).code == 0


async def test_search_without_its_key_leaves_no_study_that_takes_over_the_name(
    stub: Stub, tmp_path: Path
) -> None:
    job = write_job(tmp_path, stub.base_url, budget={"trials": 2})
    ran = await archon("search", str(job), "--json", folder=tmp_path)
    first = json.loads(ran.out)["study"]["id"]
    flags = ("--url", stub.base_url, "--model", "adds-0.9", "--key-env", "MY_KEY")
    keyless = await archon("search", str(job), *flags, folder=tmp_path)
    assert keyless.code == 3
    assert "export MY_KEY=..." in keyless.err
    shown = await archon("show", "sums", "--json", folder=tmp_path)
    assert json.loads(shown.out)["study"]["id"] == first


async def test_search_and_show_say_that_several_studies_share_a_name(
    stub: Stub, tmp_path: Path
) -> None:
    job = write_job(tmp_path, stub.base_url, budget={"trials": 2})
    ran = await archon("search", str(job), "--json", folder=tmp_path)
    assert "another study" not in ran.err
    first = json.loads(ran.out)["study"]["id"]
    assert not (await archon("show", "sums", folder=tmp_path)).err
    ran = await archon("search", str(job), "--trials", "1", "--json", folder=tmp_path)
    second = json.loads(ran.out)["study"]["id"]
    assert f"another study than {first} of the same name" in ran.err
    assert "--trials" in ran.err
    shown = await archon("show", "sums", folder=tmp_path)
    assert f"2 studies are called sums; this is the newest, {second}." in shown.err
    assert first in shown.err
    assert not (await archon("show", first, folder=tmp_path)).err


async def test_search_whose_endpoint_is_away_says_at_once_whom_it_waits_for(
    stub: Stub, tmp_path: Path
) -> None:
    url = "http://127.0.0.1:1/v1"
    job = write_job(tmp_path, url, budget={"trials": 1})
    process = await start("search", str(job), folder=tmp_path)
    assert process.stderr is not None
    said = [await process.stderr.readline() for _ in range(2)][-1].decode()
    await ended(process, signal.SIGINT)
    assert "Waiting for an endpoint, up to 75 s" in said
    assert url in said


async def test_study_without_one_right_answer_says_where_to_look(
    stub: Stub, tmp_path: Path
) -> None:
    stub.responder = lambda model, messages, slot: "I cannot say."
    job = write_job(tmp_path, stub.base_url, budget={"trials": 2})
    ran = await archon("search", str(job), folder=tmp_path)
    assert ran.code == 0, ran.err
    (line,) = (line for line in ran.out.splitlines() if "scored above 0" in line)
    command = re.search(r"archon (show \w+ --trial \d+) lists", line)
    assert command
    page = await archon(*command[1].split(), folder=tmp_path)
    assert re.search(r"^q\d+ ", page.out, re.MULTILINE)


async def test_new_study_of_the_same_job_reuses_what_was_bought(stub: Stub, tmp_path: Path) -> None:
    job = write_job(tmp_path, stub.base_url, budget={"trials": 3})
    first = json.loads((await archon("search", str(job), "--json", folder=tmp_path)).out)
    bought = stub.ledger.completions
    fresh = await archon("search", str(job), "--new", "--json", folder=tmp_path)
    second = json.loads(fresh.out)
    assert second["study"]["id"] != first["study"]["id"]
    assert [t["pipeline_id"] for t in second["trials"]] == [
        t["pipeline_id"] for t in first["trials"]
    ]
    assert second["spend"]["n_bought"] == 0
    assert stub.ledger.completions == bought


@pytest.mark.parametrize(
    ("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "terminated"]
)
async def test_stopped_search_says_how_to_resume_and_resumes(
    stub: Stub, tmp_path: Path, sent: signal.Signals, code: int
) -> None:
    stub.latency_s = 0.05
    job = write_job(tmp_path, stub.base_url)
    process = await start("search", str(job), folder=tmp_path)
    assert process.stderr is not None
    while b"trial 1 " not in await process.stderr.readline():
        pass
    stopped = await ended(process, sent)
    assert stopped.code == code
    assert "resumes" in stopped.err
    assert "Traceback" not in stopped.err
    bought = stub.ledger.completions
    stub.latency_s = 0.0
    ran = await archon("search", str(job), "--json", folder=tmp_path)
    assert ran.code == 0, ran.err
    report = json.loads(ran.out)
    assert report["study"]["state"] == "completed"
    lost = report["spend"]["n_uncertain"]
    assert report["spend"]["n_bought"] + lost == stub.ledger.completions > bought


async def test_other_model_takes_the_place_of_the_files(stub: Stub, tmp_path: Path) -> None:
    job = write_job(tmp_path, "http://127.0.0.1:9/v1", budget={"trials": 1})
    flags = ("--url", stub.base_url, "--model", "adds-0.9", "--key-env", "MY_KEY")
    ran = await archon(
        "search", str(job), *flags, "--export", "b.yaml", folder=tmp_path, MY_KEY="k"
    )
    assert ran.code == 0, ran.err
    assert set(stub.ledger.requests_by_model) == {"adds-0.9"}
    (model,) = load_pipeline_file(tmp_path / "b.yaml").models
    assert (model.url, model.model, model.key_env) == (stub.base_url, "adds-0.9", "MY_KEY")


WRONG = {
    "no file": (["nowhere.yaml"], "nowhere.yaml"),
    "url alone": (["job.yaml", "--url", "http://127.0.0.1:9/v1"], "--model"),
    "trials": (["job.yaml", "--trials", "0"], "budget.trials"),
    "seed": (["job.yaml", "--seed", "-1"], "seed"),
    "option": (["job.yaml", "--trails", "3"], "--trials"),
}


@pytest.mark.parametrize(("args", "said"), WRONG.values(), ids=list(WRONG))
async def test_wrong_use_is_refused_with_what_to_do(
    stub: Stub, tmp_path: Path, args: list[str], said: str
) -> None:
    write_job(tmp_path, stub.base_url)
    ran = await archon("search", *args, folder=tmp_path)
    assert ran.code == 2
    assert said in ran.err
    assert "Traceback" not in ran.err
    assert not ran.out
    assert stub.ledger.completions == 0
    assert not (tmp_path / "data").exists()


async def test_missing_key_is_told_by_its_name_before_anything_is_asked(
    stub: Stub, tmp_path: Path
) -> None:
    job = write_job(tmp_path, stub.base_url)
    flags = ("--url", stub.base_url, "--model", "m", "--key-env", "NO_SUCH_KEY")
    ran = await archon("search", str(job), *flags, folder=tmp_path)
    assert ran.code == 3
    assert "export NO_SUCH_KEY=" in ran.err
    assert stub.ledger.completions == 0


async def test_search_that_measured_nothing_says_so_and_does_not_pass_for_a_success(
    stub: Stub, tmp_path: Path
) -> None:
    stub.always("adds-0.6", "400")
    job = write_job(tmp_path, stub.base_url, budget={"trials": 2})
    ran = await archon("search", str(job), "--export", "best.yaml", "--json", folder=tmp_path)
    assert ran.code == 1
    assert json.loads(ran.out)["study"]["state"] == "failed"
    assert "Nothing could be measured" in ran.err
    assert "--new" in ran.err
    assert not (tmp_path / "best.yaml").exists()


async def test_help_is_there_at_once_and_loads_no_engine_room(tmp_path: Path) -> None:
    ran = await archon("--help", folder=tmp_path, PYTHONPROFILEIMPORTTIME="1")
    assert ran.code == 0
    assert "search" in ran.out
    loaded = {line.rpartition("|")[2].strip() for line in ran.err.splitlines()}
    assert "typer" in loaded
    assert not loaded & {"aiohttp", "litellm", "numpy", "optuna", "pyarrow", "sqlalchemy"}


PLACES = {
    "the job itself": ("job.yaml", [], "this command reads"),
    "the job itself by force": ("./job.yaml", ["--force"], "this command reads"),
    "a file of the user": ("sums.jsonl", [], "--force"),
    "a folder": ("data", [], "no ordinary file"),
    "no folder": ("no/where/best.yaml", [], "there is no folder 'no/where'"),
}


@pytest.mark.parametrize(("place", "flags", "said"), PLACES.values(), ids=list(PLACES))
async def test_search_refuses_a_place_for_its_export_before_anything_is_paid(
    stub: Stub, tmp_path: Path, place: str, flags: list[str], said: str
) -> None:
    job = write_job(tmp_path, stub.base_url, budget={"trials": 1})
    (tmp_path / "data").mkdir()
    before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    ran = await archon("search", str(job), "--export", place, *flags, folder=tmp_path)
    assert ran.code == 2
    assert said in ran.err
    assert stub.ledger.completions == 0
    assert {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before


async def test_search_exports_over_its_own_earlier_export(stub: Stub, tmp_path: Path) -> None:
    job = write_job(tmp_path, stub.base_url, budget={"trials": 1})
    for _ in range(2):
        ran = await archon("search", str(job), "--export", "best.yaml", folder=tmp_path)
        assert ran.code == 0, ran.err
    (tmp_path / "best.yaml").write_text("mine")
    refused = await archon("search", str(job), "--export", "best.yaml", folder=tmp_path)
    assert refused.code == 2
    forced = await archon("search", str(job), "--export", "best.yaml", "--force", folder=tmp_path)
    assert forced.code == 0, forced.err


async def test_job_and_pipeline_in_each_others_place_are_told_apart(
    stub: Stub, tmp_path: Path
) -> None:
    job = write_job(tmp_path, stub.base_url)
    (tmp_path / "best.yaml").write_text(
        "models: {m: {url: 'http://127.0.0.1:9/v1', model: m}}\nlayers: [{generate: {model: m}}]\n"
    )
    for args, said in (
        (("ask", job.name, "Why?"), "this is a job file, not a pipeline. Search with it"),
        (("search", "best.yaml"), "this is a pipeline file, not a job. Ask it: archon ask"),
        (("estimate", "best.yaml"), "this is a pipeline file"),
    ):
        ran = await archon(*args, folder=tmp_path)
        assert ran.code == 2
        assert said in ran.err
        assert len(ran.err.splitlines()) == 1
    assert stub.ledger.requests == 0
