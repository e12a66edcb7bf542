from __future__ import annotations

from archon.core.records import SpendTotals
from archon.runtime.budget import Amount
from archon.service.budgets import caps_of, spent_before
from archon.spec.job import BudgetSpec


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
