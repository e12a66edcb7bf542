"""Chance: every possible answer of a question is equally likely."""

from __future__ import annotations

from collections.abc import Sequence

from optuna.samplers import RandomSampler

from archon.search.objectives import Direction
from archon.search.samplers.by_optuna import OptunaSampler


def random_sampler(directions: Sequence[Direction]) -> OptunaSampler:
    """Optuna's random sampler; it learns nothing.

    Args:
        directions: One for each objective, in the study's order.
    """
    return OptunaSampler(lambda seed: RandomSampler(seed=seed), directions)
