"""Makes grammars whole: states from which a pipeline cannot be ended go, walks are counted.

Whoever writes the steps vouches that they lead to no ill-typed pipeline: of a grammar only the
shortest ones are checked (``archon.spec.space_check``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf

from archon.search.draw import is_finite
from archon.search.size import walks_below
from archon.search.space import Grammar, LayerNode, Move, State


@dataclass(frozen=True, slots=True)
class Step:
    """A layer that may come next, as it is written down: states by their names."""

    effect: str
    label: str
    layer: LayerNode
    to: str
    is_width: bool = False
    """See ``Move``."""


def grammar(
    steps: Mapping[str, Sequence[Step]], *, start: str, final: frozenset[str], most: int
) -> Grammar | None:
    """The grammar of these steps; None where no pipeline of so few layers comes of them.

    Args:
        steps: What may come next, by state.
        start: The state before the first layer.
        final: States in which a pipeline may end.
        most: Most layers.
    """
    fewest = _fewest(steps, final)
    # A state counts where it is reached early enough for the pipeline to be ended.
    depths = {start: 0}
    for name in (ways := [start]):
        for step in steps[name]:
            if step.to not in depths and depths[name] + 1 + fewest[step.to] <= most:
                depths[step.to] = depths[name] + 1
                ways.append(step.to)
    if fewest[start] > most:
        return None
    places = {name: i for i, name in enumerate(depths)}
    states = tuple(State(name, _groups(steps[name], places), int(fewest[name])) for name in depths)
    return _counted(Grammar(states, most))


def _fewest(steps: Mapping[str, Sequence[Step]], final: frozenset[str]) -> dict[str, float]:
    """Layers that it takes at least from each state to a final one; inf where none is reached."""
    fewest = {name: 0 if name in final else inf for name in steps}
    for _ in steps:
        for name, following in steps.items():
            least = min((1 + fewest[step.to] for step in following), default=inf)
            fewest[name] = min(fewest[name], least)
    return fewest


def _groups(
    steps: Sequence[Step], places: Mapping[str, int]
) -> tuple[tuple[str, tuple[Move, ...]], ...]:
    groups: dict[str, list[Move]] = {}
    for step in steps:
        if step.to in places:
            move = Move(step.label, step.layer, places[step.to], step.is_width)
            groups.setdefault(step.effect, []).append(move)
    return tuple((effect, tuple(moves)) for effect, moves in groups.items())


def _counted(found: Grammar) -> Grammar:
    """With the numbers of walks: by dynamic programming over the layers that are left."""
    if not is_finite(found):
        return found
    walks: list[list[int]] = [[] for _ in found.states]
    for left in range(found.most + 1):
        counts = [_walks(found, state, left, walks) for state in found.states]
        for row, count in zip(walks, counts, strict=True):
            row.append(count)
    states = zip(found.states, walks, strict=True)
    return replace(found, states=tuple(replace(state, walks=tuple(row)) for state, row in states))


def _walks(found: Grammar, state: State, left: int, walks: Sequence[Sequence[int]]) -> int:
    total = 0
    for _, moves in found.open_at(state, left):
        total += 1 if not moves else 0
        total += sum(walks_below(move.layer) * walks[move.to][left - 1] for move in moves)
    return total
