"""Instructions that meet a fault of the database, or that nobody waits for any more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from archon.core.errors import StoreError
from archon.runtime.budget import Amount, StudyClock
from archon.service import steering
from archon.service.instruct import instruct
from archon.service.ownership import OwnedStudy
from archon.service.prepare import prepare
from archon.service.steering import Steering
from archon.service.terms import Change, terms_of
from archon.spec.job import JobSpec, load_job
from archon.store.opening import Store, open_store
from tests.jobs import write_job


@pytest.fixture
def job(tmp_path: Path) -> JobSpec:
    budget = {"calls": 5000, "held_out_share": 0.5}
    return load_job(write_job(tmp_path, "http://nowhere/v1", budget=budget))


@asynccontextmanager
async def steered(
    job: JobSpec, store: Store, monkeypatch: pytest.MonkeyPatch, answer: Callable[..., Any]
) -> AsyncIterator[Steering]:
    """A study that listens; ``answer`` stands in front of what writes its answers."""
    prepared = prepare(job)
    await store.studies().create(prepared.new_study(), prepared.questions.rows())
    await store.studies().take(prepared.study_id)
    clock = StudyClock()
    owned = OwnedStudy(prepared.study_id, store, clock=clock)
    made = Steering(job, store, owned, clock, Amount(), lambda line: None, lost=Amount())
    inner = made._instructions.answer

    async def answering(number: int, *given: Any, **named: Any) -> None:
        await answer(number, lambda: inner(number, *given, **named))

    monkeypatch.setattr(made._instructions, "answer", answering)
    monkeypatch.setattr(steering, "LOOK_EVERY_S", 0.3)
    listening = asyncio.ensure_future(made.listen())
    try:
        yield made
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


@pytest.mark.parametrize("calls", [100, 9000])
@pytest.mark.parametrize("is_stored", [True, False], ids=["stored", "not stored"])
async def test_change_whose_answer_met_a_fault_holds_as_it_is_stored(
    tmp_path: Path,
    store: Store,
    job: JobSpec,
    monkeypatch: pytest.MonkeyPatch,
    calls: int,
    is_stored: bool,
) -> None:
    n_faults = 0

    async def faulty(number: int, write: Callable[[], Awaitable[None]]) -> None:
        nonlocal n_faults
        n_faults += 1
        if n_faults > 1 or is_stored:
            await write()
        if n_faults == 1:
            raise StoreError("the connection was lost")

    async with steered(job, store, monkeypatch, faulty) as made:
        with open_store(f"sqlite:///{tmp_path / 'archon.db'}") as elsewhere:
            told = await instruct("sums", "change", elsewhere, change=Change(calls=calls))
            assert told.answer.startswith(f"calls 5,000 -> {calls:,}")
            async with asyncio.timeout(10):
                while made.budget.caps.calls != calls:
                    await asyncio.sleep(0.01)
            rows = elsewhere.reader().instructions(told.study.study_id)
        assert made.terms == terms_of(job, rows)
        assert made.budget.caps.calls == calls


async def test_instruction_that_was_withdrawn_is_not_followed(
    tmp_path: Path, store: Store, job: JobSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store(f"sqlite:///{tmp_path / 'archon.db'}") as elsewhere:

        async def slow(number: int, write: Callable[[], Awaitable[None]]) -> None:
            await write()
            if number == 0:
                assert await given.withdraw(1)

        async with steered(job, store, monkeypatch, slow) as made:
            given = elsewhere.instructions(made._study_id)
            await given.give("change", Change(calls=6000).to_json())
            await given.give("pause")
            await instruct("sums", "change", elsewhere, change=Change(calls=7000))
            assert not made.budget.is_paused
            states = [one.state for one in elsewhere.reader().instructions(made._study_id)]
    assert states == ["done", "void", "done"]
