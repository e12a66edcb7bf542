"""A search space is a tree of layers with open choices, walked by one function.

``draw`` asks its questions of a ``Choices``: Optuna's trial, a seeded draw, an enumerator or a
stored row answer them. What the tree cannot express cannot be proposed: a choice exists only
inside the alternative that it belongs to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from archon.core.architecture import ParamValue

Scalar = str | int | float | bool | None


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


Node = LayerNode | Chain | OneOf | Repeat


@dataclass(frozen=True, slots=True)
class Space:
    """The tree of a job file. Pipelines over ``max_calls`` calls a question are outside."""

    root: Chain
    max_calls: int | None = None
