"""Pipelines that lack one part of another: a layer, a model, one of several components, samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal, cast

from archon.components.base import Component
from archon.components.canonical import canonical
from archon.components.rules import problems_of
from archon.components.table import COMPONENTS, parameters
from archon.core.architecture import Architecture, ComponentSpec, Layer

Part = Literal["layer", "model", "component", "samples"]

COUNTS = ("samples", "votes", "permutations")
"""The parameters that say how often a component asks one and the same thing."""


@dataclass(frozen=True, slots=True)
class Variant:
    """A valid pipeline without one part of another."""

    part: Part
    architecture: Architecture
    """In canonical form; what has no effect without the part is gone too."""
    layer: int | None = None
    """Where the part is, from 0; None for a model, which may be in several layers."""
    component: ComponentSpec | None = None
    """What is left out of a layer of several, or has fewer samples; None else."""
    model: str = ""
    """The model that is left out everywhere; "" else."""
    count: str = ""
    """Which number is lower: one of ``COUNTS``; "" else."""
    n: int | None = None
    """What it is lowered to."""

    @property
    def pipeline_id(self) -> str:
        """The variant's own id."""
        return self.architecture.pipeline_id()


def variants_of(
    architecture: Architecture, table: Mapping[str, type[Component]] = COMPONENTS
) -> tuple[Variant, ...]:
    """All variants that are still valid pipelines and differ from it and from each other.

    Where two ways lead to one pipeline (the layer of a model that is in no other), the first
    counts, in the order layers, models, components, samples. A number of samples is halved, and
    lowered to one.

    Args:
        architecture: A valid pipeline.
        table: Component kinds.

    Raises:
        SpecError: A component cannot be built.
    """
    whole = canonical(architecture, table)
    found: dict[str, Variant] = {}
    for variant in _all(whole, table):
        smaller = _without_loose_end(variant.architecture, table)
        if problems_of(smaller, table):
            continue
        simple = canonical(smaller, table)
        if simple != whole:
            found.setdefault(simple.pipeline_id(), replace(variant, architecture=simple))
    return tuple(found.values())


def _all(whole: Architecture, table: Mapping[str, type[Component]]) -> Iterator[Variant]:
    layers = whole.layers
    for i in range(len(layers)):
        yield Variant("layer", _with_layer(whole, i, ()), layer=i)
    for model in whole.models():
        kept = (tuple(s for s in layer if s.model != model) for layer in layers)
        yield Variant("model", _without_empty(kept), model=model)
    for i, layer in enumerate(layers):
        if len(layer) > 1:
            for j, spec in enumerate(layer):
                rest = _with_layer(whole, i, (*layer[:j], *layer[j + 1 :]))
                yield Variant("component", rest, layer=i, component=spec)
    for i, layer in enumerate(layers):
        for j, spec in enumerate(layer):
            for name, n in _fewer(spec, table):
                params = {**dict(spec.params), name: n}
                one = ComponentSpec.of(spec.kind, spec.model, **params)
                changed = _with_layer(whole, i, (*layer[:j], one, *layer[j + 1 :]))
                yield Variant("samples", changed, layer=i, component=spec, count=name, n=n)


def _fewer(spec: ComponentSpec, table: Mapping[str, type[Component]]) -> Iterator[tuple[str, int]]:
    """Each number of a component that can be lower, with each value that it is lowered to."""
    known = parameters(table[spec.kind])
    for name in COUNTS:
        if name not in known:
            continue
        n = cast(int, spec.param(name, cast(int, known[name].default)))
        yield from ((name, fewer) for fewer in dict.fromkeys((n // 2, 1)) if 1 <= fewer < n)


def _with_layer(whole: Architecture, i: int, layer: Layer) -> Architecture:
    return _without_empty((*whole.layers[:i], layer, *whole.layers[i + 1 :]))


def _without_empty(layers: Iterator[Layer] | tuple[Layer, ...]) -> Architecture:
    return Architecture(tuple(layer for layer in layers if layer))


def _without_loose_end(
    architecture: Architecture, table: Mapping[str, type[Component]]
) -> Architecture:
    """Without last layers that only add what nobody reads any more."""
    layers = architecture.layers
    while layers and all(table[spec.kind].declares.effect == "annotate" for spec in layers[-1]):
        layers = layers[:-1]
    return Architecture(layers)
