"""Policies as clients around a client: reuse, budget, routing.

They stack in one expression: ``Pausing(Reusing(Timely(Routed({alias: Limited(Budgeted(...))}))))``
for a study, ``Filling(Routed({alias: Limited(backend)}))`` for a pipeline at work.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from archon.core.calls import (
    CallBatch,
    CallKey,
    CallStore,
    ModelCard,
    ModelClient,
    ModelReply,
    ModelRequest,
)
from archon.core.errors import ArchonError, CallError, CutOff, SetupError
from archon.runtime.budget import PROMPT_OVERHEAD_TOKENS, Amount, Budget
from archon.runtime.purchases import Purchases, finished

T = TypeVar("T")

Outcome = ModelReply | ArchonError | None
"""Of a purchase in flight, for those who wait for it; None: its buyer was cancelled."""


def worst_case(request: ModelRequest, n: int, card: ModelCard) -> Amount:
    """The most that ``n`` samples can take: a token is at least one byte of the prompt.

    Every sample is charged its own prompt, since an endpoint may answer fewer than were asked.
    """
    prompt = PROMPT_OVERHEAD_TOKENS + sum(
        len(message.content.encode("utf-8", "surrogatepass")) + 8 for message in request.messages
    )
    completion = request.sampling.max_tokens
    return Amount(n, n * (prompt + completion), n * card.price.cost_nusd(prompt, completion))


def spent_on(reply: ModelReply, card: ModelCard) -> Amount:
    """What one bought reply took, as the endpoint bills it."""
    usage = reply.usage
    return Amount(
        calls=1,
        tokens=usage.billed_prompt_tokens + usage.completion_tokens,
        cost_nusd=card.price.cost_nusd(
            usage.billed_prompt_tokens, usage.completion_tokens, of_prompt=usage.prompt_tokens
        ),
    )


@dataclass(frozen=True, slots=True)
class Routed:
    """Sends each request to the client of its model's alias."""

    clients: Mapping[str, ModelClient]

    async def complete(self, batch: CallBatch) -> tuple[ModelReply, ...]:
        """See ``ModelClient``."""
        client = self.clients.get(batch.request.model)
        if client is None:
            raise SetupError(f"no model is called {batch.request.model!r}")
        return await client.complete(batch)


@dataclass(frozen=True, slots=True)
class Pausing:
    """Holds what is asked while the study is paused, before anything is claimed for it.

    A call that was claimed already is held by its reservation (``Budget.reserve``).
    """

    inner: ModelClient
    budget: Budget

    async def complete(self, batch: CallBatch) -> tuple[ModelReply, ...]:
        """See ``ModelClient``."""
        if self.budget.is_paused:
            await self.budget.until_going()
        return await self.inner.complete(batch)


@dataclass(frozen=True, slots=True)
class Timely:
    """Gives up what is not done when the time of the budget ends, wherever it waits."""

    inner: ModelClient
    budget: Budget

    async def complete(self, batch: CallBatch) -> tuple[ModelReply, ...]:
        """See ``ModelClient``."""
        try:
            async with asyncio.timeout(self.budget.seconds_to_go) as timeout:
                self.budget.follow(timeout)
                try:
                    return await self.inner.complete(batch)
                finally:
                    self.budget.forget(timeout)
        except TimeoutError:
            raise CutOff("the time of the budget is used up") from None


@dataclass(frozen=True, slots=True)
class Budgeted:
    """Reserves the worst case of a batch before dispatch and settles for what it took.

    Stands behind the places and the tries of an endpoint: each try is a reservation of its own, and
    a call that waits for its turn holds nothing. Time is kept by ``Timely``, around all of it.
    """

    inner: ModelClient
    budget: Budget
    cards: Mapping[str, ModelCard]
    purchases: Purchases | None = None
    """Where it is noted what is out; None: nowhere."""

    async def complete(self, batch: CallBatch) -> tuple[ModelReply, ...]:
        """See ``ModelClient``."""
        card = self.cards[batch.request.model]
        worst = worst_case(batch.request, len(batch.slots), card)
        await self.budget.reserve(worst)
        actual = Amount()
        try:
            if self.purchases is not None:
                await self.purchases.send(batch)
            # Until a reply says otherwise the call may have been billed in full (a cut connection,
            # a cancelled task): what is not known is counted as spent, never as free.
            actual = worst
            replies = await self.inner.complete(batch)
            actual = sum((spent_on(reply, card) for reply in replies), Amount())
            return replies
        except ArchonError as error:
            if not error.is_maybe_billed:
                actual = self._not_billed(batch, error)
            raise
        finally:
            self.budget.settle(worst, actual)

    def _not_billed(self, batch: CallBatch, error: ArchonError) -> Amount:
        if self.purchases is not None:
            self.purchases.not_billed(batch)
        # A fault of the model becomes a stored reply, which counts as a call.
        is_reply = isinstance(error, CallError) and error.is_model_fault
        return Amount(calls=len(batch.slots)) if is_reply else Amount()


