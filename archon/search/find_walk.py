"""The walk of a space that leads to a given pipeline, where one is found.

For pipelines that are tried because they are known to be good, or are a user's own: a sampler
learns from what they are worth only if it knows by which answers it would have come to them itself.

The tree is gone through with the pipeline's layers in hand: a layer of the space becomes the next
one of them, or nothing, where the canonical form leaves it out. Of all ways to one place in the
tree that leave the same to be done one is kept. Within a layer no more than so many settings, and
so many ways to share it out, are looked at (``fit_component``, ``fit_layer``): no walk that is
found is wrong, but in a layer with very many ways one that is there may be missed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from archon.components.base import Component, Sizes
from archon.components.canonical import canonical
from archon.components.estimate_calls import layer_bounds
from archon.components.facts import facts_after, live_before
from archon.components.rules import problems_of
from archon.components.table import COMPONENTS, build
from archon.core.architecture import Architecture, Layer
from archon.search.choices import Answered, Plain, Recording
from archon.search.draw import draw, joined, parts_of, question_at
from archon.search.fit_component import Place
from archon.search.fit_layer import fitted
from archon.search.space import (
    NOTHING,
    Chain,
    Grammar,
    LayerNode,
    Node,
    OneOf,
    Repeat,
    Scalar,
    Space,
    State,
)

_Taken = tuple[tuple[str, Scalar | Layer], ...]
"""Choices between layers by their names, and by their paths what is drawn of parts of layers."""


def find_walk(
    space: Space, wanted: Architecture, table: Mapping[str, type[Component]] = COMPONENTS
) -> tuple[Answered, ...]:
    """The answers that lead to ``wanted``; () where none are found.

    Args:
        space: Where to look.
        wanted: In canonical form.
        table: Component kinds.
    """
    if problems_of(wanted, table):
        return ()
    for taken in _Search(wanted, table).through(space.root):
        recording = Recording(_Towards(dict(taken)))
        drawn = draw(space, recording)
        if not problems_of(drawn, table) and canonical(drawn, table) == wanted:
            return tuple(recording.answers)
    return ()


@dataclass(frozen=True, slots=True)
class _At:
    """How far a walk has come, as far as it matters for what may follow."""

    n_used: int = 0
    """Layers of the pipeline that were met."""
    facts: frozenset[str] = frozenset()
    """What the drawn layers tell, also those that the canonical form leaves out."""
    may_end: bool = False
    """Whether the last layer drawn may be the last of all: it does more than add to candidates."""


_Reached = dict[_At, _Taken]
"""One way to each place."""


class _Search:
    """Goes through a tree along the layers of a pipeline."""

    def __init__(self, wanted: Architecture, table: Mapping[str, type[Component]]) -> None:
        self._layers = wanted.layers
        self._table = table
        self._built = [tuple(build(spec, table) for spec in layer) for layer in wanted.layers]
        self._arriving = [Sizes()]
        for layer in self._built:
            self._arriving.append(layer_bounds(layer, self._arriving[-1]).after)
        self._live = [frozenset[str]()]
        for layer in reversed(self._built):
            self._live.insert(0, live_before(layer, self._live[0]))
        self._fitted: dict[tuple[LayerNode, int, int, object], tuple[Layer, ...] | None] = {}
        self._below: dict[tuple[str, _At], _Reached] = {}
        self._onward: dict[tuple[str, str, int, _At], _Reached] = {}

    def through(self, root: Node) -> list[_Taken]:
        """The ways to the pipeline's end, as the tree alone has it."""
        reached = self._from(root, "", _At()).items()
        return [t for at, t in reached if at.may_end and at.n_used == len(self._layers)]

    def _from(self, node: Node, path: str, at: _At) -> _Reached:
        """Where one may be after a node, with what to choose in it."""
        if (path, at) not in self._below:
            self._below[path, at] = self._looked_for(node, path, at)
        return self._below[path, at]

    def _looked_for(self, node: Node, path: str, at: _At) -> _Reached:
        if isinstance(node, LayerNode):
            return self._layer(node, path, at)
        if isinstance(node, Chain):
            reached: _Reached = {at: ()}
            for i, child in enumerate(node.nodes):
                reached = self._further(reached, child, joined(path, str(i)))
            return reached
        if isinstance(node, OneOf):
            return self._one_of(node, path, at)
        if isinstance(node, Grammar):
            return self._by_grammar(node, path, node.states[0], node.most, at)
        return self._repeat(node, path, at)

    def _further(self, reached: _Reached, node: Node, path: str) -> _Reached:
        further: _Reached = {}
        for at, taken in reached.items():
            _add(further, self._from(node, path, at), taken)
        return further

    def _one_of(self, node: OneOf, path: str, at: _At) -> _Reached:
        name, ends = joined(path, "one_of"), _Reached()
        # With as little as can be: nothing comes before what would be left out.
        for label, child in sorted(node.alternatives, key=lambda pair: pair[0] != NOTHING):
            _add(ends, self._from(child, f"{name}={label}", at), ((name, label),))
        return ends

    def _repeat(self, node: Repeat, path: str, at: _At) -> _Reached:
        name, reached, ends = joined(path, "times"), _Reached({at: ()}), _Reached()
        for times in range(node.high + 1):
            if times:
                reached = self._further(reached, node.node, joined(path, f"round{times - 1}"))
            if times >= node.low:
                _add(ends, reached, ((name, times),))
        return ends

    def _by_grammar(
        self, grammar: Grammar, path: str, state: State, left: int, at: _At
    ) -> _Reached:
        key = (path, state.name, left, at)
        if key in self._onward:
            return self._onward[key]
        name, ends = question_at(grammar, path, state, left), _Reached()
        for effect, moves in grammar.open_at(state, left):
            if not moves:
                _add(ends, {at: ()}, ((name, effect),))
            within = joined(f"{name}={effect}", "one_of")
            for move in moves:
                to = grammar.states[move.to]
                turns = ((name, effect), (within, move.label))
                for there, taken in self._from(move.layer, f"{within}={move.label}", at).items():
                    rest = self._by_grammar(grammar, path, to, left - 1, there)
                    _add(ends, rest, (*turns, *taken))
        self._onward[key] = ends
        return ends

    def _layer(self, node: LayerNode, path: str, at: _At) -> _Reached:
        """It becomes the next layer, or is left out."""
        ends: _Reached = {}
        for n_used in (at.n_used + 1, at.n_used):
            if n_used > len(self._layers):
                continue
            drawn = self._drawn(node, at, n_used)
            if drawn is None:
                continue
            taken = tuple(
                (where, layer)
                for (_, where), layer in zip(parts_of(node, path), drawn, strict=True)
            )
            built = [build(spec, self._table) for layer in drawn for spec in layer]
            may_end = any(one.declares.effect != "annotate" for one in built)
            ends.setdefault(_At(n_used, facts_after(built, at.facts), may_end), taken)
        return ends

    def _drawn(self, node: LayerNode, at: _At, n_used: int) -> tuple[Layer, ...] | None:
        """The parts of a layer such that so many layers of the pipeline are met with it."""
        key = (node, at.n_used, n_used, at.facts)
        if key not in self._fitted:
            before = self._built[at.n_used - 1] if at.n_used else ()
            place = Place(self._arriving[at.n_used], before, self._live[n_used], at.facts)
            wanted = self._layers[at.n_used] if n_used > at.n_used else ()
            self._fitted[key] = fitted(node, wanted, place, self._table)
        return self._fitted[key]


