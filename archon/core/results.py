"""Scores, what one question gave, and how a trial ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from archon.core.candidates import Answer

ExampleStatus = Literal["ok", "model_fault", "infra_fault", "scorer_fault"]
"""``model_fault``: no usable answer, scored 0. The two other faults have no score at all."""


@dataclass(frozen=True, slots=True)
class Score:
    """How good an answer is: ``value`` in [0, 1], and why in a few words."""

    value: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Spending:
    """What running a pipeline on one question takes. Deployed: nothing reused, retries included."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_nusd: int = 0
    """Billionths of a dollar."""
    latency_s: float = 0.0
    """Length of the critical path over recorded call times, without waiting for a free place."""

    @property
    def tokens(self) -> int:
        """Prompt and completion tokens together."""
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, slots=True)
class ExampleResult:
    """One pipeline on one example."""

    pipeline_id: str
    example_id: str
    split: str
    status: ExampleStatus
    answer: Answer
    score: Score | None
    deployed: Spending
    bought: Spending
    """What the search really paid for this question now: 0 calls where all were stored."""
    degradations: tuple[tuple[str, int], ...] = ()
    """(what, how often): parse failures, repairs, fallbacks ... sorted by name."""
    trace: tuple[dict[str, object], ...] = field(default=(), compare=False)
    """Events of the run in order, as plain data (``archon.runtime.trace``)."""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Completed:
    """A trial that was evaluated on the whole search split."""

    objectives: tuple[float, ...]
    """In the study's order; finite."""
    n_examples: int


@dataclass(frozen=True, slots=True)
class Stopped:
    """A trial that ended early; it can never pass for a complete one."""

    state: Literal["pruned", "failed", "interrupted"]
    reason: str
    """A sentence for the user, with the numbers that decided it."""


TrialOutcome = Completed | Stopped
