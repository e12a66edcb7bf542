"""How many calls an architecture takes, before any is made: a forward pass of ``bounds``.

Every component states its calls and what it leaves as intervals of the sizes that arrive; calls
of a layer add over its components, and candidates join as ``archon.runtime.pipeline.merge`` joins
them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from archon.components.base import Bounds, Component, Interval, Sizes
from archon.components.table import COMPONENTS, build
from archon.core.architecture import Architecture

NOTHING = Bounds(Interval(0, 0), 0, Sizes())


@dataclass(frozen=True, slots=True)
class CallEstimate:
    """Calls for one question."""

    calls: Interval
    """When every reply can be read and none is empty, the upper end; fewer replies ask less."""
    max_repairs: int
    """At most this many on top, when replies cannot be read or are empty."""
    after: Sizes
    """What the last layer leaves."""

    @property
    def worst_case(self) -> int:
        """The most calls that one question can ever take, repairs included."""
        return self.calls.high + self.max_repairs


def bounds_of(
    architecture: Architecture, table: Mapping[str, type[Component]] = COMPONENTS
) -> tuple[Bounds, ...]:
    """Calls of each layer, and sizes after it.

    Raises:
        SpecError: A component cannot be built.
    """
    found, arriving = [], Sizes()
    for layer in architecture.layers:
        bounds = layer_bounds([build(spec, table) for spec in layer], arriving)
        found.append(bounds)
        arriving = bounds.after
    return tuple(found)


def estimate_calls(
    architecture: Architecture, table: Mapping[str, type[Component]] = COMPONENTS
) -> CallEstimate:
    """Calls of the whole architecture for one question.

    Raises:
        SpecError: A component cannot be built.
    """
    layers = bounds_of(architecture, table)
    return CallEstimate(
        calls=_sum([layer.calls for layer in layers]),
        max_repairs=sum(layer.max_repairs for layer in layers),
        after=(layers[-1] if layers else NOTHING).after,
    )


def layer_bounds(components: Sequence[Component], arriving: Sizes) -> Bounds:
    """Calls of one layer, and sizes after its components' results are merged."""
    each = [component.bounds(arriving) for component in components]
    if len(each) == 1:
        return each[0]
    return Bounds(
        calls=_sum([bounds.calls for bounds in each]),
        max_repairs=sum(bounds.max_repairs for bounds in each),
        after=replace(
            arriving,
            candidates=_merged_candidates(components, each, arriving),
            tests=_merged_tests(each, arriving),
        ),
    )


def keeps_arriving(component: Component) -> bool:
    """Whether candidates that arrive are still there after it, beside any new ones.

    Read off its own bounds: one more that arrives is then one more that leaves.
    """
    leaving = [component.bounds(Sizes(Interval(n, n))).after.candidates.high for n in (1, 2)]
    return leaving[1] - leaving[0] == 1


def _merged_candidates(
    components: Sequence[Component], each: Sequence[Bounds], arriving: Sizes
) -> Interval:
    # A candidate stays if every component keeps it; what any of them wrote is added. Components
    # that wrote nothing may all pass on one and the same, so the fewest do not add.
    keeping = [keeps_arriving(component) for component in components]
    total = arriving.candidates if all(keeping) else Interval(0, 0)
    fewest = 0
    for keeps, bounds in zip(keeping, each, strict=True):
        left = bounds.after.candidates
        kept = arriving.candidates if keeps else Interval(0, 0)
        fewest = max(fewest, left.low - kept.low)
        total += Interval(0, max(0, left.high - kept.high))
    return total + Interval(fewest, 0)


def _merged_tests(each: Sequence[Bounds], arriving: Sizes) -> Interval:
    # Equal tests become one, so the fewest are those of the component that leaves most.
    high = arriving.tests.high
    added = sum(max(0, bounds.after.tests.high - high) for bounds in each)
    return Interval(max((b.after.tests.low for b in each), default=0), high + added)


def _sum(intervals: Sequence[Interval]) -> Interval:
    return sum(intervals, start=Interval(0, 0))
