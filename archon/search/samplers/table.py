"""Every kind of sampler: what it is for, where it does not fit, and how it is built.

What builds a sampler is imported when it is built: a job file is checked without Optuna.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from archon.search.draw import open_numbers
from archon.search.objectives import DIRECTIONS, Direction, Objective
from archon.search.sampler import Sampler
from archon.search.space import Space

SamplerKind = Literal[
    "gain", "tpe", "random", "exhaustive", "greedy", "gp", "nsga2", "nsga3", "cmaes", "portfolio"
]

LARGEST_POPULATION, SMALLEST_POPULATION = 50, 8
MOST_NUMBERS = 200
"""With more of them, CMA-ES would need more trials than there are, and minutes for each."""


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
    """None: nothing is sampled. ``exhaustive`` takes all in an order by chance, ``gain`` has a loop
    of its own."""
    misfit: Callable[[Space, Sequence[Objective]], Misfit | None] = lambda space, objectives: None
    """Why it cannot search this space for these objectives."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why a sampler does not fit a job, and what to do, as sentences."""

    message: str
    hint: str


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


def _cmaes(needs: Needs) -> Sampler:
    from archon.search.samplers.cmaes import Cma
    from archon.search.samplers.walks import Notes, WalkSampler

    return WalkSampler(Notes(needs.space, needs.directions), Cma(needs.space))


def _portfolio(needs: Needs) -> Sampler:
    from archon.search.samplers.portfolio import Portfolio

    members = {"tpe": _tpe(needs), "gp": _gp(needs), "greedy": _greedy(needs)}
    return Portfolio(members, needs.directions, seed=needs.seed)


def _no_numbers(space: Space, objectives: Sequence[Objective]) -> Misfit | None:
    n = sum(1 for _ in open_numbers(space.root))
    if n > MOST_NUMBERS:
        return Misfit(
            f"cmaes moves all open numbers together, and this space asks for {n:,}; "
            f"{MOST_NUMBERS} are the most.",
            "Write lists of values, or {kind: tpe}.",
        )
    if not n:
        return Misfit(
            "cmaes moves open numbers, and the space has none.",
            "Write a range, for example temperature: {from: 0.0, to: 1.0}, or {kind: gain}.",
        )
    if len(objectives) > 1:
        return Misfit(
            f"cmaes takes one objective, and the job has {len(objectives)}.",
            f"Write objectives: [{objectives[0]}], or a kind that takes several: gain, nsga2.",
        )
    return None


def _no_quality(space: Space, objectives: Sequence[Objective]) -> Misfit | None:
    if "quality" in objectives:
        return None
    return Misfit(
        "gain weighs what questions tell of quality, and that is no objective of the job.",
        f"Write objectives: [quality, {objectives[0]}], or another kind: tpe.",
    )


SAMPLERS: Mapping[SamplerKind, Kind] = MappingProxyType(
    {
        "gain": Kind(
            "the default: no whole trials, but the next questions where they gain most per price",
            lambda _: None,
            _no_quality,
        ),
        "tpe": Kind("learns which answers go with good trials, in any space", _tpe),
        "random": Kind("chance: what the others are measured by", _random),
        "exhaustive": Kind(
            "every pipeline of a small space, in an order by chance", lambda _: None
        ),
        "greedy": Kind("one choice after the other, the best of each is kept", _greedy),
        "gp": Kind("a Gaussian process with expected improvement: few, dear trials", _gp),
        "nsga2": Kind("a genetic search for a whole front: hundreds of trials", _nsga("nsga2")),
        "nsga3": Kind("the same for three objectives and more", _nsga("nsga3")),
        "cmaes": Kind(
            "many open numbers and one objective, refused without; choices are learnt beside them",
            _cmaes,
            _no_numbers,
        ),
        "portfolio": Kind(
            "tpe, gp and greedy by turns, more often what brings more: where none is sure to fit",
            _portfolio,
        ),
    }
)


def build_sampler(kind: SamplerKind, needs: Needs) -> Sampler | None:
    """A sampler with an empty history; None for the kinds that sample nothing."""
    return SAMPLERS[kind].build(needs)
