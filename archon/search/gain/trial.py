"""One trial of a search by units: a pipeline, and what was seen of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from archon.core.records import ProposalRow, TrialRow
from archon.core.results import ExampleResult, Stopped, TrialOutcome
from archon.search.objectives import Measured


@dataclass(slots=True)
class Trial:
    """A pipeline that was begun."""

    proposal: ProposalRow
    place: int
    earlier: TrialRow | None = None
    """Its row, where an earlier run began it."""
    results: list[ExampleResult] = field(default_factory=list)
    n_blocks: int = 0
    faults: Counter[int] = field(default_factory=Counter)
    """By block, how often it was left with questions that have no score."""
    rests_until: int = 0
    """After a fault it is not asked again before other pipelines were: so many blocks in all."""
    outcome: TrialOutcome | None = None
    is_shown: bool = False
    """Whether the watcher knows of it."""

    @property
    def is_settled(self) -> bool:
        """Whether an earlier run ended it: its row stays as it is."""
        return self.earlier is not None and self.earlier.is_over

    @property
    def has_failed(self) -> bool:
        """Whether a question of it could not be scored."""
        return isinstance(self.outcome, Stopped) and self.outcome.state == "failed"

    @property
    def measured(self) -> Measured:
        """What was seen so far."""
        one = self.proposal
        return Measured(one.pipeline_id, one.architecture, tuple(self.results))


@dataclass(frozen=True, slots=True)
class Look:
    """What became of one block of one trial."""

    results: tuple[ExampleResult, ...] | None
    """None where a question has no score."""
    stopped: str = ""
    fault: str = ""
    fresh: tuple[ExampleResult, ...] = ()
    """What is not recorded yet: a step counts whole or not at all."""
