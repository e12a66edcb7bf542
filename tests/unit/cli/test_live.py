"""What is said of the time that is left."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from archon.cli.live import Progress
from archon.core.results import Spending
from tests.unit.search.measured import result


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


def test_what_the_second_chance_of_a_question_took_is_counted(clock: Clock) -> None:
    printed = StringIO()
    console = Console(file=printed, width=300)
    took = Spending(calls=3, prompt_tokens=40, completion_tokens=20)
    progress = Progress(console, ("quality",), wall_s=None, held_out_share=0.0, spent_s=0.0)
    progress.search_begins(None, 10)
    clock.now += 50
    progress.results_came([replace(result(None, status="infra_fault"), split="search")])
    clock.now += 50
    again = replace(result(1.0), split="search", deployed=took, bought=took)
    progress.results_came([again])
    progress.results_came([again])
    assert "3 calls bought" in printed.getvalue().splitlines()[-1]
    assert "1 question" in printed.getvalue().splitlines()[-1]


def test_time_left_leaves_the_held_out_run_its_share_and_counts_earlier_runs(clock: Clock) -> None:
    printed = StringIO()
    progress = Progress(
        Console(file=printed, width=300),
        ("quality",),
        wall_s=1000.0,
        held_out_share=0.25,
        spent_s=100.0,
    )
    progress.search_begins(None, 10)
    clock.now += 50
    progress.results_came([replace(result(1.0), split="search")])
    assert "about 10 min 00 s left in this phase" in printed.getvalue()
    progress.held_out_begins(2, 100)
    clock.now += 50
    progress.results_came([result(1.0)])
    assert "about 13 min 20 s left in this phase" in printed.getvalue()


def test_held_out_run_says_which_pipelines_it_runs_and_which_are_shown() -> None:
    printed = StringIO()
    console = Console(file=printed, width=300)
    progress = Progress(console, ("quality",), wall_s=None, held_out_share=0.0, spent_s=0.0)
    progress.held_out_begins(7, 60)
    said = printed.getvalue()
    assert "7 pipelines on 60 questions" in said
    assert "the finalists and up to 3 single calls, of which the best is shown" in said
