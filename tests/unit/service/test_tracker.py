"""What a running study says of itself: what it has spent, and how it is likely to end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from archon.core.architecture import Architecture, ComponentSpec
from archon.core.records import SEARCH_SPLIT, Origin, ProposalRow
from archon.core.results import Completed, Spending, Stopped, TrialOutcome
from archon.runtime.budget import Amount, Budget, Caps
from archon.service.progress import Progress
from archon.service.terms import Terms
from archon.service.tracker import Tracker
from archon.spec.job import BudgetSpec
from tests.unit.runtime.clients import Clock
from tests.unit.search.measured import result
from tests.unit.search.world import Log

PIPELINE = Architecture(((ComponentSpec.of("generate", "small"),),))
N_QUESTIONS, N_HELD_OUT = 10, 20
COMPLETE = Completed((0.5,), N_QUESTIONS)


class Course:
    """A study that goes as the test says."""

    def __init__(self, *, n_recalled: int = 0, is_by_units: bool = False, **limits: float) -> None:
        self.clock, self.log = Clock(), Log()
        self.budget = Budget(Caps(), self.clock)
        budget = BudgetSpec(held_out_share=0.5, **limits)  # type: ignore[arg-type]
        self.tracker = Tracker(
            self.log,
            self.budget,
            terms=Terms(budget, ((0, 1),), 8),
            objectives=("quality",),
            finalists=1,
            n_held_out=N_HELD_OUT,
            n_recalled=n_recalled,
            is_by_units=is_by_units,
            clock=self.clock,
        )
        self.tracker.search_begins(budget.trials, N_QUESTIONS)

    def begin(self, number: int, origin: Origin = "search") -> ProposalRow:
        row = ProposalRow(number, f"p{number}", PIPELINE, "{}", origin)
        self.tracker.trial_begins(row)
        return row

    def answer(self, row: ProposalRow, *, calls: int, n: int = N_QUESTIONS) -> None:
        took = Spending(calls, 9 * calls, calls, 1000 * calls)
        one = replace(result(1.0, pipeline_id=row.pipeline_id), bought=took, deployed=took)
        self.tracker.results_came(
            [replace(one, example_id=f"q{i}", split=SEARCH_SPLIT) for i in range(n)]
        )
        self.budget.spent += Amount(n * calls, 10 * n * calls, 1000 * n * calls)

    def trial(
        self, number: int, *, seconds: float, origin: Origin = "search", calls: int = 1
    ) -> None:
        row = self.begin(number, origin)
        self.clock.now += seconds
        self.answer(row, calls=calls)
        self.end(row)

    def end(self, row: ProposalRow, outcome: TrialOutcome = COMPLETE) -> None:
        self.tracker.trial_ended(row, outcome)

    def seen(self) -> Progress:
        return self.tracker.progress()


def test_nothing_is_foretold_before_the_first_trial_has_ended() -> None:
    course = Course(trials=4)
    assert course.seen().forecast is None
    row = course.begin(0)
    course.answer(row, calls=1)
    assert course.seen().forecast is None
    course.end(row)
    assert course.seen().forecast is not None


def test_trials_that_are_left_and_the_held_out_run_are_foretold_from_those_that_ended() -> None:
    course = Course(trials=5, calls=10_000)
    course.trial(0, seconds=10.0, origin="baseline")
    course.trial(1, seconds=10.0)
    seen = course.seen()
    assert seen.spent == {"calls": 20, "tokens": 200, "usd": 0.00002, "seconds": 20.0}
    assert (seen.n_ended, seen.n_trials, seen.n_questions, seen.of_questions) == (2, 5, 20, 50)
    found = seen.forecast
    assert found is not None
    # Three more trials of 10 calls, then a single call and a finalist on 20 questions each.
    assert found.total["calls"].likely == pytest.approx(50 + 40)
    assert found.seconds_left.likely == pytest.approx(30 + 40)
    assert found.ends_by == "trials"


def test_trials_side_by_side_share_their_time() -> None:
    course = Course(trials=6)
    rows = [course.begin(number) for number in range(3)]
    course.clock.now += 30.0
    for row in rows:
        course.answer(row, calls=1)
        course.end(row, Stopped("pruned", "behind"))
    found = course.seen().forecast
    assert found is not None
    assert found.seconds_left.likely == pytest.approx(30.0)


def test_trials_of_earlier_runs_count_with_the_time_that_they_took_then() -> None:
    course = Course(trials=4, n_recalled=2)
    course.clock.now = 40.0
    course.tracker = Tracker(
        course.log,
        course.budget,
        terms=Terms(BudgetSpec(trials=4), ((0, 1),), 8),
        objectives=("quality",),
        finalists=1,
        n_held_out=0,
        n_recalled=2,
        clock=course.clock,
    )
    course.tracker.search_begins(4, N_QUESTIONS)
    course.trial(0, seconds=0.0)
    course.trial(1, seconds=0.0)
    found = course.seen().forecast
    assert found is not None
    assert found.seconds_left.likely == pytest.approx(40.0)


def test_held_out_run_is_foretold_from_its_own_pace_without_what_was_recalled() -> None:
    course = Course(trials=1)
    course.trial(0, seconds=5.0)
    course.tracker.n_held_out_recalled = 4
    course.tracker.held_out_begins(1, N_HELD_OUT)
    took = Spending(2, 18, 2, 0)
    come = [replace(result(1.0, f"q{i}"), bought=took) for i in range(10)]
    course.tracker.results_came(come[:4])
    assert course.seen().forecast is None
    course.clock.now += 6.0
    course.tracker.results_came(come[4:])
    found = course.seen().forecast
    assert found is not None
    assert found.seconds_left.likely == pytest.approx(10.0)
    assert found.total["calls"].likely == pytest.approx(10 + 2 * 10)


def test_search_by_units_counts_apart_what_it_closes_and_foretells_its_held_out_run_alone() -> None:
    course = Course(trials=5, is_by_units=True)
    rows = [course.begin(number) for number in range(3)]
    course.answer(rows[0], calls=1)
    course.answer(rows[1], calls=1, n=4)
    course.end(rows[0])
    seen = course.seen()
    assert (seen.n_begun, seen.n_ended, seen.n_complete) == (3, 1, 1)
    assert (seen.n_questions, seen.of_questions, seen.forecast) == (14, None, None)
    for row in rows[1:]:
        course.end(row, Stopped("pruned", "seen on a part"))
    seen = course.seen()
    assert (seen.n_begun, seen.n_ended, seen.n_complete) == (3, 3, 1)
    course.tracker.held_out_begins(1, N_HELD_OUT)
    course.clock.now += 1.0
    course.tracker.results_came([result(1.0)])
    assert course.seen().forecast is not None


def test_progress_is_read_back_as_it_was_written_and_another_versions_is_left_out() -> None:
    course = Course(trials=5)
    course.trial(0, seconds=10.0)
    seen = course.seen()
    read = Progress.from_json(seen.to_json())
    assert read is not None
    assert read.forecast is not None
    assert read.to_data() == seen.to_data()
    assert Progress.from_json("") is None
    assert Progress.from_json('{"phase": "searching"}') is None
