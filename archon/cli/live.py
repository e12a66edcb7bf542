"""How a study goes while it runs: a line for every trial, and two that move where they can."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from archon.cli.forecast import forecast_in_words, spent_in_words
from archon.core.records import ProposalRow
from archon.core.results import Completed, ExampleResult, Stopped, TrialOutcome
from archon.search.baselines import N_SINGLE_CALLS
from archon.search.objectives import DIRECTIONS, Objective
from archon.service.describe import describe
from archon.service.progress import Dials
from archon.service.units import amount, count, counted

_REFRESHES_A_SECOND = 4
_LINE_EVERY_S = 20.0
"""Where no line can move, as in a log file, they are printed so often between trials."""


class Progress:
    """A ``Watcher`` that prints. Figures include what earlier runs of the study found."""

    def __init__(self, console: Console, objectives: Sequence[Objective], dials: Dials) -> None:
        """Nothing is printed before the study begins.

        Args:
            console: Where to print.
            objectives: The study's.
            dials: Where the run says what it has spent, and how it is likely to end.
        """
        self._console = console
        self._objectives = objectives
        self._dials = dials
        self._said_s = time.monotonic()
        self._phase = ""
        self._n_ended = 0
        self._n_in_part = 0
        self._best: tuple[float, int] | None = None
        self._reused: dict[tuple[str, str, str], int] = {}
        self._live: Live | None = None

    def __enter__(self) -> Self:
        """Begin to show the moving line, where there is a terminal."""
        if self._console.is_terminal:
            self._live = Live(
                get_renderable=self._lines,
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
        self._phase = "searching"

    def trial_begins(self, proposal: ProposalRow) -> None:
        """See ``Watcher``."""

    def results_came(self, results: Sequence[ExampleResult]) -> None:
        """See ``Watcher``."""
        for result in results:
            # What the second chance of a question took counts in place of its first.
            key = (result.split, result.pipeline_id, result.example_id)
            self._reused[key] = max(0, result.deployed.calls - result.bought.calls)
        now = time.monotonic()
        if self._live is None and now - self._said_s >= _LINE_EVERY_S:
            self._said_s = now
            self._console.print(self._lines())

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
        progress = self._dials.read()
        is_by_units = progress is not None and progress.is_by_units
        if is_by_units and isinstance(outcome, Stopped) and outcome.state == "pruned":
            self._n_in_part += 1
            return
        of = "" if progress is None or progress.n_trials is None else f" of {progress.n_trials}"
        place = "" if is_by_units else f"{self._n_ended}{of}  "
        line = f"{place}trial {proposal.number}  {said}  "
        self._console.print(line + describe(proposal.architecture))

    def held_out_begins(self, n_pipelines: int, n_examples: int) -> None:
        """See ``Watcher``."""
        if self._n_in_part:
            self._console.print(
                f"{counted(self._n_in_part, 'more pipeline')} on a part of the questions"
            )
        self._console.print(
            f"Held out: {counted(n_pipelines, 'pipeline')} on {counted(n_examples, 'question')} "
            f"with fresh samples: the finalists and up to {N_SINGLE_CALLS} single calls, of which "
            "the best is shown"
        )
        self._phase = "held out"

    def _keep_best(self, number: int, outcome: Completed) -> None:
        """Of the first objective, which is what "best so far" shows."""
        sign = 1 if DIRECTIONS[self._objectives[0]] == "maximize" else -1
        value = outcome.objectives[0]
        if self._best is None or sign * value > sign * self._best[0]:
            self._best = (value, number)

    def _lines(self) -> Text:
        """What moves: how far it is and what it has spent, and below it what is still to come."""
        progress = self._dials.read()
        if progress is None:
            return Text("  starting", style="dim")
        phase = "paused" if progress.is_paused else self._phase or progress.phase
        parts = [phase]
        if self._phase:
            of = "" if progress.of_questions is None else f" of {count(progress.of_questions)}"
            if progress.is_by_units and self._phase == "searching":
                parts.append(f"{counted(progress.n_begun, 'pipeline')}")
            parts.append(f"{count(progress.n_questions)}{of} questions")
        if self._best is not None:
            best = amount(self._objectives[0], self._best[0])
            parts.append(f"best {best} (trial {self._best[1]})")
        parts.append(f"spent {spent_in_words(progress)}")
        parts.append(f"{count(sum(self._reused.values()))} calls reused")
        lines = ["  " + " | ".join(parts)]
        if said := forecast_in_words(progress):
            lines.append(f"  {said}")
        return Text("\n".join(lines), style="dim", no_wrap=True, overflow="ellipsis")
