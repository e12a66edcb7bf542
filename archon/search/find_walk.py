"""The walk of a space that leads to a given pipeline, where an obvious one does.

For pipelines that are tried because they are known to be good: a sampler learns from what they are
worth only if it knows by which answers it would have come to them itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import cast

from archon.components.base import Component
from archon.components.canonical import canonical
from archon.components.rules import problems_of
from archon.components.table import COMPONENTS, parameters
from archon.core.architecture import Architecture, ComponentSpec, ParamValue
from archon.search.choices import Answered, Recording
from archon.search.draw import draw
from archon.search.space import Scalar, Space

NOTHING = "nothing"
_MOST_TRIED = 64


def find_walk(
    space: Space, wanted: Architecture, table: Mapping[str, type[Component]] = COMPONENTS
) -> tuple[Answered, ...]:
    """The answers that lead to ``wanted``, a pipeline of one component; () where none are found.

    Args:
        space: Where to look.
        wanted: In canonical form.
        table: Component kinds.
    """
    if [len(layer) for layer in wanted.layers] != [1]:
        return ()
    spec = wanted.layers[0][0]
    wide = _Towards(spec, table, ())
    draw(space, wide)
    # Where a choice cannot be for nothing, each of its alternatives may be the right one.
    for n_tried, taken in enumerate(product(*map(range, wide.widths))):
        if n_tried >= _MOST_TRIED:
            break
        recording = Recording(_Towards(spec, table, taken))
        drawn = draw(space, recording)
        if not problems_of(drawn, table) and canonical(drawn, table) == wanted:
            return tuple(recording.answers)
    return ()


@dataclass(frozen=True, slots=True)
class _Towards:
    """Answers as the wanted component does, and with as little as can be for all others."""

    spec: ComponentSpec
    table: Mapping[str, type[Component]]
    taken: Sequence[int]
    """Which alternatives are taken, in order, where none is nothing."""
    widths: list[int] = field(default_factory=list)
    """How many alternatives each such choice had."""

    def category(self, name: str, options: Sequence[Scalar]) -> Scalar:
        leaf = name.rpartition(".")[2]
        if leaf == "one_of":
            return NOTHING if NOTHING in options else self._alternative(options)
        if self.spec.model in options:
            return self.spec.model
        value = self._value(leaf)
        asked = json.dumps(value) if isinstance(value, tuple) else value
        return asked if asked in options else options[0]

    def integer(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        value = self._value(name.rpartition(".")[2])
        is_inside = isinstance(value, int) and low <= value <= high and not (value - low) % step
        return value if is_inside and isinstance(value, int) else low

    def number(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        value = self._value(name.rpartition(".")[2])
        return float(value) if isinstance(value, int | float) and low <= value <= high else low

    def _alternative(self, options: Sequence[Scalar]) -> Scalar:
        at = len(self.widths)
        self.widths.append(len(options))
        return options[self.taken[at] if at < len(self.taken) else 0]

    def _value(self, name: str) -> ParamValue:
        """What the wanted component has for a parameter, its default included."""
        known = parameters(self.table[self.spec.kind])
        default = known[name].default if name in known else None
        return self.spec.param(name, cast(ParamValue, default))
