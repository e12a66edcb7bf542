"""One thread per store does all writing; what is pending goes into one transaction.

Hundreds of calls in flight then share one commit, and so one wait for the disk, and the event loop
never waits for a database. What the tasks of a loop submit in one turn of it goes to the thread
together: ten calls that begin at once are one transaction, not one and then nine. One bad row fails
only the caller that brought it.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from archon.core.errors import StoreError
from archon.store.database import BAD_WORK, explain, is_passing

MAX_GROUP = 2_000
PATIENCE_S = 60.0
"""How long a database may be away before the callers are told."""

Payload = TypeVar("Payload")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Step(Generic[Payload, Result]):
    """One kind of work, done for all its pending payloads at once.

    ``run`` gives a result per payload, in order; a result that is an exception is raised where the
    payload came from. It must be safe to repeat: after a lost connection nobody knows whether the
    commit went through. Steps of one transaction run by ``rank``.
    """

    rank: int
    run: Callable[[sa.Connection, Sequence[Payload]], Sequence[Result | StoreError]]


@dataclass(slots=True)
class _Item:
    step: Step[Any, Any]
    payload: Any
    future: asyncio.Future[Any]


class Writer:
    """A queue and the thread that empties it. ``submit`` may be called from any event loop."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._queue: SimpleQueue[list[_Item] | None] = SimpleQueue()
        self._turns: dict[asyncio.AbstractEventLoop, list[_Item]] = {}
        self._is_open = True
        self._thread = threading.Thread(target=self._work, name="archon-store", daemon=True)
        self._thread.start()

    def submit(self, step: Step[Payload, Result], payload: Payload) -> asyncio.Future[Result]:
        """Hand in work; the future is done once it is durable.

        Raises:
            StoreError: The store is closed.
        """
        if not self._is_open:
            raise StoreError("the store is closed; open it again")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        self._collect(loop, _Item(step, payload, future))
        return future

    def close(self) -> None:
        """Finish what is pending, then end the thread."""
        self._is_open = False
        for loop in list(self._turns):
            self._hand_over(loop)
        self._queue.put(None)
        self._thread.join()

    def _collect(self, loop: asyncio.AbstractEventLoop, item: _Item) -> None:
        turn = self._turns.get(loop)
        if turn is None:
            turn = self._turns[loop] = []
            loop.call_soon(self._hand_over, loop)
        turn.append(item)

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        turn = self._turns.pop(loop, [])
        if self._thread.is_alive():
            self._queue.put(turn)
        else:
            _deliver((item, StoreError("the store was closed before this")) for item in turn)

    def _work(self) -> None:
        group: list[_Item] = []
        try:
            while group := self._next_group():
                _deliver(zip(group, self._commit(group), strict=True))
        finally:
            # However the thread ends, nobody is left waiting for it.
            self._is_open = False
            group += self._take_pending(MAX_GROUP)
            _deliver((item, StoreError("the store was closed before this")) for item in group)

    def _next_group(self) -> list[_Item]:
        first = self._queue.get()
        return [] if first is None else [*first, *self._take_pending(MAX_GROUP - len(first))]

    def _take_pending(self, n: int) -> list[_Item]:
        """At least ``n`` pending items, where there are so many."""
        taken: list[_Item] = []
        with contextlib.suppress(Empty):
            while len(taken) < n:
                items = self._queue.get_nowait()
                if items is None:
                    self._queue.put(None)  # the end comes after this group
                    break
                taken += items
        return taken

    def _commit(self, group: list[_Item]) -> Sequence[object]:
        try:
            return self._in_one_transaction(group)
        except BAD_WORK as error:
            if len(group) == 1 or is_passing(error):
                return [explain(error, self._engine.url) for _ in group]
        return [self._commit([item])[0] for item in group]

    def _in_one_transaction(self, group: list[_Item]) -> list[object]:
        try:
            return self._transact(group)
        except sa.exc.DBAPIError as error:
            if not is_passing(error):
                raise
        again = Retrying(
            stop=stop_after_delay(PATIENCE_S),
            wait=wait_random_exponential(multiplier=0.05, max=5),
            retry=retry_if_exception(is_passing),
            reraise=True,
        )
        return again(self._transact, group)

    def _transact(self, group: list[_Item]) -> list[object]:
        by_step: dict[Step[Any, Any], list[int]] = {}
        for place, item in enumerate(group):
            by_step.setdefault(item.step, []).append(place)
        results: list[object] = [None] * len(group)
        with self._engine.begin() as connection:
            for step in sorted(by_step, key=lambda step: step.rank):
                places = by_step[step]
                outcome = step.run(connection, [group[place].payload for place in places])
                for place, result in zip(places, outcome, strict=True):
                    results[place] = result
        return results


def _deliver(outcomes: Iterable[tuple[_Item, object]]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], object]]] = {}
    for item, result in outcomes:
        by_loop.setdefault(item.future.get_loop(), []).append((item.future, result))
    for loop, pairs in by_loop.items():
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits there any more
            loop.call_soon_threadsafe(_settle, pairs)


def _settle(pairs: list[tuple[asyncio.Future[Any], object]]) -> None:
    for future, result in pairs:
        if future.done():
            continue
        if isinstance(result, StoreError):
            future.set_exception(result)
        else:
            future.set_result(result)
