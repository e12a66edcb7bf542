"""Which values of an open component can matter for how layers fit together.

Two settings of a component that need and give the same facts fit, or do not fit, in the same
places; one of them stands for both. Of numbers the smallest and the largest are taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product

from archon.components.base import Component
from archon.components.estimate_calls import keeps_arriving
from archon.components.facts import facts_required, facts_written
from archon.components.table import build
from archon.core.architecture import ComponentSpec, Layer, ParamValue
from archon.search.space import ComponentNode, Dimension, EnsembleNode, LayerNode
from archon.spec.dimensions import is_number, some_values


@dataclass(frozen=True, slots=True)
class Variants:
    """The layers that stand for all settings of an open layer; remembers what it has worked out."""

    table: Mapping[str, type[Component]]
    _known: dict[tuple[LayerNode, bool], tuple[Layer, ...]] = field(default_factory=dict)

    def of(self, node: LayerNode, *, is_high: bool) -> tuple[Layer, ...]:
        """With the smallest numbers (and ensembles), or with the largest."""
        key = (node, is_high)
        if key not in self._known:
            parts = [self._specs(part, is_high=is_high) for part in node.components]
            self._known[key] = tuple(
                tuple(spec for part in picked for spec in part) for picked in product(*parts)
            )
        return self._known[key]

    def _specs(self, part: ComponentNode | EnsembleNode, *, is_high: bool) -> list[Layer]:
        component, n_models = part, 1
        if isinstance(part, EnsembleNode):
            component, n_models = part.component, part.maximum if is_high else part.minimum
        assert isinstance(component, ComponentNode)
        models = component.models[:n_models] or ("",)
        names = [name for name, _ in component.params]
        values = product(*(_values(dim, is_high=is_high) for _, dim in component.params))
        found: dict[object, Layer] = {}
        for combination in values:
            params = tuple(zip(names, combination, strict=True))
            layer = tuple(ComponentSpec(component.kind, model, params) for model in models)
            built = build(layer[0], self.table)
            facts = (facts_required(built), facts_written(built), keeps_arriving(built))
            found.setdefault(facts, layer)
        return list(found.values())


def _values(dimension: Dimension, *, is_high: bool) -> tuple[ParamValue, ...]:
    values = some_values(dimension)
    numbers = [value for value in values if is_number(value)]
    others = tuple(value for value in values if not is_number(value))
    return (*others, max(numbers) if is_high else min(numbers)) if numbers else others
