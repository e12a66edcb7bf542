"""What holds for a study now: its job's limits and widths, with what was changed since.

A study's job never changes, since it is what makes it this study and no other. Changes are rows of
their own, in order; together with the job they say what holds, in every run.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from archon.core.records import Instruction
from archon.search.widths import Widths, next_batch, widened
from archon.service.forecast import Quantity
from archon.service.units import count, duration, usd
from archon.spec.job import BudgetSpec, JobSpec

FINISHED = "ended by `archon stop --finish`"
TOO_EARLY = (
    "no pipeline has been seen on all its questions yet, so that there would be no finalist. "
    "Without --finish the study stops, and can run on later"
)
"""Why a search cannot be finished."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a user sets; None leaves a thing as it is."""

    trials: int | None = None
    calls: int | None = None
    tokens: int | None = None
    usd: float | None = None
    wall_s: float | None = None
    parallel_trials: int | None = None
    questions_in_flight: int | None = None

    @classmethod
    def from_json(cls, text: str) -> Change:
        """What ``Terms.recorded`` or ``to_json`` wrote."""
        data = json.loads(text)
        return cls(**{name: data.get(name) for name in cls.__slots__})

    def given(self) -> dict[str, float]:
        """What is set, by name."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def limits(self) -> dict[str, float]:
        """Those of them that are limits of the budget."""
        return {name: value for name, value in self.given().items() if name in _LIMITS}

    def to_json(self) -> str:
        """For the store."""
        return json.dumps(self.given(), separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Terms:
    """Limits and widths of a study at one time."""

    budget: BudgetSpec
    widths: Widths
    questions_in_flight: int
    finish: str = ""
    """Why the search is over by a user's word; "" where it is not."""
    n_reopened: int = 0
    """So often the search ran on after its finalists had been judged."""

    @property
    def limits(self) -> dict[Quantity, float]:
        """The limits of what may be spent; those that there are."""
        budget = self.budget
        limits: dict[Quantity, float | None] = {
            "calls": budget.calls,
            "tokens": budget.tokens,
            "usd": budget.usd,
            "seconds": budget.wall_s,
        }
        return {name: limit for name, limit in limits.items() if limit is not None}

    @property
    def parallel_trials(self) -> int:
        """Trials in one batch from the next one on."""
        return self.widths[-1][1]

    def with_change(self, change: Change, *, from_trial: int) -> Terms:
        """The terms after a change, whose width of batches holds from this trial on."""
        budget = replace(self.budget, **change.limits())  # type: ignore[arg-type]
        widths = self.widths
        # Also where the number of trials is changed: the last batch may have been cut short by it.
        if change.parallel_trials is not None or change.trials is not None:
            size = change.parallel_trials or self.parallel_trials
            widths = widened(widths, from_trial, size)
        in_flight = change.questions_in_flight or self.questions_in_flight
        return replace(self, budget=budget, widths=widths, questions_in_flight=in_flight)

    def begins_at(self, n_proposed: int) -> int:
        """From which trial on another width can hold, after so many proposals."""
        first = next_batch(n_proposed, self.widths)
        return first if self.budget.trials is None else min(first, self.budget.trials)

    def raised_by(self, change: Change) -> bool:
        """Whether a change allows more of anything, or names a limit that the search may go to."""
        old = asdict(self.budget)
        return any(
            old[name] is not None and value >= old[name] for name, value in change.limits().items()
        )

    def in_words(self, change: Change) -> str:
        """``calls 1,000 -> 2,000, trials in parallel 1 -> 4``."""
        old = asdict(self.budget) | {
            "parallel_trials": self.parallel_trials,
            "questions_in_flight": self.questions_in_flight,
        }
        return ", ".join(
            f"{_NAMES[name]} {_number(name, old[name])} -> {_number(name, value)}"
            for name, value in change.given().items()
        )


