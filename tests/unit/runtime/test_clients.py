from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from archon.core.calls import (
    CallBatch,
    CallKey,
    ModelCard,
    ModelClient,
    ModelReply,
    Price,
    Usage,
)
from archon.core.errors import (
    BudgetExceeded,
    CallError,
    CutOff,
    RateLimited,
    SetupError,
    TimedOut,
    Unreachable,
)
from archon.runtime.budget import Amount, Budget, Caps
from archon.runtime.clients import Budgeted, Filling, Reusing, Routed, Timely, worst_case
from archon.runtime.gate import Gate, Limits
from archon.runtime.limits import Limited
from archon.runtime.purchases import Purchases
from archon.store.opening import Store, open_store
from archon.store.schema import intents
from archon.store.writer import Step
from tests.unit.runtime.clients import Clock, Scripted, batch

MANY = ModelCard("m", "x", Price(1.0, 2.0), has_many_samples=True)
SINGLE = replace(MANY, has_many_samples=False)


@dataclass
class Endpoint:
    """Answers with text from slot and digest; at most ``most`` samples of one request."""

    most: int = 128
    pause_s: float = 0.0
    fails: set[int] = field(default_factory=set)
    requests: list[tuple[int, ...]] = field(default_factory=list)
    bought: list[CallKey] = field(default_factory=list)

    async def complete(self, batch: CallBatch) -> tuple[ModelReply, ...]:
        self.requests.append(batch.slots)
        await asyncio.sleep(self.pause_s)
        if self.fails & set(batch.slots):
            raise Unreachable("away")
        keys = batch.keys()[: self.most]
        self.bought += keys
        usage = Usage(10, 5, 10)
        return tuple(
            ModelReply(key, f"{key.digest[:4]}/{key.slot}", usage=usage, latency_s=1.0)
            for key in keys
        )


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    with open_store(f"sqlite:///{tmp_path / 'archon.db'}") as store:
        yield store


def reusing(endpoint: ModelClient, store: Store, card: ModelCard = MANY) -> Reusing:
    return Reusing(endpoint, store.calls("s"), {"m": card})


async def until(is_so: Callable[[], bool]) -> None:
    """Wait as long as a busy machine needs."""
    async with asyncio.timeout(20.0):
        while not is_so():
            await asyncio.sleep(0.002)


def slots(replies: tuple[ModelReply, ...]) -> list[int]:
    return [reply.key.slot for reply in replies]


async def test_completion_is_bought_once_and_then_recalled(store: Store) -> None:
    endpoint = Endpoint()
    client = reusing(endpoint, store)
    first = await client.complete(batch(n=3))
    again = await client.complete(batch(n=3))
    assert [reply.text for reply in again] == [reply.text for reply in first]
    assert not any(reply.is_reused for reply in first)
    assert all(reply.is_reused for reply in again)
    assert len(endpoint.bought) == 3


async def test_eight_samples_after_five_buy_three(store: Store) -> None:
    endpoint = Endpoint()
    client = reusing(endpoint, store)
    await client.complete(batch(n=5))
    replies = await client.complete(batch(n=8))
    assert slots(replies) == list(range(8))
    assert endpoint.requests == [(0, 1, 2, 3, 4), (5, 6, 7)]


async def test_same_request_in_flight_is_one_request(store: Store) -> None:
    endpoint = Endpoint(pause_s=0.01)
    client = reusing(endpoint, store)
    asked = [client.complete(batch(n=n)) for n in (2, 4, 4, 1, 3)]
    replies = await asyncio.gather(*asked)
    assert len(endpoint.bought) == len(set(endpoint.bought)) == 4
    assert [slots(found) for found in replies] == [list(range(n)) for n in (2, 4, 4, 1, 3)]
    assert sum(not reply.is_reused for found in replies for reply in found) == 4


async def test_endpoint_that_gives_fewer_is_asked_for_the_rest(store: Store) -> None:
    endpoint = Endpoint(most=2)
    assert slots(await reusing(endpoint, store).complete(batch(n=5))) == [0, 1, 2, 3, 4]
    assert endpoint.requests == [(0, 1, 2, 3, 4), (2, 3), (4,)]


