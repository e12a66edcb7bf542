"""Why a pipeline does what it does, as values for a page or a program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from archon.explain.effects import Effect
from archon.explain.gaps import Amounts
from archon.explain.judging import Sort
from archon.explain.stages import LayerReport
from archon.explain.variants import Variant
from archon.explain.verifiers import VerifierReport
from archon.search.intervals import Interval
from archon.search.judgement import Comparison
from archon.search.objectives import Objective
from archon.service.counted_calls import Bought
from archon.service.describe import describe

_NUSD_PER_USD = 1_000_000_000


@dataclass(frozen=True, slots=True)
class VariantLine:
    """One part of the pipeline, and what is known of the pipeline without it."""

    variant: Variant
    name: str
    """What is left out, in words."""
    trial: int | None
    """The trial of the study that is this variant; None where none is."""
    effect: Effect | None
    """None where too few calls are recorded to compare."""
    n_questions: int
    """Questions to compare on, if all were known."""
    n_missing: int
    """Those among them of which calls are missing."""
    about: Amounts
    """What the missing calls would take."""

    def to_data(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "without": self.name,
            "part": self.variant.part,
            "pipeline": describe(self.variant.architecture),
            "pipeline_id": self.variant.pipeline_id,
            "architecture": self.variant.architecture.to_data(),
            "trial": self.trial,
            "effect": None if self.effect is None else self.effect.to_data(),
            "n_questions": self.n_questions,
            "n_missing": self.n_missing,
            "missing": self.about.to_data(),
        }


@dataclass(frozen=True, slots=True)
class QuestionLine:
    """One question that the pipeline and the best single call both have a score for."""

    example_id: str
    question: str
    score: float
    baseline_score: float
    answer: str
    baseline_answer: str
    lost_in: int | None
    """The layer that lost the right answer; None where there was none, or it was not lost."""

    @property
    def outcome(self) -> str:
        """win, loss or tie."""
        if self.score == self.baseline_score:
            return "tie"
        return "win" if self.score > self.baseline_score else "loss"

    def to_data(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "example": self.example_id,
            "question": self.question,
            "outcome": self.outcome,
            "score": self.score,
            "baseline_score": self.baseline_score,
            "answer": self.answer,
            "baseline_answer": self.baseline_answer,
            "lost_in": self.lost_in,
        }


@dataclass(frozen=True, slots=True)
class VerifierLine:
    """One layer that judges candidates."""

    layer: int
    name: str
    sort: Sort
    report: VerifierReport | None
    """None where too few calls or scores are recorded."""

    def to_data(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "layer": self.layer,
            "name": self.name,
            "sort": self.sort,
            "report": None if self.report is None else self.report.to_data(),
        }


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that is known of one pipeline of a study, on held-out questions alone."""

    study_id: str
    trial: int
    pipeline: str
    why: str
    """Why this trial, as a sentence."""
    coverage: float
    price: Objective
    """What quality is set against."""
    is_graded: bool
    """Whether some answers score neither 0 nor 1, so that means are no shares."""
    n_held_out: int
    """Held-out questions of the study."""
    n_known: int
    """Those that the pipeline could be replayed on, with a score."""
    quality: Interval | None
    """Its mean score on them; None where there is none."""
    layers: tuple[LayerReport, ...]
    layer_names: tuple[str, ...]
    n_candidates_missing: int
    """Questions with candidates that nobody has scored; ``candidates_about``: what that takes."""
    candidates_about: Amounts
    variants: tuple[VariantLine, ...]
    base_about: Amounts
    """What the pipeline's own missing calls would take; nothing where none is missing."""
    baseline_trial: int | None
    """The best single call."""
    versus: Comparison | None
    """Against the best single call; None where it is one, or shares no question with it."""
    questions: tuple[QuestionLine, ...]
    verifiers: tuple[VerifierLine, ...]
    notes: tuple[str, ...]
    """What is to be kept in mind, as sentences."""
    bought: Bought
    stopped: str
    """Which limit ended the purchases; "" if none did."""

    @property
    def unknown(self) -> Sequence[VariantLine]:
        """The variants that could not be compared."""
        return [line for line in self.variants if line.effect is None]

    def to_data(self) -> dict[str, Any]:
        """Plain data, for ``--json``."""
        return {
            "study": self.study_id,
            "trial": self.trial,
            "pipeline": self.pipeline,
            "why": self.why,
            "coverage": self.coverage,
            "price": self.price,
            "is_graded": self.is_graded,
            "n_held_out": self.n_held_out,
            "n_known": self.n_known,
            "quality": None if self.quality is None else self.quality.to_data(),
            "layers": [
                {"name": name, **layer.to_data()}
                for name, layer in zip(self.layer_names, self.layers, strict=False)
            ],
            "candidates_missing": {
                "n_questions": self.n_candidates_missing,
                **self.candidates_about.to_data(),
            },
            "variants": [line.to_data() for line in self.variants],
            "missing": self.base_about.to_data(),
            "baseline_trial": self.baseline_trial,
            "versus_baseline": None if self.versus is None else self.versus.to_data(),
            "questions": [line.to_data() for line in self.questions],
            "verifiers": [line.to_data() for line in self.verifiers],
            "notes": list(self.notes),
            "bought": {
                "calls": self.bought.n_calls,
                "tokens": self.bought.tokens,
                "cost_usd": self.bought.cost_nusd / _NUSD_PER_USD,
                "n_uncertain": self.bought.n_uncertain,
            },
            "stopped": self.stopped,
        }
