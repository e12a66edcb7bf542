"""What a running study tells whoever watches it. Watching never changes what happens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from archon.core.records import ProposalRow
from archon.core.results import ExampleResult, TrialOutcome


class Watcher(Protocol):
    """Called from the event loop that runs the study; must return at once and raise nothing."""

    def search_begins(self, n_trials: int | None, n_examples: int) -> None:
        """At most so many trials (None: no limit but the budget's) of so many examples each."""
        ...

    def trial_begins(self, proposal: ProposalRow) -> None:
        """A trial runs, or runs on after an interruption."""
        ...

    def results_came(self, results: Sequence[ExampleResult]) -> None:
        """Examples were answered and recorded; also those recalled from an earlier run."""
        ...

    def trial_ended(self, proposal: ProposalRow, outcome: TrialOutcome) -> None:
        """A trial reached its end; also those recalled from an earlier run."""
        ...

    def held_out_begins(self, n_pipelines: int, n_examples: int) -> None:
        """The finalists and the best single calls now run on the held-out examples."""
        ...
