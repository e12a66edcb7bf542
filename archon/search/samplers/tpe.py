"""The tree-structured Parzen estimator, as Optuna has it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from optuna.exceptions import ExperimentalWarning
from optuna.samplers import TPESampler

from archon.search.objectives import Direction
from archon.search.samplers.by_optuna import OptunaSampler


def tpe_sampler(directions: Sequence[Direction], *, n_startup: int = 10) -> OptunaSampler:
    """TPE, multivariate over groups of questions that occur together.

    Source: Bergstra et al. (2011); multivariate and grouped: Optuna's documentation of
    ``TPESampler``; several objectives: Ozaki et al. (2020).

    Args:
        directions: One for each objective, in the study's order.
        n_startup: Trials drawn by chance before the model is used.
    """

    def build(seed: int) -> TPESampler:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            return TPESampler(
                seed=seed,
                multivariate=True,
                group=True,
                constant_liar=True,
                n_startup_trials=n_startup,
            )

    return OptunaSampler(build, directions)
