"""What every store must do with calls, as a test class to inherit from.

A subclass defines the fixture ``opener``: a function that opens the same, at first empty, database
anew at every call. Run it with pytest and pytest-asyncio in auto mode::

    class TestMyStore(CallStoreSuite, StudyStoreSuite):  # archon.testing.studies
        @pytest.fixture
        def opener(self, tmp_path): return lambda: my_store(tmp_path / "db")
"""

# ruff: noqa: D102  (the tests' names say what they hold)
from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Protocol

import pytest

from archon.core.calls import (
    CallBatch,
    CallKey,
    CallStore,
    ModelReply,
    ModelRequest,
    Sampling,
    Usage,
)
from archon.core.errors import StoreError
from archon.core.messages import ask
from archon.core.records import (
    ExampleRow,
    InstructionState,
    NewStudy,
    StudyReader,
    StudyState,
    TrialLog,
    Verb,
)

IDENTITY = "stub/model@1"


class Studies(Protocol):
    """What makes studies and moves them between their states."""

    async def create(self, study: NewStudy, rows: Sequence[ExampleRow]) -> None:
        """Make a study."""

    async def take(self, study_id: str, *, is_forced: bool = False) -> None:
        """Become the process that runs it."""

    async def beat(self, study_id: str, *, elapsed_s: float, progress: str | None = None) -> None:
        """Give a sign of life."""

    async def hold(self, study_id: str, *, is_held: bool, elapsed_s: float) -> None:
        """Note that its process waits, or goes on."""

    async def stop(
        self, study_id: str, state: StudyState, reason: str, *, elapsed_s: float | None = None
    ) -> None:
        """Let it rest."""

    async def save_report(self, study_id: str, body: str) -> None:
        """Keep its report."""


class Instructions(Protocol):
    """What users ask of one study from outside its process."""

    async def give(
        self,
        verb: Verb,
        arguments: str = "{}",
        *,
        at_rest: str | None = None,
        reopens: frozenset[str] = frozenset(),
    ) -> int:
        """Keep one."""

    async def answer(
        self, number: int, state: InstructionState, answer: str, *, arguments: str | None = None
    ) -> None:
        """Say what became of it."""

    async def withdraw(self, number: int) -> bool:
        """Take it back."""


class OpenedStore(AbstractContextManager["OpenedStore"], Protocol):
    """What an opened store hands out."""

    def calls(self, study_id: str = "") -> CallStore:
        """The calls, bought for this study."""

    def studies(self) -> Studies:
        """All studies."""

    def trials(self, study_id: str) -> TrialLog:
        """One study's log."""

    def instructions(self, study_id: str) -> Instructions:
        """What users ask of one study."""

    def reader(self) -> StudyReader:
        """Reads everything."""


Opener = Callable[[], OpenedStore]

ODD_TEXTS = {
    "plain": "plain",
    "empty": "",
    "nul": "a\x00b",
    "lone-surrogate": "a\ud800b",
    "surrogates-in-a-row": "\ud83d\ude00",
    "looks-escaped": "a\\u0000b \\ud800",
    "astral": "\U0001f600 é 漢",
    "line-ends": "a\r\nb\u2028c",
}


def batch_of(text: str = "What is 2 + 2?", slots: tuple[int, ...] = (0,)) -> CallBatch:
    """Samples of one request."""
    request = ModelRequest("small", ask(text), Sampling(max_tokens=64))
    return CallBatch(request, request.digest(IDENTITY), slots)


def reply_to(batch: CallBatch, text: str = "4", index: int = 0) -> ModelReply:
    """A whole reply in one of the batch's slots."""
    usage = Usage(12, 3, 10, is_estimated=True)
    key = batch.keys()[index]
    return ModelReply(key, text, "length", usage, 0.1 + 0.2, "served@2", "because")


