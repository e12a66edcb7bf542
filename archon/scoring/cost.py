"""What scoring one answer takes, known before it is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from archon.scoring.pairwise import PairwiseJudge
from archon.scoring.pointwise import PointwiseJudge
from archon.scoring.table import scorer_of

RUBRIC_TOKENS = 600
"""More than the instructions and the rubric of a judge."""


@dataclass(frozen=True, slots=True)
class JudgeCost:
    """The calls that a judge makes for one answer, when every reply can be read."""

    model: str = ""
    """Alias; "" for scorers that ask no model."""
    calls: int = 0
    max_tokens: int = 0
    """Longest reply of a call."""
    n_answers: int = 1
    """Answers that each prompt shows."""


NO_JUDGE = JudgeCost()


def judge_cost(data: Mapping[str, object]) -> JudgeCost:
    """What a scorer asks of a model for one answer.

    Args:
        data: ``{"kind": ..., **parameters}``, as ``archon.scoring.table`` takes it.
    """
    scorer = scorer_of(data)
    match scorer:
        case PointwiseJudge():
            return JudgeCost(scorer.model, scorer.samples, scorer.max_tokens)
        case PairwiseJudge():
            return JudgeCost(scorer.model, 2 * scorer.samples, scorer.max_tokens, n_answers=2)
    return NO_JUDGE
