"""Any walk of a finite space by its number, and all numbers in an order by chance.

Nothing is listed, so that a large space costs no more memory or time than the walks looked at.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence

from archon.core.architecture import Architecture
from archon.search.choices import Answered, Recording, by_positions
from archon.search.draw import MOST_SUBSETS, draw
from archon.search.size import answers_of, sets_of, values_of, walks_below, width_of
from archon.search.space import (
    Chain,
    ComponentNode,
    EnsembleNode,
    Fixed,
    Grammar,
    LayerNode,
    Node,
    OneOf,
    Space,
)

MOST_WALKS = 200_000
"""So many walks of a space are looked at one by one, where nothing else finds a new pipeline. No
larger space is searched exhaustively."""
_ROUNDS = 4
"""A Feistel network of four rounds whose round function is random is a random permutation to anyone
who only looks (Luby and Rackoff 1988)."""


def walk_at(space: Space, number: int) -> tuple[Architecture, tuple[Answered, ...]]:
    """The walk that comes ``number``-th, from 0, in the order of ``archon.search.choices.walks``.

    Args:
        space: Without an open number that is not whole.
        number: Less than ``archon.search.size.count_walks`` of the space.
    """
    recording = Recording(by_positions(list(_positions(space.root, number))))
    return draw(space, recording), tuple(recording.answers)


def shuffled(n: int, seed: int) -> Iterator[int]:
    """Every number from 0 to ``n - 1`` once, in an order that depends on the seed alone."""
    half = max(1, ((n - 1).bit_length() + 1) // 2)
    for number in range(1 << 2 * half):
        # What the permutation of a power of four leads outside is led on until it is inside; here
        # that is the same as passing over it, since all numbers are gone through.
        if (turned := _turned(number, half, seed)) < n:
            yield turned


def _turned(number: int, half: int, seed: int) -> int:
    """A permutation of the numbers of ``2 * half`` bits."""
    left, right = number >> half, number & (1 << half) - 1
    n_bytes = -(-half // 8)
    for i in range(_ROUNDS):
        text = f"{seed}.{i}.{right}".encode()
        mixed = int.from_bytes(hashlib.shake_128(text).digest(n_bytes)) & (1 << half) - 1
        left, right = right, left ^ mixed
    return left << half | right


def _positions(node: Node, number: int) -> Iterator[int]:
    """Which answer each question of a walk gets, in the order in which ``draw`` asks them."""
    if isinstance(node, LayerNode):
        digits = _digits(number, [answers_of(part) for part in node.components])
        for part, digit in zip(node.components, digits, strict=True):
            yield from _of_part(part, digit)
    elif isinstance(node, Chain):
        digits = _digits(number, [walks_below(child) for child in node.nodes])
        for child, digit in zip(node.nodes, digits, strict=True):
            yield from _positions(child, digit)
    elif isinstance(node, OneOf):
        counts = [walks_below(child) for _, child in node.alternatives]
        taken, rest = _within(number, counts)
        yield taken
        yield from _positions(node.alternatives[taken][1], rest)
    elif isinstance(node, Grammar):
        yield from _through(node, number)
    else:
        inner = walks_below(node.node)
        rounds = range(node.low, node.high + 1)
        taken, rest = _within(number, [inner**times for times in rounds])
        if len(rounds) > 1:
            yield taken
        for digit in _digits(rest, [inner] * rounds[taken]):
            yield from _positions(node.node, digit)


def _through(grammar: Grammar, number: int) -> Iterator[int]:
    """The same of a grammar, one layer after the other."""
    state = grammar.states[0]
    for left in range(grammar.most, -1, -1):
        groups = grammar.open_at(state, left)
        rests = [[grammar.states[move.to].walks[left - 1] for move in group] for _, group in groups]
        counts = [
            [walks_below(move.layer) * rest for move, rest in zip(group, row, strict=True)]
            for (_, group), row in zip(groups, rests, strict=True)
        ]
        taken, number = _within(number, [sum(row) if row else 1 for row in counts])
        if len(groups) > 1:
            yield taken
        moves = groups[taken][1]
        if not moves:
            return
        which, number = _within(number, counts[taken])
        if len(moves) > 1:
            yield which
        layer, number = divmod(number, rests[taken][which])
        yield from _positions(moves[which].layer, layer)
        state = grammar.states[moves[which].to]


def _of_part(part: ComponentNode | EnsembleNode, number: int) -> Iterator[int]:
    if isinstance(part, EnsembleNode):
        yield from _of_ensemble(part, number)
        return
    model, values = divmod(number, values_of(part))
    if len(part.models) > 1:
        yield model
    yield from _of_values(part, values)


def _of_values(component: ComponentNode, number: int) -> Iterator[int]:
    widths = [width_of(dimension) for _, dimension in component.params]
    for (_, dimension), digit in zip(component.params, _digits(number, widths), strict=True):
        if not isinstance(dimension, Fixed):
            yield digit


def _of_ensemble(part: EnsembleNode, number: int) -> Iterator[int]:
    widths = [values_of(part.member(size)) for size in part.sizes]
    sets = [sets_of(part, size) for size in part.sizes]
    taken, rest = _within(number, [n * width for n, width in zip(sets, widths, strict=True)])
    if len(part.sizes) > 1:
        yield taken
    which, values = divmod(rest, widths[taken])
    size = part.sizes[taken]
    if sets[taken] > 1:
        yield from _of_subset(len(part.component.models), size, which)
    yield from _of_values(part.member(size), values)


def _of_subset(n_models: int, size: int, which: int) -> Iterator[int]:
    if math.comb(n_models, size) <= MOST_SUBSETS:
        yield which
        return
    for left in range(n_models, 0, -1):
        if not 0 < size < left:
            return
        is_in, which = _within(which, [math.comb(left - 1, size), math.comb(left - 1, size - 1)])
        yield is_in
        size -= is_in


def _digits(number: int, bases: Sequence[int]) -> list[int]:
    """``number`` in mixed radix, the last digit changing fastest."""
    digits = []
    for base in reversed(bases):
        number, digit = divmod(number, base)
        digits.append(digit)
    return digits[::-1]


def _within(number: int, counts: Sequence[int]) -> tuple[int, int]:
    """(i, rest): ``number`` lies ``rest`` into the i-th of ranges of these lengths."""
    for i, count in enumerate(counts):
        if number < count:
            return i, number
        number -= count
    raise IndexError("the space has no such walk")
