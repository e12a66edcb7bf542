"""How an open layer of a space becomes a given layer in canonical form, or nothing in it.

The parts of a layer share what it becomes: two and three samples of one request are five, models
that are dealt round again have more samples than others, and of two annotators one may be left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from archon.components.table import parameters
from archon.core.architecture import ComponentSpec, Layer, ParamValue
from archon.search.fit_component import Place, Table, spec_that_goes, spec_towards
from archon.search.space import ComponentNode, EnsembleNode, Fixed, LayerNode, Options, bare

_MOST_WAYS = 5_000
"""So many ways are looked at in which the parts of a layer may share what it becomes. Few are
needed where many models are asked alike; where each is asked another number of times, a way that is
there may be missed."""

_Part = ComponentNode | EnsembleNode
_Amounts = Mapping[ComponentSpec, int]
"""Of what samples, how often, by the rest of it; of anything else, how many there are of it."""


def fitted(node: LayerNode, wanted: Layer, place: Place, table: Table) -> tuple[Layer, ...] | None:
    """What to choose so that an open layer becomes ``wanted``.

    Args:
        node: The open layer.
        wanted: In canonical form; () where the whole layer is to be left out.
        place: Where it stands.
        table: Component kinds.

    Returns:
        The components of each part as they are to be drawn; None where nothing is found, which is
        no proof that there is nothing.
    """
    effects = {table[bare(part).kind].declares.effect for part in node.components}
    if len(effects) != 1:
        return None  # ill typed, whatever is chosen
    sharing = _Sharing(place, table)
    return next(sharing.of(node.components, sharing.amounts(wanted)), None)


@dataclass(slots=True)
class _Sharing:
    """Shares a layer in canonical form out among the parts of an open one."""

    place: Place
    table: Table
    n_ways: int = 0

    def amounts(self, layer: Layer) -> _Amounts:
        """What there is of everything in a layer."""
        found: dict[ComponentSpec, int] = {}
        for spec in layer:
            rest, n = spec, 1
            if (default := self._default_samples(spec.kind)) is not None:
                rest = replace(spec, params=tuple(p for p in spec.params if p[0] != "samples"))
                n = cast(int, spec.param("samples", default))
            found[rest] = found.get(rest, 0) + n
        return found

    def of(self, parts: Sequence[_Part], amounts: _Amounts) -> Iterator[tuple[Layer, ...]]:
        """The ways in which the parts take all of the amounts."""
        if not parts:
            if not amounts:
                yield ()
            return
        for taken, left in self._ways(parts[0], amounts, parts[1:]):
            for others in self.of(parts[1:], left):
                yield (taken, *others)

    def _ways(
        self, part: _Part, amounts: _Amounts, others: Sequence[_Part]
    ) -> Iterator[tuple[Layer, _Amounts]]:
        """What one part may become, and what that leaves to the others."""
        members = part if isinstance(part, EnsembleNode) else EnsembleNode(part, 1, 1)
        alone = {key for key in amounts if not any(_may_be(bare(one), key) for one in others)}
        for alike in _alike(members.component, amounts):
            must = {model for model, key in alike.items() if key in alone}
            if len(must) < len(alone):
                continue
            kinds = _alike_to_all(members, alike, must, amounts, others)
            for models in _choices(members, alike, must, kinds):
                if not self._may_look():
                    return
                for layer, used in self._drawn(members, models, alike, amounts):
                    left = {key: n - used.get(key, 0) for key, n in amounts.items()}
                    if not any(left[key] for key in alone):
                        yield layer, {key: n for key, n in left.items() if n}
        if not alone and (left_out := self._left_out(members)) is not None:
            yield left_out, amounts

    def _drawn(
        self,
        members: EnsembleNode,
        models: Sequence[str],
        alike: Mapping[str, ComponentSpec],
        amounts: _Amounts,
    ) -> Iterator[tuple[Layer, _Amounts]]:
        """Members of these models, each with as many samples; and what they come to."""
        node, times = members.member(len(models)), Counter(models)
        most = min(amounts[alike[model]] // n for model, n in times.items())
        for samples in self._samples(node, most):
            if not self._may_look():
                return
            wanted = self._with_samples(alike[models[0]], samples)
            if (spec := spec_towards(node, wanted, self.place, self.table)) is not None:
                layer = tuple(replace(spec, model=model) for model in models)
                yield layer, {alike[model]: n * samples for model, n in times.items()}

    def _may_look(self) -> bool:
        """Whether one more way is looked at."""
        self.n_ways += 1
        return self.n_ways <= _MOST_WAYS

    def _left_out(self, members: EnsembleNode) -> Layer | None:
        node = members.member(members.minimum)
        spec = spec_that_goes(node, self.place, self.table)
        if spec is None or members.minimum == 1:
            return None if spec is None else (spec,)
        models = _in_order(members, members.minimum)
        return tuple(replace(spec, model=model) for model in models)

    def _samples(self, node: ComponentNode, most: int) -> Sequence[int]:
        """How often a component may sample, at most so often; the most first."""
        default = self._default_samples(node.kind)
        if default is None:
            return (1,)
        dimension = dict(node.params).get("samples", Fixed(default))
        if isinstance(dimension, Fixed | Options):
            values = (dimension.value,) if isinstance(dimension, Fixed) else dimension.values
            return sorted((n for n in cast(Sequence[int], values) if n <= most), reverse=True)
        high = min(most, int(dimension.high))
        return range(int(dimension.low), high + 1, dimension.step)[::-1]

    def _with_samples(self, rest: ComponentSpec, samples: int) -> ComponentSpec:
        if self._default_samples(rest.kind) in (None, samples):
            return rest
        params: dict[str, ParamValue] = {**dict(rest.params), "samples": samples}
        return ComponentSpec.of(rest.kind, rest.model, **params)

    def _default_samples(self, kind: str) -> int | None:
        """None where equal ones do not become one whose samples add."""
        samples = parameters(self.table[kind]).get("samples")
        if self.table[kind].declares.effect != "produce" or samples is None:
            return None
        return cast(int, samples.default)


def _may_be(node: ComponentNode, spec: ComponentSpec) -> bool:
    return node.kind == spec.kind and spec.model in (node.models or ("",))


def _alike(node: ComponentNode, amounts: _Amounts) -> Iterator[Mapping[str, ComponentSpec]]:
    """What a component may be of, by model: what differs in nothing else goes together."""
    found: dict[object, dict[str, ComponentSpec]] = {}
    for key in amounts:
        if _may_be(node, key):
            found.setdefault(key.params, {})[key.model] = key
    yield from found.values()


def _alike_to_all(
    members: EnsembleNode,
    alike: Mapping[str, ComponentSpec],
    must: set[str],
    amounts: _Amounts,
    others: Sequence[_Part],
) -> Sequence[Sequence[str]]:
    """The models that may stand in an ensemble and need not, those together that are one as good as
    the other: as many samples are wanted of them, and the same other parts may ask them.
    """
    found: dict[object, list[str]] = {}
    for model in members.component.models or ("",):
        if model in alike and model not in must:
            key = alike[model]
            places = tuple(_place_in(other, key) for other in others)
            found.setdefault((amounts[key], places), []).append(model)
    return tuple(found.values())


def _place_in(part: _Part, spec: ComponentSpec) -> int | None:
    """None where it cannot be in it; else 0, or the place of its model where that matters."""
    node = bare(part)
    if not _may_be(node, spec):
        return None
    is_in_order = isinstance(part, EnsembleNode) and part.is_in_order
    return node.models.index(spec.model) if is_in_order and node.models else 0


def _choices(
    members: EnsembleNode,
    alike: Mapping[str, ComponentSpec],
    must: set[str],
    kinds: Sequence[Sequence[str]],
) -> Iterator[tuple[str, ...]]:
    """The models that may stand side by side, the most of them first.

    Args:
        members: The open ensemble.
        alike: The models that are wanted.
        must: Those of them that nothing else in the layer asks.
        kinds: The others; of each kind the first ones stand for any.
    """
    offered = members.component.models or ("",)
    for size in reversed(members.sizes):
        if members.is_in_order:
            models = _in_order(members, size)
            if set(models) <= set(alike):
                yield models
        elif size >= len(must):
            for more in _first_of_each(kinds, size - len(must)):
                yield tuple(model for model in offered if model in must or model in more)


def _first_of_each(kinds: Sequence[Sequence[str]], n: int) -> Iterator[tuple[str, ...]]:
    """The ways to take so many, of each kind the first ones."""
    if n > sum(map(len, kinds)):
        return
    if not kinds:
        yield ()
        return
    first, others = kinds[0], kinds[1:]
    for n_first in range(min(n, len(first)), -1, -1):
        for more in _first_of_each(others, n - n_first):
            yield (*first[:n_first], *more)


def _in_order(members: EnsembleNode, size: int) -> tuple[str, ...]:
    offered = members.component.models or ("",)
    return tuple(offered[i % len(offered)] for i in range(size))
