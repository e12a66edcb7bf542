"""Which purchases of a study are out: sent, with an outcome that nobody knows yet.

Only those can have been billed when everything stops: at a deadline, on Ctrl-C, when a call beside
them fails. A call that waits for a place, for its budget or between two tries has cost nothing. The
store is told too, for the case that this process is killed: at the claim where a request is to
leave at once, and else before it does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine, Mapping
from typing import TypeVar

from archon.core.calls import CallBatch, CallKey, CallStore
from archon.core.errors import CallError
from archon.runtime.gate import Gate

T = TypeVar("T")


async def finished(work: Coroutine[None, None, T]) -> T:
    """Wait for work to its end, also where this task is cancelled meanwhile."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


class Purchases:
    """Shared by the clients of one study, on one event loop; each key is bought by one of them."""

    def __init__(self, calls: CallStore, gates: Mapping[str, Gate]) -> None:
        """Nothing is out.

        Args:
            calls: Where the study's intents are.
            gates: What requests pass on their way, by the alias of their model.
        """
        self._calls = calls
        self._gates = gates
        self._out: set[CallKey] = set()
        self._marked: set[CallKey] = set()
        """Keys whose intents count as sent in the store."""

    def expect(self, batch: CallBatch, n_requests: int) -> bool:
        """Announce a claim; says whether its requests can leave as soon as it is durable."""
        gate = self._gates[batch.request.model]
        n_places = gate.places_of(len(batch.slots), n_requests)
        is_sent = gate.has_room(n_places)
        gate.n_expected += n_places
        return is_sent

    def claimed(self, batch: CallBatch, n_requests: int, sent: Collection[CallKey]) -> None:
        """The claim is over; ``sent``: the keys whose new intents count as sent."""
        gate = self._gates[batch.request.model]
        gate.n_expected -= gate.places_of(len(batch.slots), n_requests)
        self._marked.update(sent)

    async def send(self, batch: CallBatch) -> None:
        """Durably note that a request may leave from now on."""
        keys = batch.keys()
        if not self._marked.issuperset(keys):
            await self._calls.mark(keys, is_sent=True)
            self._marked.update(keys)
        self._out.update(keys)

    def not_billed(self, batch: CallBatch) -> None:
        """A request came back as one that is not charged."""
        self._out.difference_update(batch.keys())

    async def failed(self, batch: CallBatch, error: CallError) -> None:
        """A try failed, and another follows: nothing is out until then."""
        keys = batch.keys()
        self.forget(keys)
        if error.is_maybe_billed:
            await finished(self._calls.write_off(keys))
        else:
            await finished(self._calls.mark(keys, is_sent=False))

    def is_any_out(self, keys: Collection[CallKey]) -> bool:
        """Whether giving up these purchases now may leave a bill."""
        return not self._out.isdisjoint(keys)

    def forget(self, keys: Collection[CallKey]) -> None:
        """These purchases have ended."""
        self._out.difference_update(keys)
        self._marked.difference_update(keys)
