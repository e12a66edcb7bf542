"""How often a component of a profile samples: alone, several times, or side by side with others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from archon.components.base import Component
from archon.components.table import parameters
from archon.search.space import ComponentNode, Dimension, EnsembleNode, Fixed, Options, Range
from archon.spec.dimensions import some_values


def with_value(node: ComponentNode, name: str, dimension: Dimension) -> ComponentNode:
    """The component with one parameter as it is told."""
    params = {**dict(node.params), name: dimension}
    return ComponentNode(node.kind, node.models, tuple(sorted(params.items())))


def samples_of(node: ComponentNode, table: Mapping[str, type[Component]], most: int) -> Dimension:
    """The numbers of samples of a component: where it leaves them out, from 1 to ``most``."""
    highest = parameters(table[node.kind])["samples"].metadata["high"] or most
    usual = among(range(1, min(int(highest), most) + 1))
    return dict(node.params).get("samples", usual)


def lowest(samples: Dimension) -> int:
    """The smallest number of samples."""
    return min(cast(int, value) for value in some_values(samples))


def single_of(samples: Dimension) -> Dimension | None:
    """One sample, where that is allowed."""
    return Fixed(1) if lowest(samples) == 1 else None


def several_of(samples: Dimension, most: int) -> Dimension | None:
    """Two samples or more, as far as they are allowed, and no more than ``most``."""
    if isinstance(samples, Fixed):
        return samples if 1 < lowest(samples) <= most else None
    if isinstance(samples, Options):
        kept = tuple(v for v in samples.values if 1 < cast(int, v) <= most)
        return Options(kept) if len(kept) > 1 else Fixed(kept[0]) if kept else None
    numbers = range(int(samples.low), min(int(samples.high), most) + 1, samples.step)
    numbers = numbers[1:] if numbers and numbers[0] == 1 else numbers
    return among(numbers, is_log=samples.log) if numbers else None


def ensemble(
    node: ComponentNode, sizes: range, candidates: int, *, is_in_order: bool = False
) -> EnsembleNode | None:
    """Several of a component with open samples, at most ``candidates`` samples in all.

    None where the smallest number of them has more already.
    """
    samples = dict(node.params)["samples"]
    sizes = range(sizes.start, min(sizes[-1], candidates // lowest(samples)) + 1, sizes.step)
    if not sizes:
        return None
    return EnsembleNode(
        node,
        sizes[0],
        sizes[-1],
        sizes.step,
        is_in_order=is_in_order,
        most_samples=candidates,
    )


def among(numbers: range, *, is_log: bool = False) -> Dimension:
    """A parameter that is one of these numbers."""
    if len(numbers) == 1:
        return Fixed(numbers[0])
    return Range(numbers[0], numbers[-1], is_integer=True, step=numbers.step, log=is_log)
