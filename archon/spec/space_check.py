"""Holds that a space cannot express an invalid pipeline: every structure of it is looked at.

A structure is one way to take all choices of alternatives and of repetitions. Each is built with
the first, the second ... of the values of every parameter (the two ends where it is a number), so
that every value that could matter for the typing rules is met in every structure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from archon.components.rules import problems_of
from archon.core.architecture import Architecture, ComponentSpec, Layer, ParamValue
from archon.core.errors import Problem
from archon.search.space import (
    Chain,
    ComponentNode,
    Dimension,
    EnsembleNode,
    LayerNode,
    Node,
    OneOf,
    Options,
    Space,
)
from archon.spec.dimensions import some_values
from archon.spec.findings import Findings

MAX_STRUCTURES = 20_000
_SHOWN = 5
_LAYER = re.compile(r"^layers\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class _Structure:
    """Layers with open parameters, where each stands in the file, and what was chosen for it."""

    layers: tuple[tuple[LayerNode, str], ...] = ()
    chosen: tuple[str, ...] = ()

    def __add__(self, other: _Structure) -> _Structure:
        return _Structure(self.layers + other.layers, self.chosen + other.chosen)


def check_pipelines(space: Space, findings: Findings) -> None:
    """Note every way in which the space could express an ill-typed pipeline (the first few)."""
    root = "space.layers"
    count = _count(space.root)
    if count > MAX_STRUCTURES:
        message = (
            f"the choices of layers make {count:,} structures; {MAX_STRUCTURES:,} is the most."
        )
        findings.add(root, message, "Take out a choice, or search in two jobs.")
        return
    seen: set[tuple[str, str]] = set()
    for structure in _structures(space.root, root):
        for problem in _problems(structure):
            place = _place(problem, structure, root)
            if (place, problem.message) in seen:
                continue
            seen.add((place, problem.message))
            if len(seen) <= _SHOWN:
                findings.add(place, problem.message, _combination(problem.hint, structure))
    if len(seen) > _SHOWN:
        findings.add(root, f"and {len(seen) - _SHOWN} more combinations that cannot run.")


def _count(node: Node) -> int:
    """How many structures ``_structures`` yields."""
    if isinstance(node, LayerNode):
        return 1
    if isinstance(node, OneOf):
        return sum(_count(child) for _, child in node.alternatives)
    if isinstance(node, Chain):
        total = 1
        for child in node.nodes:
            total *= _count(child)
        return total
    inner = _count(node.node)
    return sum(inner**rounds for rounds in range(node.low, node.high + 1))


def _structures(node: Node, path: str) -> Iterator[_Structure]:
    """Every structure below ``node``; the paths follow from how the file is written."""
    if isinstance(node, LayerNode):
        yield _Structure(((node, path),))
    elif isinstance(node, Chain):
        parts = [list(_structures(child, f"{path}[{i}]")) for i, child in enumerate(node.nodes)]
        yield from _in_order(parts)
    elif isinstance(node, OneOf):
        for i, (label, child) in enumerate(node.alternatives):
            for inner in _structures(child, f"{path}.one_of[{i}]"):
                yield _Structure(chosen=(f"{path} = {label}",)) + inner
    else:
        rounds = list(_structures(node.node, f"{path}.repeat.layers"))
        for times in range(node.low, node.high + 1):
            chosen = _Structure(chosen=(f"{path} = {times} times",) * (node.low < node.high))
            for inner in _in_order([rounds] * times):
                yield chosen + inner


def _in_order(parts: list[list[_Structure]]) -> Iterator[_Structure]:
    for picked in product(*parts):
        whole = _Structure()
        for part in picked:
            whole = whole + part
        yield whole


def _problems(structure: _Structure) -> Iterator[Problem]:
    nodes = [node for node, _ in structure.layers]
    n_variants = max((_n_variants(part) for node in nodes for part in node.components), default=1)
    tried = set()
    for variant in range(n_variants):
        architecture = Architecture(tuple(_layer(node, variant) for node in nodes))
        if architecture not in tried:
            tried.add(architecture)
            yield from problems_of(architecture)


def _n_variants(node: ComponentNode | EnsembleNode) -> int:
    component = node.component if isinstance(node, EnsembleNode) else node
    return max((len(_ends(dimension)) for _, dimension in component.params), default=1)


def _ends(dimension: Dimension) -> tuple[ParamValue, ...]:
    """Values that can matter for typing: of several numbers the smallest and the largest."""
    values = some_values(dimension)
    numbers = [value for value in values if isinstance(value, int | float)]
    if isinstance(dimension, Options) and len(numbers) == len(values) > 2:
        return (min(numbers), max(numbers))
    return values


def _layer(node: LayerNode, variant: int) -> Layer:
    specs: list[ComponentSpec] = []
    for part in node.components:
        component = part.component if isinstance(part, EnsembleNode) else part
        params = tuple(
            (name, ends[variant % len(ends)])
            for name, ends in ((name, _ends(dimension)) for name, dimension in component.params)
        )
        n_models = (
            (part.minimum, part.maximum)[variant % 2] if isinstance(part, EnsembleNode) else 1
        )
        models = component.models[:n_models] or ("",)
        specs += [ComponentSpec(component.kind, model, params) for model in models]
    return tuple(specs)


def _place(problem: Problem, structure: _Structure, root: str) -> str:
    match = _LAYER.match(problem.path)
    if match is None or int(match[1]) >= len(structure.layers):
        return root
    return structure.layers[int(match[1])][1]


def _combination(hint: str, structure: _Structure) -> str:
    if not structure.chosen:
        return hint
    return f"{hint.strip()} This happens with {', '.join(structure.chosen)}.".strip()