@pytest.mark.parametrize("kind", ["study", "at work"])
async def test_endpoint_that_ignores_n_is_asked_side_by_side_and_found_out_once(
    store: Store, kind: str
) -> None:
    endpoint = Endpoint(most=1, pause_s=0.05)
    client = reusing(endpoint, store) if kind == "study" else Filling(endpoint, {"m": MANY})
    started = time.perf_counter()
    replies = await client.complete(batch(n=10))
    assert slots(replies) == list(range(10))
    assert time.perf_counter() - started < 0.25, "twice the pause, not ten times"
    assert [reply.latency_s for reply in replies] == [1.0] + [2.0] * 9
    started = time.perf_counter()
    replies = await client.complete(batch("another?", n=10))
    assert time.perf_counter() - started < 0.15
    assert [reply.latency_s for reply in replies] == [1.0] * 10
    assert len(endpoint.requests) == 1 + 9 + 10


async def test_slots_with_a_gap_that_are_asked_one_by_one_do_not_prove_that_n_is_ignored(
    store: Store,
) -> None:
    endpoint = Endpoint(most=1)
    client = reusing(endpoint, store)
    await client.complete(replace(batch(), slots=(0, 2)))
    endpoint.requests.clear()
    await client.complete(batch("another?", n=2))
    assert endpoint.requests[0] == (0, 1)


async def test_endpoint_without_many_samples_is_asked_side_by_side(store: Store) -> None:
    endpoint = Endpoint(pause_s=0.02)
    started = time.perf_counter()
    replies = await reusing(endpoint, store, SINGLE).complete(batch(n=6))
    assert time.perf_counter() - started < 0.1
    assert slots(replies) == list(range(6))
    assert sorted(endpoint.requests) == [(i,) for i in range(6)]


async def test_greedy_samples_are_asked_one_by_one_of_any_endpoint(store: Store) -> None:
    greedy = batch(n=3)
    sampling = replace(greedy.request.sampling, temperature=0.0)
    greedy = replace(greedy, request=replace(greedy.request, sampling=sampling))
    endpoint = Endpoint()
    await reusing(endpoint, store).complete(greedy)
    assert sorted(endpoint.requests) == [(0,), (1,), (2,)]


async def test_samples_that_came_are_kept_when_one_beside_them_fails(store: Store) -> None:
    endpoint = Endpoint(fails={2}, pause_s=0.001)
    client = reusing(endpoint, store, SINGLE)
    with pytest.raises(Unreachable):
        await client.complete(batch(n=5))
    endpoint.fails.clear()
    replies = await client.complete(batch(n=5))
    assert [reply.is_reused for reply in replies] == [True, True, False, True, True]


async def test_waiting_for_a_buyer_that_gives_up_buys_by_itself(store: Store) -> None:
    endpoint = Endpoint(pause_s=0.2)
    client = reusing(endpoint, store)
    buyer = asyncio.ensure_future(client.complete(batch()))
    await until(lambda: len(endpoint.requests) == 1)
    waiting = asyncio.ensure_future(client.complete(batch()))
    await asyncio.sleep(0)
    buyer.cancel()
    (reply,) = await waiting
    assert not reply.is_reused
    assert len(endpoint.requests) == 2


@pytest.mark.parametrize(
    ("error", "n_uncertain"),
    [(TimedOut("slow"), 2), (RateLimited("later"), 0), (CutOff("time"), 2)],
    ids=["timed out", "rate limited", "cut off"],
)
async def test_purchase_that_failed_is_on_the_books_if_it_may_be_charged(
    store: Store, error: CallError, n_uncertain: int
) -> None:
    with pytest.raises(type(error)):
        await reusing(Scripted([error]), store).complete(batch(n=2))
    spend = store.reader().spend("s")
    assert (spend.n_bought, spend.n_in_flight, spend.n_uncertain) == (0, 0, n_uncertain)


async def test_cancelled_purchase_counts_as_maybe_charged(store: Store) -> None:
    task = asyncio.ensure_future(reusing(Endpoint(pause_s=5.0), store).complete(batch()))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert store.reader().spend("s").n_uncertain == 1


