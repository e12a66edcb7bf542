"""What every pipeline of a bench space is truly worth, in bulk: the world's rules on arrays.

The runtime cannot ask a thousand pipelines enough questions to tell them apart by less than a
point. Here the same rules (``archon.world.replies``) are applied to all questions at once, with
questions and models taken from the world itself. Pipelines that begin alike share what they drew,
so that differences are known better than values. A test holds that this and the runtime agree.

It knows the components that bench spaces use: generate, rank, verify, critique, fuse and vote.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from statistics import NormalDist
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from archon.core.architecture import Architecture, ComponentSpec, Layer
from archon.world.cast import SimulatedModel
from archon.world.truth import FIRST_QUESTION
from archon.world.world import World

Floats = NDArray[np.float64]
Answers = NDArray[np.int8]
Mask = NDArray[np.bool_]
_Array = TypeVar("_Array", Answers, Mask)

N_QUESTIONS = 40_000
"""With so many the difference of two pipelines has a standard error of about 0.2 points."""


@dataclass(frozen=True)
class Shown:
    """Candidates on all questions, arrays of shape (n_questions, n_candidates), in their order."""

    answers: Answers
    """0 is the right one."""
    alive: Mask
    """Those that are left; they come first."""
    faulted: Mask
    """Whether a critique says that it is wrong."""

    @property
    def right(self) -> Mask:
        """Which candidates are right."""
        return np.equal(self.answers, 0)

    def ordered(self, order: NDArray[np.intp], alive: Mask) -> Shown:
        """In another order, with what is left then."""
        return Shown(_taken(self.answers, order), alive, _taken(self.faulted, order))


@dataclass
class Masses:
    """Answer distributions of the models on many questions, at temperature 1."""

    world: World
    numbers: Sequence[int]
    _known: dict[str, Floats] = field(default_factory=dict)
    _wrong: dict[str, Floats] = field(default_factory=dict)

    def of(self, name: str) -> Floats:
        """Shape (n_questions, 1 + n_wrong); the right answer comes first."""
        if name not in self._known:
            model, questions = self.world.model(name), self.world.questions
            if model.family not in self._wrong:
                each = [questions.wrong(number, family=model.family) for number in self.numbers]
                self._wrong[model.family] = np.array(each)
            p = np.array(
                [
                    questions.chance(n, model=name, skill=model.skill, family=model.family)
                    for n in self.numbers
                ]
            )[:, None]
            self._known[name] = np.hstack([p, (1.0 - p) * self._wrong[model.family]])
        return self._known[name]


class Bulk:
    """Runs pipelines of one world on many questions at once."""

    def __init__(
        self, world: World, numbers: Sequence[int] | None = None, *, seed: int = 0
    ) -> None:
        """Nothing is drawn yet.

        Args:
            world: Where they run.
            numbers: The questions; as a rule ``N_QUESTIONS`` that nothing else uses.
            seed: Of what is drawn here; the questions themselves are the world's.
        """
        if numbers is None:
            numbers = range(FIRST_QUESTION, FIRST_QUESTION + N_QUESTIONS)
        self.n = len(numbers)
        self._world, self._seed = world, seed
        self._masses = Masses(world, numbers)
        self._samples: dict[tuple[str, float, int], Answers] = {}
        self._states: dict[tuple[Layer, ...], Shown] = {}
        self._stubborn: dict[str, Floats] = {}

    def rightness(self, architecture: Architecture) -> Floats:
        """How often the pipeline's answer is right on each question, shape (n_questions,)."""
        *before, last = architecture.layers
        if [spec.kind for spec in last] == ["fuse"] and last[0].param("samples", 1) == 1:
            # The chance itself instead of a draw: the same mean with less noise.
            return self._fused_right(last[0], self._state(tuple(before)))
        return self._state(architecture.layers).right[:, 0].astype(np.float64)

    def _state(self, layers: tuple[Layer, ...]) -> Shown:
        """What is there after some layers."""
        if layers not in self._states:
            arrived = self._state(layers[:-1]) if len(layers) > 1 else None
            self._states[layers] = self._run(layers[-1], arrived, self._chance(layers))
        return self._states[layers]

    def forget(self) -> None:
        """Free what pipelines shared."""
        self._states.clear()

    def _chance(self, layers: tuple[Layer, ...]) -> np.random.Generator:
        name = Architecture(layers).canonical_json().encode()
        return np.random.default_rng([self._seed, zlib.crc32(name)])

    def _run(self, layer: Layer, arrived: Shown | None, chance: np.random.Generator) -> Shown:
        kind = layer[0].kind
        if kind == "generate":
            parts = [self._generated(spec) for spec in layer]
            return _all_alive(np.hstack(parts))
        assert arrived is not None
        if kind == "fuse":
            return _all_alive(np.hstack([self._fused(spec, arrived, chance) for spec in layer]))
        (spec,) = layer
        match kind:
            case "rank":
                return self._ranked(spec, arrived, chance)
            case "verify":
                return self._verified(spec, arrived, chance)
            case "critique":
                return self._criticised(spec, arrived, chance)
            case "vote":
                return _voted(arrived)
        raise NotImplementedError(f"bench spaces have no {kind!r}")

    def _generated(self, spec: ComponentSpec) -> Answers:
        temperature, n = _number(spec, "temperature", 0.7), int(_number(spec, "samples", 1))
        return np.stack([self._sample(spec.model, temperature, slot) for slot in range(n)], axis=1)

    def _sample(self, model: str, temperature: float, slot: int) -> Answers:
        """One sample of a model on every question: the same one wherever it is asked for."""
        key = (model, temperature, slot)
        if key not in self._samples:
            name = zlib.crc32(repr(key).encode())
            chance = np.random.default_rng([self._seed, 1, name])
            masses = _at(self._masses.of(model), temperature, self._world.model(model).junk)
            self._samples[key] = _drawn(masses, chance)
        return self._samples[key]

    def _ranked(self, spec: ComponentSpec, arrived: Shown, chance: np.random.Generator) -> Shown:
        judge, shape = self._judge(spec), arrived.answers.shape
        keep = int(_number(spec, "keep", shape[1]))
        places = np.argsort(np.argsort(chance.random(shape), axis=1), axis=1)
        worth = judge.judge.reliability * arrived.right - judge.judge.place_bias * places
        worth = worth + chance.gumbel(size=shape)
        worth[~arrived.alive] = -np.inf
        # Garbled twice, it stays in the order in which it arrived.
        is_lost = chance.random(self.n) < judge.garbled**2
        worth[is_lost] = np.where(arrived.alive[is_lost], -np.arange(shape[1]), -np.inf)
        order = np.argsort(-worth, axis=1, kind="stable")[:, :keep]
        return arrived.ordered(order, _taken(arrived.alive, order))

    def _verified(self, spec: ComponentSpec, arrived: Shown, chance: np.random.Generator) -> Shown:
        model, shape = self._judge(spec), arrived.answers.shape
        judge = model.judge
        stubborn = np.take_along_axis(
            self._opinion(model.name), arrived.answers.astype(np.intp), axis=1
        )
        s = judge.stubbornness
        thought = math.sqrt(s) * stubborn + math.sqrt(1.0 - s) * chance.standard_normal(shape)
        bars = [NormalDist().inv_cdf(rate) for rate in (judge.false_positive, judge.true_positive)]
        worth = (thought < np.where(arrived.right, bars[1], bars[0])).astype(np.float64)
        worth[chance.random(shape) < model.garbled**2] = 0.5
        worth[~arrived.alive] = -1.0
        order = np.argsort(-worth, axis=1, kind="stable")
        alive = np.take_along_axis(worth, order, axis=1) > 0.0
        # Where none passes the first that arrived stays, which this order leaves in front.
        alive[:, 0] = True
        return arrived.ordered(order, alive)

    def _criticised(
        self, spec: ComponentSpec, arrived: Shown, chance: np.random.Generator
    ) -> Shown:
        model = self._judge(spec)
        judge, shape = model.judge, arrived.answers.shape
        rate = np.where(arrived.right, judge.fault_imagined, judge.fault_found)
        faulted = chance.random(shape) < rate
        faulted &= (chance.random(self.n) >= model.garbled**2)[:, None]
        return replace(arrived, faulted=arrived.faulted | faulted)

    def _copied(self, model: SimulatedModel, arrived: Shown) -> tuple[Floats, Floats]:
        """The weight of each candidate for a fuser, and its own chance of a right answer."""
        fuser = model.fuser
        weights = np.exp(fuser.discernment * arrived.right - fuser.trust * arrived.faulted)
        weights = weights * arrived.alive
        n_wrong = (~arrived.right & arrived.alive).sum(axis=1)
        share_wrong = n_wrong / arrived.alive.sum(axis=1)
        own = self._masses.of(model.name)[:, 0] * (1.0 - fuser.distraction * share_wrong)
        return weights / weights.sum(axis=1, keepdims=True), own

    def _fused_right(self, spec: ComponentSpec, arrived: Shown) -> Floats:
        model = self._judge(spec)
        weights, own = self._copied(model, arrived)
        taken = (weights * arrived.right).sum(axis=1)
        copies = model.fuser.copies
        return np.asarray(copies * taken + (1.0 - copies) * own)

    def _fused(self, spec: ComponentSpec, arrived: Shown, chance: np.random.Generator) -> Answers:
        model = self._judge(spec)
        weights, own = self._copied(model, arrived)
        masses = self._masses.of(model.name).copy()
        masses[:, 1:] *= ((1.0 - own) / np.maximum(1e-300, 1.0 - masses[:, 0]))[:, None]
        masses[:, 0] = own
        written = []
        for _ in range(int(_number(spec, "samples", 1))):
            place = _drawn(weights, chance).astype(np.intp)[:, None]
            copied = _taken(arrived.answers, place)[:, 0]
            is_copy = chance.random(self.n) < model.fuser.copies
            written.append(np.where(is_copy, copied, _drawn(masses, chance)))
        return np.stack(written, axis=1)

    def _judge(self, spec: ComponentSpec) -> SimulatedModel:
        return self._world.model(spec.model)

    def _opinion(self, model: str) -> Floats:
        """What a verifier thinks each time of each answer to each question."""
        if model not in self._stubborn:
            chance = np.random.default_rng([self._seed, 2, zlib.crc32(model.encode())])
            size = (self.n, 1 + self._world.rules.n_wrong)
            self._stubborn[model] = chance.standard_normal(size)
        return self._stubborn[model]


