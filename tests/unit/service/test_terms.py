"""What holds for a study after its changes."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from archon.core.records import Instruction, InstructionState, Verb
from archon.service.terms import FINISHED, Change, lower_of, no_room, recorded, refusal, terms_of
from archon.spec.job import BudgetSpec, JobSpec, load_job
from tests.jobs import write_job


@pytest.fixture
def job(tmp_path: Path) -> JobSpec:
    budget = {"trials": 10, "calls": 1000, "held_out_share": 0.5}
    return load_job(write_job(tmp_path, "http://nowhere/v1", budget=budget, parallel_trials=3))


def given(
    number: int, verb: Verb, arguments: str = "{}", state: InstructionState = "done"
) -> Instruction:
    now = datetime.now(UTC)
    return Instruction(number, verb, arguments, "host", now, state, "", now)


def changed(
    number: int, change: Change, *, from_trial: int = 0, reopens: bool = False
) -> Instruction:
    how = {"from_trial": from_trial, "reopens": reopens, "was_judged": reopens}
    return given(number, "change", recorded(change, **how))  # type: ignore[arg-type]


def test_changes_hold_in_their_order_and_what_was_refused_does_not(job: JobSpec) -> None:
    refused = given(1, "change", Change(calls=5).to_json(), state="refused")
    terms = terms_of(
        job,
        [
            changed(0, Change(calls=2000, parallel_trials=5), from_trial=6),
            refused,
            changed(2, Change(usd=1.5, questions_in_flight=99)),
        ],
    )
    assert terms.budget == BudgetSpec(
        trials=10, calls=2000, usd=1.5, held_out_share=job.budget.held_out_share
    )
    assert (terms.widths, terms.questions_in_flight) == (((0, 3), (6, 5)), 99)
    assert (terms.finish, terms.n_reopened) == ("", 0)


def test_search_that_was_ended_stays_ended_until_its_budget_lets_it_go_on(job: JobSpec) -> None:
    finish = given(0, "finish")
    assert terms_of(job, [finish]).finish == FINISHED
    again = changed(1, Change(trials=20), from_trial=10, reopens=True)
    terms = terms_of(job, [finish, again])
    assert (terms.finish, terms.n_reopened, terms.budget.trials) == ("", 1, 20)


def test_batch_that_the_number_of_trials_cut_short_is_not_filled_later(job: JobSpec) -> None:
    terms = terms_of(job, [])
    assert terms.begins_at(4) == 6
    assert terms.begins_at(10) == 10
    assert terms.with_change(Change(trials=20), from_trial=10).widths == ((0, 3), (10, 3))


def test_limit_below_what_is_spent_or_in_flight_is_refused_with_the_numbers() -> None:
    spent, reserved = {"calls": 412, "usd": 0.5, "trials": 7, "wall_s": 90.0}, {"calls": 16}
    assert refusal(Change(calls=428, usd=0.5, trials=7), spent=spent, reserved=reserved) == ""
    said = refusal(Change(calls=427, trials=6, wall_s=60), spent=spent, reserved=reserved)
    assert "427 is less than the 412 that are spent and the 16 that calls in flight" in said
    assert "428 or more is possible" in said
    assert "trials: 6 is less than the 7 that were begun" in said
    assert "1 min 00 s is less than the 1 min 30 s" in said


def test_limit_that_is_named_as_possible_is_possible() -> None:
    spent = {"usd": 1.2345614}
    said = refusal(Change(usd=1.0), spent=spent, reserved={})
    possible = re.search(r"([\d.]+) or more is possible", said)
    assert possible
    assert refusal(Change(usd=float(possible[1])), spent=spent, reserved={}) == ""


def test_limit_whose_share_for_the_search_is_spent_says_what_it_takes() -> None:
    budget = BudgetSpec(calls=400, usd=2.0, held_out_share=0.25)
    spent = {"calls": 300, "usd": 1.1}
    assert no_room(budget, spent) == (
        "calls: of 400 the search may use 300, and 300 are spent. It takes more than 400 to search "
        "on."
    )
    assert no_room(replace(budget, calls=401), spent) == ""


def test_lower_of_two_budgets_takes_each_limit_that_there_is() -> None:
    lower = lower_of(BudgetSpec(trials=5, calls=100), BudgetSpec(trials=9, calls=50, usd=2.0))
    assert lower == BudgetSpec(trials=5, calls=50, usd=2.0)


def test_change_in_words_says_from_what_to_what(job: JobSpec) -> None:
    said = terms_of(job, []).in_words(Change(calls=2500, usd=1.5, wall_s=90, parallel_trials=4))
    assert said == (
        "calls 1,000 -> 2,500, dollars no limit -> $1.50, time no limit -> 1 min 30 s, "
        "trials in parallel 3 -> 4"
    )
