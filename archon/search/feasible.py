"""What may be proposed at all: well typed, and within the ceilings of its space."""

from __future__ import annotations

from collections.abc import Mapping

from archon.components.base import Component
from archon.components.canonical import canonical
from archon.components.estimate_calls import estimate_calls
from archon.components.rules import problems_of
from archon.components.table import COMPONENTS
from archon.core.architecture import Architecture
from archon.search.space import Space


def feasible(
    space: Space, drawn: Architecture, table: Mapping[str, type[Component]] = COMPONENTS
) -> Architecture | None:
    """The canonical form of what a walk drew; None where it may not be proposed.

    Args:
        space: Its ceilings count, not its tree.
        drawn: As ``archon.search.draw.draw`` leaves it.
        table: Component kinds.
    """
    if problems_of(drawn, table):
        return None
    architecture = canonical(drawn, table)
    return None if over_ceiling(space, architecture, table) else architecture


def over_ceiling(
    space: Space, architecture: Architecture, table: Mapping[str, type[Component]] = COMPONENTS
) -> str:
    """Which ceiling of the space a pipeline in canonical form passes, as a clause; "" for none."""
    if space.max_calls is None:
        return ""
    calls = estimate_calls(architecture, table).calls.high
    if calls <= space.max_calls:
        return ""
    return f"it takes up to {calls} calls a question, and space.max_calls is {space.max_calls}"
