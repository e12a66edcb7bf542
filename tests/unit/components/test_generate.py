"""Sampling keeps the order of the slots and draws again, at the same time, what came back empty."""

from __future__ import annotations

import asyncio

from archon.components.generate import Generate
from archon.core.calls import CallBatch, ModelReply
from archon.runtime.slots import REDRAW_OFFSET
from tests.unit.components.scripted import Scripted, in_turn, ran, state_of


class _Gappy(Scripted):
    """Every second sample is empty; second draws come back only once all of them are asked for."""

    def __init__(self, n_redraws: int) -> None:
        super().__init__(in_turn("x"))
        self.everyone = asyncio.Barrier(n_redraws)

    async def complete(self, batch: CallBatch) -> tuple[ModelReply, ...]:
        first, *_ = keys = batch.keys()
        if first.slot >= REDRAW_OFFSET:
            await asyncio.wait_for(self.everyone.wait(), 5)
            return (ModelReply(first, f"again {first.slot - REDRAW_OFFSET}"),)
        return tuple(
            ModelReply(key, f"slot {key.slot}") if key.slot % 2 else ModelReply(key, "", "empty")
            for key in keys
        )


async def test_generate_draws_empty_replies_again_all_at_once_and_keeps_the_order() -> None:
    result = await ran(Generate("m", samples=5), state_of(), _Gappy(n_redraws=3))
    assert result.texts == ["again 0", "slot 1", "again 2", "slot 3", "again 4"]
    assert result.counted == {"empty_reply": 3}


async def test_generate_drops_what_is_refused_without_asking_again() -> None:
    result = await ran(Generate("m", samples=2), state_of("old"), in_turn(("", "refused")))
    assert result.texts == ["old"]
    assert len(result.client.prompts) == 2
    assert result.counted == {"refused": 2}


async def test_reply_that_is_reasoning_alone_is_drawn_again() -> None:
    said = in_turn("<think>hm, 5</think>\n", "<think>hm</think>5")
    result = await ran(Generate("m"), state_of(), said)
    assert result.texts == ["<think>hm</think>5"]
    assert result.counted == {"empty_reply": 1}


async def test_reply_cut_off_within_its_reasoning_is_no_answer() -> None:
    result = await ran(Generate("m", samples=2), state_of(), in_turn(("<think>hm", "length"), "5"))
    assert result.texts == ["5"]
    assert result.counted == {"truncated": 1}
