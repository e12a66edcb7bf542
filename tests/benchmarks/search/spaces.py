"""The bench spaces: a job file for each world, with every distinct pipeline of its space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

from archon.benchmarks.examples import Example
from archon.components.canonical import canonical
from archon.core.architecture import Architecture
from archon.core.calls import ModelCard, ModelClient, Price
from archon.search.baselines import single_calls
from archon.search.choices import Answered, walks
from archon.search.feasible import feasible
from archon.search.space import Space
from archon.spec.job import JobSpec, load_job
from archon.world.world import World
from archon.world.worlds import HELD_BACK, WORLDS

FOLDER = Path(__file__).parent
NAMES = tuple(name for name in WORLDS if (FOLDER / f"{name}.yaml").exists())
"""Worlds with a bench space, those that are held back at the end."""
OPEN = tuple(name for name in NAMES if name not in HELD_BACK)
"""Those that methods may be tuned on."""


class PricedModel(Protocol):
    """A model that pipelines may ask, by its alias."""

    @property
    def name(self) -> str:
        """The alias."""
        ...

    @property
    def price(self) -> Price:
        """What it takes."""
        ...


class NumberedQuestions(Protocol):
    """Questions, numbered from 0."""

    def example(self, number: int) -> Example:
        """One of them."""
        ...

    def examples(self, numbers: Sequence[int]) -> tuple[Example, ...]:
        """Several."""
        ...


class Asked(Protocol):
    """What pipelines are run on: a simulated ``World``, or a benchmark with real models."""

    @property
    def identity(self) -> str:
        """Tells it from all others."""
        ...

    @property
    def questions(self) -> NumberedQuestions:
        """Its questions."""
        ...

    @property
    def models(self) -> Sequence[PricedModel]:
        """Its models."""
        ...

    def client(self, name: str) -> ModelClient:
        """What answers as a model."""
        ...

    def card(self, name: str) -> ModelCard:
        """What the runtime needs to know of it."""
        ...


@dataclass(frozen=True)
class BenchSpace:
    """One world with the pipelines among which a search chooses."""

    job: JobSpec
    world: Asked
    pipelines: tuple[Architecture, ...]
    """In canonical form, no two equal, in the order of the file."""
    answers: tuple[tuple[Answered, ...], ...]
    """Of the first walk that leads to each; () for a single call that is outside the space."""

    @property
    def space(self) -> Space:
        """The space itself."""
        return self.job.space

    @property
    def is_simulated(self) -> bool:
        """Whether the world is simulated, so that its rules say what is true."""
        return isinstance(self.world, World)

    @property
    def simulated(self) -> World:
        """The simulated world.

        Raises:
            TypeError: It is none.
        """
        if not isinstance(self.world, World):
            raise TypeError(f"{self.world.identity} is not simulated")
        return self.world

    @cached_property
    def places(self) -> dict[str, int]:
        """Where each pipeline stands in ``pipelines``, by its id."""
        return {one.pipeline_id(): i for i, one in enumerate(self.pipelines)}

    @cached_property
    def singles(self) -> tuple[int, ...]:
        """The single calls: what a winner is compared with."""
        starts = [canonical(start.architecture) for start in single_calls(self.space)]
        return tuple(self.places[one.pipeline_id()] for one in starts)

    def model_names(self) -> Sequence[str]:
        """Aliases, which are the names in the world."""
        return [model.name for model in self.world.models]


def load_space(name: str) -> BenchSpace:
    """The bench space of a simulated world."""
    job = load_job(FOLDER / f"{name}.yaml")
    return space_of(job, WORLDS[job.benchmark.location])


def space_of(job: JobSpec, world: Asked) -> BenchSpace:
    """All distinct pipelines of a job; the names of the world's models are the job's aliases."""
    found: dict[str, tuple[Architecture, tuple[Answered, ...]]] = {}
    for drawn, answers in walks(job.space):
        if (architecture := feasible(job.space, drawn)) is not None:
            found.setdefault(architecture.pipeline_id(), (architecture, answers))
    for start in single_calls(job.space):
        single = canonical(start.architecture)
        found.setdefault(single.pipeline_id(), (single, ()))
    pipelines, walked = zip(*found.values(), strict=True)
    return BenchSpace(job, world, pipelines, walked)
