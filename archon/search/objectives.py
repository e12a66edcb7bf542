"""What a study optimises: per-question measures of a pipeline, and their means."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from archon.core.architecture import Architecture
from archon.core.errors import ScoringError
from archon.core.results import ExampleResult

Objective = Literal["quality", "cost", "calls", "tokens", "latency"]
Direction = Literal["maximize", "minimize"]

DIRECTIONS: Mapping[Objective, Direction] = MappingProxyType(
    {
        "quality": "maximize",
        "cost": "minimize",
        "calls": "minimize",
        "tokens": "minimize",
        "latency": "minimize",
    }
)


class NothingScored(ScoringError):
    """A pipeline has no question with a score, so none of its means exists."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A pipeline with its results on one split, at most one for each example."""

    pipeline_id: str
    architecture: Architecture
    results: tuple[ExampleResult, ...]

    def __post_init__(self) -> None:
        """Refuse two results for one example: a question must not count twice.

        Raises:
            ValueError: An example has two results.
        """
        if len({result.example_id for result in self.results}) < len(self.results):
            raise ValueError(f"pipeline {self.pipeline_id} has two results for one example")

    @property
    def n_scored(self) -> int:
        """Questions with a score, those that the model failed at (score 0) included."""
        return len(self._scored())

    @property
    def n_missing(self) -> int:
        """Questions without a score: the infrastructure or the scorer failed, not the pipeline."""
        return len(self.results) - self.n_scored

    def scores(self) -> dict[str, float]:
        """The score in [0, 1] of each scored question, by example id."""
        return {result.example_id: score_of(result) or 0.0 for result in self._scored()}

    def each(self, objective: Objective) -> tuple[float, ...]:
        """The measure on every scored question, in the order of the results.

        Quality in [0, 1]; deployed cost in USD, calls, tokens and seconds a question otherwise.
        What a missing question took is left out: its run may have been cut short.
        """
        return tuple(_measure(result, objective) for result in self._scored())

    def mean(self, objective: Objective) -> float:
        """The mean of ``each``.

        Raises:
            NothingScored: There is no scored question.
        """
        values = self.each(objective)
        if not values:
            raise NothingScored(
                f"pipeline {self.pipeline_id}: none of {len(self.results)} questions has a score, "
                "so it cannot be compared. See the errors of its questions."
            )
        return mean_of(values)

    def _scored(self) -> list[ExampleResult]:
        return [result for result in self.results if score_of(result) is not None]


def score_of(result: ExampleResult) -> float | None:
    """The score that counts: 0 where the model failed, None where no score may be drawn from it."""
    if result.status == "model_fault":
        return 0.0
    if result.status == "ok" and result.score is not None:
        return result.score.value
    return None


def values(measured: Measured, objectives: Iterable[Objective]) -> tuple[float, ...]:
    """The means of the objectives in their order; finite.

    Raises:
        NothingScored: The pipeline has no scored question.
    """
    return tuple(measured.mean(objective) for objective in objectives)


def oriented(measured: Measured, objectives: Iterable[Objective]) -> tuple[float, ...]:
    """The same with every sign such that more is better.

    Raises:
        NothingScored: The pipeline has no scored question.
    """
    return tuple(
        measured.mean(objective) * (1 if DIRECTIONS[objective] == "maximize" else -1)
        for objective in objectives
    )


def mean_of(numbers: Sequence[float]) -> float:
    """The mean without rounding errors that depend on the order; ``numbers`` is not empty."""
    return math.fsum(numbers) / len(numbers)


def _measure(result: ExampleResult, objective: Objective) -> float:
    took = result.deployed
    match objective:
        case "quality":
            return score_of(result) or 0.0
        case "cost":
            return took.cost_nusd / 1e9
        case "calls":
            return float(took.calls)
        case "tokens":
            return float(took.tokens)
        case "latency":
            return took.latency_s
