"""How far a budget goes: its limits beside what a job is likely to take."""

from __future__ import annotations

from dataclasses import dataclass

from archon.search.estimate import Estimate, Totals
from archon.spec.job import BudgetSpec


@dataclass(frozen=True, slots=True)
class BudgetFit:
    """What the limits of a job that are no number of trials allow."""

    limit: str
    """The one that ends the search first: "calls", "tokens" or "usd"."""
    n_trials: int
    """Pipelines of average size, with likely replies, that the search's share of it pays for."""
    exceeded: tuple[str, ...]
    """The limits that the whole job would pass, if they let it."""


def fit(found: Estimate, budget: BudgetSpec) -> BudgetFit | None:
    """Compare an estimate with a budget; None where it has no such limit, or nothing has a price.

    Time is not looked at: how long a call takes is not known before it is made.
    """
    limits = {"calls": budget.calls, "tokens": budget.tokens, "usd": budget.usd}
    given = {name: limit for name, limit in limits.items() if limit is not None}
    trial = _by_name(found.likely_trial)
    paid = {
        name: int(limit * (1 - budget.held_out_share) / each)
        for name, limit in given.items()
        if (each := trial.get(name, 0.0)) > 0
    }
    if not paid:
        return None
    job = {} if found.likely is None else _by_name(found.likely)
    first = min(paid, key=paid.__getitem__)
    exceeded = tuple(name for name, limit in given.items() if job.get(name, 0.0) > limit)
    return BudgetFit(first, paid[first], exceeded)


def _by_name(totals: Totals) -> dict[str, float]:
    known = {"calls": totals.calls, "tokens": totals.tokens}
    return known if totals.cost_usd is None else known | {"usd": totals.cost_usd}
