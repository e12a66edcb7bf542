"""The ``space:`` section of a job file: layers in order, with what is open left open.

An entry of ``layers`` is one of

    generate: {...} or just vote           a layer of one component
    side_by_side: [generate: ..., ...]     a layer of several components
    one_of: [nothing, vote, [..., ...]]    one alternative; a list is several layers in order
    repeat: {times: {from: 0, to: 2}, layers: [...]}     layers again and again

Instead of ``layers`` it may name a profile (``archon.spec.profiles``), which writes them itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archon.components.base import Component
from archon.components.rules import MOST_CALLS, MOST_LAYERS
from archon.components.table import COMPONENTS, suggest
from archon.search.space import (
    Chain,
    ComponentNode,
    EnsembleNode,
    Grammar,
    LayerNode,
    Node,
    OneOf,
    Repeat,
    Space,
    components_below,
)
from archon.spec.dimensions import ComponentReader
from archon.spec.findings import Findings, show
from archon.spec.profiles.table import read_profile
from archon.spec.space_check import check_pipelines
from archon.spec.yaml_source import Document, key_path

MOST_ROUNDS = 16
_FORMS = ("one_of", "side_by_side", "repeat")


def read_space(
    document: Document,
    aliases: Sequence[str],
    findings: Findings,
    *,
    table: Mapping[str, type[Component]] = COMPONENTS,
) -> Space | None:
    """Check the section and every pipeline structure that it can express.

    Args:
        document: The job file.
        aliases: The models that it names.
        findings: Takes the problems.
        table: Component kinds.

    Returns:
        The space, or None where it has a problem.
    """
    data = document.data.get("space")
    if not isinstance(data, Mapping):
        return None
    max_calls = _max_calls(data, findings)
    components = ComponentReader(tuple(aliases), table, findings)
    root = read_profile(data, components) if "profile" in data else _layers(data, components)
    if root is None:
        return None
    space = Space(root, max_calls)
    if not findings.has_any("space"):
        if (depth := _most_layers(space.root)) > MOST_LAYERS:
            findings.add("space.layers", f"up to {depth} layers; at most {MOST_LAYERS} are run.")
        else:
            check_pipelines(space, findings, table)
    return None if findings.has_any("space") else space


def _layers(data: Mapping[str, object], components: ComponentReader) -> Chain | None:
    findings = components.findings
    findings.unknown_keys(data, ("max_calls", "layers", "profile"), "space")
    layers = data.get("layers")
    if not isinstance(layers, list) or not layers:
        hint = "Write layers: and a list that begins with - generate: {model: ...}."
        findings.add("space.layers", f"expected a list of layers, got {_empty(layers)}.", hint)
        return None
    return SpaceReader(components, findings).chain(layers, "space.layers")


def models_of(space: Space) -> frozenset[str]:
    """Every alias that a pipeline of the space may ask."""
    return frozenset(alias for part in components_below(space.root) for alias in part.models)


def _count(items: object) -> str:
    return str(len(items)) if isinstance(items, list) else show(items)


def _empty(layers: object) -> str:
    return "an empty list" if layers == [] else show(layers)


def _max_calls(data: Mapping[str, object], findings: Findings) -> int:
    value = data.get("max_calls", MOST_CALLS)
    if isinstance(value, bool) or not isinstance(value, int):
        findings.add("space.max_calls", f"expected a whole number, got {show(value)}.")
    elif not 1 <= value <= MOST_CALLS:
        findings.add("space.max_calls", f"{value} is out of range: 1 to {MOST_CALLS}.")
    else:
        return value
    return MOST_CALLS


class SpaceReader:
    """Builds the tree. Where something is wrong it notes it and goes on with what it can read."""

    def __init__(self, components: ComponentReader, findings: Findings) -> None:
        self._components = components
        self._findings = findings

    def chain(self, items: Sequence[object], path: str) -> Chain:
        """Layers one after the other; ``path`` is the list's."""
        return Chain(tuple(self._node(item, f"{path}[{i}]") for i, item in enumerate(items)))

    def _node(self, item: object, path: str) -> Node:
        key, data, at = self._entry(item, path)
        if key == "one_of":
            return self._one_of(data, at)
        if key == "repeat":
            return self._repeat(data, at)
        if key == "side_by_side":
            return self._side_by_side(data, at)
        component = self._component(key, data, at)
        return Chain() if component is None else LayerNode((component,))

    def _entry(self, item: object, path: str) -> tuple[str, object, str]:
        """(key, its value, the value's path) of a layer; ("", None, path) where it is none."""
        if isinstance(item, str):
            return item, None, path
        if isinstance(item, Mapping) and len(item) == 1:
            key, data = next(iter(item.items()))
            return key, data, key_path(path, key)
        said = f"{len(item)} keys" if isinstance(item, Mapping) else show(item)
        hint = "Write kind: {name: value}. In a list every layer begins with its own dash."
        self._findings.add(path, f"expected one component or form, got {said}.", hint)
        return "", None, path

    def _component(self, kind: str, data: object, path: str) -> ComponentNode | EnsembleNode | None:
        if not kind:
            return None
        if kind not in self._components.table:
            hint = suggest(kind, [*self._components.table, *_FORMS])
            if kind == "nothing":
                hint = "Only one_of can offer nothing. "
            message = f"there is no component {kind!r}."
            self._findings.add(path, message, hint + "(archon components lists them)")
            return None
        return self._components.read(kind, data, path)

    def _side_by_side(self, data: object, path: str) -> Node:
        if not isinstance(data, list) or len(data) < 2:
            self._findings.add(path, f"expected two components or more, got {_count(data)}.")
            return Chain()
        found = []
        for i, item in enumerate(data):
            kind, params, at = self._entry(item, f"{path}[{i}]")
            if kind in _FORMS:
                hint = "Put it around side_by_side, or use a list as a parameter's value."
                self._findings.add(at, f"{kind} does not stand inside a layer.", hint)
                continue
            found.append(self._component(kind, params, at))
        return LayerNode(tuple(component for component in found if component is not None))

    def _one_of(self, data: object, path: str) -> Node:
        if not isinstance(data, list) or len(data) < 2:
            hint = "Write two or more, for example one_of: [nothing, vote]."
            self._findings.add(path, f"a choice needs two alternatives, got {_count(data)}.", hint)
            return Chain()
        alternatives: list[tuple[str, Node]] = []
        for i, item in enumerate(data):
            at = f"{path}[{i}]"
            node = self._alternative(item, at)
            if any(node == other for _, other in alternatives) and not self._findings.has_any(at):
                self._findings.add(at, "this alternative stands here twice.", "Remove one.")
            label = _label(item)
            taken = sum(
                other == label or other.startswith(f"{label}#") for other, _ in alternatives
            )
            alternatives.append((f"{label}#{taken + 1}" if taken else label, node))
        return OneOf(tuple(alternatives))

    def _alternative(self, item: object, path: str) -> Node:
        if item == "nothing":
            return Chain()
        if isinstance(item, list):
            if not item:
                self._findings.add(path, "the list of layers is empty.", "Write nothing.")
            return self.chain(item, path)
        return self._node(item, path)

    def _repeat(self, data: object, path: str) -> Node:
        if not isinstance(data, Mapping):
            hint = "Write repeat: {times: {from: 0, to: 2}, layers: [...]}."
            self._findings.add(path, f"expected times and layers, got {show(data)}.", hint)
            return Chain()
        self._findings.unknown_keys(data, ("times", "layers"), path)
        low, high = self._times(data.get("times"), f"{path}.times")
        layers = data.get("layers")
        if not isinstance(layers, list) or not layers:
            message = f"expected a list of layers, got {_empty(layers)}."
            self._findings.add(f"{path}.layers", message)
            return Chain()
        return Repeat(self.chain(layers, f"{path}.layers"), low, high)

    def _times(self, data: object, path: str) -> tuple[int, int]:
        ends = (data, data)
        if isinstance(data, Mapping):
            self._findings.unknown_keys(data, ("from", "to"), path)
            ends = (data.get("from"), data.get("to"))
        low, high = ends
        if (
            not isinstance(low, int)
            or not isinstance(high, int)
            or {True, False} & {end for end in ends if isinstance(end, bool)}
        ):
            hint = "Write times: {from: 0, to: 2}, or times: 2."
            self._findings.add(path, f"expected how often, got {show(data)}.", hint)
        elif not 0 <= low <= high <= MOST_ROUNDS or high == 0:
            hint = f"0 <= from <= to <= {MOST_ROUNDS} must hold, and to be at least 1."
            self._findings.add(path, f"{low} to {high} times is out of range.", hint)
        else:
            return low, high
        return 0, 1


def _label(item: object) -> str:
    """A name for an alternative: what stands first in it, and what follows."""
    if isinstance(item, list):
        return "+".join(_label(part) for part in item)
    if isinstance(item, Mapping) and item:
        return str(next(iter(item)))
    return str(item)


def _most_layers(node: Node) -> int:
    if isinstance(node, LayerNode):
        return 1
    if isinstance(node, Chain):
        return sum(_most_layers(child) for child in node.nodes)
    if isinstance(node, OneOf):
        return max(_most_layers(child) for _, child in node.alternatives)
    if isinstance(node, Grammar):
        return node.most
    return node.high * _most_layers(node.node)
