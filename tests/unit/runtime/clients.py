"""Scripted clients and a clock that tests turn by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from archon.core.calls import CallBatch, ModelReply, ModelRequest, Usage
from archon.core.messages import ask


@dataclass
class Clock:
    """Time passes when somebody sleeps; sleepers wake in the order of their times."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)
        self.now += seconds


@dataclass
class Scripted:
    """Gives its outcomes one after the other, the last one for ever; notes what was asked."""

    outcomes: Sequence[Exception | str]
    asked: list[CallBatch] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0
    pause_s: float = 0.0

    async def complete(self, batch: CallBatch) -> tuple[ModelReply, ...]:
        self.asked.append(batch)
        outcome = self.outcomes[min(len(self.asked), len(self.outcomes)) - 1]
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await asyncio.sleep(self.pause_s)
        finally:
            self.in_flight -= 1
        if isinstance(outcome, Exception):
            raise outcome
        keys = batch.keys()
        return tuple(ModelReply(key, outcome, usage=Usage(5, 5, 5)) for key in keys)


def batch(text: str = "why?", n: int = 1, model: str = "m") -> CallBatch:
    request = ModelRequest(model, ask(text))
    return CallBatch(request, request.digest("x"), tuple(range(n)))
