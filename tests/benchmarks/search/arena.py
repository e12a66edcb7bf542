"""Where methods meet: one study on a table, what it has bought, and what it would name.

A method is a function of an arena and a seed. It evaluates pipelines on questions until it has
enough or ``Spent`` is raised, and says whenever it would name something else.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from archon.benchmarks.examples import Benchmark, Example
from archon.benchmarks.splits import split
from archon.search.objectives import Objective
from tests.benchmarks.search.table import Purse, Table

N_SEARCH = 240
"""Questions of a study."""
BLOCK_SIZE = 15


class Spent(Exception):
    """The tokens of a study are spent."""


@dataclass(frozen=True, slots=True)
class Named:
    """What a method would name from so many tokens on."""

    tokens: int
    pipelines: tuple[int, ...]
    """One; or a front."""


@dataclass(frozen=True, slots=True)
class Trail:
    """What became of one study."""

    names: tuple[Named, ...]
    """In the order of their tokens."""
    tokens: int
    """All that was bought."""
    n_trials: int

    def at(self, tokens: float) -> tuple[int, ...]:
        """What it would have named with so many tokens bought; () before the first name."""
        known = [name.pipelines for name in self.names if name.tokens <= tokens]
        return known[-1] if known else ()


@dataclass
class Arena:
    """One study: its table, its questions in their shared order, its purse."""

    table: Table
    questions: tuple[int, ...]
    """Places in the table."""
    objectives: tuple[Objective, ...]
    reuses: bool
    """Whether each call is bought once; else each evaluation pays for all of its calls."""
    limit: float = float("inf")
    """Tokens."""
    tokens: int = 0
    names: list[Named] = field(default_factory=list)
    n_trials: int = 0

    def __post_init__(self) -> None:
        self.purse = Purse(self.table) if self.reuses else None

    def examples(self) -> tuple[Example, ...]:
        """The questions as the product sees them."""
        questions = self.table.space.world.questions
        return questions.examples([self.table.numbers[i] for i in self.questions])

    def evaluate(self, pipeline: int, questions: Sequence[int] | None = None) -> NDArray[np.uint8]:
        """Buy and score a pipeline.

        Args:
            pipeline: Its place in the table.
            questions: Places in the table; all questions of the study if left out.

        Raises:
            Spent: The limit was reached before.
        """
        if self.tokens >= self.limit:
            raise Spent
        asked = list(self.questions if questions is None else questions)
        if self.purse is None:
            self.tokens += int(self.table.tokens[pipeline, asked].sum())
        else:
            for question in asked:
                self.purse.buy(pipeline, question)
            self.tokens = self.purse.tokens
        return self.table.figures.scores[pipeline, asked]

    def values(self, pipeline: int) -> tuple[float, ...]:
        """Evaluate a pipeline on all questions; its mean objectives (quality, cost in USD)."""
        scores = self.evaluate(pipeline)
        self.n_trials += 1
        costs = self.table.figures.cost_nusd[pipeline, list(self.questions)]
        both = {"quality": float(scores.mean()), "cost": float(costs.mean()) / 1e9}
        return tuple(both[objective] for objective in self.objectives)

    def name(self, *pipelines: int) -> None:
        """Say what would be named from now on."""
        if not self.names or self.names[-1].pipelines != pipelines:
            self.names.append(Named(self.tokens, pipelines))

    def trail(self) -> Trail:
        """All of it."""
        return Trail(tuple(self.names), self.tokens, self.n_trials)


class Method(Protocol):
    """Runs one study in an arena, to its end or until ``Spent`` is raised."""

    def __call__(self, arena: Arena, seed: int) -> None:
        """Run."""
        ...


@dataclass(frozen=True, slots=True)
class Contender:
    """A method with its name."""

    name: str
    run: Method
    reuses: bool = False


@dataclass(frozen=True, slots=True)
class Unit:
    """A pipeline on some of the questions."""

    pipeline: int
    questions: tuple[int, ...]


class Proposes(Protocol):
    """A method turned round: it is asked for units and told what they gave."""

    def propose(self) -> Sequence[Unit]:
        """The next units; none when it has enough."""
        ...

    def tell(self, unit: Unit, scores: NDArray[np.uint8]) -> None:
        """What a unit gave."""
        ...

    def incumbent(self) -> tuple[int, ...]:
        """What it would name now; () while it would name nothing."""
        ...


def by_proposals(make: Callable[[Arena, int], Proposes]) -> Method:
    """A method of something that proposes units."""

    def run(arena: Arena, seed: int) -> None:
        method = make(arena, seed)
        while units := method.propose():
            for unit in units:
                method.tell(unit, arena.evaluate(unit.pipeline, unit.questions))
                arena.n_trials += 1
                if named := method.incumbent():
                    arena.name(*named)

    return run


def study_questions(table: Table, seed: int) -> tuple[int, ...]:
    """The questions of the study with this seed, drawn by the product's own split."""
    benchmark = Benchmark.of(table.space.job.name, table.examples())
    chosen = split(benchmark, seed=seed, held_out=0.5, max_search=N_SEARCH).search
    places = {example.id: i for i, example in enumerate(benchmark.examples)}
    return tuple(places[example.id] for example in chosen)


def played(
    contender: Contender,
    table: Table,
    seed: int,
    *,
    objectives: tuple[Objective, ...] = ("quality",),
    limit: float = float("inf"),
) -> Trail:
    """Run one study."""
    arena = Arena(table, study_questions(table, seed), objectives, contender.reuses, limit)
    with contextlib.suppress(Spent):
        contender.run(arena, seed)
    return arena.trail()
