"""What samplers of ours have in common: the walks that were tried, and what they were worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Protocol

from archon.components.base import Component
from archon.components.canonical import canonical
from archon.components.table import COMPONENTS
from archon.core.architecture import Architecture
from archon.search.choices import Answered, Chance, Following, Plain, Recording
from archon.search.draw import draw
from archon.search.feasible import feasible
from archon.search.objectives import Direction
from archon.search.space import Choices, Scalar, Space

Walk = tuple[Answered, ...]
Wanted = Mapping[str, Scalar]
"""Answers by the name of their question; questions that are left out are answered by chance."""
_FORMS = 4096
"""So many pipelines are remembered with their canonical form, which takes longer than all else."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A trial with its walk."""

    number: int
    walk: Walk
    architecture: Architecture
    """In canonical form."""
    pipeline_id: str
    worth: tuple[float, ...] | None = None
    """Its objectives, more being better; None while it runs."""
    beyond: tuple[float, ...] = ()
    """By what part it passes each ceiling, 0 or less where it keeps to it; () where none is."""

    @property
    def wanted(self) -> dict[str, Scalar]:
        """Its answers by the name of their question."""
        return {answer.name: answer.value for answer in self.walk}

    @property
    def excess(self) -> float:
        """By how much it passes ceilings, all together; 0 where it keeps to them."""
        return sum(part for part in self.beyond if part > 0)

    @property
    def rank(self) -> tuple[float, tuple[float, ...]]:
        """More is better: what keeps to the ceilings, or comes nearer to them, then its worth.

        Source: constrained domination, Deb et al. (2002), section VI.
        """
        return -self.excess, self.worth or ()


class Method(Protocol):
    """How a sampler of ours comes to its next walk. What it keeps must follow from its notes."""

    def next(self, notes: Notes, seed: int) -> Wanted:
        """The answers of a walk that ``notes`` does not hold; {} to leave it to chance."""
        ...

    def changed(self, notes: Notes) -> None:
        """A trial was added or has ended: the only moment at which a method may remember."""
        ...


class Notes:
    """The history of a study as its sampler sees it."""

    def __init__(
        self,
        space: Space,
        directions: Sequence[Direction],
        table: Mapping[str, type[Component]] = COMPONENTS,
    ) -> None:
        """Nothing was tried.

        Args:
            space: What is searched.
            directions: One for each objective, in the study's order.
            table: Component kinds.
        """
        self.space = space
        self.directions = tuple(directions)
        self.ended: list[Tried] = []
        """Trials that are worth something, in the order in which they were told."""
        self.running: dict[int, Tried] = {}
        self.table = table
        self._feasible = lru_cache(_FORMS)(lambda drawn: feasible(space, drawn, table))
        self._id = lru_cache(_FORMS)(Architecture.pipeline_id)
        self._seen: set[str] = set()
        self._passed: set[str] = set()

    def best(self, *, since: int = 0) -> Tried | None:
        """The best trial in the first objective; the others decide ties, then the earlier one.

        One that passes a ceiling is worse than one that keeps to all.

        Args:
            since: The first so many that have ended are passed over.
        """
        ended = self.ended[since:]
        return max(ended, key=lambda one: (*one.rank, -one.number), default=None)

    def drawn(self, wanted: Wanted, otherwise: Choices) -> Tried | None:
        """The pipeline of a walk where it may be proposed, known or not; its number is -1."""
        recording = Recording(Following(wanted, otherwise))
        architecture = self._feasible(draw(self.space, recording))
        if architecture is None:
            return None
        return Tried(-1, tuple(recording.answers), architecture, self._id(architecture))

    def is_new(self, drawn: Tried) -> bool:
        """Whether no trial has this pipeline, and it was not rejected since the last trial."""
        return drawn.pipeline_id not in self._seen and drawn.pipeline_id not in self._passed

    def add(self, number: int, walk: Walk) -> None:
        """A trial runs."""
        recording = Recording(Following({a.name: a.value for a in walk}, Plain()))
        architecture = canonical(draw(self.space, recording), self.table)
        running = Tried(number, tuple(walk), architecture, architecture.pipeline_id())
        self._seen.add(running.pipeline_id)
        self._passed.clear()
        self.running[number] = running

    def skip(self, walk: Walk) -> None:
        """Do not propose this pipeline as the next trial."""
        if (drawn := self.drawn({a.name: a.value for a in walk}, Plain())) is not None:
            self._passed.add(drawn.pipeline_id)

    def end(
        self, number: int, values: Sequence[float] | None, beyond: Sequence[float] = ()
    ) -> None:
        """A trial has ended."""
        running = self.running.pop(number)
        if values is None:
            return
        pairs = zip(values, self.directions, strict=True)
        worth = tuple(value if way == "maximize" else -value for value, way in pairs)
        self.ended.append(replace(running, worth=worth, beyond=tuple(beyond)))


class WalkSampler:
    """A ``Sampler`` that notes walks and leaves the choice among them to a method."""

    def __init__(self, notes: Notes, method: Method) -> None:
        """An empty history."""
        self._notes = notes
        self._method = method
        self._walk: Recording | None = None

    def begin(self, seed: int) -> Choices:
        """See ``Sampler``."""
        wanted = self._method.next(self._notes, seed)
        self._walk = Recording(Following(wanted, Chance(seed)))
        return self._walk

    def reject(self) -> None:
        """See ``Sampler``."""
        if self._walk is None:
            raise RuntimeError("no walk was begun")
        self._notes.skip(tuple(self._walk.answers))
        self._walk = None

    def accept(self, number: int, answers: Sequence[Answered]) -> None:
        """See ``Sampler``."""
        self._walk = None
        self.restore(number, answers)

    def restore(self, number: int, answers: Sequence[Answered], *, is_given: bool = False) -> None:
        """See ``Sampler``."""
        self._notes.add(number, tuple(answers))
        self._method.changed(self._notes)

    def tell(
        self, number: int, values: Sequence[float] | None, beyond: Sequence[float] = ()
    ) -> None:
        """See ``Sampler``."""
        if number in self._notes.running:
            self._notes.end(number, values, beyond)
            self._method.changed(self._notes)
