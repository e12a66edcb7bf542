"""Every kind of sampler: what it is for, where it does not fit, and how it is built.

What builds a sampler is imported when it is built: a job file is checked without Optuna.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from archon.search.objectives import DIRECTIONS, Direction, Objective
from archon.search.sampler import Sampler
from archon.search.space import Space

SamplerKind = Literal["tpe", "random", "exhaustive", "greedy", "gp", "nsga2", "nsga3", "gain"]

LARGEST_POPULATION, SMALLEST_POPULATION = 50, 8


@dataclass(frozen=True, slots=True)
class Needs:
    """What a sampler is built from."""

    space: Space
    objectives: tuple[Objective, ...]
    seed: int = 0
    n_startup: int = 10
    """Trials before a model is used, those that are known to be good included."""
    n_trials: int | None = None
    """Most trials of the study; None: its budget alone ends it."""

    @property
    def directions(self) -> tuple[Direction, ...]:
        """One for each objective."""
        return tuple(DIRECTIONS[objective] for objective in self.objectives)

    @property
    def population(self) -> int:
        """Trials in one generation: Optuna's 50 would leave few generations to most studies."""
        a_sixth = (self.n_trials or LARGEST_POPULATION) // 6
        return min(LARGEST_POPULATION, max(SMALLEST_POPULATION, a_sixth))


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of sampler."""

    summary: str
    """What it is for, in a line."""
    build: Callable[[Needs], Sampler | None]
    """None: every pipeline of the space, in an order by chance."""


def _tpe(needs: Needs) -> Sampler:
    from archon.search.samplers.tpe import tpe_sampler

    return tpe_sampler(needs.directions, n_startup=needs.n_startup)


def _random(needs: Needs) -> Sampler:
    from archon.search.samplers.chance import random_sampler

    return random_sampler(needs.directions)


def _greedy(needs: Needs) -> Sampler:
    from archon.search.samplers.greedy import Greedy
    from archon.search.samplers.walks import Notes, WalkSampler

    return WalkSampler(Notes(needs.space, needs.directions), Greedy())


def _gp(needs: Needs) -> Sampler:
    from archon.search.samplers.gp import ExpectedImprovement
    from archon.search.samplers.walks import Notes, WalkSampler

    method = ExpectedImprovement(n_startup=needs.n_startup, seed=needs.seed)
    return WalkSampler(Notes(needs.space, needs.directions), method)


def _nsga(kind: Literal["nsga2", "nsga3"]) -> Callable[[Needs], Sampler]:
    def build(needs: Needs) -> Sampler:
        from archon.search.samplers.nsga import Genetic
        from archon.search.samplers.walks import Notes, WalkSampler

        method = Genetic(kind, population=needs.population, seed=needs.seed)
        return WalkSampler(Notes(needs.space, needs.directions), method)

    return build


SAMPLERS: Mapping[SamplerKind, Kind] = MappingProxyType(
    {
        "tpe": Kind("the default: learns which answers go with good trials, in any space", _tpe),
        "random": Kind("chance: what the others are measured by", _random),
        "exhaustive": Kind(
            "every pipeline of a small space, in an order by chance", lambda _: None
        ),
        "gain": Kind("our own: gain per price, block by block", lambda _: None),
        "greedy": Kind("one choice after the other, the best of each is kept", _greedy),
        "gp": Kind("a Gaussian process with expected improvement: few, dear trials", _gp),
        "nsga2": Kind("a genetic search for a whole front: hundreds of trials", _nsga("nsga2")),
        "nsga3": Kind("the same for three objectives and more", _nsga("nsga3")),
    }
)


def build_sampler(kind: SamplerKind, needs: Needs) -> Sampler | None:
    """A sampler with an empty history; None for ``exhaustive``, which needs none."""
    return SAMPLERS[kind].build(needs)
