"""Does any pipeline of a space make few enough calls? Looked for until one is found.

Calls are counted as the search counts them: of the canonical form, and only of pipelines that the
rules allow. Two settings of a component that ask, need and leave the same are one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice, product
from math import inf

from archon.components.base import Component, Interval, Sizes
from archon.components.canonical import MaybeIdle, canonical
from archon.components.estimate_calls import estimate_calls
from archon.components.facts import facts_read, facts_required, facts_written
from archon.components.rules import problems_of
from archon.components.table import build
from archon.core.architecture import Architecture, ComponentSpec, Layer
from archon.search.space import ComponentNode, EnsembleNode, LayerNode
from archon.spec.dimensions import some_values

MOST_TRIED = 5_000
"""So many pipelines are looked at; with more, the question stays open."""
_ARRIVING = (0, 1, 2, 3, 4, 8, 16, 32, 100, 1000)
"""Settings that ask and leave as much with so many candidates are taken to do so with any."""


@dataclass(frozen=True, slots=True)
class FewestCalls:
    """Looks for small pipelines; remembers the settings of the layers it has met."""

    table: Mapping[str, type[Component]]
    _known: dict[LayerNode, tuple[Layer, ...]] = field(default_factory=dict)

    def beyond(self, structures: Sequence[Sequence[LayerNode]], most: int) -> int | None:
        """The calls of the smallest pipeline where all of them make more than ``most``.

        Args:
            structures: Open layers, one sequence for each way in which layers can follow.
            most: Calls a question.

        Returns:
            None where a pipeline is small enough, or where there are too many to be sure.
        """
        cheapest = (self._settings(structure, 0, 1) for structure in structures)
        others = (self._settings(structure, 1, None) for structure in structures)
        fewest = inf
        pipelines = chain(chain.from_iterable(cheapest), chain.from_iterable(others))
        for tried, layers in enumerate(pipelines):
            fewest = min(fewest, self._calls(Architecture(layers)))
            if fewest <= most or tried >= MOST_TRIED:
                return None
        return None if fewest == inf else int(fewest)

    def _settings(
        self, structure: Sequence[LayerNode], first: int, end: int | None
    ) -> Iterator[tuple[Layer, ...]]:
        return islice(product(*map(self._of_layer, structure)), first, end)

    def _calls(self, architecture: Architecture) -> float:
        if any(problem.path != "layers" for problem in problems_of(architecture, self.table)):
            return inf
        return estimate_calls(canonical(architecture, self.table), self.table).calls.high

    def _of_layer(self, node: LayerNode) -> tuple[Layer, ...]:
        """The settings of a layer that differ in calls or in what follows, cheapest first."""
        if node not in self._known:
            parts = [self._of_part(part) for part in node.components]
            layers = [tuple(spec for part in picked for spec in part) for picked in product(*parts)]
            self._known[node] = tuple(sorted(layers, key=self._size))
        return self._known[node]

    def _of_part(self, part: ComponentNode | EnsembleNode) -> list[Layer]:
        component = part.component if isinstance(part, EnsembleNode) else part
        n_models = part.minimum if isinstance(part, EnsembleNode) else 1
        names = [name for name, _ in component.params]
        values = product(*(some_values(dimension) for _, dimension in component.params))
        found: dict[object, Layer] = {}
        for combination in values:
            params = tuple(zip(names, combination, strict=True))
            for models in self._models(component, n_models):
                layer = tuple(ComponentSpec(component.kind, model, params) for model in models)
                found.setdefault(_behaviour(build(layer[0], self.table), models), layer)
        return list(found.values())

    def _models(self, component: ComponentNode, n: int) -> list[tuple[str, ...]]:
        """Any models, but each of them where a repetition of the same one is left out."""
        if n == 1 and getattr(self.table[component.kind], "is_idempotent", False):
            return [(model,) for model in component.models] or [("",)]
        return [component.models[:n] or ("",)]

    def _size(self, layer: Layer) -> tuple[int, int]:
        """Calls with one candidate and with several."""
        built = [build(spec, self.table) for spec in layer]
        one, several = (
            sum(component.bounds(_sizes(n)).calls.high for component in built) for n in (1, 8)
        )
        return one, several


def _behaviour(component: Component, models: tuple[str, ...]) -> object:
    """Equal for components that count the same, whatever stands around them."""
    return (
        models,
        facts_read(component),
        facts_required(component),
        facts_written(component),
        tuple(component.bounds(_sizes(n)) for n in _ARRIVING),
        isinstance(component, MaybeIdle) and tuple(map(component.is_idle, _ARRIVING)),
    )


def _sizes(n: int) -> Sizes:
    return Sizes(Interval(n, n), Interval(min(n, 8), min(n, 8)))