def _add(ends: _Reached, reached: _Reached, before: _Taken) -> None:
    """Note ways further to places that are not known yet."""
    for at, taken in reached.items():
        if at not in ends:
            ends[at] = (*before, *taken)


@dataclass(frozen=True, slots=True)
class _Towards:
    """Answers as what was taken says; plainly where it says nothing."""

    taken: Mapping[str, Scalar | Layer]

    def category(self, name: str, options: Sequence[Scalar]) -> Scalar:
        """See ``Choices``."""
        value = self._wanted(name)
        # Where lists are among the options, all of them are JSON texts.
        found = [option for option in options if option in (value, json.dumps(value))]
        return found[0] if found else Plain().category(name, options)

    def integer(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """See ``Choices``."""
        value = self._wanted(name)
        is_inside = isinstance(value, int) and low <= value <= high and not (value - low) % step
        return value if is_inside and isinstance(value, int) else low

    def number(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """See ``Choices``."""
        value = self._wanted(name)
        return float(value) if isinstance(value, int | float) and low <= value <= high else low

    def _wanted(self, name: str) -> Scalar | tuple[object, ...]:
        chosen = self.taken.get(name)
        if chosen is not None and not isinstance(chosen, tuple):
            return chosen
        for path, specs in self.taken.items():
            if isinstance(specs, tuple) and name.startswith(f"{path}."):
                return _of_part(specs, name.removeprefix(f"{path}."))
        return None


def _of_part(specs: Layer, question: str) -> Scalar | tuple[object, ...]:
    models = [spec.model for spec in specs]
    if question == "model":
        return models[0]
    if question == "models.n":
        return len(models)
    if question.startswith("models."):
        alias = question.removeprefix("models.").partition(".")[2]
        return alias in models if alias else "+".join(models)
    return specs[0].param(question.rpartition(".")[2])
