"""How a study goes while it runs: a line for every trial, and one that moves where it can."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from archon.core.records import HELD_OUT_SPLIT, ProposalRow
from archon.core.results import Completed, ExampleResult, Spending, TrialOutcome
from archon.search.baselines import N_SINGLE_CALLS
from archon.search.objectives import DIRECTIONS, Objective
from archon.service.describe import describe
from archon.service.units import amount, count, counted, duration

_REFRESHES_A_SECOND = 4
_LINE_EVERY_S = 20.0
"""Where no line can move, as in a log file, one is printed so often between trials."""


class Progress:
    """A ``Watcher`` that prints.

    Figures include what earlier runs of the study found. The time left is a guess from the pace so
    far; the budget's end of time, where there is one, bounds it.
    """

    def __init__(
        self,
        console: Console,
        objectives: Sequence[Objective],
        *,
        wall_s: float | None,
        held_out_share: float = 0.0,
        spent_s: float = 0.0,
    ) -> None:
        """Nothing is printed before the study begins.

        Args:
            console: Where to print.
            objectives: The study's.
            wall_s: The budget's limit on time, for all runs of the study together.
            held_out_share: The share of it that the search leaves for the held-out run.
            spent_s: What earlier runs of the study took of it.
        """
        self._console = console
        self._objectives = objectives
        self._wall_s = wall_s
        self._held_out_share = held_out_share
        self._spent_s = spent_s
        self._began_s = self._said_s = time.monotonic()
        self._phase = ""
        self._n_trials: int | None = None
        self._n_ended = 0
        self._n_examples = 0
        self._n_units: int | None = None
        self._came: dict[str, set[str]] = defaultdict(set)
        self._unreached: set[tuple[str, str]] = set()
        self._phase_began_s = self._began_s
        self._n_recalled = 0
        self._best: tuple[float, int] | None = None
        self._calls = self._reused = self._tokens = 0
        self._live: Live | None = None

    def __enter__(self) -> Self:
        """Begin to show the moving line, where there is a terminal."""
        if self._console.is_terminal:
            self._live = Live(
                get_renderable=self._line,
                console=self._console,
                refresh_per_second=_REFRESHES_A_SECOND,
                transient=True,
            )
            self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the moving line away."""
        if self._live is not None:
            self._live.__exit__(kind, error, trace)

    def search_begins(self, n_trials: int | None, n_examples: int) -> None:
        """See ``Watcher``."""
        self._n_trials, self._n_examples = n_trials, n_examples
        self._begin("searching", None if n_trials is None else n_trials * n_examples)

    def trial_begins(self, proposal: ProposalRow) -> None:
        """See ``Watcher``."""

    def results_came(self, results: Sequence[ExampleResult]) -> None:
        """See ``Watcher``."""
        for result in results:
            key = f"{result.split} {result.pipeline_id}"
            is_new = result.example_id not in self._came[key]
            # A question that reached no model took nothing; what its second chance took counts.
            if is_new or (key, result.example_id) in self._unreached:
                self._add(result.bought, result.deployed)
            self._came[key].add(result.example_id)
            if result.status == "infra_fault":
                self._unreached.add((key, result.example_id))
            else:
                self._unreached.discard((key, result.example_id))
        now = time.monotonic()
        if self._live is None and now - self._said_s >= _LINE_EVERY_S:
            self._said_s = now
            self._console.print(self._line())

    def trial_ended(self, proposal: ProposalRow, outcome: TrialOutcome) -> None:
        """See ``Watcher``."""
        self._n_ended += 1
        self._said_s = time.monotonic()
        if isinstance(outcome, Completed):
            found = dict(zip(self._objectives, outcome.objectives, strict=True))
            self._keep_best(proposal.number, outcome)
            said = "  ".join(amount(name, value) for name, value in found.items())
        else:
            said = f"{outcome.state}: {outcome.reason}"
        of = "" if self._n_trials is None else f" of {self._n_trials}"
        line = f"{self._n_ended}{of}  trial {proposal.number}  {said}  "
        self._console.print(line + describe(proposal.architecture))

    def held_out_begins(self, n_pipelines: int, n_examples: int) -> None:
        """See ``Watcher``."""
        self._n_examples = n_examples
        self._console.print(
            f"Held out: {counted(n_pipelines, 'pipeline')} on {counted(n_examples, 'question')} "
            f"with fresh samples: the finalists and up to {N_SINGLE_CALLS} single calls, of which "
            "the best is shown"
        )
        self._begin("held out", n_pipelines * n_examples)

    def _begin(self, phase: str, n_units: int | None) -> None:
        self._phase, self._n_units = phase, n_units
        self._phase_began_s = time.monotonic()
        self._n_recalled = self._n_done()

    def _add(self, bought: Spending, deployed: Spending) -> None:
        self._calls += bought.calls
        self._reused += max(0, deployed.calls - bought.calls)
        self._tokens += bought.tokens

    def _keep_best(self, number: int, outcome: Completed) -> None:
        """Of the first objective, which is what "best so far" shows."""
        sign = 1 if DIRECTIONS[self._objectives[0]] == "maximize" else -1
        value = outcome.objectives[0]
        if self._best is None or sign * value > sign * self._best[0]:
            self._best = (value, number)

    def _n_done(self) -> int:
        wanted = f"{HELD_OUT_SPLIT} "
        in_phase = self._phase == "held out"
        return sum(
            len(ids) for key, ids in self._came.items() if key.startswith(wanted) == in_phase
        )

    def _line(self) -> Text:
        parts = [self._phase or "starting"]
        if self._phase:
            of = "" if self._n_units is None else f" of {count(self._n_units)}"
            parts.append(f"{count(self._n_done())}{of} questions")
        if self._best is not None:
            best = amount(self._objectives[0], self._best[0])
            parts.append(f"best {best} (trial {self._best[1]})")
        parts.append(f"{count(self._calls)} calls bought, {count(self._reused)} reused")
        parts.append(f"{count(self._tokens)} tokens")
        parts.append(duration(time.monotonic() - self._began_s))
        if (left := self._left_s()) is not None:
            parts.append(f"about {duration(left)} left in this phase")
        return Text("  " + " | ".join(parts), style="dim", no_wrap=True, overflow="ellipsis")

    def _left_s(self) -> float | None:
        """Seconds until the phase ends at the pace so far, or the budget's time is over."""
        now = time.monotonic()
        done = self._n_done() - self._n_recalled
        if done <= 0:
            return None
        bounds = []
        if self._wall_s is not None:
            share = 1.0 if self._phase == "held out" else 1.0 - self._held_out_share
            bounds.append(self._wall_s * share - self._spent_s - (now - self._began_s))
        if self._n_units is not None:
            left = self._n_units - self._n_done()
            bounds.append((now - self._phase_began_s) / done * left)
        return max(0.0, min(bounds)) if bounds else None
