"""How large a space is: counted by arithmetic over its tree, however large."""

from __future__ import annotations

import math

from archon.search.draw import is_finite
from archon.search.space import (
    Chain,
    ComponentNode,
    Dimension,
    EnsembleNode,
    Fixed,
    Grammar,
    LayerNode,
    Node,
    OneOf,
    Options,
    Space,
)


def count_walks(space: Space) -> int | None:
    """In how many ways the questions of a space can be answered; None if a number is not whole.

    Several answers may lead to one pipeline, and some to one over ``space.max_calls``, so this is
    an upper bound on the pipelines, and the exact number of what ``archon.search.choices.walks``
    goes through.
    """
    return walks_below(space.root) if is_finite(space.root) else None


def walks_below(node: Node) -> int:
    """How many walks there are through a part of a space that is finite."""
    if isinstance(node, LayerNode):
        return math.prod(answers_of(part) for part in node.components)
    if isinstance(node, Chain):
        return math.prod(walks_below(child) for child in node.nodes)
    if isinstance(node, OneOf):
        return sum(walks_below(child) for _, child in node.alternatives)
    if isinstance(node, Grammar):
        return node.states[0].walks[node.most]
    return sum(walks_below(node.node) ** times for times in range(node.low, node.high + 1))


def answers_of(part: ComponentNode | EnsembleNode) -> int:
    """In how many ways the questions of one component can be answered."""
    if isinstance(part, EnsembleNode):
        return sum(sets_of(part, size) * values_of(part.member(size)) for size in part.sizes)
    return max(1, len(part.models)) * values_of(part)


def sets_of(part: EnsembleNode, size: int) -> int:
    """In how many ways ``size`` members can be chosen."""
    return 1 if part.is_in_order else math.comb(len(part.component.models), size)


def values_of(node: ComponentNode) -> int:
    """In how many ways the parameters can be set."""
    return math.prod(width_of(dimension) for _, dimension in node.params)


def width_of(dimension: Dimension) -> int:
    """How many values a parameter can take."""
    if isinstance(dimension, Fixed):
        return 1
    if isinstance(dimension, Options):
        return len(dimension.values)
    return (int(dimension.high) - int(dimension.low)) // dimension.step + 1
