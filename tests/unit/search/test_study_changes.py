"""A search whose number of trials and batches change while it runs, or that is told to end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from archon.core.records import ProposalRow, TrialLog
from archon.search.baselines import single_calls
from archon.search.evaluate import Evaluator
from archon.search.propose import Proposer
from archon.search.samplers.tpe import tpe_sampler
from archon.search.study import TRIALS_DONE, History, Plan, Search, SearchEnd
from archon.search.widths import Widths
from tests.unit.search.spaces import small_space
from tests.unit.search.world import STUDY, ScriptedModel, World


def nothing(search: Search) -> None:
    """Leave it alone."""


@dataclass
class Heard:
    """A log in which somebody is heard while the proposal of this number is written."""

    inner: TrialLog
    number: int
    hear: Callable[[], None]

    async def propose(self, proposal: ProposalRow) -> None:
        await self.inner.propose(proposal)
        if proposal.number == self.number:
            self.hear()

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)


@dataclass
class ChangedWorld(World):
    """One whose search is changed when so many completions are bought, or such a proposal made."""

    widths: Widths = ()
    change_at_proposal: int = -1
    limit_passed: Callable[[], str] | None = None
    change: Callable[[Search], None] = nothing
    change_after: int = 0

    async def made(
        self, plan: Plan, evaluator: Evaluator, log: TrialLog, history: History
    ) -> SearchEnd:
        sampler = tpe_sampler(["maximize", "minimize"], n_startup=3)
        starts = single_calls(self.space)
        proposer = Proposer(self.space, sampler, seed=self.seed, starts=starts)
        plan = replace(plan, widths=self.widths, limit_passed=self.limit_passed)
        heard = Heard(log, self.change_at_proposal, lambda: self.change(search))
        search = Search(plan, proposer, evaluator, heard, self.watcher, history)  # type: ignore[arg-type]
        if self.change_at_proposal >= 0:
            return await search.run()
        running = asyncio.ensure_future(search.run())
        while self.model.bought.total() < self.change_after and not running.done():
            await asyncio.sleep(0)
        self.change(search)
        return await running


def world(folder: Path, **options: object) -> ChangedWorld:
    return ChangedWorld(folder, small_space(), **options)  # type: ignore[arg-type]


def values(end: SearchEnd) -> list[tuple[str, float]]:
    return [(one.pipeline_id, one.mean("quality")) for one in end.measured]


async def test_search_with_changed_batches_cut_off_anywhere_ends_as_the_uninterrupted_one(
    tmp_path: Path,
) -> None:
    widths = ((0, 1), (2, 3), (6, 2))
    expected = values(await world(tmp_path / "whole", widths=widths).search())
    other = values(await world(tmp_path / "other", widths=((0, 1),)).search())
    assert expected != other
    for cut_after in (12, 30, 60):
        model = ScriptedModel(latency_s=0.0005)
        cut = world(tmp_path / f"cut{cut_after}", widths=widths, model=model)
        task = asyncio.ensure_future(cut.search())
        while model.bought.total() < cut_after and not task.done():
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert values(await cut.search()) == expected


@pytest.mark.parametrize("change_after", [1, 20], ids=["in the first batch", "in the last one"])
async def test_more_trials_are_run_once_they_are_allowed(tmp_path: Path, change_after: int) -> None:
    asked = world(
        tmp_path,
        n_trials=5,
        n_parallel=5,
        model=ScriptedModel(latency_s=0.001),
        change=lambda search: search.change(n_trials=7, widths=((0, 5),)),
        change_after=change_after,
    )
    end = await asked.search()
    assert (len(end.measured), end.reason) == (7, TRIALS_DONE)


@pytest.mark.parametrize("n_trials", [2, 4, 9])
async def test_number_of_trials_changed_while_a_batch_is_filled_is_kept_to(
    tmp_path: Path, n_trials: int
) -> None:
    asked = world(
        tmp_path,
        n_trials=7,
        n_parallel=5,
        change=lambda search: search.change(n_trials=n_trials, widths=((0, 5),)),
        change_at_proposal=1,
    )
    end = await asyncio.wait_for(asked.search(), 20)
    assert (len(end.measured), end.reason) == (n_trials, TRIALS_DONE)


async def test_search_that_is_told_to_end_keeps_what_ended_and_begins_no_trial(
    tmp_path: Path,
) -> None:
    def finish(search: Search) -> None:
        assert asked.budget is not None
        search.end("the user has seen enough")
        asked.budget.close("the user has seen enough")

    asked = world(tmp_path, change=finish, change_after=20, model=ScriptedModel(latency_s=0.001))
    end = await asked.search()
    with asked.open() as store:
        rows = store.reader().trials(STUDY)
    assert end.reason == "the user has seen enough"
    assert 0 < len(end.measured) < 8
    assert [row.state for row in rows] == ["complete"] * len(end.measured) + ["interrupted"]
    assert rows[-1].reason == "the user has seen enough"


async def test_trial_that_was_done_when_the_user_ended_a_search_of_whole_batches_counts(
    tmp_path: Path,
) -> None:
    def finish(search: Search) -> None:
        assert asked.budget is not None
        search.end("the user has seen enough")
        asked.budget.close("the user has seen enough")

    asked = world(
        tmp_path,
        n_parallel=8,
        change=finish,
        limit_passed=lambda: "",
        change_after=60,
        model=ScriptedModel(latency_s=0.001),
    )
    end = await asked.search()
    with asked.open() as store:
        states = [row.state for row in store.reader().trials(STUDY)]
    n_kept = states.count("complete")
    assert end.reason == "the user has seen enough"
    assert 1 < n_kept == len(end.measured) < 8  # the first trial is a batch of its own
    assert states.count("interrupted") == 8 - n_kept
