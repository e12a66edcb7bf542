"""Coverage against selection, layer by layer: where right answers come up, and where they are lost.

A pipeline's first layers are a pipeline of their own, which would return the candidate that is on
top there. So what each layer adds to quality, and what it costs, is in the runs of the whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from archon.explain.effects import Effect, effect_of
from archon.search.intervals import Interval, mean_amount, mean_score
from archon.search.objectives import Objective, mean_of

AMOUNTS: tuple[Objective, ...] = ("cost", "calls", "tokens", "latency")


@dataclass(frozen=True, slots=True)
class Stage:
    """What one layer left on one question."""

    scores: tuple[float, ...]
    """What the benchmark's scorer gives each candidate, in [0, 1], best first as the layer has it;
    empty where it left none."""
    took: Mapping[Objective, float]
    """What the layer took here: ``AMOUNTS``, in USD, calls, tokens and seconds."""

    @property
    def best(self) -> float:
        """The score of the best candidate, whichever is on top."""
        return max(self.scores, default=0.0)

    @property
    def top(self) -> float:
        """The score of the candidate on top."""
        return self.scores[0] if self.scores else 0.0


@dataclass(frozen=True, slots=True)
class LayerReport:
    """One layer over all questions. Scores of 0 and 1 make all means shares of questions."""

    layer: int
    n_questions: int
    candidates_in: float
    """Mean number that arrive; ``candidates_out`` that leave."""
    candidates_out: float
    best_in: Interval | None
    """Coverage: mean score of the best candidate that arrives. None for the first layer."""
    best_out: Interval
    """The same of those that leave."""
    top_out: Interval
    """Selection: mean score of the one on top: what the pipeline would answer if it ended here."""
    n_lost: int
    """Questions where the best that leaves is worse than the best that arrived."""
    n_found: int
    """Questions where it is better; for the first layer, where any scores at all."""
    n_misplaced: int
    """Questions where a better one than that on top leaves: for later layers to find."""
    took: Mapping[Objective, Interval]
    """What the layer takes a question."""
    effect: Effect | None
    """What it adds to the one on top, and what for; None for the first layer."""

    def to_data(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "layer": self.layer,
            "n_questions": self.n_questions,
            "candidates_in": self.candidates_in,
            "candidates_out": self.candidates_out,
            "best_in": None if self.best_in is None else self.best_in.to_data(),
            "best_out": self.best_out.to_data(),
            "top_out": self.top_out.to_data(),
            "n_lost": self.n_lost,
            "n_found": self.n_found,
            "n_misplaced": self.n_misplaced,
            "took": {name: amount.to_data() for name, amount in self.took.items()},
            "effect": None if self.effect is None else self.effect.to_data(),
        }


def layer_reports(
    runs: Sequence[Sequence[Stage]], *, price: Objective, coverage: float = 0.95
) -> tuple[LayerReport, ...]:
    """Every layer of a pipeline.

    Args:
        runs: For each question the stages of all layers, shape (n_questions, n_layers).
        price: What the effect of a layer is set against.
        coverage: Two-sided coverage of each mean, and of the effects of all layers together.

    Raises:
        ValueError: There is no question.
    """
    if not runs:
        raise ValueError("there is no question to look at")
    by_layer = list(zip(*runs, strict=True))
    each = 1 - (1 - coverage) / max(1, len(by_layer) - 1)
    return tuple(
        _report(i, by_layer[i - 1] if i else None, stages, price, coverage, each)
        for i, stages in enumerate(by_layer)
    )


def where_lost(stages: Sequence[Stage], *, right_from: float) -> int | None:
    """The layer that lost the last right answer to one question.

    Args:
        stages: Of all layers.
        right_from: The lowest score of a right answer.

    Returns:
        The first layer after which no candidate is right, though one was right before; the last
        layer where a right one is there and another is on top; None where the one on top is right,
        or where none ever was.
    """
    if stages[-1].top >= right_from:
        return None
    there = [i for i, stage in enumerate(stages) if stage.best >= right_from]
    return min(there[-1] + 1, len(stages) - 1) if there else None


def _report(
    layer: int,
    before: Sequence[Stage] | None,
    stages: Sequence[Stage],
    price: Objective,
    coverage: float,
    each: float,
) -> LayerReport:
    best_in = [stage.best for stage in before or ()]
    pairs = list(zip(best_in or [0.0] * len(stages), stages, strict=True))
    took: dict[Objective, Interval] = {
        name: mean_amount([stage.took[name] for stage in stages], coverage=coverage)
        for name in AMOUNTS
    }
    return LayerReport(
        layer=layer,
        n_questions=len(stages),
        candidates_in=mean_of([len(stage.scores) for stage in before]) if before else 0.0,
        candidates_out=mean_of([len(stage.scores) for stage in stages]),
        best_in=mean_score(best_in, coverage=coverage) if before else None,
        best_out=mean_score([stage.best for stage in stages], coverage=coverage),
        top_out=mean_score([stage.top for stage in stages], coverage=coverage),
        n_lost=sum(stage.best < best for best, stage in pairs),
        n_found=sum(stage.best > best for best, stage in pairs),
        n_misplaced=sum(stage.best > stage.top for stage in stages),
        took=took,
        effect=_effect(before, stages, price, each) if before else None,
    )


def _effect(
    before: Sequence[Stage], stages: Sequence[Stage], price: Objective, coverage: float
) -> Effect:
    """What a layer adds: it takes what it takes on top of all before it."""
    nothing: dict[Objective, list[float]] = {name: [0.0] * len(stages) for name in AMOUNTS}
    return effect_of(
        [stage.top for stage in stages],
        [stage.top for stage in before],
        {name: [stage.took[name] for stage in stages] for name in AMOUNTS},
        nothing,
        price=price,
        coverage=coverage,
    )