@pytest.mark.parametrize("card", [MANY, SINGLE], ids=["many samples", "one sample"])
async def test_pipeline_at_work_gets_a_reply_for_each_sample(card: ModelCard) -> None:
    endpoint = Endpoint(most=2)
    replies = await Filling(endpoint, {"m": card}).complete(batch(n=5))
    assert slots(replies) == [0, 1, 2, 3, 4]


async def test_unknown_alias_is_named() -> None:
    with pytest.raises(SetupError, match="'m'"):
        await Routed({}).complete(batch())


async def test_call_that_does_not_fit_the_budget_is_not_sent() -> None:
    endpoint = Endpoint()
    budget = Budget(Caps(calls=2), Clock())
    client = Budgeted(endpoint, budget, {"m": MANY})
    await client.complete(batch(n=2))
    with pytest.raises(BudgetExceeded, match="3 calls would pass the limit of 2"):
        await client.complete(batch("other"))
    assert len(endpoint.bought) == 2
    assert budget.reserved == Amount()


async def test_call_waits_for_those_in_flight_to_settle_for_less() -> None:
    one = worst_case(batch().request, 1, MANY)
    budget = Budget(Caps(tokens=one.tokens + 20), Clock())
    endpoint = Endpoint(pause_s=0.001)
    client = Budgeted(endpoint, budget, {"m": MANY})
    await asyncio.gather(client.complete(batch("a?")), client.complete(batch("b?")))
    assert budget.spent.tokens == 30


@pytest.mark.parametrize("seed", range(8))
async def test_budget_is_never_passed_whatever_comes_at_once(seed: int) -> None:
    chance = random.Random(seed)
    card = replace(MANY, has_many_samples=bool(seed % 2))
    caps = Caps(calls=60, tokens=20_000, cost_nusd=25_000_000)
    budget = Budget(caps, Clock())

    class Whimsical(Endpoint):
        async def complete(self, batch: CallBatch) -> tuple[ModelReply, ...]:
            await asyncio.sleep(chance.random() / 1000)
            assert not caps.exceeded_by(budget.spent + budget.reserved)
            if chance.random() < 0.2:
                raise chance.choice([TimedOut("slow"), RateLimited("later")])
            return await super().complete(batch)

    client = Budgeted(Whimsical(), budget, {"m": card})
    asked = [client.complete(batch(f"{i}?", n=chance.randint(1, 4))) for i in range(80)]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert not caps.exceeded_by(budget.spent)
    assert budget.reserved == Amount()
    assert any(isinstance(outcome, BudgetExceeded) for outcome in outcomes)
    assert any(isinstance(outcome, tuple) for outcome in outcomes)


async def test_call_under_way_at_the_deadline_is_cut_off_and_counted() -> None:
    budget = Budget(Caps(deadline_s=time.monotonic() + 0.05), time.monotonic)
    client = Timely(Budgeted(Endpoint(pause_s=5.0), budget, {"m": MANY}), budget)
    started = time.perf_counter()
    with pytest.raises(CutOff, match="time"):
        await client.complete(batch())
    assert time.perf_counter() - started < 1.0
    assert budget.spent == worst_case(batch().request, 1, MANY)
    with pytest.raises(BudgetExceeded, match="time"):
        await client.complete(batch())


def studied(
    endpoint: ModelClient, budget: Budget, gate: Gate, store: Store, card: ModelCard = MANY
) -> Reusing:
    """The policies around one model, stacked as for a study."""
    calls, cards = store.calls("s"), {"m": card}
    purchases = Purchases(calls, {"m": gate})
    limited = Limited(Budgeted(endpoint, budget, cards, purchases), gate, purchases.failed)
    return Reusing(Timely(Routed({"m": limited}), budget), calls, cards, purchases)


