"""Sample slots: the same for pipelines that begin alike, and never the same draw twice in a run."""

from __future__ import annotations

from archon.runtime.slots import HELD_OUT_SLOT, SlotDealer


def test_request_asked_again_takes_the_next_slots() -> None:
    dealer = SlotDealer(HELD_OUT_SLOT)
    assert dealer.take("a", 2) == (HELD_OUT_SLOT, HELD_OUT_SLOT + 1)
    assert dealer.take("b", 1) == (HELD_OUT_SLOT,)
    assert dealer.take("a", 1) == (HELD_OUT_SLOT + 2,)


def test_following_request_keeps_the_slot_that_it_follows() -> None:
    dealer = SlotDealer()
    assert [dealer.keep("a", slot) for slot in (3, 0, 1)] == [3, 0, 1]


def test_draws_of_one_request_differ_however_they_came_about() -> None:
    dealer = SlotDealer()
    slots = [
        *dealer.take("a", 2),
        dealer.keep("a", 0),
        dealer.keep("a", 0),
        dealer.keep("a", 2),
        *dealer.take("a", 2),
    ]
    assert len(set(slots)) == len(slots)
    assert max(slots) < 1 << 31
