"""The key reaches the endpoint and nothing else, whatever the endpoint does with it.

``make_rig`` looks for the key after each test of this folder: in the database and every other file,
in the messages and results, and in the logs of all libraries at their most talkative. Here are the
endpoints that would bring it there.
"""

from __future__ import annotations

import traceback

import pytest

from archon.core.errors import ArchonError
from archon.service.export import export_by_rule
from archon.service.prepare import prepare
from archon.service.report import load_report
from archon.service.settings import load_settings
from archon.service.study_run import run_job
from archon.spec.job import load_job
from archon.store.opening import open_store
from tests.faults.rig import ANTHROPIC, CANARY, KEY_NAME, OPENAI, WIRES, MakeRig
from tests.jobs import write_job
from tests.stub import Stub, running_stub
from tests.unit.search.world import Log

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:litellm")

ODD_KEY = "correct horse CANARY battery staple".replace(" ", "/")
"""Looks like no key that anybody knows, so that only he who knows it can hide it."""
ECHOES = ["400", "401", "402", "403", "404", "429", "500", "503", "error", "text"]


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("key", [CANARY, ODD_KEY], ids=["usual", "odd"])
@pytest.mark.parametrize("what", ECHOES)
async def test_endpoint_that_repeats_the_key_does_not_spread_it(
    stub: Stub,
    make_rig: MakeRig,
    what: str,
    key: str,
    wire: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stub.always("adds-1", f"echo:{what}")
    rig = make_rig(wire=wire)
    monkeypatch.setenv(KEY_NAME, key)
    rig.settings = load_settings()
    stub.key = key
    try:
        (result,) = await rig.ask()
        seen = str(result)
    except ArchonError as error:
        seen = "".join(traceback.format_exception(error)) + repr(error) + str(error.__dict__)
    assert "adds-1" in seen
    assert "CANARY" not in seen
    assert "CANARY" in str(stub.last_headers), "it was sent"


@pytest.mark.parametrize("wire", WIRES)
async def test_redirect_takes_the_key_nowhere(stub: Stub, make_rig: MakeRig, wire: str) -> None:
    rig = make_rig(wire=wire)
    async with running_stub(Stub()) as thief:
        path = "messages" if wire == ANTHROPIC else "chat/completions"
        stub.always("adds-1", f"redirect:{thief.base_url}/{path}")
        (result,) = await rig.ask()
    assert result.status == "infra_fault"
    assert "redirects" in result.error
    assert (thief.ledger.requests, thief.last_headers) == (0, {})


@pytest.mark.parametrize("wire", [OPENAI, ANTHROPIC])
async def test_redirect_takes_the_key_of_the_usual_variable_nowhere(
    stub: Stub, make_rig: MakeRig, wire: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    monkeypatch.setenv("ANTHROPIC_API_KEY", CANARY)
    rig = make_rig(wire=wire, key_name="")
    rig.settings = load_settings()
    async with running_stub(Stub()) as thief:
        path = "messages" if wire == ANTHROPIC else "chat/completions"
        stub.always("adds-1", f"redirect:{thief.base_url}/{path}")
        (result,) = await rig.ask()
    assert result.status == "infra_fault"
    assert thief.ledger.requests == 0

    stub.always("adds-1", "ok")
    (result,) = await rig.ask()
    assert result.status == "ok", "no key is named, and the usual one is taken"


async def test_study_leaves_the_name_of_the_key_and_never_the_key(
    stub: Stub, make_rig: MakeRig
) -> None:
    rig = make_rig()
    path = write_job(rig.folder, stub.base_url, n_questions=20, budget={"trials": 4})
    path.write_text(path.read_text().replace("url:", f"key_env: {KEY_NAME}\n    url:"))
    stub.script("adds-0.6", "echo:500", "echo:429", "echo:text")
    prepared = prepare(load_job(path))
    with open_store(f"sqlite:///{rig.file}") as store:
        await run_job(prepared, store, rig.settings, watcher=Log(), say=rig.said.append)
        report = load_report(store.reader(), prepared.study_id)
        exported = export_by_rule(report, store.reader(), "best")
        exported.save(rig.folder / "best.yaml")
        rig.said += [str(report.to_data()), str(report), repr(prepared), repr(rig.settings)]
    assert report.study.state == "completed"
    assert KEY_NAME in (rig.folder / "best.yaml").read_text()
