"""What people do without Archon: a sampler in a loop, every pipeline on every question.

Optuna's samplers stand here as its documentation shows them, without what the product adds to them.
In one thing they are treated kindly: a pipeline that is proposed again is a trial, but it is not
evaluated and paid again. TPE comes back to what it knows in about half of its trials.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count

import optuna
from optuna.samplers import BaseSampler, NSGAIISampler, RandomSampler, TPESampler
from optuna.trial import TrialState

from archon.components.canonical import canonical
from archon.components.rules import problems_of
from archon.search.choices import Answered, Recording
from archon.search.draw import draw
from archon.search.front import non_dominated
from archon.search.objectives import DIRECTIONS
from archon.search.space import Choices, Scalar
from tests.benchmarks.search.arena import Arena, Contender, Method

N_TRIALS = 150
"""Of the plain TPE, whose spend is what all others are measured by."""
POPULATION = 20
"""Of NSGA-II: with Optuna's 50 a study of this length would see three generations."""


@dataclass
class Best:
    """Names the pipeline with the highest mean score, or the front, of all that was evaluated."""

    arena: Arena
    values: dict[int, tuple[float, ...]] = field(default_factory=dict)

    def note(self, pipeline: int, values: tuple[float, ...]) -> None:
        """Take what a pipeline reached."""
        self.values[pipeline] = values
        signs = [1 if DIRECTIONS[one] == "maximize" else -1 for one in self.arena.objectives]
        points = {
            i: [sign * value for sign, value in zip(signs, reached, strict=True)]
            for i, reached in self.values.items()
        }
        if len(signs) > 1:
            self.arena.name(*non_dominated(points))
        else:
            self.arena.name(max(points, key=lambda i: points[i]))


@dataclass(frozen=True, slots=True)
class _Suggested:
    """Optuna's trial as ``Choices``."""

    trial: optuna.Trial

    def category(self, name: str, options: Sequence[Scalar]) -> Scalar:
        return self.trial.suggest_categorical(name, list(options))

    def integer(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        return self.trial.suggest_int(name, low, high, step=step, log=log)

    def number(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        return self.trial.suggest_float(name, low, high, log=log)


def place_of(arena: Arena, choices: Choices) -> int | None:
    """The pipeline that a walk leads to; None where it is outside the space."""
    drawn = draw(arena.table.space.space, choices)
    if problems_of(drawn):
        return None
    return arena.table.space.places.get(canonical(drawn).pipeline_id())


def by_optuna(make: Callable[[int], BaseSampler], n_trials: int | None = None) -> Method:
    """Optuna's study in a loop.

    Args:
        make: Makes a sampler of a seed.
        n_trials: Trials; None: until the tokens are spent.
    """

    def run(arena: Arena, seed: int) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            sampler = make(seed)
        directions = [DIRECTIONS[objective] for objective in arena.objectives]
        study = optuna.create_study(directions=list(directions), sampler=sampler)
        best = Best(arena)
        for _ in count() if n_trials is None else range(n_trials):
            trial = study.ask()
            pipeline = place_of(arena, _Suggested(trial))
            if pipeline is None:
                study.tell(trial, state=TrialState.FAIL)
                continue
            if pipeline not in best.values:
                best.note(pipeline, arena.values(pipeline))
            study.tell(trial, values=list(best.values[pipeline]))
            if len(best.values) == len(arena.table.space.pipelines):
                return

    return run


@dataclass(frozen=True, slots=True)
class _Fixed:
    """Answers as before where a question was answered before and still has that answer."""

    known: dict[str, Scalar]
    otherwise: random.Random

    def category(self, name: str, options: Sequence[Scalar]) -> Scalar:
        value = self.known.get(name)
        return value if value in options else self.otherwise.choice(list(options))

    def integer(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        value, values = self.known.get(name), range(low, high + 1, step)
        is_known = isinstance(value, int) and value in values
        return int(value or 0) if is_known else self.otherwise.choice(values)

    def number(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        raise ValueError(f"{name}: bench spaces have no open numbers")


def greedy(arena: Arena, seed: int) -> None:
    """Coordinate search: all answers to one question after the other, the best of them kept.

    From a start by chance until a round over all questions changes nothing, then from another.
    Source: the greedy search that Archon compares with, arXiv 2409.15254.
    """
    chance = random.Random(seed)
    best = Best(arena)
    while len(best.values) < len(arena.table.space.pipelines):
        known: dict[str, Scalar] = {}
        reached = -1.0
        is_changed = True
        while is_changed:
            is_changed = False
            for question in _questions(arena, known, chance):
                for option in _options(question):
                    tried = known | {question.name: option}
                    recording = Recording(_Fixed(tried, chance))
                    pipeline = place_of(arena, recording)
                    if pipeline is None or pipeline in best.values:
                        continue
                    values = arena.values(pipeline)
                    best.note(pipeline, values)
                    if values[0] > reached:
                        known = {one.name: one.value for one in recording.answers}
                        reached, is_changed = values[0], True


def _questions(
    arena: Arena, known: dict[str, Scalar], chance: random.Random
) -> tuple[Answered, ...]:
    """The questions that the pipeline of these answers was asked; of any, where there are none."""
    recording = Recording(_Fixed(known, chance))
    draw(arena.table.space.space, recording)
    return tuple(recording.answers)


def _options(question: Answered) -> Sequence[Scalar]:
    if question.kind == "category":
        return question.options
    return range(int(question.low), int(question.high) + 1, question.step)


def plain_tpe(seed: int) -> BaseSampler:
    """Optuna's TPE, all questions of a walk together, in groups that occur together."""
    return TPESampler(seed=seed, multivariate=True, group=True)


TPE = Contender("tpe", by_optuna(plain_tpe, N_TRIALS))
TPE_REUSE = Contender("tpe+reuse", by_optuna(plain_tpe, N_TRIALS), reuses=True)
RANDOM = Contender("random", by_optuna(lambda seed: RandomSampler(seed=seed)))
GREEDY = Contender("greedy", greedy)
NSGA2 = Contender(
    "nsga2", by_optuna(lambda seed: NSGAIISampler(population_size=POPULATION, seed=seed))
)
