"""Small spaces for tests of drawing and proposing."""

from __future__ import annotations

from archon.search.space import (
    Chain,
    ComponentNode,
    EnsembleNode,
    Fixed,
    LayerNode,
    OneOf,
    Options,
    Range,
    Repeat,
    Space,
)


def generate(**params: Fixed | Options | Range) -> LayerNode:
    """A layer that samples from the model "small"."""
    return LayerNode((ComponentNode("generate", ("small",), tuple(params.items())),))


def longest() -> LayerNode:
    """A layer that puts the longest candidate on top, alone."""
    return LayerNode((ComponentNode("select", (), (("order", Fixed("longest")),)),))


def ensemble(*models: str, low: int, high: int) -> LayerNode:
    """A layer that asks ``low`` to ``high`` of the models once each."""
    return LayerNode((EnsembleNode(ComponentNode("generate", models), low, high),))


def space(*nodes: LayerNode | Chain | OneOf | Repeat, max_calls: int | None = None) -> Space:
    """A space of these layers, one after the other."""
    return Space(Chain(nodes), max_calls)


SAMPLES = Options((1, 2, 4, 8))
TEMPERATURES = Options((0.3, 0.7, 1.0))
PICK = OneOf((("nothing", Chain()), ("longest", longest())))


def small_space(max_calls: int | None = None) -> Space:
    """4 x 3 x 2 walks, of which 3 pairs are equal: one candidate needs no picking."""
    return space(generate(samples=SAMPLES, temperature=TEMPERATURES), PICK, max_calls=max_calls)
