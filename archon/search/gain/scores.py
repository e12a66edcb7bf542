"""What pipelines are worth on common ground, though each was seen on other questions.

A score is taken as what the pipeline is worth, plus how easy the question is, plus chance. Both
are found by least squares, how easy a question is being drawn towards nothing where few pipelines
were asked it (a two-way model with one side at random: Searle, Casella & McCulloch 1992).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

EASE_SHRINKAGE = 2.0
"""So many pipelines that say nothing are added to those that were asked a question."""
LEAST_VARIANCE = 0.01
"""Of one score by chance: pipelines that agree on a few questions are not exactly equal."""
USUAL_VARIANCE, USUAL_WEIGHT = 0.15, 20.0
"""Of one score by chance before anything is known, and how many scores that is worth."""


@dataclass(frozen=True, slots=True)
class Level:
    """What each pipeline is worth, in the order given."""

    means: Array
    variances: Array
    """Of the means."""
    noise: float
    """Variance of one score by chance."""


def levelled(scores: Sequence[Array], n_questions: int) -> Level:
    """What pipelines are worth, as if all had been asked all questions.

    Args:
        scores: For each pipeline, its scores in [0, 1] on the first questions of the shared order;
            at least one.
        n_questions: Length of the shared order.
    """
    asked = np.zeros((len(scores), n_questions))
    filled = np.zeros((len(scores), n_questions))
    for i, one in enumerate(scores):
        asked[i, : len(one)] = 1.0
        filled[i, : len(one)] = one
    per_pipeline, per_question = asked.sum(1), asked.sum(0)
    ease = _ease(asked, filled, per_pipeline, per_question)
    ease -= ease[per_question > 0].mean()
    means = ((filled - ease) * asked).sum(1) / per_pipeline
    left = (filled - means[:, None] - ease) * asked
    # Ease that is drawn towards nothing takes less than one degree of freedom a question.
    n_ease = float((per_question / (per_question + EASE_SHRINKAGE)).sum())
    n_free = max(0.0, float(asked.sum()) - len(scores) - n_ease)
    squares = float((left**2).sum())
    noise = (squares + USUAL_WEIGHT * USUAL_VARIANCE) / (n_free + USUAL_WEIGHT)
    noise = max(LEAST_VARIANCE, noise)
    return Level(means, noise / per_pipeline, noise)


def _ease(asked: Array, filled: Array, per_pipeline: Array, per_question: Array) -> Array:
    """The least squares: what pipelines are worth is put in for each, ease is solved for."""
    own = filled.sum(1) / per_pipeline
    wanted = ((filled - own[:, None]) * asked).sum(0)
    shared = asked.T @ (asked / per_pipeline[:, None])
    return np.asarray(np.linalg.solve(np.diag(per_question + EASE_SHRINKAGE) - shared, wanted))
