"""The pipelines among which a search by units chooses: all of a small space, some of a large.

The model of their worth holds a number for every two of them, which bounds how many there can be.
Of a large space they are drawn by chance at first; later, near those that look best, others take
the places of what was never seen and promises least.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence

from archon.components.base import Component
from archon.components.canonical import canonical
from archon.components.table import COMPONENTS
from archon.core.architecture import Architecture
from archon.core.seeds import derive_seed
from archon.search.choices import Answered, Chance, Following, Recording
from archon.search.draw import draw
from archon.search.feasible import feasible
from archon.search.propose import Start
from archon.search.size import count_walks
from archon.search.space import Space
from archon.search.study import History
from archon.search.walk_order import shuffled, walk_at

MOST_POOL = 2_000
MOST_WALKS, MOST_DRAWS = 10_000, 4_000
"""Of a space with so many walks at most all are looked at; of others so many, which takes from ten
seconds to half a minute where walks are long."""
DRAWS_EACH = 4
"""So often is drawn for each pipeline that is to be found near others."""
TWO_CHANGED = 0.3
"""How often two answers of a walk change at once."""


def pool_of(
    space: Space,
    starts: Sequence[Start] = (),
    *,
    seed: int,
    most: int = MOST_POOL,
    table: Mapping[str, type[Component]] = COMPONENTS,
) -> tuple[Start, ...]:
    """At most ``most`` pipelines, no two equal: the starts, then those of the space.

    Args:
        space: Where to draw from; its ceilings hold for what is drawn.
        starts: Taken as they are, in their order.
        seed: Which pipelines of a large space.
        most: How many.
        table: Component kinds.
    """
    found: dict[str, Start] = {}
    for start in starts:
        architecture = canonical(start.architecture, table)
        found.setdefault(
            architecture.pipeline_id(), Start(architecture, start.origin, start.answers)
        )
    for drawn, answers in _walks(space, seed):
        if len(found) >= most:
            break
        usable = feasible(space, drawn, table)
        if usable is None:
            continue
        known = found.get(usable.pipeline_id())
        if known is None:
            found[usable.pipeline_id()] = Start(usable, "search", answers)
        elif not known.answers:
            # A start that the space holds as well: its walk says what it is made of.
            found[usable.pipeline_id()] = Start(usable, known.origin, answers)
    return tuple(found.values())


def is_whole(space: Space, drawn: Sequence[Start], most: int = MOST_POOL) -> bool:
    """Whether ``pool_of`` gave all pipelines of a space."""
    n_walks = count_walks(space)
    return n_walks is not None and n_walks <= MOST_WALKS and len(drawn) < most


class Pool:
    """Pipelines by their place."""

    def __init__(self, space: Space, drawn: Sequence[Start], added: Sequence[Start] = ()) -> None:
        """Fill all places.

        Args:
            space: Where others come from.
            drawn: As ``pool_of`` gives them.
            added: Pipelines of a user's own, which are in no space; new to ``drawn``.
        """
        self._space = space
        self._starts = [*drawn, *added]
        self._places = {one.architecture.pipeline_id(): i for i, one in enumerate(self._starts)}
        self.n_added = len(added)

    def __len__(self) -> int:
        """How many places there are."""
        return len(self._starts)

    def __getitem__(self, place: int) -> Start:
        """The pipeline at a place."""
        return self._starts[place]

    def place(self, pipeline_id: str) -> int | None:
        """Where a pipeline is; None where it is not."""
        return self._places.get(pipeline_id)

    def architectures(self) -> list[Architecture]:
        """All of them, by place."""
        return [one.architecture for one in self._starts]

    def near(
        self,
        places: Sequence[int],
        n: int,
        seed: int,
        table: Mapping[str, type[Component]] = COMPONENTS,
    ) -> list[Start]:
        """At most ``n`` pipelines of the space that are not there, each like one that is.

        Args:
            places: Those that they are like; one answer of each walk, or two, are drawn anew.
            n: How many.
            seed: Which.
            table: Component kinds.
        """
        parents = [self._starts[place] for place in places if self._starts[place].answers]
        found: dict[str, Start] = {}
        for attempt in range(DRAWS_EACH * n if parents else 0):
            if len(found) == n:
                break
            chance = random.Random(derive_seed(seed, "near", attempt))
            drawn = self._like(parents[attempt % len(parents)], chance, table)
            if drawn is not None and self.place(drawn.architecture.pipeline_id()) is None:
                found.setdefault(drawn.architecture.pipeline_id(), drawn)
        return list(found.values())

    def _like(
        self, parent: Start, chance: random.Random, table: Mapping[str, type[Component]]
    ) -> Start | None:
        n_changed = min(len(parent.answers), 1 + (chance.random() < TWO_CHANGED))
        changed = {one.name for one in chance.sample(parent.answers, n_changed)}
        wanted = {one.name: one.value for one in parent.answers if one.name not in changed}
        recording = Recording(Following(wanted, Chance(chance.getrandbits(32))))
        usable = feasible(self._space, draw(self._space, recording), table)
        return Start(usable, "search", tuple(recording.answers)) if usable else None

    def replace(self, changes: Mapping[int, Start]) -> None:
        """Put other pipelines at some places."""
        for place, start in changes.items():
            del self._places[self._starts[place].architecture.pipeline_id()]
            self._starts[place] = start
            self._places[start.architecture.pipeline_id()] = place


def outside(pool: Sequence[Start], history: History) -> tuple[Start, ...]:
    """What a user enqueued, and is not in a pool."""
    known = {one.architecture.pipeline_id() for one in pool}
    rows = [row.proposal for row in history.trials if row.proposal.origin == "user"]
    return tuple(
        Start(one.architecture, one.origin) for one in rows if one.pipeline_id not in known
    )


def _walks(space: Space, seed: int) -> Iterator[tuple[Architecture, tuple[Answered, ...]]]:
    """Walks by chance: of a space with an end, none twice."""
    n_walks = count_walks(space)
    if n_walks is None:
        for attempt in range(MOST_DRAWS):
            recording = Recording(Chance(derive_seed(seed, "pool", attempt)))
            yield draw(space, recording), tuple(recording.answers)
        return
    for turn, number in enumerate(shuffled(n_walks, derive_seed(seed, "pool"))):
        if n_walks > MOST_WALKS and turn >= MOST_DRAWS:
            return
        yield walk_at(space, number)
