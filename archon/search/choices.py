"""Who may answer the questions of a space: chance, an enumerator, a stored row; and a recorder."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from archon.core.architecture import Architecture
from archon.search.draw import draw, is_finite
from archon.search.space import Choices, Scalar, Space


@dataclass(frozen=True, slots=True)
class Answered:
    """One question of a space with its answer and all answers that were possible."""

    name: str
    kind: Literal["category", "integer", "number"]
    value: Scalar
    options: tuple[Scalar, ...] = ()
    low: float = 0.0
    high: float = 0.0
    step: int = 1
    log: bool = False

    def to_data(self) -> dict[str, object]:
        """Plain data without what its kind does not have."""
        data: dict[str, object] = {"name": self.name, "kind": self.kind, "value": self.value}
        if self.kind == "category":
            return data | {"options": list(self.options)}
        data |= {"low": self.low, "high": self.high}
        if self.kind == "integer":
            data |= {"step": self.step}
        return data | ({"log": True} if self.log else {})


def to_json(answers: Sequence[Answered]) -> str:
    """The answers of one walk as the text that a proposal's row keeps."""
    return json.dumps([answer.to_data() for answer in answers], separators=(",", ":"))


def from_json(text: str) -> tuple[Answered, ...]:
    """The inverse of ``to_json``; the text comes from our own database."""
    return tuple(
        Answered(**(data | {"options": tuple(data.get("options", ()))}))
        for data in json.loads(text)
    )


@dataclass(frozen=True, slots=True)
class Recording:
    """Passes questions on, and keeps each with its answer."""

    inner: Choices
    answers: list[Answered] = field(default_factory=list)

    def category(self, name: str, options: Sequence[Scalar]) -> Scalar:
        """See ``Choices``."""
        value = self.inner.category(name, options)
        self.answers.append(Answered(name, "category", value, options=tuple(options)))
        return value

    def integer(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """See ``Choices``."""
        value = self.inner.integer(name, low, high, step=step, log=log)
        self.answers.append(Answered(name, "integer", value, (), low, high, step, log))
        return value

    def number(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """See ``Choices``."""
        value = self.inner.number(name, low, high, log=log)
        self.answers.append(Answered(name, "number", value, (), low, high, 1, log))
        return value


class Chance:
    """Answers by chance, every possible answer of a question being equally likely."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def category(self, name: str, options: Sequence[Scalar]) -> Scalar:
        """See ``Choices``."""
        return options[self._random.randrange(len(options))]

    def integer(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """See ``Choices``; with ``log``, every order of magnitude is equally likely."""
        if log:
            drawn = math.exp(self._random.uniform(math.log(low - 0.5), math.log(high + 0.5)))
            return min(high, max(low, round(drawn)))
        return low + step * self._random.randrange((high - low) // step + 1)

    def number(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """See ``Choices``."""
        if log:
            return min(
                high, max(low, math.exp(self._random.uniform(math.log(low), math.log(high))))
            )
        return self._random.uniform(low, high)


@dataclass(frozen=True, slots=True)
class Following:
    """Answers as it was told where that is possible, and asks somebody else for the rest."""

    wanted: Mapping[str, Scalar]
    """Answers by the name of their question."""
    otherwise: Choices

    def category(self, name: str, options: Sequence[Scalar]) -> Scalar:
        """See ``Choices``."""
        if name in self.wanted and self.wanted[name] in options:
            return self.wanted[name]
        return self.otherwise.category(name, options)

    def integer(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """See ``Choices``."""
        value = self.wanted.get(name)
        if isinstance(value, int) and low <= value <= high and (value - low) % step == 0:
            return value
        return self.otherwise.integer(name, low, high, step=step, log=log)

    def number(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """See ``Choices``."""
        value = self.wanted.get(name)
        if isinstance(value, int | float) and low <= value <= high:
            return float(value)
        return self.otherwise.number(name, low, high, log=log)


class Plain:
    """Answers with the first option, the lowest whole number, the number in the middle."""

    def category(self, name: str, options: Sequence[Scalar]) -> Scalar:
        """See ``Choices``."""
        return options[0]

    def integer(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """See ``Choices``."""
        return low

    def number(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """See ``Choices``."""
        return math.sqrt(low * high) if log else (low + high) / 2


class _Odometer:
    """Answers by a list of positions, and notes how many answers each question had."""

    def __init__(self, positions: Sequence[int]) -> None:
        self.positions = list(positions)
        self.sizes: list[int] = []

    def category(self, name: str, options: Sequence[Scalar]) -> Scalar:
        return options[self._next(len(options))]

    def integer(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        return low + step * self._next((high - low) // step + 1)

    def number(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        raise ValueError(f"{name}: the numbers from {low} to {high} cannot be counted")

    def _next(self, size: int) -> int:
        at = len(self.sizes)
        self.sizes.append(size)
        if at == len(self.positions):
            self.positions.append(0)
        return self.positions[at]

    def advance(self) -> list[int] | None:
        """The positions of the next walk; None after the last."""
        positions = self.positions[: len(self.sizes)]
        while positions:
            positions[-1] += 1
            if positions[-1] < self.sizes[len(positions) - 1]:
                return positions
            positions.pop()
        return None


def by_positions(positions: Sequence[int]) -> Choices:
    """Answers each question in turn with the option, or whole number, that stands there."""
    return _Odometer(positions)


def walks(space: Space) -> Iterator[tuple[Architecture, tuple[Answered, ...]]]:
    """Every walk of a space in the order of the file, the last question changing fastest.

    Different walks may lead to equal pipelines.

    Raises:
        ValueError: The space has an open number that is not whole.
    """
    if not is_finite(space.root):
        raise ValueError("a space with an open number has no end of pipelines")
    positions: list[int] | None = []
    while positions is not None:
        odometer = _Odometer(positions)
        recording = Recording(odometer)
        yield draw(space, recording), tuple(recording.answers)
        positions = odometer.advance()
