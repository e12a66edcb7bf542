"""A budget whose limits change, and that is paused, while calls wait for it."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass

import pytest

from archon.core.calls import CallBatch, ModelReply
from archon.core.errors import BudgetExceeded, CutOff
from archon.runtime.budget import Amount, Budget, Caps, StudyClock
from archon.runtime.clients import Pausing, Timely
from archon.runtime.places import Places
from tests.unit.runtime.clients import Clock, batch


@dataclass
class Slow:
    """A model whose answers wait until they are let go."""

    go: asyncio.Event
    n_asked: int = 0

    async def complete(self, batch: CallBatch) -> tuple[ModelReply, ...]:
        self.n_asked += 1
        await self.go.wait()
        keys = batch.keys()
        return tuple(ModelReply(key, "text") for key in keys)


async def turns(n: int = 5) -> None:
    for _ in range(n):
        await asyncio.sleep(0)


def calls(n: int) -> Amount:
    return Amount(calls=n)


async def test_limits_hold_at_every_moment_while_they_change_under_load() -> None:
    chance, budget = random.Random(0), Budget(Caps(calls=400), Clock())
    passed: list[Amount] = []

    def check() -> None:
        assert budget.caps.calls is not None
        if (taken := budget.spent + budget.reserved).calls > budget.caps.calls:
            passed.append(taken)

    async def buy() -> None:
        while True:
            worst = calls(chance.randint(1, 9))
            await budget.reserve(worst)
            check()
            await asyncio.sleep(0)
            budget.settle(worst, calls(chance.randint(0, worst.calls)))
            check()

    async def change() -> None:
        for _ in range(60):
            await asyncio.sleep(0)
            least = (budget.spent + budget.reserved).calls
            budget.caps = Caps(calls=least + chance.randint(0, 60))
            check()
        budget.caps = Caps(calls=(budget.spent + budget.reserved).calls + 20)

    buyers = [asyncio.create_task(buy()) for _ in range(20)]
    await change()
    ends = await asyncio.wait_for(asyncio.gather(*buyers, return_exceptions=True), 5)
    assert not passed
    assert all(isinstance(end, BudgetExceeded) for end in ends)
    assert budget.reserved == Amount()


async def test_call_that_waits_for_room_is_sent_once_the_limit_is_raised() -> None:
    budget = Budget(Caps(calls=10), Clock())
    await budget.reserve(calls(8))
    waiting = asyncio.create_task(budget.reserve(calls(5)))
    await turns()
    assert not waiting.done()
    budget.caps = Caps(calls=13)
    await asyncio.wait_for(waiting, 1)
    assert budget.reserved == calls(13)


async def test_paused_budget_holds_calls_and_a_closed_one_refuses_them_with_its_reason() -> None:
    budget = Budget(Caps(), Clock())
    budget.pause()
    held = asyncio.create_task(budget.reserve(calls(1)))
    await turns()
    assert not held.done()
    budget.go_on()
    await asyncio.wait_for(held, 1)
    budget.close("ended by the user")
    with pytest.raises(BudgetExceeded, match="ended by the user"):
        await budget.reserve(calls(1))
    budget.close("")
    await budget.reserve(calls(1))


async def test_nothing_is_asked_during_a_pause_and_what_is_in_flight_ends() -> None:
    budget, model = Budget(Caps(), Clock()), Slow(asyncio.Event())
    client = Pausing(model, budget)
    flying = asyncio.create_task(client.complete(batch("first")))
    await turns()
    budget.pause()
    held = asyncio.create_task(client.complete(batch("second")))
    model.go.set()
    await asyncio.wait_for(flying, 1)
    await turns()
    assert (model.n_asked, held.done()) == (1, False)
    budget.go_on()
    await asyncio.wait_for(held, 1)


async def test_deadline_that_is_moved_holds_for_calls_that_wait_already() -> None:
    clock, model = StudyClock(), Slow(asyncio.Event())
    budget = Budget(Caps(), clock)
    waiting = asyncio.create_task(Timely(model, budget).complete(batch("a question")))
    await turns()
    budget.caps = Caps(deadline_s=clock() + 0.05)
    budget.caps = Caps(deadline_s=clock() + 60)
    await asyncio.sleep(0.1)
    assert not waiting.done()
    budget.caps = Caps(deadline_s=clock() + 0.01)
    with pytest.raises(CutOff):
        await asyncio.wait_for(waiting, 5)


async def test_time_stands_still_during_a_pause() -> None:
    real = Clock(100.0)
    clock = StudyClock(real)
    budget = Budget(Caps(deadline_s=110.0), clock)
    real.now = 103.0
    clock.stop()
    budget.pause()
    real.now = 500.0
    assert (budget.seconds_left, budget.seconds_to_go) == (7.0, None)
    clock.go_on()
    budget.go_on()
    real.now = 502.0
    assert (budget.seconds_left, budget.seconds_to_go) == (5.0, 5.0)


async def test_places_grow_and_shrink_while_they_are_taken() -> None:
    places, running, most = Places(2), 0, 0

    async def work(go: asyncio.Event) -> None:
        nonlocal running, most
        async with places:
            running += 1
            most = max(most, running)
            await go.wait()
            running -= 1

    first, second = asyncio.Event(), asyncio.Event()
    tasks = [asyncio.create_task(work(first if i < 4 else second)) for i in range(12)]
    await turns()
    assert running == 2
    places.n = 4
    await turns()
    assert running == 4
    places.n = 1
    tasks[-1].cancel()
    first.set()
    await turns(10)
    assert (running, most) == (1, 4)
    second.set()
    await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 1)
    assert running == 0
