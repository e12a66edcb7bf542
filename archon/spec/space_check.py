"""Holds that a space cannot express an invalid pipeline: every structure of it is looked at.

A structure is one way to take all choices of alternatives and of repetitions. Each is built with
every setting of its components that can matter for the typing rules (``variants``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from math import prod

from archon.components.base import Component
from archon.components.rules import MOST_CALLS, problems_of
from archon.components.table import COMPONENTS
from archon.core.architecture import Architecture
from archon.core.errors import Problem
from archon.search.space import (
    Chain,
    ComponentNode,
    EnsembleNode,
    Grammar,
    LayerNode,
    Move,
    Node,
    OneOf,
    Space,
)
from archon.spec.fewest_calls import FewestCalls
from archon.spec.findings import Findings
from archon.spec.variants import Variants

MAX_STRUCTURES = 20_000
_SHOWN = 5
_LAYER = re.compile(r"^layers\[(\d+)\]")

_Following = frozenset[tuple[LayerNode, int, int]]
"""Layers with their fewest side by side, and what may follow on each."""


@dataclass(frozen=True, slots=True)
class _Structure:
    """Layers with open parameters, where each stands in the file, and what was chosen for it."""

    layers: tuple[tuple[LayerNode, str], ...] = ()
    chosen: tuple[str, ...] = ()

    def __add__(self, other: _Structure) -> _Structure:
        return _Structure(self.layers + other.layers, self.chosen + other.chosen)


@dataclass(slots=True)
class _Seen:
    """One problem, and the structures that have it."""

    hint: str
    structures: list[_Structure] = field(default_factory=list)

    def add(self, structure: _Structure) -> None:
        if not self.structures or self.structures[-1] is not structure:
            self.structures.append(structure)

    def said(self, n_structures: int) -> str:
        """The hint, with the choices without which the problem is not there."""
        first = self.structures[0]
        always = [c for c in first.chosen if all(c in s.chosen for s in self.structures)]
        if not always and len(self.structures) < n_structures:
            always = list(first.chosen)
        if not always:
            return self.hint
        return f"{self.hint.strip()} This happens with {', '.join(always)}.".strip()


def check_pipelines(
    space: Space, findings: Findings, table: Mapping[str, type[Component]] = COMPONENTS
) -> None:
    """Note the ways in which the space could express an ill-typed pipeline (the first few).

    Pipelines with too many calls are no such way: they are outside the space. But one with few
    enough must be inside.
    """
    root = "space.layers"
    count = _count(space.root)
    if count > MAX_STRUCTURES:
        message = (
            f"the choices of layers make {count:,} structures; {MAX_STRUCTURES:,} is the most."
        )
        findings.add(root, message, "Take out a choice, or search in two jobs.")
        return
    seen: dict[tuple[str, str], _Seen] = {}
    variants, tried = Variants(table), set[Architecture]()
    structures = list(_structures(space.root, root))
    for structure in structures:
        for problem in _problems(structure, variants, tried):
            key = (_place(problem, structure, root), problem.message)
            seen.setdefault(key, _Seen(problem.hint)).add(structure)
    for (place, message), found in list(seen.items())[:_SHOWN]:
        findings.add(place, message, found.said(len(structures)))
    if not seen and space.max_calls is not None:
        open_layers = [[node for node, _ in structure.layers] for structure in structures]
        _check_calls(FewestCalls(table).beyond(open_layers, space.max_calls), findings)
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
    if isinstance(node, Grammar):
        return sum(1 for _ in _Shortest(node).of(0, path=""))
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
    elif isinstance(node, Grammar):
        yield from _Shortest(node).of(0, path)
    else:
        rounds = list(_structures(node.node, f"{path}.repeat.layers"))
        for times in range(node.low, node.high + 1):
            chosen = _Structure(chosen=(f"{path} = {times} times",) * (node.low < node.high))
            for inner in _in_order([rounds] * times):
                yield chosen + inner


@dataclass(slots=True)
class _Shortest:
    """The structures of a grammar with the fewest layers.

    The others are not looked at: whoever writes a grammar vouches that no pipeline of it is ill
    typed.
    """

    grammar: Grammar
    _after: dict[int, int] = field(default_factory=dict)
    """By a state's place, a number for what may follow; two with the same have the same."""
    _numbers: dict[_Following, int] = field(default_factory=dict)

    def of(self, place: int, path: str) -> Iterator[_Structure]:
        """Those from a state on, by its place."""
        if self.grammar.states[place].fewest == 0:
            yield _Structure()
        for move, _ in self._narrowest(place).values():
            for rest in self.of(move.to, path):
                yield _Structure(((move.layer, path),)) + rest

    def _narrowest(self, place: int) -> dict[tuple[LayerNode, int], tuple[Move, int]]:
        """Of moves that differ only in how many of a component stand side by side, the fewest.

        They need and tell what the others do, and take no more calls. What may follow them must be
        the same, too, but for how many there may be at most.

        Returns:
            Moves with how many stand in their layers, by what is alike and what may follow.
        """
        found: dict[tuple[LayerNode, int], tuple[Move, int]] = {}
        state = self.grammar.states[place]
        for move in (m for _, moves in self.grammar.open_at(state, state.fewest) for m in moves):
            parts = [part for part in move.layer.components if isinstance(part, EnsembleNode)]
            width = sum(part.minimum for part in parts)
            key = LayerNode(tuple(map(_of_one, move.layer.components))), self._follows(move.to)
            if key not in found or width < found[key][1]:
                found[key] = move, width
        return found

    def _follows(self, place: int) -> int:
        if place not in self._after:
            moves = self._narrowest(place).items()
            following = frozenset((layer, after, width) for (layer, after), (_, width) in moves)
            self._after[place] = self._numbers.setdefault(following, len(self._numbers))
        return self._after[place]


def _of_one(part: ComponentNode | EnsembleNode) -> ComponentNode | EnsembleNode:
    if isinstance(part, EnsembleNode):
        return replace(part, minimum=1, maximum=1, step=1)
    return part


def _in_order(parts: list[list[_Structure]]) -> Iterator[_Structure]:
    for picked in product(*parts):
        whole = _Structure()
        for part in picked:
            whole = whole + part
        yield whole


def _problems(
    structure: _Structure, variants: Variants, tried: set[Architecture]
) -> Iterator[Problem]:
    """Problems of the structure's architectures that are not among those ``tried`` already."""
    for is_high in (False, True):
        parts = [variants.of(node, is_high=is_high) for node, _ in structure.layers]
        if prod(map(len, parts)) > MAX_STRUCTURES:
            yield Problem("the settings of these layers fit in too many ways to look at all.")
            return
        for layers in product(*parts):
            architecture = Architecture(layers)
            if architecture in tried:
                continue
            tried.add(architecture)
            for problem in problems_of(architecture, variants.table):
                if problem.path != "layers" or not layers:
                    yield problem


def _check_calls(fewest: int | None, findings: Findings) -> None:
    path = "space.max_calls"
    if fewest is None:
        return
    if path in findings.document.lines:
        message = f"no pipeline takes so few calls: the smallest takes {fewest}."
        findings.add(path, message, "Allow more, or fewer samples.")
    else:
        message = f"every pipeline takes too many calls a question: the smallest takes {fewest}."
        findings.add(path, message, f"At most {MOST_CALLS:,} are run: use fewer samples.")


def _place(problem: Problem, structure: _Structure, root: str) -> str:
    match = _LAYER.match(problem.path)
    if match is None or int(match[1]) >= len(structure.layers):
        return root
    return structure.layers[int(match[1])][1]
