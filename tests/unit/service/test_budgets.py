from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from archon.core.architecture import Architecture
from archon.core.records import ProposalRow, SpendTotals, TrialRow
from archon.runtime.budget import Amount
from archon.service.budgets import caps_of, elapsed_s, spent_before
from archon.spec.job import BudgetSpec

START = datetime(2026, 1, 1, tzinfo=UTC)


def trial(start_s: float, end_s: float | None) -> TrialRow:
    return TrialRow(
        study_id="s",
        proposal=ProposalRow(0, "p", Architecture(()), "[]"),
        state="complete",
        objectives=(1.0,),
        reason="",
        n_examples=1,
        proposed_at=START + timedelta(seconds=start_s),
        ended_at=None if end_s is None else START + timedelta(seconds=end_s),
    )


@pytest.mark.parametrize(
    ("spans", "seconds"),
    [
        ([], 0),
        ([(0, 10), (10, 15)], 15),
        ([(0, 10), (100, 110)], 20),
        ([(0, 10), (5, 12), (6, 8)], 12),
        ([(0, 10), (20, None)], 10),
    ],
    ids=["none", "one after the other", "with a pause", "side by side", "cut off"],
)
def test_time_of_earlier_runs_counts_each_second_once(
    spans: list[tuple[float, float | None]], seconds: float
) -> None:
    assert elapsed_s(trial(*span) for span in spans) == seconds


def test_search_gets_its_share_of_every_limit() -> None:
    budget = BudgetSpec(calls=100, tokens=1000, usd=2.0, wall_s=60.0)
    caps = caps_of(budget, began_s=1000.0, share=0.75)
    assert (caps.calls, caps.tokens, caps.cost_nusd) == (75, 750, 1_500_000_000)
    assert caps.deadline_s == 1045.0


def test_no_limit_stays_no_limit() -> None:
    caps = caps_of(BudgetSpec(trials=5), began_s=0.0, share=0.5)
    assert (caps.calls, caps.tokens, caps.cost_nusd, caps.deadline_s) == (None,) * 4


def test_what_may_have_been_charged_counts_as_spent() -> None:
    totals = SpendTotals(
        n_bought=10,
        prompt_tokens=100,
        completion_tokens=200,
        spend_nusd=5,
        n_uncertain=2,
        uncertain_tokens=50,
        uncertain_nusd=7,
        n_corrupt=1,
        n_duplicate=1,
        wasted_tokens=20,
        wasted_nusd=3,
    )
    assert spent_before(totals) == Amount(calls=14, tokens=370, cost_nusd=15)
