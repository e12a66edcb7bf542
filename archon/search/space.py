"""A search space is a tree of layers with open choices, walked by one function.

``draw`` asks its questions of a ``Choices``: Optuna's trial, a seeded draw, an enumerator or a
stored row answer them. What the tree cannot express cannot be proposed: a choice exists only
inside the alternative that it belongs to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from archon.core.architecture import ParamValue

Scalar = str | int | float | bool | None

NOTHING = "nothing"
"""The name of the alternative that adds no layer."""


class Choices(Protocol):
    """Answers the questions of a space, each under a name that is unique along one walk."""

    def category(self, name: str, options: Sequence[Scalar]) -> Scalar:
        """One of ``options``."""
        ...

    def integer(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """A whole number from ``low`` to ``high``, both included."""
        ...

    def number(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """A number in [``low``, ``high``]."""
        ...


@dataclass(frozen=True, slots=True)
class Fixed:
    """No choice."""

    value: ParamValue


@dataclass(frozen=True, slots=True)
class Options:
    """One of several values (two or more, all different)."""

    values: tuple[ParamValue, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """A number from ``low`` to ``high``, both included; ``step`` is for whole numbers only."""

    low: float
    high: float
    is_integer: bool
    step: int = 1
    log: bool = False


Dimension = Fixed | Options | Range


@dataclass(frozen=True, slots=True)
class ComponentNode:
    """One component with its open parameters. ``models``: aliases to choose one from; () = none."""

    kind: str
    models: tuple[str, ...] = ()
    params: tuple[tuple[str, Dimension], ...] = ()


@dataclass(frozen=True, slots=True)
class EnsembleNode:
    """The same component once for each member of a chosen subset of models, in one layer."""

    component: ComponentNode
    """Its ``models`` are the ones to choose from."""
    minimum: int
    maximum: int
    step: int = 1
    """Between one number of members and the next."""
    is_in_order: bool = False
    """The models stand from best to worst: no subset is chosen, the first ones are taken, and where
    there are more members than models they are dealt round again."""
    most_samples: int | None = None
    """Most samples of all members together; what ``samples`` may be ends where they are reached."""

    @property
    def sizes(self) -> range:
        """The numbers of members that may be chosen."""
        return range(self.minimum, self.maximum + 1, self.step)

    def member(self, size: int) -> ComponentNode:
        """The component as each of ``size`` members has it."""
        if self.most_samples is None:
            return self.component
        most = self.most_samples // size
        params = tuple(
            (name, _up_to(dimension, most) if name == "samples" else dimension)
            for name, dimension in self.component.params
        )
        return replace(self.component, params=params)


@dataclass(frozen=True, slots=True)
class LayerNode:
    """One layer: its components run side by side."""

    components: tuple[ComponentNode | EnsembleNode, ...]


@dataclass(frozen=True, slots=True)
class Chain:
    """Layers one after the other; an empty chain is "nothing"."""

    nodes: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of several alternatives, each under a label that is unique among them."""

    alternatives: tuple[tuple[str, Node], ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A chain repeated ``low`` to ``high`` times; each round chooses for itself."""

    node: Node
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Move:
    """A layer that may come next, and the state that it leads to, by its place in the grammar."""

    label: str
    layer: LayerNode
    to: int
    is_width: bool = False
    """Whether it differs from the others of its group only in how many stand side by side."""


Group = tuple[str, tuple[Move, ...]]
"""Moves of one effect, under its name."""


@dataclass(frozen=True, slots=True)
class State:
    """What is known of a pipeline that is half written, as far as it decides what may follow."""

    name: str
    groups: tuple[Group, ...]
    fewest: int
    """Layers that it takes at least until the pipeline may end; 0: it may end here."""
    walks: tuple[int, ...] = ()
    """In how many ways it can go on, by how many layers are left; () where a number is open."""


@dataclass(frozen=True, slots=True)
class Grammar:
    """Layers one after the other, each among those that what stands before it allows.

    A finite automaton, and not a tree: two beginnings that leave the same to go on with lead to one
    state, so that what may follow is written, counted and learnt once.
    """

    states: tuple[State, ...]
    """It begins in the first."""
    most: int
    """Most layers."""

    def open_at(self, state: State, left: int) -> tuple[Group, ...]:
        """What may come next where so many layers are left, so that the pipeline can be ended.

        To end it is the first, under the name ``NOTHING``, where that is possible.
        """
        ends: tuple[Group, ...] = ((NOTHING, ()),) if state.fewest == 0 else ()
        fitting = (
            (effect, tuple(move for move in moves if self.states[move.to].fewest < left))
            for effect, moves in state.groups
        )
        return ends + tuple((effect, moves) for effect, moves in fitting if moves)


Node = LayerNode | Chain | OneOf | Repeat | Grammar


@dataclass(frozen=True, slots=True)
class Space:
    """The tree of a job file. Pipelines over ``max_calls`` calls a question are outside."""

    root: Chain
    max_calls: int | None = None


def bare(part: ComponentNode | EnsembleNode) -> ComponentNode:
    """The component, of which there may be several."""
    return part.component if isinstance(part, EnsembleNode) else part


def layers_below(node: Node) -> Iterator[LayerNode]:
    """Every layer at or below ``node``, in the order of the file; of a grammar, each once."""
    if isinstance(node, LayerNode):
        yield node
    elif isinstance(node, Repeat):
        yield from layers_below(node.node)
    elif isinstance(node, Grammar):
        moves = (move for state in node.states for _, group in state.groups for move in group)
        yield from dict.fromkeys(move.layer for move in moves)
    else:
        inner = node.nodes if isinstance(node, Chain) else [child for _, child in node.alternatives]
        for child in inner:
            yield from layers_below(child)


def components_below(node: Node) -> Iterator[ComponentNode]:
    """Every component at or below ``node``, in the order of ``layers_below``."""
    for layer in layers_below(node):
        yield from map(bare, layer.components)


def _up_to(dimension: Dimension, most: int) -> Dimension:
    """Whole numbers without those over ``most``; the lowest stays in any case."""
    if isinstance(dimension, Options):
        low = min(dimension.values, key=lambda value: float(str(value)))
        kept = tuple(v for v in dimension.values if v == low or float(str(v)) <= most)
        return Options(kept) if len(kept) > 1 else Fixed(kept[0])
    if not isinstance(dimension, Range) or dimension.high <= most:
        return dimension
    first = int(dimension.low)
    last = first + max(0, most - first) // dimension.step * dimension.step
    return Fixed(first) if last == first else replace(dimension, high=last)