def terms_of(job: JobSpec, instructions: Sequence[Instruction]) -> Terms:
    """What holds after these instructions."""
    terms = Terms(job.budget, ((0, job.parallel_trials),), job.questions_in_flight)
    for one in instructions:
        if one.state != "done":
            continue
        if one.verb == "finish":
            terms = replace(terms, finish=FINISHED)
        elif one.verb == "change":
            data = json.loads(one.arguments_json)
            change = Change.from_json(one.arguments_json)
            terms = terms.with_change(change, from_trial=data["from_trial"])
            if data["reopens"]:
                is_judged = int(data["was_judged"])
                terms = replace(terms, finish="", n_reopened=terms.n_reopened + is_judged)
    return terms


def recorded(change: Change, *, from_trial: int, reopens: bool, was_judged: bool) -> str:
    """A change that was made, as the store keeps it."""
    how = {"from_trial": from_trial, "reopens": reopens, "was_judged": was_judged}
    return json.dumps(change.given() | how, separators=(",", ":"))


def lower_of(one: BudgetSpec, other: BudgetSpec) -> BudgetSpec:
    """The lower limit of each kind."""
    a, b = asdict(one), asdict(other)
    lower: dict[str, Any] = {
        name: min((limit for limit in (a[name], b[name]) if limit is not None), default=None)
        for name in _LIMITS
    }
    return replace(one, **lower)


def refusal(
    change: Change,
    *,
    spent: Mapping[str, float],
    reserved: Mapping[str, float],
) -> str:
    """Why a change cannot be: a limit below what is spent, or set aside for calls in flight.

    Args:
        change: What is to be set.
        spent: By the name of each limit: trials that were begun, calls, tokens, usd, wall_s.
        reserved: Likewise, the worst case of calls in flight.

    Returns:
        A sentence for each limit that is too low; "" where all can be.
    """
    return " ".join(_refusals(change, spent, reserved))


def _refusals(
    change: Change, spent: Mapping[str, float], reserved: Mapping[str, float]
) -> Iterator[str]:
    for name, limit in change.limits().items():
        taken, flying = spent.get(name, 0.0), reserved.get(name, 0.0)
        if limit >= taken + flying:
            continue
        said = (
            f"{_NAMES[name]}: {_number(name, limit)} is less than the {_number(name, taken)} that "
        )
        said += "were begun" if name == "trials" else "are spent"
        if flying:
            said += f" and the {_number(name, flying)} that calls in flight may take"
        yield f"{said}. {_least(name, taken + flying)} or more is possible."


def no_room(budget: BudgetSpec, spent: Mapping[str, float]) -> str:
    """Why a search can begin nothing further: of a limit, its share is spent.

    Args:
        budget: The limits that are to hold.
        spent: By the name of each limit, all that was spent, held-out questions included.

    Returns:
        A sentence for each such limit; "" where there is room.
    """
    return " ".join(_without_room(budget, spent))


def _without_room(budget: BudgetSpec, spent: Mapping[str, float]) -> Iterator[str]:
    part = 1.0 - budget.held_out_share
    for name in ("calls", "tokens", "usd", "wall_s"):
        limit, taken = getattr(budget, name), spent.get(name, 0.0)
        if limit is not None and taken >= limit * part:
            yield (
                f"{_NAMES[name]}: of {_number(name, limit)} the search may use "
                f"{_number(name, limit * part)}, and {_number(name, taken)} are spent. It takes "
                f"more than {_least(name, taken / part)} to search on."
            )


def _least(name: str, value: float) -> str:
    """A limit that is allowed, as it is written."""
    if name == "usd":
        return f"{math.ceil(value * 1e6) / 1e6:.6f}".rstrip("0").rstrip(".")
    return str(math.ceil(value))


_LIMITS = ("trials", "calls", "tokens", "usd", "wall_s")
_NAMES = {
    "trials": "trials",
    "calls": "calls",
    "tokens": "tokens",
    "usd": "dollars",
    "wall_s": "time",
    "parallel_trials": "trials in parallel",
    "questions_in_flight": "questions in flight",
}


def _number(name: str, value: float | None) -> str:
    if value is None:
        return "no limit"
    if name == "usd":
        return usd(value)
    return duration(value) if name == "wall_s" else count(int(value))
