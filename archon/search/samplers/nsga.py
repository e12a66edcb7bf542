"""Genetic search over walks: NSGA-II and NSGA-III.

Which trials become parents is Optuna's choice. Optuna would cross only questions that every trial
has met, which in a space of alternatives are few; here a child walks the space, and answers each
question as one of its two parents did, where that parent met it.

Sources: NSGA-II, Deb et al. (2002); NSGA-III, Deb & Jain (2014).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Literal

from optuna import Study
from optuna.distributions import IntDistribution
from optuna.samplers import NSGAIIISampler, NSGAIISampler
from optuna.trial import FrozenTrial, create_trial

from archon.core.seeds import derive_seed
from archon.search.samplers.by_optuna import constraints_of, quietly, study_in_memory
from archon.search.samplers.walks import Notes, Tried, Wanted

Kind = Literal["nsga2", "nsga3"]

CROSSED = 0.9
"""So often a child has two parents; both this and the share of mutations are Optuna's defaults."""
_PLACE = "place"


class Genetic:
    """Generations of trials; the first one is what is known to be good, and chance.

    See ``Method``.
    """

    def __init__(self, kind: Kind, *, population: int, seed: int) -> None:
        """No generation yet.

        Args:
            kind: How survivors are chosen among equals.
            population: Trials in one generation, >= 2.
            seed: The job's: NSGA-III chooses by chance in places.
        """
        self._kind: Kind = kind
        self._population = population
        self._seed = seed
        self._n_used = 0
        """Trials that belong to a generation that is closed."""
        self._parents: list[Tried] = []
        self._n_generations = 0

    def next(self, notes: Notes, seed: int) -> Wanted:
        """See ``Method``."""
        if not self._parents:
            return {}
        chance = random.Random(seed)
        first, second = self._winner(chance), self._winner(chance)
        if chance.random() >= CROSSED:
            second = first
        child = {}
        for name in dict.fromkeys((*first.wanted, *second.wanted)):
            met = [one.wanted for one in (first, second) if name in one.wanted]
            child[name] = chance.choice(met)[name]
        # What is left out is answered by chance: one answer of a child, on the average.
        return {name: v for name, v in child.items() if chance.random() >= 1 / len(child)}

    def changed(self, notes: Notes) -> None:
        """See ``Method``; a generation closes when enough of its trials have ended."""
        if len(notes.ended) - self._n_used < self._population:
            return
        pool = [*self._parents, *notes.ended[self._n_used :]]
        self._n_used = len(notes.ended)
        self._n_generations += 1
        seed = derive_seed(self._seed, self._kind, self._n_generations) % 2**32
        self._parents = survivors(self._kind, pool, self._population, seed)

    def _winner(self, chance: random.Random) -> Tried:
        """Of two parents by chance the one that dominates the other, ceilings first."""
        one, other = chance.choice(self._parents), chance.choice(self._parents)
        if one.excess != other.excess:
            return one if one.excess < other.excess else other
        assert one.worth is not None
        assert other.worth is not None
        is_behind = all(a <= b for a, b in zip(one.worth, other.worth, strict=True))
        return other if is_behind else one


class _AllTogether:
    """Parents are selected from every trial of the study, whatever its generation."""

    def get_population(self, study: Study, generation: int) -> list[FrozenTrial]:
        return study.get_trials(deepcopy=False)

    def get_parent_population(self, study: Study, generation: int) -> list[FrozenTrial]:
        return []


class _Second(_AllTogether, NSGAIISampler):
    """NSGA-II."""


class _Third(_AllTogether, NSGAIIISampler):
    """NSGA-III."""


def survivors(kind: Kind, pool: Sequence[Tried], n: int, seed: int) -> list[Tried]:
    """Those of a pool that become parents, as Optuna chooses them.

    Args:
        kind: NSGA-II prefers what stands alone on its front, NSGA-III what is nearest to
            directions that are spread evenly.
        pool: Trials that have ended; at least ``n``.
        n: How many.
        seed: In [0, 2**32).
    """
    with quietly():
        build = _Second if kind == "nsga2" else _Third
        sampler = build(population_size=n, seed=seed)
    # Optuna's NSGA-III takes every objective for one to minimise.
    study = study_in_memory(["minimize"] * len(pool[0].worth or ()), sampler)
    places = IntDistribution(0, len(pool))
    for i, one in enumerate(pool):
        values = [-value for value in one.worth or ()]
        study.add_trial(
            create_trial(
                values=values,
                params={_PLACE: i},
                distributions={_PLACE: places},
                constraints=constraints_of(one.beyond),
            )
        )
    chosen = sampler.select_parent(study, 1)
    return [pool[trial.params[_PLACE]] for trial in chosen]
