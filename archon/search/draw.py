"""One walk through a space: every open choice is asked of a ``Choices``, and a pipeline comes out.

A question's name is the path of what it decides ("1.one_of", "0.generate.samples"), so the same
question has the same name in every walk that meets it, and samplers can learn from it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from itertools import combinations

from archon.core.architecture import Architecture, ComponentSpec, Layer, ParamValue
from archon.search.space import (
    Chain,
    Choices,
    ComponentNode,
    Dimension,
    EnsembleNode,
    Fixed,
    Grammar,
    LayerNode,
    Move,
    Node,
    OneOf,
    Options,
    Range,
    Space,
    State,
    bare,
    components_below,
)

MOST_SUBSETS = 1024
"""Up to here a set of models is one question; beyond, each model is asked for by itself."""


def draw(space: Space, choices: Choices) -> Architecture:
    """The architecture that ``choices`` picks; not yet in canonical form.

    Its number of calls may pass ``space.max_calls``; ``Proposer`` looks at that.
    """
    return Architecture(tuple(_layers(space.root, "", choices)))


def _layers(node: Node, path: str, choices: Choices) -> Iterator[Layer]:
    if isinstance(node, LayerNode):
        yield tuple(spec for part in parts_of(node, path) for spec in _specs(*part, choices))
    elif isinstance(node, Chain):
        for i, child in enumerate(node.nodes):
            yield from _layers(child, joined(path, str(i)), choices)
    elif isinstance(node, OneOf):
        name = joined(path, "one_of")
        label = choices.category(name, [label for label, _ in node.alternatives])
        chosen = dict(node.alternatives)[str(label)]
        yield from _layers(chosen, f"{name}={label}", choices)
    elif isinstance(node, Grammar):
        yield from _through(node, path, choices)
    else:
        name = joined(path, "times")
        times = node.low
        if node.low < node.high:
            times = choices.integer(name, node.low, node.high)
        for i in range(times):
            yield from _layers(node.node, joined(path, f"round{i}"), choices)


def _through(grammar: Grammar, path: str, choices: Choices) -> Iterator[Layer]:
    """First what the next layer does (or that there is none), then which layer does it."""
    state = grammar.states[0]
    for left in range(grammar.most, -1, -1):
        name = question_at(grammar, path, state, left)
        groups = dict(grammar.open_at(state, left))
        effect = _label(name, list(groups), choices)
        moves = {move.label: move for move in groups[effect]}
        if not moves:
            return
        within = joined(f"{name}={effect}", "one_of")
        move = moves[_label(within, list(moves), choices)]
        yield from _layers(move.layer, f"{within}={move.label}", choices)
        state = grammar.states[move.to]


def question_at(grammar: Grammar, path: str, state: State, left: int) -> str:
    """The name of the question what comes next in a state, with so many layers left."""
    return joined(path, f"{grammar.most - left}.{state.name}.one_of")


def _label(name: str, labels: Sequence[str], choices: Choices) -> str:
    return labels[0] if len(labels) == 1 else str(choices.category(name, labels))


def parts_of(node: LayerNode, path: str) -> Iterator[tuple[ComponentNode | EnsembleNode, str]]:
    """Components with their paths; of several of one kind, the later ones are numbered."""
    seen: dict[str, int] = {}
    for part in node.components:
        kind = part.component.kind if isinstance(part, EnsembleNode) else part.kind
        n = seen[kind] = seen.get(kind, 0) + 1
        yield part, joined(path, kind if n == 1 else f"{kind}{n}")


def _specs(
    part: ComponentNode | EnsembleNode, path: str, choices: Choices
) -> Iterator[ComponentSpec]:
    if isinstance(part, EnsembleNode):
        models: Sequence[str] = _subset(part, f"{path}.models", choices)
        component = part.member(len(models))
    else:
        component = part
        models = (_model(part, f"{path}.model", choices),)
    params = tuple(
        sorted(
            (name, _value(dimension, _named(part, path, name, dimension), choices))
            for name, dimension in component.params
        )
    )
    for model in models:
        yield ComponentSpec(component.kind, model, params)


def _named(part: ComponentNode | EnsembleNode, path: str, name: str, dimension: Dimension) -> str:
    """The name of the question what a parameter is.

    The same name has the same options in every walk; a range may end elsewhere.
    """
    if isinstance(dimension, Options) and dimension != dict(bare(part).params)[name]:
        return f"{path}.of_{len(dimension.values)}.{name}"
    return f"{path}.{name}"


def _model(node: ComponentNode, name: str, choices: Choices) -> str:
    if len(node.models) < 2:
        return node.models[0] if node.models else ""
    return str(choices.category(name, node.models))


def _subset(node: EnsembleNode, name: str, choices: Choices) -> tuple[str, ...]:
    """Which models stand side by side: first how many, then which of the sets of that size."""
    models, size = node.component.models, node.minimum
    if node.minimum < node.maximum:
        size = choices.integer(f"{name}.n", node.minimum, node.maximum, step=node.step)
    if node.is_in_order:
        return tuple(models[i % len(models)] for i in range(size))
    if size == len(models):
        return models
    if math.comb(len(models), size) > MOST_SUBSETS:
        return _one_by_one(models, size, name, choices)
    sets = {"+".join(some): some for some in combinations(models, size)}
    return sets[str(choices.category(f"{name}.{size}", list(sets)))]


def _one_by_one(models: Sequence[str], size: int, name: str, choices: Choices) -> tuple[str, ...]:
    """Models in turn, in or out, asked only while both lead to a set of ``size``."""
    taken: list[str] = []
    for i, model in enumerate(models):
        missing, left = size - len(taken), len(models) - i
        is_in = missing == left
        if 0 < missing < left:
            is_in = bool(choices.category(f"{name}.{size}.{model}", (False, True)))
        taken += [model] * is_in
    return tuple(taken)


def _value(dimension: Dimension, name: str, choices: Choices) -> ParamValue:
    if isinstance(dimension, Fixed):
        return dimension.value
    if isinstance(dimension, Options):
        return _option(dimension, name, choices)
    if dimension.is_integer:
        return choices.integer(
            name, int(dimension.low), int(dimension.high), step=dimension.step, log=dimension.log
        )
    return choices.number(name, dimension.low, dimension.high, log=dimension.log)


def _option(dimension: Options, name: str, choices: Choices) -> ParamValue:
    """Plain values are asked for as they are, lists by their JSON text."""
    values = dimension.values
    if any(isinstance(value, tuple) for value in values):
        texts = {json.dumps(value): value for value in values}
        return texts[str(choices.category(name, list(texts)))]
    scalars = [value for value in values if not isinstance(value, tuple)]
    return choices.category(name, scalars)


def joined(path: str, part: str) -> str:
    """The path of a part of what stands at a path."""
    return f"{path}.{part}" if path else part


def open_numbers(node: Node, path: str = "") -> Iterator[tuple[str, Range]]:
    """Every open number at or below ``node`` under the name of its question, on whatever walk."""
    for layer, within in _layers_at(node, path):
        for part, at in parts_of(layer, within):
            for name, dimension in bare(part).params:
                if isinstance(dimension, Range):
                    yield f"{at}.{name}", dimension


def width_questions(node: Node) -> Iterator[str]:
    """The names of the questions between layers, at or below ``node``, that are about no more than
    how many stand side by side.
    """
    for leaf, path in _leaves_at(node, ""):
        if isinstance(leaf, Grammar):
            for within, moves in _groups_at(leaf, path):
                if all(move.is_width for move in moves):
                    yield within


def _layers_at(node: Node, path: str) -> Iterator[tuple[LayerNode, str]]:
    """Every layer at or below ``node`` with its path, as often as it has another one."""
    for leaf, at in _leaves_at(node, path):
        if isinstance(leaf, LayerNode):
            yield leaf, at
            continue
        for within, moves in _groups_at(leaf, at):
            yield from ((move.layer, f"{within}={move.label}") for move in moves)


def _leaves_at(node: Node, path: str) -> Iterator[tuple[LayerNode | Grammar, str]]:
    """What no choice of the tree is below, with its path, as often as it has another one."""
    if isinstance(node, LayerNode | Grammar):
        yield node, path
    elif isinstance(node, Chain):
        for i, child in enumerate(node.nodes):
            yield from _leaves_at(child, joined(path, str(i)))
    elif isinstance(node, OneOf):
        for label, child in node.alternatives:
            yield from _leaves_at(child, f"{joined(path, 'one_of')}={label}")
    else:
        for i in range(node.high):
            yield from _leaves_at(node.node, joined(path, f"round{i}"))


def _groups_at(grammar: Grammar, path: str) -> Iterator[tuple[str, tuple[Move, ...]]]:
    """The moves of each question which layer comes next, with its name."""
    for left in range(grammar.most, 0, -1):
        for state in grammar.states:
            name = question_at(grammar, path, state, left)
            for effect, moves in grammar.open_at(state, left):
                if moves:
                    yield joined(f"{name}={effect}", "one_of"), moves


def is_finite(node: Node) -> bool:
    """Whether the walks below ``node`` can be counted: no open number but whole ones."""
    return all(_is_countable(dim) for part in components_below(node) for _, dim in part.params)


def _is_countable(dimension: Dimension) -> bool:
    return not isinstance(dimension, Range) or dimension.is_integer
