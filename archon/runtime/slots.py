"""Deals sample slots, so that pipelines which share a beginning share its calls."""

from __future__ import annotations

SEARCH_SLOT = 0
HELD_OUT_SLOT = 1 << 20
"""Held-out runs draw fresh samples, so that a winner chosen on lucky samples is found out."""
DEPLOYED_SLOT = 1 << 21
EVALUATION_SLOT = 3 << 20
"""Evaluations of a pipeline file draw their own samples too: a study's may be those it won by."""
REDRAW_OFFSET = 1 << 24
"""Where the second draw for an empty reply is kept: far from any slot that is dealt."""


class SlotDealer:
    """Slots of one run of one pipeline on one question.

    A request asked for the first time takes slots from ``first_slot`` on; asked again in the same
    run, the next ones. Order of asking is the order of layers and of components in a layer,
    because components make their first requests before they wait for anything.
    """

    def __init__(self, first_slot: int = SEARCH_SLOT) -> None:
        self._first = first_slot
        self._next: dict[str, int] = {}

    def take(self, digest: str, n: int) -> tuple[int, ...]:
        """The next ``n`` slots of the request with this digest."""
        start = self._next.get(digest, self._first)
        self._next[digest] = start + n
        return tuple(range(start, start + n))
