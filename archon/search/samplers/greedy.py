"""Greedy coordinate search: one question at a time, the best answer to it is kept.

Source: the greedy search among those of the Archon paper (arXiv 2409.15254, search algorithms): it
begins at a base configuration and changes one hyperparameter after the other, and keeps a change
that improves on it. Here the base is the best trial so far, the hyperparameters are the questions
of its walk in their order, and rounds go on until no single change is left; then it begins anew
somewhere else, where the paper's ends.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import islice

from archon.core.seeds import derive_seed
from archon.search.choices import Answered, Plain
from archon.search.samplers.walks import Notes, Tried, Wanted
from archon.search.space import Scalar

MOST_ALTERNATIVES = 8
"""Of a question with more answers so many are tried, in each round."""
MOST_WAYS = 24
"""With those that follow from an answer: a fuser has a model, too."""


class Greedy:
    """Climbs in the first objective; the others decide between equals. See ``Method``."""

    def __init__(self) -> None:
        """No base yet."""
        self._base: Tried | None = None
        self._since = 0
        """Only trials that ended after so many may be the base."""
        self._at = 0
        """Which question of the base is looked at."""
        self._ways: dict[int, list[Tried]] = {}
        """The walks that differ from the base in the answer to a question, by its place."""

    def next(self, notes: Notes, seed: int) -> Wanted:
        """See ``Method``; chance where a climb begins."""
        for _, way in self._left(notes):
            return way.wanted
        return {}

    def changed(self, notes: Notes) -> None:
        """See ``Method``."""
        best = notes.best(since=self._since)
        if best is None:
            return
        if self._base is None or best.number != self._base.number:
            self._base, self._ways = best, {}
        place = next((place for place, _ in self._left(notes)), None)
        if place is not None:
            self._at = place
        elif not notes.running:
            self._since, self._at = len(notes.ended), 0
            self._base, self._ways = None, {}

    def _left(self, notes: Notes) -> Iterator[tuple[int, Tried]]:
        """What is left of the changes of the base, from the question on that is looked at."""
        n = len(self._base.walk) if self._base else 0
        for place in (*range(self._at, n), *range(min(self._at, n))):
            yield from ((place, way) for way in filter(notes.is_new, self._changes(notes, place)))

    def _changes(self, notes: Notes, place: int) -> list[Tried]:
        """The pipelines that come of another answer to one question of the base."""
        assert self._base is not None
        if place not in self._ways:
            ways = islice(_ways(notes, self._base, place), MOST_WAYS)
            self._ways[place] = list(ways)
        return self._ways[place]


def _ways(notes: Notes, base: Tried, place: int) -> Iterator[Tried]:
    """The other answers, what follows from them answered plainly; then one of that changed too."""
    questions = set(base.wanted)
    opened: list[tuple[Wanted, Answered]] = []
    for value in _others(base.walk[place]):
        way = notes.drawn({**base.wanted, base.walk[place].name: value}, Plain())
        if way is not None:
            yield way
            opened += [(way.wanted, new) for new in way.walk if new.name not in questions]
    for wanted, new in opened:
        for value in _others(new):
            if (way := notes.drawn({**wanted, new.name: value}, Plain())) is not None:
                yield way


def _others(answer: Answered) -> list[Scalar]:
    """Other answers to a question, a few of many."""
    if answer.kind == "category":
        options = [option for option in answer.options if option != answer.value]
        chance = random.Random(derive_seed("greedy", answer.name, str(answer.value)))
        few = chance.sample(range(len(options)), min(len(options), MOST_ALTERNATIVES))
        return [options[i] for i in sorted(few)]
    shares = (i / (MOST_ALTERNATIVES - 1) for i in range(MOST_ALTERNATIVES))
    spread = dict.fromkeys(_between(answer, share) for share in shares)
    return [value for value in spread if value != answer.value]


def _between(answer: Answered, share: float) -> float | int:
    low, high = answer.low, answer.high
    value = low * (high / low) ** share if answer.log else low + (high - low) * share
    if answer.kind == "number":
        return value
    return int(low) + answer.step * round((value - low) / answer.step)