async def test_failed_try_is_paid_from_its_own_reservation_and_ends_no_study(
    store: Store,
) -> None:
    one = worst_case(batch("00?").request, 1, MANY)
    budget = Budget(Caps(tokens=10 * one.tokens), Clock())
    scripted = Scripted(["a", "b", Unreachable("one 500"), "c"], pause_s=0.001)
    clock = Clock()
    gate = Gate(Limits(start=64, most=64), clock=clock, sleep=clock.sleep)
    client = studied(scripted, budget, gate, store)
    await asyncio.gather(*(client.complete(batch(f"{i:02}?")) for i in range(20)))
    assert budget.spent == Amount(21, 20 * 10 + one.tokens, 20 * 15_000 + one.cost_nusd)
    assert budget.reserved == Amount()


async def test_further_try_that_does_not_fit_the_budget_is_not_sent(store: Store) -> None:
    one = worst_case(batch().request, 1, MANY)
    budget = Budget(Caps(tokens=2 * one.tokens), Clock())
    scripted = Scripted([Unreachable("a 500")])
    clock = Clock()
    client = studied(scripted, budget, Gate(clock=clock, sleep=clock.sleep), store)
    with pytest.raises(BudgetExceeded):
        await client.complete(batch())
    assert len(scripted.asked) == 2
    assert budget.spent == one + one
    assert store.reader().spend("s").n_uncertain == 2


@pytest.mark.parametrize("how", ["deadline", "cancel", "pause", "between tries", "budget"])
async def test_calls_that_were_never_sent_cost_nothing(store: Store, how: str) -> None:
    """Forty calls, of which two are out when everything stops."""
    one = worst_case(batch("00?").request, 1, MANY)
    deadline_s = time.monotonic() + 1.0 if how == "deadline" else None
    caps = Caps(tokens=2 * one.tokens if how == "budget" else None, deadline_s=deadline_s)
    budget, gate = Budget(caps, time.monotonic), Gate(Limits(start=2, most=2))
    outcomes: dict[str, list[Exception | str]] = {
        "pause": [RateLimited("later", 60.0)],
        "between tries": [Unreachable("away")],
    }
    endpoint = Scripted(outcomes.get(how, ["fine"]), pause_s=0.0 if how in outcomes else 20.0)
    n_asked = 2
    if how == "between tries":
        gate, n_asked = Gate(Limits(start=40, most=40), sleep=lambda s: asyncio.sleep(60.0)), 40
    client = studied(endpoint, budget, gate, store)
    tasks = [asyncio.ensure_future(client.complete(batch(f"{i:02}?"))) for i in range(40)]
    await until(lambda: len(endpoint.asked) == n_asked)
    await asyncio.sleep(0.05)
    if how != "deadline":
        for task in tasks:
            task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    n_lost = {"pause": 0, "between tries": 40}.get(how, 2)
    spend = store.reader().spend("s")
    assert len(endpoint.asked) == n_asked
    assert (spend.n_uncertain, spend.n_in_flight) == (n_lost, 0)
    assert budget.spent.calls == n_lost


async def test_calls_that_wait_for_a_place_when_the_process_dies_cost_nothing(
    store: Store,
) -> None:
    gate = Gate(Limits(start=2, most=2))
    endpoint = Endpoint(pause_s=20.0)
    client = studied(endpoint, Budget(Caps(), Clock()), gate, store)
    tasks = [asyncio.ensure_future(client.complete(batch(f"{i}?", n=3))) for i in range(20)]
    await until(lambda: len(endpoint.requests) == 2)
    await asyncio.sleep(0.05)
    with store._writing.begin() as connection:  # what the next process does with a dead one's
        store._call_steps.bury_the_dead(connection)
        store._call_steps.bury(connection, [store._owner])
    assert store.reader().spend("s").n_uncertain == 6
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_request_is_noted_as_sent_before_it_leaves_also_after_waiting(store: Store) -> None:
    """Whatever a call waited for, at the endpoint it has a durable intent that counts as sent."""
    sent: list[int] = []

    class Looks(Endpoint):
        async def complete(self, batch: CallBatch) -> tuple[ModelReply, ...]:
            with store._reading.begin() as connection:
                rows = connection.execute(sa.select(intents).where(intents.c.sent_at > 0)).all()
            here = {(row.digest, row.slot) for row in rows}
            sent.append(sum((key.digest, key.slot) in here for key in batch.keys()))  # noqa: SIM118
            if len(sent) in (3, 5):
                raise chosen[len(sent)]
            return await super().complete(batch)

    chosen = {3: RateLimited("later", 0.01), 5: Unreachable("a 500")}
    clock = Clock()
    gate = Gate(Limits(start=2, most=2), clock=clock, sleep=clock.sleep)
    client = studied(Looks(pause_s=0.001), Budget(Caps(), Clock()), gate, store)
    await asyncio.gather(*(client.complete(batch(f"{i}?", n=2)) for i in range(10)))
    assert sent == [2] * 12


