"""A Gaussian process with expected improvement, over features of pipelines.

The Archon paper (arXiv 2409.15254) searches so, after a number of trials by chance. Optuna's own
``GPSampler`` needs torch, and models only questions that every trial has met; this one compares
whole pipelines, whatever walk led to them. Several objectives are turned into one with weights
by chance at each ask: ParEGO, Knowles (2006). Ceilings weigh the improvement by how likely it keeps
to them.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from functools import lru_cache
from heapq import nlargest

import numpy as np
from scipy.special import log_ndtr

from archon.components.base import Component
from archon.components.table import COMPONENTS
from archon.core.seeds import derive_seed
from archon.search.choices import Chance
from archon.search.improvement import improvement
from archon.search.samplers.features import Matrix, features_of, matrix_of
from archon.search.samplers.gaussian import Vector, extended, fit
from archon.search.samplers.walks import Notes, Tried, Wanted
from archon.search.space import Scalar

DRAWN, NEAR = 256, 48
"""Candidates by chance, and candidates that differ in one answer from one of the best trials."""
ERA = 32
"""For so many trials the candidates by chance are the same ones: looking at them takes longer than
all the rest."""
BEST = 8
MOST_OBSERVED = 160
"""The process is fitted to so many trials, so that an ask of a long study takes no longer: the
best ones, and of the others the latest."""
_REMEMBERED = 4096
_SUM_SHARE = 0.05  # ParEGO's
_LEAST_PART = 1e-6
_LEAST_GAIN = float(np.finfo(np.float64).tiny)


class ExpectedImprovement:
    """Proposes the candidate that is expected to improve most. See ``Method``."""

    def __init__(
        self,
        *,
        n_startup: int,
        seed: int,
        table: Mapping[str, type[Component]] = COMPONENTS,
    ) -> None:
        """Nothing is remembered between asks but what would be computed again.

        Args:
            n_startup: Trials with an end before the model is used.
            seed: The job's.
            table: Component kinds.
        """
        self._n_startup = max(2, n_startup)
        self._seed = seed
        self._era, self._drawn = -1, list[Tried]()
        self._features = lru_cache(_REMEMBERED)(lambda found: features_of(found, table))

    def next(self, notes: Notes, seed: int) -> Wanted:
        """See ``Method``."""
        if len(notes.ended) < self._n_startup:
            return {}
        chance = random.Random(seed)
        candidates = self._candidates(notes, chance)
        if not candidates:
            return {}
        observed, running = _observed(notes), list(notes.running.values())
        pipelines = [one.architecture for one in (*observed, *running, *candidates)]
        rows = matrix_of([self._features(one) for one in pipelines])
        known, waiting, asked = np.split(rows, [len(observed), len(observed) + len(running)])
        values = _one_value(np.array([one.worth for one in observed]), chance)
        process = fit(known, values)
        if len(waiting):
            # Believed to come out as expected, lest the same is proposed beside it.
            process = extended(process, waiting, process.at(waiting)[0])
        # What was seen of the best trial is luck in part: what is to be improved on is its mean.
        kept = [i for i, one in enumerate(observed) if not one.excess]
        gain = np.ones(len(candidates))  # while nothing keeps to the ceilings: what is likely to
        if kept:
            gain = improvement(*process.at(asked), float(process.at(known)[0][kept].max()))
        # By logarithms: far over a ceiling all products are 0, and yet some candidates are nearer.
        worth = np.log(np.maximum(gain, _LEAST_GAIN)) + _log_likely_to_keep(observed, known, asked)
        return candidates[int(worth.argmax())].wanted

    def changed(self, notes: Notes) -> None:
        """See ``Method``."""

    def _candidates(self, notes: Notes, chance: random.Random) -> list[Tried]:
        """New pipelines of the space, each once."""
        era = len(notes.ended) // ERA
        if era != self._era:
            seeds = (derive_seed(self._seed, "gp", era, i) for i in range(DRAWN))
            by_chance = (notes.drawn({}, Chance(seed)) for seed in seeds)
            self._era, self._drawn = era, [one for one in by_chance if one]
        best = nlargest(BEST, notes.ended, key=lambda one: one.rank)
        changes = (_all_but_one(best[i % len(best)], chance) for i in range(NEAR))
        near = (notes.drawn(wanted, Chance(chance.getrandbits(62))) for wanted in changes)
        both = (*self._drawn, *(one for one in near if one))
        return list({one.pipeline_id: one for one in both if notes.is_new(one)}.values())


def _observed(notes: Notes) -> list[Tried]:
    """The trials that the process sees, in the order of their numbers."""
    ended = notes.ended
    if len(ended) > MOST_OBSERVED:
        best = nlargest(MOST_OBSERVED // 2, ended, key=lambda one: one.rank)
        numbers = {one.number for one in best}
        rest = [one for one in ended if one.number not in numbers]
        ended = [*best, *rest[-(MOST_OBSERVED - len(best)) :]]
    return sorted(ended, key=lambda one: one.number)


def _log_likely_to_keep(observed: Sequence[Tried], known: Matrix, asked: Matrix) -> Vector:
    """How likely each candidate keeps to all ceilings: a process for what is taken of each.

    Source: Gardner et al. (2014), Bayesian optimization with inequality constraints.

    Args:
        observed: Trials that have ended.
        known: Their rows, shape (n_trials, n_features).
        asked: Those of the candidates, shape (n_candidates, n_features).

    Returns:
        Logarithms, shape (n_candidates,).
    """
    likely = np.zeros(len(asked))
    seen = [i for i, one in enumerate(observed) if one.beyond]
    # Amounts differ by factors: of each its part of the ceiling, by the logarithm.
    parts = 1.0 + np.array([observed[i].beyond for i in seen])
    for column in np.log(np.maximum(parts, _LEAST_PART)).T:
        spread = float(column.std())
        if spread > 0:
            process = fit(known[seen], (column - column.mean()) / spread)
            mean, deviation = process.at(asked)
            likely += log_ndtr((-column.mean() / spread - mean) / deviation)
    return likely


def _all_but_one(base: Tried, chance: random.Random) -> dict[str, Scalar]:
    """The answers of a trial without one, which is left to chance."""
    names = list(base.wanted)
    left_out = chance.choice(names) if names else ""
    return {name: value for name, value in base.wanted.items() if name != left_out}


def _one_value(worth: Matrix, chance: random.Random) -> Vector:
    """The objectives as one, of mean 0 and variance 1, more being better; shape (n_trials,).

    Args:
        worth: Shape (n_trials, n_objectives), more being better.
        chance: Where the weights come from.
    """
    scaled = np.stack([_scaled(column) for column in worth.T], axis=1)
    if scaled.shape[1] > 1:
        drawn = np.array([chance.expovariate(1.0) for _ in range(scaled.shape[1])])
        behind = (1.0 - scaled) * (drawn / drawn.sum())
        scaled = -(behind.max(axis=1, keepdims=True) + _SUM_SHARE * behind.sum(axis=1)[:, None])
    value = scaled[:, 0]
    spread = float(value.std())
    found: Vector = (value - value.mean()) / (spread if spread > 0 else 1.0)
    return found


def _scaled(column: Vector) -> Vector:
    """From 0 (worst) to 1 (best); costs, which differ by factors, by their logarithm."""
    if (column < 0).all():
        column = -np.log(-column)
    spread = float(np.ptp(column))
    return (column - column.min()) / spread if spread > 0 else np.ones_like(column)
