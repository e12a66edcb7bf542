"""What is said of a study while it runs."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from archon.cli.forecast import trials_in_words
from archon.cli.live import Progress as Printed
from archon.core.architecture import Architecture, ComponentSpec
from archon.core.records import ProposalRow
from archon.core.results import Completed, Spending, Stopped
from archon.service.forecast import Forecast, Span
from archon.service.progress import Dials, Progress
from tests.unit.search.measured import result

SEEN = Progress(
    phase="searching",
    is_paused=False,
    is_by_units=False,
    n_begun=4,
    n_ended=3,
    n_complete=2,
    n_trials=12,
    n_questions=120,
    of_questions=480,
    spent={"calls": 412, "tokens": 31_204, "usd": 0.214, "seconds": 125.0},
    limits={"calls": 2000, "seconds": 3600.0},
    forecast=Forecast(
        total={
            "calls": Span(1103, 1512, 1978),
            "tokens": Span(80_000, 115_000, 150_000),
            "usd": Span(0.5, 0.8, 1.1),
            "seconds": Span(300.0, 485.0, 640.0),
        },
        seconds_left=Span(175.0, 360.0, 515.0),
        n_trials_left=9.0,
        ends_by="trials",
    ),
)


BY_UNITS = replace(
    SEEN, is_by_units=True, n_begun=31, n_ended=31, n_trials=40, of_questions=None, forecast=None
)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("archon.cli.live.time", clock)
    return clock


def lines_of(clock: Clock, seen: Progress | None) -> list[str]:
    printed = StringIO()
    progress = Printed(Console(file=printed, width=300), ("quality",), Dials(lambda: seen))
    progress.search_begins(12, 40)
    clock.now += 50
    took = Spending(calls=3, prompt_tokens=40, completion_tokens=20)
    fault = replace(result(None, status="infra_fault"), split="search")
    again = replace(result(1.0), split="search", deployed=took)
    progress.results_came([fault])
    clock.now += 50
    printed.truncate(0)
    progress.results_came([again, again])
    return [line.strip() for line in printed.getvalue().strip("\0\n").splitlines()]


def test_spent_is_shown_of_its_limits_and_below_it_what_is_likely_to_come(clock: Clock) -> None:
    spent, coming = lines_of(clock, SEEN)
    assert spent == (
        "searching | 120 of 480 questions | spent 412 of 2,000 calls, 31,204 tokens, $0.21, "
        "2 min 05 s of 1 h 00 min | 3 calls reused"
    )
    assert coming == (
        "about 6 min 00 s (2 min 55 s to 8 min 35 s) to go; in all about 1,500 (1,100 to 2,000) "
        "calls, 120,000 (80,000 to 150,000) tokens, $0.80 ($0.50 to $1.10); its trials end the "
        "search"
    )


def test_nothing_is_foretold_where_nothing_is_known(clock: Clock) -> None:
    (spent,) = lines_of(clock, replace(SEEN, forecast=None))
    assert "to go" not in spent
    assert lines_of(clock, None) == ["starting"]


def test_pause_is_shown(clock: Clock) -> None:
    assert lines_of(clock, replace(SEEN, is_paused=True))[0].startswith("paused | ")


def test_held_out_run_says_which_pipelines_it_runs_and_which_are_shown() -> None:
    printed = StringIO()
    progress = Printed(Console(file=printed, width=300), ("quality",), Dials())
    progress.held_out_begins(7, 60)
    said = printed.getvalue()
    assert "7 pipelines on 60 questions" in said
    assert "the finalists and up to 3 single calls, of which the best is shown" in said


def test_trials_are_counted_in_words() -> None:
    assert trials_in_words(SEEN) == "3 of 12 trials ended"
    assert trials_in_words(replace(SEEN, n_ended=1, n_trials=None)) == "1 trial ended"


def test_search_by_units_says_how_many_pipelines_it_has_seen_on_all_questions() -> None:
    assert trials_in_words(BY_UNITS) == "31 of 40 pipelines tried, 2 to the end"
    alone = replace(BY_UNITS, n_begun=1, n_complete=0, n_trials=None)
    assert trials_in_words(alone) == "1 pipeline tried, 0 to the end"


def test_moving_line_of_a_search_by_units_counts_pipelines(clock: Clock) -> None:
    spent, coming = lines_of(clock, BY_UNITS)
    assert spent.startswith("searching | 31 pipelines | 120 questions | spent 412 of 2,000 calls")
    assert coming == "ends when no further answer promises to improve the choice, or at a limit"


def test_search_by_units_prints_no_line_for_a_pipeline_seen_on_a_part_but_their_number() -> None:
    printed = StringIO()
    progress = Printed(Console(file=printed, width=300), ("quality",), Dials(lambda: BY_UNITS))
    pipeline = Architecture(((ComponentSpec.of("generate", "small"),),))
    rows = [ProposalRow(number, f"p{number}", pipeline, "{}", "search") for number in range(4)]
    progress.trial_ended(rows[0], Completed((0.75,), 40))
    progress.trial_ended(rows[1], Stopped("failed", "the server is gone"))
    for row in rows[2:]:
        progress.trial_ended(row, Stopped("pruned", "seen on 10 of 40 questions"))
    progress.held_out_begins(2, 60)
    whole, failed, others, held_out = printed.getvalue().splitlines()
    assert whole.startswith("trial 0  ")
    assert "0.75" in whole
    assert failed.startswith("trial 1  failed: the server is gone")
    assert others == "2 more pipelines on a part of the questions"
    assert held_out.startswith("Held out: 2 pipelines")