async def test_worst_case_covers_every_prompt_in_tokens_and_money() -> None:
    asked = batch("é" * 100, n=3)
    worst = worst_case(asked.request, 3, MANY)
    assert worst.calls == 3
    assert worst.tokens >= 3 * (200 + asked.request.sampling.max_tokens)
    assert worst.cost_nusd >= 3 * MANY.price.cost_nusd(200, asked.request.sampling.max_tokens)


class Busy:
    """Keeps the store's thread at work on something else until it is let go."""

    def __init__(self, store: Store) -> None:
        self._is_over = threading.Event()
        step: Step[None, None] = Step(99, self._hold)
        store._writer.submit(step, None)

    def _hold(self, connection: object, payloads: Sequence[None]) -> list[None]:
        self._is_over.wait(10.0)
        return [None] * len(payloads)

    def let_go(self) -> None:
        self._is_over.set()


async def test_reply_of_a_buyer_cancelled_while_it_is_stored_is_not_paid_again(
    store: Store,
) -> None:
    endpoint = Endpoint(pause_s=0.05)
    client = reusing(endpoint, store)
    buyer = asyncio.ensure_future(client.complete(batch()))
    await until(lambda: len(endpoint.requests) == 1)
    waiting = asyncio.ensure_future(client.complete(batch()))
    busy = Busy(store)
    await until(lambda: len(endpoint.bought) == 1)
    await asyncio.sleep(0.01)
    buyer.cancel()
    await asyncio.sleep(0.01)
    busy.let_go()
    (reply,) = await waiting
    with pytest.raises(asyncio.CancelledError):
        await buyer
    spend = store.reader().spend("s")
    assert reply.is_reused
    assert len(endpoint.requests) == 1
    assert (spend.n_bought, spend.n_duplicate, spend.n_uncertain) == (1, 0, 0)


async def test_call_after_a_claim_that_was_cancelled_flies_with_its_intent(store: Store) -> None:
    endpoint = Endpoint(pause_s=0.2)
    client = reusing(endpoint, store)
    busy = Busy(store)
    await asyncio.sleep(0.01)
    first = asyncio.ensure_future(client.complete(batch()))
    await asyncio.sleep(0)
    second = asyncio.ensure_future(client.complete(batch()))
    await asyncio.sleep(0.01)
    first.cancel()
    await asyncio.sleep(0.005)
    busy.let_go()
    await until(lambda: bool(endpoint.requests))
    assert store.reader().spend("s").n_in_flight == 1
    await second
    await asyncio.gather(first, return_exceptions=True)
    assert len(endpoint.requests) == 1


async def test_failure_of_a_purchase_is_that_of_all_who_wait_for_it(store: Store) -> None:
    clock, scripted = Clock(), Scripted([TimedOut("slow")])
    client = reusing(Limited(scripted, Gate(clock=clock, sleep=clock.sleep)), store)
    asked = [client.complete(batch()) for _ in range(8)]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [TimedOut] * 8
    assert len(scripted.asked) == TimedOut.max_tries


async def test_intents_of_a_call_that_fails_unforeseen_do_not_stay(store: Store) -> None:
    with pytest.raises(RuntimeError):
        await reusing(Scripted([RuntimeError("a bug")]), store).complete(batch(n=2))
    spend = store.reader().spend("s")
    assert (spend.n_in_flight, spend.n_uncertain) == (0, 2)