class CallStoreSuite:
    """The contract of ``CallStore``."""

    async def test_calls_come_back_as_they_were_put(self, opener: Opener) -> None:
        batch = batch_of()
        with opener() as store:
            assert await store.calls("s").claim(batch, IDENTITY) == {}
            await store.calls("s").put((reply_to(batch),), (7,))
        with opener() as store:
            found = await store.calls("other").claim(batch, IDENTITY)
        assert found == {batch.keys()[0]: replace(reply_to(batch), is_reused=True)}

    @pytest.mark.parametrize("text", ODD_TEXTS.values(), ids=ODD_TEXTS.keys())
    async def test_calls_keep_any_text_to_the_letter(self, opener: Opener, text: str) -> None:
        batch = batch_of(f"Repeat: {text}")
        (key,) = batch.keys()
        reply = replace(reply_to(batch, text), reasoning=text, served_model=text)
        with opener() as store:
            await store.calls("s").claim(batch, IDENTITY)
            await store.calls("s").put((reply,), (0,))
            found = (await store.calls("s").claim(batch, IDENTITY))[key]
        assert (found.text, found.reasoning, found.served_model) == (text, text, text)

    async def test_more_samples_of_a_request_buy_only_the_new_slots(self, opener: Opener) -> None:
        with opener() as store:
            calls, batch = store.calls("s"), batch_of(slots=(0, 1))
            await calls.claim(batch, IDENTITY)
            await calls.put((reply_to(batch), reply_to(batch, "5", 1)), (1, 1))
            found = await calls.claim(batch_of(slots=(0, 1, 2, 3)), IDENTITY)
            assert {key.slot: reply.text for key, reply in found.items()} == {0: "4", 1: "5"}
            assert store.reader().spend("s").n_in_flight == 2

    async def test_reader_finds_all_samples_of_a_request_and_no_others(
        self, opener: Opener
    ) -> None:
        batch, other = batch_of(slots=(0, 7)), batch_of("What is 3 + 3?")
        replies = (reply_to(batch), reply_to(batch, "5", 1))
        with opener() as store:
            await store.calls("s").claim(batch, IDENTITY)
            await store.calls("s").put(replies, (7, 7))
            await store.calls().claim(other, IDENTITY)
            found = store.reader().completions(batch.digest)
            assert found == {r.key.slot: replace(r, is_reused=True) for r in replies}
            assert store.reader().completions(other.digest) == {}

    async def test_first_stored_reply_stays_and_the_second_purchase_is_counted(
        self, opener: Opener
    ) -> None:
        batch = batch_of()
        with opener() as store:
            await store.calls("a").claim(batch, IDENTITY)
            await store.calls("a").put((reply_to(batch, "first"),), (5,))
            await store.calls("b").put((reply_to(batch, "second"),), (6,))
            found = await store.calls("b").claim(batch, IDENTITY)
            assert found[batch.keys()[0]].text == "first"
            assert store.reader().spend("a").spend_nusd == 5
            late = store.reader().spend("b")
        assert (late.n_bought, late.n_duplicate, late.wasted_nusd) == (0, 1, 6)

    async def test_a_repeated_put_is_no_second_purchase(self, opener: Opener) -> None:
        batch = batch_of()
        with opener() as store:
            for _ in range(2):
                await store.calls("s").put((reply_to(batch),), (5,))
            spend = store.reader().spend("s")
        assert (spend.n_bought, spend.spend_nusd, spend.n_duplicate) == (1, 5, 0)

    async def test_intents_hold_the_reservation_until_the_reply_is_there(
        self, opener: Opener
    ) -> None:
        batch = batch_of(slots=(0, 1))
        with opener() as store:
            calls = store.calls("s")
            await calls.claim(batch, IDENTITY, reserved_nusd=100, reserved_tokens=40)
            spend = store.reader().spend("s")
            assert (spend.n_in_flight, spend.reserved_nusd, spend.reserved_tokens) == (2, 200, 80)
            await calls.put((reply_to(batch), reply_to(batch, "5", 1)), (30, 31))
            spend = store.reader().spend("s")
        assert (spend.n_in_flight, spend.reserved_nusd, spend.spend_nusd) == (0, 0, 61)
        assert (spend.prompt_tokens, spend.completion_tokens) == (20, 6)

    @pytest.mark.parametrize("is_maybe_billed", [True, False], ids=["maybe-billed", "not-billed"])
    async def test_abandoned_call_counts_as_spent_only_if_it_may_be_billed(
        self, opener: Opener, is_maybe_billed: bool
    ) -> None:
        batch = batch_of()
        with opener() as store:
            calls = store.calls("s")
            await calls.claim(batch, IDENTITY, reserved_nusd=100, reserved_tokens=40)
            await calls.abandon(batch.keys(), is_maybe_billed=is_maybe_billed)
            await calls.abandon(batch.keys(), is_maybe_billed=is_maybe_billed)
            spend = store.reader().spend("s")
            expected = (1, 100, 40) if is_maybe_billed else (0, 0, 0)
            lost = (spend.n_uncertain, spend.uncertain_nusd, spend.uncertain_tokens)
            assert (spend.n_in_flight, *lost) == (0, *expected)
            assert await calls.claim(batch, IDENTITY) == {}, "it can be bought again"

    async def test_failed_tries_of_a_purchase_that_goes_on_are_uncertain_spend(
        self, opener: Opener
    ) -> None:
        batch = batch_of("Which?", (0, 1))
        with opener() as store:
            calls = store.calls("s")
            await calls.claim(batch, IDENTITY, reserved_nusd=100, reserved_tokens=40)
            await calls.write_off(batch.keys())
            await calls.write_off(batch.keys()[1:])
            spend = store.reader().spend("s")
            lost = (spend.n_uncertain, spend.uncertain_nusd, spend.uncertain_tokens)
            assert lost == (3, 300, 120)
            assert (spend.n_in_flight, spend.reserved_nusd) == (2, 200), "the next try runs"
            await calls.put((reply_to(batch),), (9,))
            await calls.abandon(batch.keys()[1:], is_maybe_billed=True)
            await calls.write_off(batch.keys())
            spend = store.reader().spend("s")
        assert (spend.n_bought, spend.n_uncertain, spend.n_in_flight) == (1, 4, 0)

    async def test_uncertain_spend_stays_when_the_call_is_bought_again(
        self, opener: Opener
    ) -> None:
        batch = batch_of()
        with opener() as store:
            calls = store.calls("s")
            await calls.claim(batch, IDENTITY, reserved_nusd=100)
            await calls.abandon(batch.keys(), is_maybe_billed=True)
            await calls.claim(batch, IDENTITY, reserved_nusd=100)
            await calls.put((reply_to(batch),), (9,))
            spend = store.reader().spend("s")
        assert (spend.spend_nusd, spend.uncertain_nusd, spend.n_in_flight) == (9, 100, 0)

    async def test_calls_in_flight_when_a_store_closes_are_uncertain_spend(
        self, opener: Opener
    ) -> None:
        with opener() as store:
            await store.calls("s").claim(batch_of(), IDENTITY, reserved_nusd=100)
        with opener() as store:
            spend = store.reader().spend("s")
        assert (spend.n_in_flight, spend.n_uncertain, spend.uncertain_nusd) == (0, 1, 100)

    @pytest.mark.parametrize(
        ("marks", "n_lost"),
        [((), 0), ((True,), 1), ((True, False), 0), ((False, True), 1)],
        ids=["waiting", "sent", "came-back", "sent-again"],
    )
    async def test_call_that_was_not_sent_when_a_store_closes_costs_nothing(
        self, opener: Opener, marks: tuple[bool, ...], n_lost: int
    ) -> None:
        batch = batch_of()
        with opener() as store:
            calls = store.calls("s")
            await calls.claim(batch, IDENTITY, reserved_nusd=100, is_sent=False)
            for is_sent in marks:
                await calls.mark(batch.keys(), is_sent=is_sent)
        with opener() as store:
            spend = store.reader().spend("s")
        assert (spend.n_in_flight, spend.n_uncertain, spend.uncertain_nusd) == (
            0, n_lost, 100 * n_lost
        )  # fmt: skip

    async def test_failed_try_counts_once_when_the_store_closes_before_the_next(
        self, opener: Opener
    ) -> None:
        batch = batch_of()
        with opener() as store:
            calls = store.calls("s")
            await calls.claim(batch, IDENTITY, reserved_nusd=100)
            await calls.write_off(batch.keys())
        with opener() as store:
            spend = store.reader().spend("s")
        assert (spend.n_uncertain, spend.uncertain_nusd) == (1, 100)

    async def test_two_stores_share_one_purchase(self, opener: Opener) -> None:
        batch = batch_of()
        with opener() as buyer, opener() as waiter:
            assert await buyer.calls("a").claim(batch, IDENTITY) == {}
            waiting = asyncio.create_task(waiter.calls("b").claim(batch, IDENTITY))
            await asyncio.sleep(0.3)
            assert not waiting.done(), "the other store is buying this call"
            await buyer.calls("a").put((reply_to(batch),), (5,))
            found = await waiting
        assert found[batch.keys()[0]].text == "4"

    async def test_waiting_store_buys_what_the_other_abandons(self, opener: Opener) -> None:
        batch = batch_of()
        with opener() as buyer, opener() as waiter:
            await buyer.calls("a").claim(batch, IDENTITY)
            waiting = asyncio.create_task(waiter.calls("b").claim(batch, IDENTITY))
            await asyncio.sleep(0.1)
            await buyer.calls("a").abandon(batch.keys(), is_maybe_billed=False)
            assert await waiting == {}
            assert waiter.reader().spend("b").n_in_flight == 1

    async def test_cancelled_claim_leaves_no_intent(self, opener: Opener) -> None:
        with opener() as store:
            claiming = asyncio.create_task(store.calls("s").claim(batch_of(), IDENTITY))
            await asyncio.sleep(0)
            claiming.cancel()
            with pytest.raises(asyncio.CancelledError):
                await claiming
            await store.calls("s").abandon((CallKey("none", 0),), is_maybe_billed=False)
            assert store.reader().spend("s").n_in_flight == 0

    async def test_many_tasks_each_get_their_own_reply(self, opener: Opener) -> None:
        batches = [batch_of(f"Question {i}", (0, 1)) for i in range(300)]

        async def buy(batch: CallBatch, calls: CallStore) -> None:
            assert await calls.claim(batch, IDENTITY) == {}
            texts = [f"{batch.request.messages[0].content}/{slot}" for slot in batch.slots]
            replies = tuple(reply_to(batch, text, i) for i, text in enumerate(texts))
            await calls.put(replies, (1, 1))

        with opener() as store:
            calls = store.calls("s")
            await asyncio.gather(*(buy(batch, calls) for batch in batches))
            found = await asyncio.gather(*(calls.claim(batch, IDENTITY) for batch in batches))
            assert store.reader().spend("s").n_bought == 600
        for i, replies in enumerate(found):
            assert {r.text for r in replies.values()} == {f"Question {i}/0", f"Question {i}/1"}

    async def test_one_bad_row_fails_only_its_caller(self, opener: Opener) -> None:
        good, bad = batch_of("good"), batch_of("bad")
        too_many = replace(reply_to(bad), usage=Usage(prompt_tokens=2**70))
        with opener() as store:
            calls = store.calls("s")
            outcomes = await asyncio.gather(
                calls.put((reply_to(good),), (1,)),
                calls.put((too_many,), (1,)),
                calls.claim(batch_of("third"), IDENTITY),
                return_exceptions=True,
            )
            assert isinstance(outcomes[1], StoreError)
            assert (outcomes[0], outcomes[2]) == (None, {})
            assert await calls.claim(good, IDENTITY)

    async def test_closed_store_refuses_work(self, opener: Opener) -> None:
        with opener() as store:
            calls = store.calls("s")
        with pytest.raises(StoreError, match="closed"):
            await calls.claim(batch_of(), IDENTITY)
