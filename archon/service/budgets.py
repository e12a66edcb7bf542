"""From the ``budget:`` section and the store's totals to the limits that a run is held to."""

from __future__ import annotations

from archon.core.records import SpendTotals
from archon.runtime.budget import Amount, Caps
from archon.spec.job import BudgetSpec

_NUSD_PER_USD = 1_000_000_000


def caps_of(budget: BudgetSpec, *, began_s: float, share: float = 1.0) -> Caps:
    """The limits, or a share of them.

    Args:
        budget: The job's.
        began_s: When the study began, on the budget's clock.
        share: In (0, 1]; of calls, tokens, money and time alike.
    """
    caps = Caps(
        calls=budget.calls,
        tokens=budget.tokens,
        cost_nusd=None if budget.usd is None else int(budget.usd * _NUSD_PER_USD),
        deadline_s=None if budget.wall_s is None else began_s + budget.wall_s * share,
    )
    return caps.share(share)


def bought(totals: SpendTotals) -> Amount:
    """What the stored completions of the study took: the same however often it was cut off."""
    return Amount(
        calls=totals.n_bought,
        tokens=totals.prompt_tokens + totals.completion_tokens,
        cost_nusd=totals.spend_nusd,
    )


def spent_before(totals: SpendTotals) -> Amount:
    """What earlier runs of the study took; what may have been charged counts as charged."""
    return Amount(
        calls=totals.n_bought + totals.n_uncertain + totals.n_corrupt + totals.n_duplicate,
        tokens=totals.prompt_tokens
        + totals.completion_tokens
        + totals.uncertain_tokens
        + totals.wasted_tokens,
        cost_nusd=totals.spend_nusd + totals.uncertain_nusd + totals.wasted_nusd,
    )
