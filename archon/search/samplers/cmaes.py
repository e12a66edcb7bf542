"""CMA-ES over the open numbers of a space, with its choices learnt beside them.

Optuna's ``CmaEsSampler`` needs another package, moves only numbers that every trial has, and
leaves choices to chance. Here a number that a walk did not meet stands still, and each answer of a
choice has a probability that moves towards the better half of a generation, as in population-based
incremental learning (Baluja 1994).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from archon.search.choices import Answered
from archon.search.draw import open_numbers
from archon.search.samplers.evolution import Evolution, Vector
from archon.search.samplers.walks import Notes, Tried, Wanted
from archon.search.space import Range, Scalar, Space

LEARNT = 0.3
"""How far a probability moves in one generation."""
BY_CHANCE = 0.1
"""So often a choice is made by chance, whatever was learnt."""
_TRIES = 16


class Cma:
    """Generations of trials by number; one objective. See ``Method``."""

    def __init__(self, space: Space) -> None:
        """Around the middle of all numbers.

        Raises:
            ValueError: The space has no open number.
        """
        self._ranges = dict(open_numbers(space.root))
        if not self._ranges:
            raise ValueError("CMA-ES moves numbers, and the space leaves none open")
        self._names = list(self._ranges)
        self._evolution = Evolution(len(self._names))
        self._odds: dict[str, dict[Scalar, float]] = {}
        """Of the answers to a choice, by the name of its question."""
        self._n_used = 0

    def next(self, notes: Notes, seed: int) -> Wanted:
        """See ``Method``."""
        chance = np.random.default_rng(seed)
        for _ in range(_TRIES):
            point = dict(zip(self._names, self._evolution.point(chance).tolist(), strict=True))
            drawn = notes.drawn({}, _Sampled(chance, point, self._odds))
            if drawn is not None and notes.is_new(drawn):
                return drawn.wanted
        return {}

    def changed(self, notes: Notes) -> None:
        """See ``Method``."""
        size = self._evolution.size
        while len(notes.ended) - self._n_used >= size:
            generation = notes.ended[self._n_used : self._n_used + size]
            self._n_used += size
            best_first = sorted(generation, key=lambda one: one.rank, reverse=True)
            self._evolution.learn(np.array([self._point(one) for one in best_first]))
            self._learn([answer for one in best_first[: size // 2] for answer in one.walk])

    def _point(self, one: Tried) -> Vector:
        """Where a trial lies in the cube; as the mean where it has no answer."""
        wanted = one.wanted
        return np.array(
            [
                _share(self._ranges[name], wanted[name]) if name in wanted else float(mean)
                for name, mean in zip(self._names, self._evolution.mean, strict=True)
            ]
        )

    def _learn(self, answers: Sequence[Answered]) -> None:
        met: dict[str, list[Answered]] = {}
        for answer in answers:
            if answer.name not in self._ranges:
                met.setdefault(answer.name, []).append(answer)
        for name, same in met.items():
            options = _options(same[0])
            odds = self._odds.setdefault(name, dict.fromkeys(options, 1 / len(options)))
            for option in options:
                share = sum(answer.value == option for answer in same) / len(same)
                odds[option] += LEARNT * (share - odds[option])


@dataclass(frozen=True, slots=True)
class _Sampled:
    """Answers numbers by a point of the cube, and choices by their odds."""

    chance: np.random.Generator
    point: dict[str, float]
    odds: dict[str, dict[Scalar, float]]

    def category(self, name: str, options: Sequence[Scalar]) -> Scalar:
        """See ``Choices``."""
        odds = self.odds.get(name)
        if odds is None or self.chance.random() < BY_CHANCE:
            return options[int(self.chance.integers(len(options)))]
        weights = np.array([odds[option] for option in options])
        return options[int(self.chance.choice(len(options), p=weights / weights.sum()))]

    def integer(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """See ``Choices``."""
        if name in self.point:
            value = _at(low, high, self.point[name], log=log)
            return min(high, low + step * round((value - low) / step))
        return int(self.category(name, range(low, high + 1, step)) or 0)

    def number(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """See ``Choices``."""
        return min(high, max(low, _at(low, high, self.point[name], log=log)))


def _options(answer: Answered) -> Sequence[Scalar]:
    if answer.kind == "category":
        return answer.options
    return range(int(answer.low), int(answer.high) + 1, answer.step)


def _share(dimension: Range, value: Scalar) -> float:
    """Where a number lies between the ends of its range, in [0, 1]."""
    assert isinstance(value, int | float)
    low, high = dimension.low, dimension.high
    if low == high:
        return 0.5
    if dimension.log:
        return float(np.log(value / low) / np.log(high / low))
    return (value - low) / (high - low)


def _at(low: float, high: float, share: float, *, log: bool) -> float:
    return float(low * (high / low) ** share) if log else low + (high - low) * share
