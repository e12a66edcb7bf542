"""The pipelines among which a search by units chooses: all of a small space, a sample of a large.

The model of their worth holds a number for every two of them, which bounds how many there can be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from archon.components.base import Component
from archon.components.canonical import canonical
from archon.components.table import COMPONENTS
from archon.core.architecture import Architecture
from archon.core.seeds import derive_seed
from archon.search.choices import Answered, Chance, Recording
from archon.search.draw import draw
from archon.search.feasible import feasible
from archon.search.propose import Start
from archon.search.size import count_walks
from archon.search.space import Space
from archon.search.study import History
from archon.search.walk_order import shuffled, walk_at

MOST_POOL = 2_000
MOST_DRAWS = 10_000
"""So many walks are looked at in search of pipelines for the pool: some seconds."""


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
        if usable is not None:
            found.setdefault(usable.pipeline_id(), Start(usable, "search", answers))
    return tuple(found.values())


def outside(pool: Sequence[Start], history: History) -> tuple[Start, ...]:
    """What was tried before, or enqueued by a user, and is not in a pool."""
    known = {one.architecture.pipeline_id() for one in pool}
    more = [row.proposal for row in history.trials if row.proposal.pipeline_id not in known]
    return tuple(Start(one.architecture, one.origin) for one in more)


def _walks(space: Space, seed: int) -> Iterator[tuple[Architecture, tuple[Answered, ...]]]:
    """Walks by chance: of a space with an end, none twice."""
    n_walks = count_walks(space)
    if n_walks is None:
        for attempt in range(MOST_DRAWS):
            recording = Recording(Chance(derive_seed(seed, "pool", attempt)))
            yield draw(space, recording), tuple(recording.answers)
        return
    for turn, number in enumerate(shuffled(n_walks, derive_seed(seed, "pool"))):
        if turn >= MOST_DRAWS:
            return
        yield walk_at(space, number)
