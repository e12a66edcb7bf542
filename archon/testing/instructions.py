"""What every store must do with what users ask of a study, as a test class to inherit from.

A subclass defines the fixture ``opener`` as for ``archon.testing.stores.CallStoreSuite``.
"""

# ruff: noqa: D102  (the tests' names say what they hold)
from __future__ import annotations

import asyncio

import pytest

from archon.core.errors import Conflict, NotFound
from archon.core.results import Completed, Stopped
from archon.testing.stores import OpenedStore, Opener
from archon.testing.studies import EXAMPLES, STUDY, proposal

ID = STUDY.study_id


async def made(store: OpenedStore) -> None:
    """A study that the store runs."""
    await store.studies().create(STUDY, EXAMPLES)


class InstructionSuite:
    """Instructions are asked by one process and answered by another."""

    async def test_running_study_gets_instructions_in_order_and_answers_them(
        self, opener: Opener
    ) -> None:
        with opener() as runs, opener() as asks:
            await made(runs)
            given = asks.instructions(ID)
            assert [await given.give("pause"), await given.give("change", '{"calls":5}')] == [0, 1]
            first, second = runs.reader().instructions(ID, is_waiting=True)
            assert (first.verb, second.verb, second.arguments_json) == (
                "pause",
                "change",
                '{"calls":5}',
            )
            await runs.instructions(ID).answer(0, "done", "paused")
            await runs.instructions(ID).answer(1, "refused", "too low", arguments='{"calls":6}')
            assert not runs.reader().instructions(ID, is_waiting=True)
        with opener() as store:
            found = store.reader().instructions(ID)
        assert [(one.state, one.answer) for one in found] == [
            ("done", "paused"),
            ("refused", "too low"),
        ]
        assert found[1].arguments_json == '{"calls":6}'
        assert found[0].answered_at is not None
        assert found[0].answered_at >= found[0].given_at

    async def test_instructions_of_many_at_once_are_all_kept(self, opener: Opener) -> None:
        with opener() as runs, opener() as one, opener() as other:
            await made(runs)
            numbers = await asyncio.gather(
                *(store.instructions(ID).give("pause") for store in (one, other) * 10)
            )
            kept = [given.number for given in runs.reader().instructions(ID)]
        assert sorted(numbers) == kept == list(range(20))

    async def test_instruction_waits_only_where_a_process_runs_the_study(
        self, opener: Opener
    ) -> None:
        with opener() as runs, opener() as asks:
            await made(runs)
            with pytest.raises(Conflict, match="is run by a process"):
                await asks.instructions(ID).give("change", at_rest="done")
            await runs.studies().stop(ID, "paused", "")
            with pytest.raises(Conflict, match="no process runs"):
                await asks.instructions(ID).give("pause")
            await asks.instructions(ID).give("change", at_rest="calls 5 -> 9")
            (kept,) = asks.reader().instructions(ID)
            with pytest.raises(NotFound, match="nowhere"):
                await asks.instructions("nowhere").give("pause")
        assert (kept.state, kept.answer) == ("done", "calls 5 -> 9")

    async def test_what_was_answered_cannot_be_withdrawn_and_what_was_done_is_said(
        self, opener: Opener
    ) -> None:
        with opener() as runs, opener() as asks:
            await made(runs)
            given = asks.instructions(ID)
            await given.give("pause")
            await given.give("resume")
            await runs.instructions(ID).answer(0, "done", "paused")
            assert not await given.withdraw(0)
            assert await given.withdraw(1)
            assert await given.withdraw(1)
            withdrawn = runs.reader().instructions(ID)[1].state
            await runs.instructions(ID).answer(1, "done", "goes on")
            states = [one.state for one in runs.reader().instructions(ID)]
        assert (withdrawn, states) == ("void", ["done", "done"])

    async def test_completed_study_is_reopened_with_what_the_budget_interrupted(
        self, opener: Opener
    ) -> None:
        with opener() as store:
            await made(store)
            log = store.trials(ID)
            await log.propose(proposal(0))
            await log.propose(proposal(1))
            await log.propose(proposal(2))
            await log.append(0, Completed((0.5,), 3))
            await log.append(1, Stopped("interrupted", "10 calls are spent"))
            await log.append(2, Stopped("pruned", "it is behind"))
            await store.studies().stop(ID, "completed", "10 calls are spent")
            given = store.instructions(ID)
            ended = frozenset({"interrupted"})
            await given.give("change", at_rest="calls 10 -> 20", reopens=ended)
            study, trials = store.reader().find_study(ID), store.reader().trials(ID)
            await log.append(1, Completed((0.7,), 3))
        assert (study.state, "budget" in study.stop_reason) == ("paused", True)
        assert [(one.state, one.reason) for one in trials] == [
            ("complete", ""),
            ("running", ""),
            ("pruned", "it is behind"),
        ]

    async def test_process_says_how_far_it_is_and_that_it_waits(self, opener: Opener) -> None:
        with opener() as runs, opener() as other:
            await made(runs)
            await runs.studies().beat(ID, elapsed_s=1.0, progress='{"phase":"searching"}')
            await runs.studies().hold(ID, is_held=True, elapsed_s=1.0)
            held = other.reader().find_study(ID)
            await runs.studies().beat(ID, elapsed_s=1.0)
            await runs.studies().hold(ID, is_held=False, elapsed_s=1.0)
            going = other.reader().find_study(ID)
            await runs.studies().hold(ID, is_held=True, elapsed_s=1.0)
            with pytest.raises(Conflict, match="not run by this process"):
                await other.studies().hold(ID, is_held=True, elapsed_s=1.0)
        with opener() as store:
            await store.studies().take(ID)
            taken = store.reader().find_study(ID)
        assert held.paused_at is not None
        assert going.paused_at is None
        assert going.progress_json == '{"phase":"searching"}'
        assert (taken.paused_at, taken.progress_json) == (None, "")
