"""A search that its budget ends with a whole batch, whatever was bought first in it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from archon.core.errors import StoreError
from archon.core.records import TrialLog
from archon.core.results import TrialOutcome
from archon.runtime.budget import Amount, Caps
from archon.search.evaluate import Evaluator
from archon.search.study import History, Plan, SearchEnd
from tests.unit.search.spaces import small_space
from tests.unit.search.world import STUDY, World

REASON = "the share is used up"


@dataclass
class Breaking:
    """A log that fails at an end of a trial, and at all that follow."""

    inner: TrialLog
    n_ends: int

    async def append(self, number: int, outcome: TrialOutcome) -> None:
        self.n_ends -= 1
        if self.n_ends < 0:
            raise StoreError("the disk is full")
        await self.inner.append(number, outcome)

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)


@dataclass
class SharingWorld(World):
    """The search may buy so many calls, over all its runs; the last one may go beyond."""

    space: object = field(default_factory=small_space)  # type: ignore[assignment]
    n_ends: int = 10**9
    share: Caps = field(default_factory=lambda: Caps(calls=80))

    async def made(
        self, plan: Plan, evaluator: Evaluator, log: TrialLog, history: History
    ) -> SearchEnd:
        budget = self.budget
        assert budget is not None
        budget.spent, budget.share = Amount(calls=self.model.bought.total()), self.share

        def passed() -> str:
            return REASON if self.share.exceeded_by(budget.spent) else ""

        plan = replace(plan, is_in_order=True, limit_passed=passed)
        return await super().made(plan, evaluator, Breaking(log, self.n_ends), history)  # type: ignore[arg-type]


def asked(folder: Path, **options: object) -> SharingWorld:
    folder.mkdir(exist_ok=True)
    return SharingWorld(folder, n_trials=None, n_examples=10, n_parallel=3, **options)  # type: ignore[arg-type]


def trials(world: World) -> list[tuple[object, ...]]:
    with world.open() as store:
        rows = store.reader().trials(STUDY, limit=None)
    return [(row.proposal, row.state, row.reason, row.objectives) for row in rows]


async def test_budget_that_pays_for_no_batch_leaves_the_first_trial(tmp_path: Path) -> None:
    world = asked(tmp_path, share=Caps(calls=15))
    end = await world.search()
    assert len(end.measured) == 1
    assert [state for _, state, _, _ in trials(world)] == ["complete"] + ["interrupted"] * 2


async def test_batch_in_which_the_budget_ends_counts_for_nothing_wherever_the_search_breaks_off(
    tmp_path: Path,
) -> None:
    whole = asked(tmp_path / "whole")
    end = await whole.search()
    n_measured = len(end.measured)
    assert (end.reason, end.is_budget_spent) == (REASON, True)
    assert [state for _, state, _, _ in trials(whole)] == (
        ["complete"] * n_measured + ["interrupted"] * 3
    )
    for n_ends in (1, n_measured, n_measured + 2):
        broken = asked(tmp_path / f"broken{n_ends}", n_ends=n_ends)
        with pytest.raises(StoreError):
            await broken.search()
        await asked(broken.folder, model=broken.model).search()
        assert trials(broken) == trials(whole)
        assert set(broken.model.bought.values()) == {1}
