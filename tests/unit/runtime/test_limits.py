from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace

import pytest

from archon.core.calls import CallBatch, ModelClient, ModelReply
from archon.core.errors import (
    AuthFailed,
    BadRequest,
    BadResponse,
    BudgetExceeded,
    CallError,
    ContextOverflow,
    ModelGone,
    QuotaExhausted,
    RateLimited,
    Refused,
    TimedOut,
    Unreachable,
)
from archon.runtime.gate import Gate, Limits
from archon.runtime.limits import Limited, nothing_noted
from tests.unit.runtime.clients import Clock, Scripted, batch


def limited(
    outcomes: Sequence[Exception | str], limits: Limits | None = None
) -> tuple[Limited, Scripted, Clock]:
    clock, scripted = Clock(), Scripted(outcomes)
    gate = Gate(limits, clock=clock, sleep=clock.sleep)
    return Limited(scripted, gate, nothing_noted, lambda: 0.5), scripted, clock


@pytest.mark.parametrize(
    ("error", "n_tries"),
    [
        (Unreachable("away"), 7),
        (TimedOut("slow"), 2),
        (BadResponse("html"), 2),
        (AuthFailed("key"), 1),
        (QuotaExhausted("empty"), 1),
        (ModelGone("404"), 1),
        (BadRequest("400"), 1),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
async def test_request_is_sent_as_often_as_its_error_allows(error: CallError, n_tries: int) -> None:
    client, scripted, _ = limited([error])
    with pytest.raises(type(error), match=str(error)):
        await client.complete(batch())
    assert len(scripted.asked) == n_tries
    assert client.gate.in_flight == 0


async def test_errors_of_different_kinds_are_counted_each_for_itself() -> None:
    script = [TimedOut("t"), Unreachable("u"), RateLimited("r", 1.0), BadResponse("b"), "fine"]
    client, scripted, _ = limited(script)
    (reply,) = await client.complete(batch())
    assert reply.text == "fine"
    assert len(scripted.asked) == 5


@pytest.mark.parametrize(
    ("error", "finish"),
    [(Refused("policy"), "filtered"), (ContextOverflow("too long"), "context")],
    ids=["filtered", "context"],
)
async def test_fault_of_the_model_is_a_reply_without_text_for_every_sample(
    error: CallError, finish: str
) -> None:
    client, scripted, _ = limited([error])
    replies = await client.complete(batch(n=3))
    assert [(reply.text, reply.finish, reply.key.slot) for reply in replies] == [
        ("", finish, slot) for slot in range(3)
    ]
    assert len(scripted.asked) == 1


async def test_waits_double_and_end_at_the_longest() -> None:
    client, _, clock = limited([Unreachable("away")] * 4 + ["back"])
    await client.complete(batch())
    assert clock.slept == [0.75, 1.5, 3.0, 6.0]


async def test_whoever_wants_to_know_is_told_of_each_wait() -> None:
    client, _, _ = limited([Unreachable("away")] * 3 + ["back"])
    told: list[tuple[str, float, float]] = []
    telling = replace(client, on_wait=lambda *wait: told.append((str(wait[0]), *wait[1:])))
    await telling.complete(batch())
    assert told == [("away", 0.0, 0.75), ("away", 0.75, 1.5), ("away", 2.25, 3.0)]


async def test_rate_limit_is_obeyed_as_asked_and_not_counted() -> None:
    client, scripted, clock = limited([RateLimited("later", 20.0)] * 7 + ["fine"])
    (reply,) = await client.complete(batch())
    assert reply.text == "fine"
    assert len(scripted.asked) == 8
    assert clock.now >= 7 * 20.0


async def test_rate_limit_without_a_time_is_waited_for_by_doubling() -> None:
    client, _, clock = limited([RateLimited("later")] * 3 + ["fine"])
    await client.complete(batch())
    assert clock.slept == [0.375, 0.75, 1.5]


async def test_endpoint_that_asks_for_milliseconds_for_ever_is_not_hammered() -> None:
    client, scripted, clock = limited([RateLimited("later", 0.003)], Limits(patience_s=60.0))
    with pytest.raises(RateLimited):
        await client.complete(batch())
    assert len(scripted.asked) < 10
    assert clock.slept[0] < 0.01
    assert clock.now <= 60.0


async def test_patience_with_rate_limits_ends() -> None:
    client, scripted, clock = limited([RateLimited("later", 50.0)], Limits(patience_s=120.0))
    with pytest.raises(RateLimited):
        await client.complete(batch())
    assert len(scripted.asked) == 3
    assert clock.now <= 120.0


async def test_wait_of_a_day_is_not_waited_for_and_stops_nobody_else() -> None:
    client, scripted, clock = limited([RateLimited("tomorrow", 86_400.0), "fine"])
    with pytest.raises(RateLimited):
        await client.complete(batch())
    assert clock.now == 0.0
    assert (await client.complete(batch()))[0].text == "fine"
    assert len(scripted.asked) == 2


async def test_rate_limit_of_one_request_pauses_all_to_the_endpoint() -> None:
    clock = Clock()
    gate = Gate(clock=clock, sleep=clock.sleep)
    first = Limited(Scripted([RateLimited("later", 30.0), "a"]), gate)
    other_model = Scripted(["b"])
    second = Limited(other_model, gate)
    task = asyncio.ensure_future(first.complete(batch()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await second.complete(batch(model="other"))
    assert clock.now >= 30.0
    await task


async def test_failed_try_is_noted_before_the_next() -> None:
    noted: list[tuple[CallBatch, bool]] = []

    async def note(batch: CallBatch, error: CallError) -> None:
        noted.append((batch, error.is_maybe_billed))

    clock = Clock()
    scripted = Scripted([TimedOut("slow"), RateLimited("later", 1.0), BadResponse("html"), "fine"])
    gate = Gate(clock=clock, sleep=clock.sleep)
    asked = batch(n=2)
    await Limited(scripted, gate, note).complete(asked)
    assert noted == [(asked, True), (asked, False), (asked, True)]  # a 429 is never charged


async def test_no_further_try_where_the_budget_does_not_allow_it() -> None:
    client, scripted, _ = limited([TimedOut("slow"), BudgetExceeded("used up"), "fine"])
    with pytest.raises(BudgetExceeded):
        await client.complete(batch())
    assert len(scripted.asked) == 2
    assert client.gate.in_flight == 0


async def test_requests_in_flight_stay_within_the_places_and_use_them() -> None:
    scripted = Scripted(["fine"], pause_s=0.001)
    client = Limited(scripted, Gate(Limits(start=4, most=4)))
    await asyncio.gather(*(client.complete(batch()) for _ in range(40)))
    assert scripted.most_in_flight == 4


async def test_engine_gets_no_more_samples_than_it_decodes_side_by_side() -> None:
    n_samples: list[int] = []

    class Decoding(Scripted):
        async def complete(self, batch: CallBatch) -> tuple[ModelReply, ...]:
            n_samples.append(client.gate.in_flight)
            return await super().complete(batch)

    gate = Gate(Limits(start=20, most=20, counts_samples=True))
    client = Limited(Decoding(["fine"], pause_s=0.001), gate)
    sizes = [8, 8, 8, 1, 3, 50, 8, 1] * 5
    replies = await asyncio.gather(*(client.complete(batch(n=n)) for n in sizes))
    assert [len(one) for one in replies] == sizes
    assert max(n for n in n_samples if n != 50) <= 20
    assert max(n_samples) == 50, "what no engine can hold at once is sent alone"
    assert sorted(n_samples)[len(sizes) // 2] > 10, "the places are used"
    assert gate.in_flight == 0


async def test_request_that_leaves_the_queue_lets_those_behind_it_in() -> None:
    gate = Gate(Limits(start=4, most=4, counts_samples=True))
    await gate.enter(2)
    large = asyncio.ensure_future(gate.enter(4))
    small = asyncio.ensure_future(gate.enter(2))
    await asyncio.sleep(0.001)
    assert not small.done(), "in the order of asking"
    large.cancel()
    await asyncio.wait_for(small, 1.0)
    assert gate.in_flight == 4


async def test_places_grow_while_the_endpoint_bears_it() -> None:
    scripted = Scripted(["fine"], pause_s=0.001)
    client = Limited(scripted, Gate(Limits(start=2, most=16)))
    await asyncio.gather(*(client.complete(batch()) for _ in range(400)))
    assert scripted.most_in_flight == 16


async def test_places_halve_once_for_a_burst_of_rate_limits() -> None:
    clock = Clock()
    gate = Gate(Limits(start=16, most=16), clock=clock)
    for _ in range(10):
        gate.congested()
    assert gate.n_places == 8
    clock.now += 2.0
    gate.congested()
    assert gate.n_places == 4


async def test_cancelled_request_gives_its_place_back_wherever_it_waited() -> None:
    scripted = Scripted(["fine"], pause_s=0.01)
    client = Limited(scripted, Gate(Limits(start=2, most=2)))
    for patience in (0.0, 0.002, 0.009, 0.012):
        tasks = [asyncio.ensure_future(client.complete(batch())) for _ in range(9)]
        await asyncio.sleep(patience)
        for task in tasks[::2]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert client.gate.in_flight == 0
    assert (await client.complete(batch()))[0].text == "fine"


async def test_endpoint_that_is_away_is_left_alone_and_tried_again_by_one() -> None:
    clock = Clock()
    scripted = Scripted([Unreachable("refused")])
    gate = Gate(Limits(start=1, most=1, outage_after=10, outage_s=100.0), clock=clock)
    gate.sleep = clock.sleep
    client = Limited(scripted, gate, nothing_noted, lambda: 0.0)
    for _ in range(5):
        with pytest.raises(Unreachable, match="refused"):
            await client.complete(batch())
    assert len(scripted.asked) == 10
    clock.now += 100.0
    with pytest.raises(Unreachable, match="refused"):
        await client.complete(batch())
    assert len(scripted.asked) == 11
    scripted.outcomes = ["back"]
    clock.now += 100.0
    assert (await client.complete(batch()))[0].text == "back"
    assert (await client.complete(batch()))[0].text == "back"
    assert len(scripted.asked) == 13


async def test_those_who_wait_for_a_place_are_refused_when_nobody_is_there() -> None:
    scripted = Scripted([Unreachable("refused")], pause_s=0.001)
    clock = Clock()
    gate = Gate(Limits(start=2, most=2, outage_after=4), clock=clock, sleep=clock.sleep)
    client = Limited(scripted, gate, nothing_noted, lambda: 0.0)
    asked = [client.complete(batch()) for _ in range(50)]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(outcome, Unreachable) for outcome in outcomes)
    assert len(scripted.asked) < 10
    assert gate.in_flight == 0


async def test_one_success_among_failures_keeps_the_endpoint_open() -> None:
    gate = Gate(Limits(start=1, most=1, outage_after=4))
    for _ in range(20):
        for _ in range(3):
            gate.found_nobody(Unreachable("refused"))
        gate.succeeded()
    await gate.enter()
    assert gate.in_flight == 1


class Timeline:
    """A clock whose sleepers wake one after the other, in the order of their times."""

    def __init__(self) -> None:
        self.now = 0.0
        self._sleeping: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        awake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleeping, (self.now + seconds, next(self._numbers), awake))
        await awake

    async def outcomes(self, asked: Sequence[Awaitable[object]]) -> list[object]:
        """Let time pass until all of these are done."""
        tasks = [asyncio.ensure_future(one) for one in asked]
        while not all(task.done() for task in tasks):
            for _ in range(10):
                await asyncio.sleep(0)
            if self._sleeping:
                at, _, awake = heapq.heappop(self._sleeping)
                self.now = max(self.now, at)
                if not awake.done():
                    awake.set_result(None)
        return list(await asyncio.gather(*tasks, return_exceptions=True))


@dataclass
class AwayFor:
    """Fails until a time, then answers."""

    clock: Timeline
    until_s: float
    error: Exception
    n_asked: int = 0

    async def complete(self, batch: CallBatch) -> tuple[ModelReply, ...]:
        self.n_asked += 1
        await asyncio.sleep(0)
        if self.clock.now < self.until_s:
            raise self.error
        return tuple(ModelReply(key, "back") for key in batch.keys())  # noqa: SIM118


def on_timeline(inner: ModelClient, clock: Timeline) -> Limited:
    gate = Gate(Limits(start=16, most=64), clock=clock, sleep=clock.sleep)
    return Limited(inner, gate, chance=lambda: 0.0)


@pytest.mark.parametrize("n", [1, 32, 128])
@pytest.mark.parametrize("wait_s", [None, 20.0, 100.0])
async def test_endpoint_that_always_refuses_is_found_out_by_all_together(
    n: int, wait_s: float | None
) -> None:
    clock = Timeline()
    inner = AwayFor(clock, float("inf"), RateLimited("later", wait_s))
    client = on_timeline(inner, clock)
    outcomes = await clock.outcomes([client.complete(batch(f"{i}")) for i in range(n)])
    assert all(isinstance(outcome, RateLimited) for outcome in outcomes)
    assert clock.now <= 600.0 + 2 * (wait_s or 30.0)
    n_asked = inner.n_asked
    outcomes = await clock.outcomes([client.complete(batch(f"{i}")) for i in range(n)])
    assert all(isinstance(outcome, RateLimited) for outcome in outcomes)
    assert inner.n_asked <= n_asked + 1, "one at most looks whether it is over"
    inner.until_s, clock.now = 0.0, clock.now + 100.0
    outcomes = await clock.outcomes([client.complete(batch())])
    assert isinstance(outcomes[0], tuple)


@pytest.mark.parametrize("n", [1, 8, 100, 400])
async def test_endpoint_that_is_away_for_half_a_minute_fails_no_call(n: int) -> None:
    clock = Timeline()
    inner = AwayFor(clock, 30.0, Unreachable("refused"))
    client = on_timeline(inner, clock)
    outcomes = await clock.outcomes([client.complete(batch(f"{i}")) for i in range(n)])
    assert all(isinstance(outcome, tuple) for outcome in outcomes)
    assert clock.now < 70.0
    assert inner.n_asked <= 7 * n


@pytest.mark.parametrize("n", [1, 8, 100, 400])
async def test_endpoint_that_is_away_for_good_is_found_out_in_two_minutes(n: int) -> None:
    clock = Timeline()
    inner = AwayFor(clock, float("inf"), Unreachable("refused"))
    client = on_timeline(inner, clock)
    outcomes = await clock.outcomes([client.complete(batch(f"{i}")) for i in range(n)])
    assert all(isinstance(outcome, Unreachable) for outcome in outcomes)
    assert 20.0 < clock.now < 120.0
    assert inner.n_asked <= 64


async def test_wait_that_an_overloaded_endpoint_asks_for_holds_for_all() -> None:
    clock = Timeline()
    inner = AwayFor(clock, 40.0, Unreachable("503", 40.0))
    client = on_timeline(inner, clock)
    outcomes = await clock.outcomes([client.complete(batch(f"{i}")) for i in range(10)])
    assert all(isinstance(outcome, tuple) for outcome in outcomes)
    assert inner.n_asked <= 20
    assert 40.0 <= clock.now < 43.0


async def test_overloaded_endpoint_that_asks_for_a_day_is_not_waited_for() -> None:
    client, scripted, clock = limited([Unreachable("503", 86_400.0)])
    with pytest.raises(Unreachable):
        await client.complete(batch())
    assert (len(scripted.asked), clock.now) == (1, 0.0)