@dataclass(frozen=True, slots=True)
class Filling:
    """One reply for each slot, whatever the endpoint takes or gives at once."""

    inner: ModelClient
    cards: Mapping[str, ModelCard]
    _ignoring_n: set[str] = field(default_factory=set)
    """Aliases whose endpoint was seen to."""

    async def complete(self, batch: CallBatch) -> tuple[ModelReply, ...]:
        """See ``ModelClient``; always one reply per slot."""
        parts = parts_of(batch, self.cards[batch.request.model], self._ignoring_n)
        if len(parts) == 1:
            return await self._filled(batch)
        return sum(await _all([self._filled(part) for part in parts]), start=())

    async def _filled(self, batch: CallBatch) -> tuple[ModelReply, ...]:
        replies = await self.inner.complete(batch)
        if parts := rest_of(batch, len(replies), self._ignoring_n):
            more = await _all([self._filled(part) for part in parts])
            replies += tuple(_later(reply, replies) for reply in sum(more, start=()))
        return replies


def parts_of(batch: CallBatch, card: ModelCard, ignoring_n: Collection[str]) -> list[CallBatch]:
    """The batches in which the endpoint takes these samples, to be sent side by side.

    One for all, or one for each sample: where the endpoint has no ``n``, and at temperature 0,
    where engines refuse it.

    Args:
        batch: All samples.
        card: The model's.
        ignoring_n: Aliases whose endpoint turned out to have no ``n``, whatever their card says.
    """
    if len(batch.slots) == 1:
        return [batch]
    has_many = card.has_many_samples and card.alias not in ignoring_n
    return _cut(batch, len(batch.slots) if has_many and batch.request.sampling.temperature else 1)


def rest_of(batch: CallBatch, n_came: int, ignoring_n: set[str]) -> list[CallBatch]:
    """The samples that a reply left out, in batches as large as it was, to be sent side by side.

    Args:
        batch: What was asked for.
        n_came: How many came.
        ignoring_n: Gets the alias where only one came: that endpoint does not know ``n``.
    """
    if n_came == len(batch.slots):
        return []
    is_in_a_row = batch.slots[1] == batch.slots[0] + 1  # others may have been asked for one by one
    if n_came == 1 and is_in_a_row:
        ignoring_n.add(batch.request.model)
    return _cut(_part(batch, batch.slots[n_came:]), n_came)


def _cut(batch: CallBatch, size: int) -> list[CallBatch]:
    if size >= len(batch.slots):
        return [batch]
    starts = range(0, len(batch.slots), size)
    return [_part(batch, batch.slots[i : i + size]) for i in starts]


def _part(batch: CallBatch, slots: tuple[int, ...]) -> CallBatch:
    return CallBatch(batch.request, batch.digest, slots)


def _later(reply: ModelReply, first: Sequence[ModelReply]) -> ModelReply:
    """A reply that was asked for only when ``first`` had come short."""
    return replace(reply, latency_s=first[0].latency_s + reply.latency_s)


async def _all(parts: Sequence[Coroutine[None, None, T]]) -> list[T]:
    """Wait for all parts, and raise the first failure only then: what was paid is kept."""
    outcomes = await asyncio.gather(*parts, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]


