"""A pause of the study costs no patience with an endpoint."""

from __future__ import annotations

import asyncio

import pytest

from archon.core.errors import RateLimited, Unreachable
from archon.runtime.budget import Budget, Caps, StudyClock
from archon.runtime.gate import Gate, Limits
from archon.runtime.limits import Limited
from tests.unit.runtime.clients import Clock, Scripted, batch


async def test_pause_of_the_study_does_not_cost_patience_with_rate_limits() -> None:
    clock = Clock()
    patience = StudyClock(clock)
    gate = Gate(Limits(patience_s=120.0), clock=clock, sleep=clock.sleep, patience_clock=patience)
    gate.limited(0.0)
    patience.stop()
    clock.now += 3600.0
    patience.go_on()
    scripted = Scripted([RateLimited("later", 5.0), RateLimited("later", 5.0), "fine"])
    (reply,) = await Limited(scripted, gate, chance=lambda: 0.5).complete(batch())
    assert reply.text == "fine"


@pytest.mark.parametrize("is_waiting", [True, False], ids=["waiting", "new"])
async def test_pause_of_the_study_does_not_cost_patience_with_an_outage(is_waiting: bool) -> None:
    clock = Clock()
    budget = Budget(Caps(), StudyClock(clock))
    patience = budget.clock
    assert isinstance(patience, StudyClock)
    limits = Limits(start=4, most=4, outage_after=8)
    gate = Gate(
        limits,
        clock=clock,
        sleep=clock.sleep,
        patience_clock=patience,
        until_going=budget.until_going,
    )
    for _ in range(8):
        gate.found_nobody(Unreachable("refused"))
    client = Limited(scripted := Scripted(["back"]), gate)
    asked = [asyncio.ensure_future(client.complete(batch())) for _ in range(3 * is_waiting)]
    if is_waiting:
        await asyncio.sleep(0)
    budget.pause()
    patience.stop()
    asked += [asyncio.ensure_future(client.complete(batch()))]
    for _ in range(300):
        clock.now += 1.0
        if clock.now % 15 < 1:
            gate.found_nobody(Unreachable("refused"))  # as one that flew when the pause began
        await asyncio.sleep(0)
    assert not scripted.asked
    patience.go_on()
    budget.go_on()
    replies = await asyncio.gather(*asked)
    assert {reply.text for (reply,) in replies} == {"back"}
