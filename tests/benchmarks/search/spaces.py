"""The bench spaces: a job file for each world, with every distinct pipeline of its space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from archon.components.canonical import canonical
from archon.core.architecture import Architecture
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


@dataclass(frozen=True)
class BenchSpace:
    """One world with the pipelines among which a search chooses."""

    job: JobSpec
    world: World
    pipelines: tuple[Architecture, ...]
    """In canonical form, no two equal, in the order of the file."""
    answers: tuple[tuple[Answered, ...], ...]
    """Of the first walk that leads to each; () for a single call that is outside the space."""

    @property
    def space(self) -> Space:
        """The space itself."""
        return self.job.space

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
    """The bench space of a world."""
    return space_of(load_job(FOLDER / f"{name}.yaml"))


def space_of(job: JobSpec) -> BenchSpace:
    """All distinct pipelines of a job on one simulated world, whose names are its aliases."""
    found: dict[str, tuple[Architecture, tuple[Answered, ...]]] = {}
    for drawn, answers in walks(job.space):
        if (architecture := feasible(job.space, drawn)) is not None:
            found.setdefault(architecture.pipeline_id(), (architecture, answers))
    for start in single_calls(job.space):
        single = canonical(start.architecture)
        found.setdefault(single.pipeline_id(), (single, ()))
    pipelines, walked = zip(*found.values(), strict=True)
    return BenchSpace(job, WORLDS[job.benchmark.location], pipelines, walked)