@dataclass(frozen=True, slots=True)
class Reusing:
    """Buys each completion once: from the store, from a purchase in flight, or from ``inner``.

    A reply is durable before it is returned. Where ``inner`` returns fewer replies than slots, the
    rest is bought side by side; where it takes one sample at a time, samples are from the start.
    """

    inner: ModelClient
    calls: CallStore
    cards: Mapping[str, ModelCard]
    purchases: Purchases | None = None
    """What is out, as ``Budgeted`` notes it; None: every purchase, from its claim on."""
    _ignoring_n: set[str] = field(default_factory=set)
    """Aliases whose endpoint was seen to."""
    _flying: dict[CallKey, asyncio.Future[Outcome]] = field(default_factory=dict)

    async def complete(self, batch: CallBatch) -> tuple[ModelReply, ...]:
        """See ``ModelClient``; always one reply per slot."""
        found: dict[CallKey, ModelReply] = {}
        keys = batch.keys()
        while missing := [key for key in keys if key not in found]:
            mine = tuple(key for key in missing if key not in self._flying)
            theirs = [self._flying[key] for key in missing if key in self._flying]
            if mine:
                found |= await self._obtain(batch, mine)
            for flight in theirs:
                outcome = await asyncio.shield(flight)
                if isinstance(outcome, ArchonError):
                    raise outcome  # Trying once more for each who waits would multiply the tries.
                # None: the buyer was cancelled, so the next round buys it here.
                if outcome is not None:
                    found[outcome.key] = replace(outcome, is_reused=True)
        return tuple(found[key] for key in keys)

    async def _obtain(
        self, batch: CallBatch, keys: tuple[CallKey, ...]
    ) -> dict[CallKey, ModelReply]:
        loop = asyncio.get_running_loop()
        flights = {key: loop.create_future() for key in keys}
        self._flying.update(flights)
        found: dict[CallKey, ModelReply] = {}
        failure: ArchonError | None = None
        try:
            await self._fetch(_of(batch, keys), found)
            return found
        except ArchonError as error:
            failure = error
            raise
        finally:
            for key, flight in flights.items():
                del self._flying[key]
                flight.set_result(found.get(key, failure))

    async def _fetch(self, batch: CallBatch, found: dict[CallKey, ModelReply]) -> None:
        card = self.cards[batch.request.model]
        worst = worst_case(batch.request, 1, card)
        keys = batch.keys()
        n_requests = len(parts_of(batch, card, self._ignoring_n))
        is_sent = self.purchases is None or self.purchases.expect(batch, n_requests)
        missing: tuple[CallKey, ...] = ()
        try:
            found |= await self.calls.claim(
                batch,
                card.identity,
                reserved_nusd=worst.cost_nusd,
                reserved_tokens=worst.tokens,
                is_sent=is_sent,
            )
            missing = tuple(key for key in keys if key not in found)
        finally:
            if self.purchases is not None:
                self.purchases.claimed(batch, n_requests, missing if is_sent else ())
        if missing:
            await self._purchase(_of(batch, missing), card, found)

    async def _purchase(
        self, batch: CallBatch, card: ModelCard, found: dict[CallKey, ModelReply]
    ) -> None:
        parts = parts_of(batch, card, self._ignoring_n)
        try:
            if len(parts) == 1:
                await self._fill(batch, card, found)
            else:
                await _all([self._fill(part, card, found) for part in parts])
        except asyncio.CancelledError:
            # Parts whose turn had not come have intents too; of the others nothing is left here.
            unsent = tuple(key for key in batch.keys() if key not in found)  # noqa: SIM118
            if self.purchases is not None:
                self.purchases.forget(unsent)
            await finished(self.calls.abandon(unsent, is_maybe_billed=False))
            raise

    async def _fill(
        self, batch: CallBatch, card: ModelCard, found: dict[CallKey, ModelReply]
    ) -> None:
        bought = await self._buy(batch)
        spend = tuple(spent_on(reply, card).cost_nusd for reply in bought)
        try:
            await self.calls.put(bought, spend)
        except asyncio.CancelledError:
            # It is paid, so it is kept, and those who wait for it get it from here. A put that was
            # under way already is repeated, which changes nothing.
            await finished(self.calls.put(bought, spend))
            found |= {reply.key: reply for reply in bought}
            raise
        found |= {reply.key: reply for reply in bought}
        if parts := rest_of(batch, len(bought), self._ignoring_n):
            more: dict[CallKey, ModelReply] = {}
            try:
                await _all([self._fill(part, card, more) for part in parts])
            finally:
                found |= {key: _later(reply, bought) for key, reply in more.items()}

    async def _buy(self, batch: CallBatch) -> tuple[ModelReply, ...]:
        keys = batch.keys()
        try:
            return await self.inner.complete(batch)
        except (Exception, asyncio.CancelledError) as error:
            # The intents are gone before anybody else can record theirs.
            is_lost = self._may_be_billed(keys, error)
            await finished(self.calls.abandon(keys, is_maybe_billed=is_lost))
            raise
        finally:
            if self.purchases is not None:
                self.purchases.forget(keys)

    def _may_be_billed(self, keys: tuple[CallKey, ...], error: BaseException) -> bool:
        if self.purchases is not None:
            return self.purchases.is_any_out(keys)
        # A request that nobody waits for any more, or that brought what nobody foresaw, may be.
        return not isinstance(error, ArchonError) or error.is_maybe_billed


def _of(batch: CallBatch, keys: Sequence[CallKey]) -> CallBatch:
    """The part of a batch with these keys."""
    if len(keys) == len(batch.slots):
        return batch
    return _part(batch, tuple([key.slot for key in keys]))
