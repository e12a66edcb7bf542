"""The canonical form: pipelines that do the same have one text, hence one id.

Rewrites, applied until nothing changes; each makes the architecture smaller or leaves its calls
as they are:

1. Parameters at their defaults, or without effect, are left out.
2. Equal producers of a layer become one whose samples add: slots go by request, so the calls are
   literally the same.
3. Components of a layer are sorted by their JSON; that is the order in which results are merged.
4. A selector that can get one candidate at most goes, unless its score is read later; so does one
   that keeps everything as it is.
5. An annotator goes if nobody reads what it adds before the candidates are replaced or the
   pipeline ends.
6. An idempotent selector right after its equal goes.

What runs is always the canonical form. So two equal fusers with shuffled orders are one whose
samples see different orders, not two that see the same.

Not equalities, though tempting: several samples at temperature 0; swapping a filter and a ranker;
splitting a fuse layer in two.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, replace
from functools import cache
from typing import Any, ClassVar, Protocol, cast, runtime_checkable

from archon.components.base import Component, Sizes
from archon.components.estimate_calls import layer_bounds
from archon.components.facts import facts_written, is_met, live_before, name_of
from archon.components.table import COMPONENTS, as_declared, build, parameters
from archon.core.architecture import Architecture, ComponentSpec, ParamValue


@runtime_checkable
class Simplifying(Protocol):
    """A component, some of whose parameters have no effect for some values of others."""

    def simplified(self) -> Component:
        """The same component with parameters that have no effect at their defaults."""
        ...


@runtime_checkable
class Idempotent(Protocol):
    """A selector that changes nothing when it is applied again to its own result."""

    is_idempotent: ClassVar[bool]


@runtime_checkable
class MaybeIdle(Protocol):
    """A selector that does nothing at all for some values of its parameters."""

    def is_idle(self, n_most: int) -> bool:
        """Whether it leaves up to ``n_most`` candidates as they arrive."""
        ...


@dataclass(frozen=True, slots=True)
class Simplified:
    """An architecture in canonical form, and what was left out on the way."""

    architecture: Architecture
    removals: tuple[str, ...]
    """Sentences for the user; ``layers[i]`` counts in the architecture as it was given."""


_Numbered = tuple[tuple[int, tuple[Component, ...]], ...]
"""Layers with their places in the architecture as it was given."""


def canonical(
    architecture: Architecture, table: Mapping[str, type[Component]] = COMPONENTS
) -> Architecture:
    """The canonical form of a well-typed architecture; ``canonical`` of it is itself.

    Raises:
        SpecError: A component cannot be built.
    """
    return simplify(architecture, table).architecture


def simplify(
    architecture: Architecture, table: Mapping[str, type[Component]] = COMPONENTS
) -> Simplified:
    """The canonical form, with a sentence for each component that it leaves out.

    Raises:
        SpecError: A component cannot be built.
    """
    layers: _Numbered = tuple(
        (i, tuple(build(spec, table) for spec in layer))
        for i, layer in enumerate(architecture.layers)
    )
    removals: list[str] = []
    while True:
        layers = _normalised(layers, table)
        smaller, why = _without_useless(layers)
        if not why:
            return Simplified(_architecture(layers), tuple(removals))
        layers, removals = smaller, [*removals, *why]


def spec_of(component: Component) -> ComponentSpec:
    """The spec that builds this component, without what is at its default."""
    params: dict[str, ParamValue] = {}
    for name, field in parameters(type(component)).items():
        value = as_declared(getattr(component, name), field)
        if field.default is MISSING or value != field.default:
            params[name] = value
    return ComponentSpec.of(component.kind, component.model, **params)


def _architecture(layers: _Numbered) -> Architecture:
    return Architecture(tuple(tuple(map(spec_of, layer)) for _, layer in layers))


def _normalised(layers: _Numbered, table: Mapping[str, type[Component]]) -> _Numbered:
    """Rules 1 to 3, layer by layer with the sizes that arrive."""
    found, arriving = [], Sizes()
    for i, layer in layers:
        simple = [settled(component, arriving) for component in layer]
        specs = sorted(_merged([spec_of(component) for component in simple], table), key=_text)
        components = tuple(build(spec, table) for spec in specs)
        found.append((i, components))
        arriving = layer_bounds(components, arriving).after
    return tuple(found)


def settled(component: Component, arriving: Sizes) -> Component:
    """The component with what has no effect, where these sizes arrive, in its one form."""
    return _loosest(_simple(component), arriving)


def _simple(component: Component) -> Component:
    return cast(Simplifying, component).simplified() if simplifies(type(component)) else component


@cache
def simplifies(kind: type[Component]) -> bool:
    """Whether components of this class are ``Simplifying``."""
    # Asked of every component of every pipeline that is looked at; a protocol takes its time.
    return hasattr(kind, "simplified")


def _loosest(component: Component, arriving: Sizes) -> Component:
    """Where ``keep`` can cut nothing off, the one value of it that stands for "all"."""
    field = parameters(type(component)).get("keep")
    if field is None or component.declares.effect != "select":
        return component
    keep, most = getattr(component, "keep", None), max(1, arriving.candidates.high)
    if keep is not None and keep < most:
        return component
    all_of_them: int | None = most
    if "None" in str(field.type):
        all_of_them = None
    elif isinstance(field.default, int) and field.default >= most:
        all_of_them = field.default
    looser = cast(Component, replace(cast(Any, component), keep=all_of_them))
    return looser if looser.bounds(arriving) == component.bounds(arriving) else component


def _merged(
    specs: Sequence[ComponentSpec], table: Mapping[str, type[Component]]
) -> Iterator[ComponentSpec]:
    """Rule 2: equal producers become one, or as few as the most samples of one allow."""
    totals: dict[ComponentSpec, int] = {}
    for spec in specs:
        kind = table[spec.kind]
        samples = parameters(kind).get("samples")
        if kind.declares.effect != "produce" or samples is None:
            yield spec
            continue
        rest = replace(spec, params=tuple(p for p in spec.params if p[0] != "samples"))
        n = cast(int, spec.param("samples", cast(int, samples.default)))
        totals[rest] = totals.get(rest, 0) + n
    for rest, total in totals.items():
        samples = parameters(table[rest.kind])["samples"]
        most = samples.metadata["high"] or total
        while total > 0:
            n = min(total, int(most))
            params = {**dict(rest.params), **({"samples": n} if n != samples.default else {})}
            yield ComponentSpec.of(rest.kind, rest.model, **params)
            total -= n


def _text(spec: ComponentSpec) -> str:
    return json.dumps(spec.to_data(), ensure_ascii=True, sort_keys=True, separators=(",", ":"))


def _without_useless(layers: _Numbered) -> tuple[_Numbered, list[str]]:
    """Rules 4 to 6, once; what goes may make more of the rest useless."""
    arriving = _arriving(layers)
    kept: list[tuple[int, tuple[Component, ...]]] = []
    why: list[str] = []
    live: frozenset[str] = frozenset()
    for place in reversed(range(len(layers))):
        i, layer = layers[place]
        before = layers[place - 1][1] if place else ()
        reasons = [why_useless(component, live, arriving[place], before) for component in layer]
        rest = tuple(c for c, reason in zip(layer, reasons, strict=True) if not reason)
        why += [f"layers[{i}]: {reason}: left out." for reason in reasons if reason]
        if rest:
            kept.append((i, rest))
            live = live_before(rest, live)
    return tuple(reversed(kept)), why[::-1]


def _arriving(layers: _Numbered) -> list[Sizes]:
    """The sizes that arrive at each layer."""
    found = [Sizes()]
    for _, layer in layers:
        found.append(layer_bounds(layer, found[-1]).after)
    return found


def why_useless(
    component: Component, live: frozenset[str], arriving: Sizes, before: Sequence[Component]
) -> str:
    """Why the component can go ("" if it cannot): rules 4 to 6.

    Args:
        component: The one that may go, settled.
        live: What later layers read.
        arriving: The sizes that arrive at it.
        before: The layer just before.
    """
    written = facts_written(component)
    is_read = any(is_met(fact, written) for fact in live)
    n_most = arriving.candidates.high
    match component.declares.effect:
        case "annotate" if written and not is_read:
            facts = " or ".join(sorted(name_of(fact) for fact in written))
            return f"nothing reads the {facts} that {component.kind} adds"
        case "select" if n_most <= 1 and not is_read:
            return f"{component.kind} gets one candidate at most and changes nothing"
        case "select" if isinstance(component, MaybeIdle) and component.is_idle(n_most):
            return f"{component.kind} keeps all candidates as they are"
        case "select" if _is_idempotent(component):
            # Compared as it would stand here: what cut off some before cuts off none now.
            if [component] == [_loosest(earlier, arriving) for earlier in before]:
                return f"{component.kind} repeats the layer before"
    return ""


def _is_idempotent(component: Component) -> bool:
    return isinstance(component, Idempotent) and component.is_idempotent
