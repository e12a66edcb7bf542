"""The walk of a space that leads to a given pipeline, where there is one that can be found.

For pipelines that are tried because they are known to be good, or are a user's own: a sampler
learns from what they are worth only if it knows by which answers it would have come to them itself.

The tree is gone through with the pipeline's layers in hand: a layer of the space takes the next
one of them, or none where the canonical form would leave it out. What comes of it is drawn and
compared, so a wrong guess costs time and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import cast

from archon.components.base import Component
from archon.components.canonical import canonical
from archon.components.rules import problems_of
from archon.components.table import COMPONENTS, parameters
from archon.core.architecture import Architecture, ComponentSpec, Layer
from archon.search.choices import Answered, Plain, Recording
from archon.search.draw import draw, joined, parts_of, question_at
from archon.search.space import (
    NOTHING,
    Chain,
    ComponentNode,
    EnsembleNode,
    Fixed,
    Grammar,
    LayerNode,
    Move,
    Node,
    OneOf,
    Range,
    Scalar,
    Space,
    State,
    bare,
)

_MOST_TRIED = 64
_MOST_STEPS = 5_000
"""So many turns are taken in the tree before the search is given up."""

_Taken = tuple[tuple[str, Scalar | tuple[ComponentSpec, ...]], ...]
"""By their names, the choices between layers; by their paths, components with what they become."""


def find_walk(
    space: Space, wanted: Architecture, table: Mapping[str, type[Component]] = COMPONENTS
) -> tuple[Answered, ...]:
    """The answers that lead to ``wanted``; () where none are found.

    Args:
        space: Where to look.
        wanted: In canonical form.
        table: Component kinds.
    """
    found = _Search(wanted.layers, table).below(space.root, "", 0)
    whole = (taken for taken, n_used in found if n_used == len(wanted.layers))
    for taken in islice(whole, _MOST_TRIED):
        recording = Recording(_Towards(dict(taken), table))
        drawn = draw(space, recording)
        if not problems_of(drawn, table) and canonical(drawn, table) == wanted:
            return tuple(recording.answers)
    return ()


class _Search:
    """Goes through a tree along the layers of a pipeline."""

    def __init__(self, layers: Sequence[Layer], table: Mapping[str, type[Component]]) -> None:
        self._layers = layers
        self._table = table
        self._n_steps = 0

    def below(self, node: Node, path: str, n_used: int) -> Iterator[tuple[_Taken, int]]:
        """What to choose below a node so that it takes layers from the ``n_used``-th on.

        Yields:
            The choices, and how many layers are used then.
        """
        self._n_steps += 1
        if self._n_steps > _MOST_STEPS:
            return
        if isinstance(node, LayerNode):
            yield from self._layer(node, path, n_used)
        elif isinstance(node, Chain):
            paths = [joined(path, str(i)) for i in range(len(node.nodes))]
            yield from self._in_turn(node.nodes, paths, n_used)
        elif isinstance(node, OneOf):
            name = joined(path, "one_of")
            # With as little as can be: nothing comes before what would be left out.
            for label, child in sorted(node.alternatives, key=lambda pair: pair[0] != NOTHING):
                for taken, n in self.below(child, f"{name}={label}", n_used):
                    yield ((name, label), *taken), n
        elif isinstance(node, Grammar):
            yield from self._through(node, path, node.states[0], node.most, n_used)
        else:
            for times in range(node.low, node.high + 1):
                paths = [joined(path, f"round{i}") for i in range(times)]
                for taken, n in self._in_turn([node.node] * times, paths, n_used):
                    yield ((joined(path, "times"), times), *taken), n

    def _in_turn(
        self, nodes: Sequence[Node], paths: Sequence[str], n_used: int
    ) -> Iterator[tuple[_Taken, int]]:
        if not nodes:
            yield (), n_used
            return
        for first, n in self.below(nodes[0], paths[0], n_used):
            for rest, n_all in self._in_turn(nodes[1:], paths[1:], n):
                yield (*first, *rest), n_all

    def _through(
        self, grammar: Grammar, path: str, state: State, left: int, n_used: int
    ) -> Iterator[tuple[_Taken, int]]:
        self._n_steps += 1
        if self._n_steps > _MOST_STEPS:
            return
        name = question_at(grammar, path, state, left)
        for effect, moves in grammar.open_at(state, left):
            if not moves:
                yield ((name, effect),), n_used
            for move in moves if n_used < len(self._layers) else ():
                within = joined(f"{name}={effect}", "one_of")
                at = f"{within}={move.label}"
                taken = _shared_out(move.layer, at, self._layers[n_used])
                if taken is None or not _has_so_many(move, self._layers[n_used]):
                    continue
                turns = ((name, effect), (within, move.label), *taken)
                to = grammar.states[move.to]
                for rest, n in self._through(grammar, path, to, left - 1, n_used + 1):
                    yield (*turns, *rest), n

    def _layer(self, node: LayerNode, path: str, n_used: int) -> Iterator[tuple[_Taken, int]]:
        if n_used < len(self._layers):
            taken = _shared_out(node, path, self._layers[n_used])
            if taken is not None:
                yield taken, n_used + 1
        kinds = [self._table[part.kind] for part in map(bare, node.components)]
        if all(kind.declares.effect != "produce" for kind in kinds):
            yield (), n_used  # the canonical form may leave it out


def _shared_out(node: LayerNode, path: str, layer: Layer) -> _Taken | None:
    """Which component of a layer each part becomes; None where one is left over."""
    left = list(layer)
    taken: list[tuple[str, tuple[ComponentSpec, ...]]] = []
    for part, at in parts_of(node, path):
        component = bare(part)
        aliases = component.models or ("",)
        fit = [spec for spec in left if spec.kind == component.kind and spec.model in aliases]
        if isinstance(part, EnsembleNode):
            if not part.is_in_order:
                fit = [spec for spec in fit if spec.params == fit[0].params]
            fit.sort(key=lambda spec: aliases.index(spec.model))
        else:
            fit = fit[:1]
        if not fit:
            return None
        taken.append((at, _members(part, fit)))
        left = [spec for spec in left if spec not in fit]
    return None if left else tuple(taken)


def _members(
    part: ComponentNode | EnsembleNode, found: Sequence[ComponentSpec]
) -> tuple[ComponentSpec, ...]:
    """What a part becomes, with those of one model each for itself, which are merged otherwise."""
    is_dealt = isinstance(part, EnsembleNode) and part.is_in_order
    if not is_dealt or "samples" in dict(bare(part).params):
        return tuple(found)
    return tuple(
        replace(spec, params=tuple(p for p in spec.params if p[0] != "samples"))
        for spec in found
        for _ in range(cast(int, spec.param("samples", 1)))
    )


def _has_so_many(move: Move, layer: Layer) -> bool:
    """Whether a layer may have its numbers of samples by a move: moves differ in that alone."""
    for part in move.layer.components:
        dimension = dict(bare(part).params).get("samples")
        for spec in layer:
            samples = cast(int, spec.param("samples", 1))
            if isinstance(dimension, Fixed) and dimension.value != samples:
                return False
            if isinstance(dimension, Range) and not dimension.low <= samples <= dimension.high:
                return False
    return True


@dataclass(frozen=True, slots=True)
class _Towards:
    """Answers as the wanted components are; plainly where nothing is wanted."""

    taken: Mapping[str, Scalar | tuple[ComponentSpec, ...]]
    table: Mapping[str, type[Component]]

    def category(self, name: str, options: Sequence[Scalar]) -> Scalar:
        """See ``Choices``."""
        value = self._wanted(name)
        return value if value in options else Plain().category(name, options)

    def integer(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """See ``Choices``."""
        value = self._wanted(name)
        is_inside = isinstance(value, int) and low <= value <= high and not (value - low) % step
        return value if is_inside and isinstance(value, int) else low

    def number(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """See ``Choices``."""
        value = self._wanted(name)
        return float(value) if isinstance(value, int | float) and low <= value <= high else low

    def _wanted(self, name: str) -> Scalar:
        chosen = self.taken.get(name)
        if chosen is not None and not isinstance(chosen, tuple):
            return chosen
        for path, specs in self.taken.items():
            if isinstance(specs, tuple) and name.startswith(f"{path}."):
                return self._of_component(specs, name.removeprefix(f"{path}."))
        return None

    def _of_component(self, specs: tuple[ComponentSpec, ...], question: str) -> Scalar:
        models = [spec.model for spec in specs]
        if question == "model":
            return models[0]
        if question == "models.n":
            return len(models)
        if question.startswith("models."):
            alias = question.removeprefix("models.").partition(".")[2]
            return alias in models if alias else "+".join(models)
        question = question.rpartition(".")[2]
        known = parameters(self.table[specs[0].kind])
        default = known[question].default if question in known else None
        value = specs[0].param(question, cast(Scalar, default))
        return json.dumps(value) if isinstance(value, tuple) else value
