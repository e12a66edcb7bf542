"""What every winner is compared with: one call to each model, as somebody without Archon does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from archon.components.generate import Generate
from archon.components.table import parameters
from archon.core.architecture import Architecture, ComponentSpec, ParamValue
from archon.search.propose import Start
from archon.search.space import (
    ComponentNode,
    Dimension,
    Fixed,
    Node,
    Options,
    Space,
    components_below,
)

N_SINGLE_CALLS = 3
"""So many single calls run on the held-out questions; a winner is better than each of them."""


def single_calls(space: Space) -> tuple[Start, ...]:
    """One call to each model that the space generates with, each model once.

    Other parameters are as the first ``generate`` of that model fixes them; where it leaves a
    choice, the component's default if that is allowed, else the allowed value that comes first.
    """
    found: dict[str, Start] = {}
    for node in _generators(space.root):
        params = {name: _plain(name, dimension) for name, dimension in node.params}
        params["samples"] = 1
        for model in node.models:
            spec = ComponentSpec.of("generate", model, **params)
            found.setdefault(model, Start(Architecture(((spec,),)), "baseline"))
    return tuple(found.values())


def _generators(node: Node) -> Iterator[ComponentNode]:
    return (part for part in components_below(node) if part.kind == Generate.kind)


def _plain(name: str, dimension: Dimension) -> ParamValue:
    if isinstance(dimension, Fixed):
        return dimension.value
    default = cast(ParamValue, parameters(Generate)[name].default)
    if isinstance(dimension, Options):
        return default if default in dimension.values else dimension.values[0]
    is_inside = isinstance(default, int | float) and dimension.low <= default <= dimension.high
    value = default if is_inside else dimension.low
    assert isinstance(value, int | float)
    return int(value) if dimension.is_integer else float(value)