def _voted(arrived: Shown) -> Shown:
    """The most frequent answer; of equals the one that comes first."""
    answers, alive = arrived.answers, arrived.alive
    same = (answers[:, :, None] == answers[:, None, :]) & alive[:, None, :]
    counts = np.where(alive, same.sum(axis=2), -1)
    best = counts.argmax(axis=1)[:, None]
    return arrived.ordered(best, np.ones_like(best, dtype=np.bool_))


def _at(masses: Floats, temperature: float, junk: float) -> Floats:
    """``archon.world.laws.at_temperature`` for rows."""
    if temperature == 0:
        return np.asarray(np.eye(masses.shape[1])[masses.argmax(axis=1)])
    powers = (masses / masses.max(axis=1, keepdims=True)) ** (1.0 / temperature)
    even = 1.0 - math.exp(-junk * max(0.0, temperature - 1.0))
    shares = powers / powers.sum(axis=1, keepdims=True)
    return np.asarray((1.0 - even) * shares + even / masses.shape[1])


def _drawn(masses: Floats, chance: np.random.Generator) -> Answers:
    """One place for each row, in proportion to its masses."""
    upto = np.cumsum(masses, axis=1)
    aimed = chance.random(len(masses)) * upto[:, -1]
    return np.asarray((aimed[:, None] >= upto[:, :-1]).sum(axis=1), np.int8)


def _taken(array: _Array, order: NDArray[np.intp]) -> _Array:
    return np.take_along_axis(array, order, axis=1)


def _all_alive(answers: Answers) -> Shown:
    return Shown(answers, np.ones_like(answers, dtype=np.bool_), np.zeros_like(answers, np.bool_))


def _number(spec: ComponentSpec, name: str, default: float) -> float:
    value = spec.param(name, default)
    assert isinstance(value, int | float)
    return value
