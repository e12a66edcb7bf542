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
    return sum(walks_below(node.node) ** times for times in range(node.low, node.high + 1))


def answers_of(part: ComponentNode | EnsembleNode) -> int:
    """In how many ways the questions of one component can be answered."""
    if isinstance(part, EnsembleNode):
        models = len(part.component.models)
        sets = sum(math.comb(models, size) for size in range(part.minimum, part.maximum + 1))
        return sets * _values(part.component)
    return max(1, len(part.models)) * _values(part)


def _values(node: ComponentNode) -> int:
    return math.prod(width_of(dimension) for _, dimension in node.params)


def width_of(dimension: Dimension) -> int:
    """How many values a parameter can take."""
    if isinstance(dimension, Fixed):
        return 1
    if isinstance(dimension, Options):
        return len(dimension.values)
    return (int(dimension.high) - int(dimension.low)) // dimension.step + 1
