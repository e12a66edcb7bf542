"""Each way of a space to improve on plain sampling, once, before anything is known of the task.

What chance draws first may leave a whole technique out: of twelve trials in a space with four ways
to pick, one way stays untried in every twentieth study. Each alternative is tried here by itself,
at the greatest number of samples, with everything else as plain as the space allows: best-of-N with
each ranker, check and verifier, an ensemble with each fuser. The cheapest comes first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from archon.components.base import Component
from archon.components.estimate_calls import estimate_calls
from archon.components.rules import problems_of
from archon.components.table import COMPONENTS, parameters
from archon.search.choices import Recording
from archon.search.draw import draw, width_questions
from archon.search.feasible import feasible
from archon.search.propose import Start
from archon.search.space import NOTHING, Scalar, Space

MOST_ALTERNATIVES = 64
"""More are not looked at."""
_TRIES = 6
"""So often the number of samples is lowered until a pipeline fits the space's calls."""


def known_good(
    space: Space, *, most: int, table: Mapping[str, type[Component]] = COMPONENTS
) -> tuple[Start, ...]:
    """At most ``most`` pipelines of the space, no two equal, those with the fewest calls first.

    Where there are more, those with the fewest layers are taken: a technique by itself comes before
    one that stands behind another.
    """
    found: dict[str, Start] = {}
    widths = frozenset(width_questions(space.root))
    for turns in _turns(space, table, widths):
        if (start := _strongest(space, turns, table, widths)) is not None:
            found.setdefault(start.architecture.pipeline_id(), start)
    if (plain := _strongest(space, (), table, widths)) is not None:
        plain_id = plain.architecture.pipeline_id()
        found.pop(plain_id, None)  # where an alternative changes nothing
        if len(plain.architecture.layers) > 1:
            found[plain_id] = plain  # where a technique is in every pipeline
    calls = {i: estimate_calls(one.architecture, table).calls.high for i, one in found.items()}
    layers = {i: len(one.architecture.layers) for i, one in found.items()}
    simplest = sorted(found, key=lambda i: (layers[i], calls[i], i))[:most]
    return tuple(found[i] for i in sorted(simplest, key=lambda i: (calls[i], i)))


Turns = tuple[tuple[str, Scalar], ...]
"""Answers that are not the plain one, by the name of their question."""


def _turns(
    space: Space, table: Mapping[str, type[Component]], widths: frozenset[str]
) -> Iterator[Turns]:
    """The way to each alternative of each choice between layers, none of which is plain."""
    seen: set[tuple[str, Scalar]] = set()
    ways: list[Turns] = [()]
    while ways and len(seen) < MOST_ALTERNATIVES:
        way = ways.pop(0)
        walk = _Walk(dict(way), table, widths)
        draw(space, walk)
        for name, labels in walk.forks:
            for label in labels:
                if (name, label) not in seen:
                    seen.add((name, label))
                    ways.append((*way, (name, label)))
                    yield (*way, (name, label))


def _strongest(
    space: Space, turns: Turns, table: Mapping[str, type[Component]], widths: frozenset[str]
) -> Start | None:
    """The pipeline of these turns with as many samples as the space's calls allow."""
    for lower in range(_TRIES):
        recording = Recording(_Walk(dict(turns), table, widths, lower))
        drawn = draw(space, recording)
        if problems_of(drawn, table):
            return None
        if (architecture := feasible(space, drawn, table)) is not None:
            return Start(architecture, "seed", tuple(recording.answers))
    return None


@dataclass(slots=True)
class _Walk:
    """Answers with its turns, else plainly; with many samples and many models side by side."""

    turns: Mapping[str, Scalar]
    table: Mapping[str, type[Component]]
    widths: frozenset[str]
    """Choices of layers that are about no more than how many stand side by side."""
    lower: int = 0
    """How far the numbers of samples and of models are below the greatest."""
    forks: list[tuple[str, tuple[Scalar, ...]]] = field(default_factory=list)
    """Choices of layers that were met, with the alternatives that were not taken; of a chain that
    may be repeated, one round more than it must be."""

    def category(self, name: str, options: Sequence[Scalar]) -> Scalar:
        """See ``Choices``."""
        if name in self.widths:
            return options[(len(options) - 1) >> self.lower]  # they stand from few to many
        if name.endswith("one_of"):
            plain = NOTHING if NOTHING in options else options[0]
            taken = self.turns.get(name, plain)
            self.forks.append((name, tuple(o for o in options if o not in (taken, plain))))
            return taken
        if name.endswith(".samples"):
            ordered = sorted(options, key=lambda option: float(option or 0))
            return ordered[max(0, len(ordered) - 1 - self.lower)]
        default = self._default(name)
        return default if default in options else options[0]

    def integer(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """See ``Choices``."""
        if name.endswith("times"):
            taken = self.turns.get(name, low)
            self.forks.append((name, (low + 1,) if taken == low else ()))
            return int(taken or 0)
        if name.endswith((".samples", ".models.n")):
            n_steps = (high - low) // step
            return low + step * (n_steps >> self.lower)
        default = self._default(name)
        if isinstance(default, int) and low <= default <= high and (default - low) % step == 0:
            return default
        return low

    def number(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """See ``Choices``."""
        default = self._default(name)
        return default if isinstance(default, int | float) and low <= default <= high else low

    def _default(self, name: str) -> Scalar:
        """The component's own default of the parameter that a question is about."""
        where, _, parameter = name.rpartition(".")
        kind = where.rpartition(".")[2].rstrip("0123456789")
        if kind not in self.table:
            return None
        known = parameters(self.table[kind]).get(parameter)
        default = None if known is None else known.default
        return default if isinstance(default, str | int | float | bool) else None
