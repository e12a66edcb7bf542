"""What is said of the time that is left."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from archon.cli.live import Progress
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
