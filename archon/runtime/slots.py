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


FOLLOW_OFFSET = 1 << 25
"""How far a draw moves where a request that follows from two replies would take one slot twice."""


class SlotDealer:
    """Slots of one run of one pipeline on one question; no draw of it is ever dealt twice.

    A request asked for the first time takes slots from ``first_slot`` on; asked again in the same
    run, the next ones. Order of asking is the order of layers and of components in a layer,
    because components make their first requests before they wait for anything.
    """

    def __init__(self, first_slot: int = SEARCH_SLOT) -> None:
        self._first = first_slot
        self._next: dict[str, int] = {}
        self._kept: set[tuple[str, int]] = set()

    def take(self, digest: str, n: int) -> tuple[int, ...]:
        """The next ``n`` slots of the request with this digest."""
        slot = self._next.get(digest, self._first)
        slots: list[int] = []
        while len(slots) < n:
            if (digest, slot) not in self._kept:
                slots.append(slot)
            slot += 1
        self._next[digest] = slot
        return tuple(slots)

    def keep(self, digest: str, slot: int) -> int:
        """The slot of a request that follows from a reply in ``slot``: the same, where it is free.

        Two replies can lead to one request (both prompts were too long, and what fits of them is
        the same). Which of them comes first depends on the network, but not the slots they take.
        """
        is_dealt = self._first <= slot < self._next.get(digest, self._first)
        while is_dealt or (digest, slot) in self._kept:
            slot, is_dealt = slot + FOLLOW_OFFSET, False
        self._kept.add((digest, slot))
        return slot
