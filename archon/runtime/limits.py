"""The one retry loop of the project, behind the places of an endpoint.

Whether and how often a failed request is sent again is a property of its error
(``archon.core.errors``). Faults of the model, which would happen in production too, become
replies without text: they are recorded, and never asked again.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

from tenacity import AsyncRetrying, RetryCallState

from archon.core.calls import CallBatch, Finish, ModelClient, ModelReply
from archon.core.errors import CallError, ContextOverflow, RateLimited, TimedOut, Unreachable
from archon.runtime.gate import Gate

LONGEST_WAIT_S = 30.0


async def nothing_noted(batch: CallBatch, error: CallError) -> None:
    """Where nobody keeps the books."""


def nothing_said(error: CallError, waited_s: float, wait_s: float) -> None:
    """Where nobody looks on."""


@dataclass(frozen=True, slots=True)
class Limited:
    """Sends requests when there is a place for them, and again where that makes sense.

    Between its tries a request holds no place. A wait that the endpoint asks for (Retry-After)
    holds for all requests to it; one longer than the gate's patience is not waited for. Where all
    requests are refused for longer than that, none of them waits on.
    """

    inner: ModelClient
    gate: Gate = field(default_factory=Gate)
    on_failed: Callable[[CallBatch, CallError], Awaitable[None]] = nothing_noted
    """Told of a failed try when another one is to follow."""
    chance: Callable[[], float] = random.random
    """In [0, 1): spreads the next tries of requests that failed together."""
    on_wait: Callable[[CallError, float, float], None] = nothing_said
    """Told why a request waits for its next try, seconds that it waited so far, and seconds to
    come."""

    async def complete(self, batch: CallBatch) -> tuple[ModelReply, ...]:
        """See ``ModelClient``."""
        try:
            # Nearly every call ends here, without the cost of a retry loop around it.
            return await self._try(batch)
        except CallError as error:
            return await self._after(error, batch)

    async def _after(self, first: CallError, batch: CallBatch) -> tuple[ModelReply, ...]:
        """What comes after a first try that failed."""
        tries = _Tries(self, first)
        retrying = AsyncRetrying(
            retry=tries.may_repeat,
            stop=tries.is_over,
            wait=tries.wait_s,
            before_sleep=partial(self._note, batch),
            sleep=self.gate.sleep,
            reraise=True,
        )
        try:
            return await retrying(tries.next, batch)
        except CallError as error:
            if error.is_model_fault:
                return _without_text(batch, error)
            raise

    async def _try(self, batch: CallBatch) -> tuple[ModelReply, ...]:
        n_places = self.gate.places_of(len(batch.slots))
        await self.gate.enter(n_places)
        try:
            replies = await self.inner.complete(batch)
            self.gate.succeeded(n_places)
            return replies
        except RateLimited as error:
            if self._is_acceptable(error):
                self.gate.limited(error.retry_after_s or 0.0)
            raise
        except TimedOut:
            self.gate.congested()
            raise
        except Unreachable as error:
            if error.retry_after_s and self._is_acceptable(error):
                self.gate.congested(error.retry_after_s)
            self.gate.found_nobody(error)
            raise
        finally:
            self.gate.leave(n_places)

    def _is_acceptable(self, error: RateLimited | Unreachable) -> bool:
        return (error.retry_after_s or 0.0) <= self.gate.limits.patience_s

    async def _note(self, batch: CallBatch, state: RetryCallState) -> None:
        error = _error(state)
        if error is not None:
            await self.on_failed(batch, error)
            self.on_wait(error, state.idle_for - state.upcoming_sleep, state.upcoming_sleep)


@dataclass(slots=True)
class _Tries:
    """The tries of one request so far: how often it failed in which way, and for how long."""

    limited: Limited
    first: CallError | None
    """How the first try failed, until the loop has heard of it."""
    failed: Counter[type[CallError]] = field(default_factory=Counter)
    next_wait_s: float = 0.0

    async def next(self, batch: CallBatch) -> tuple[ModelReply, ...]:
        """Report the first try, which was made before the loop began; try again after that."""
        if self.first is None:
            return await self.limited._try(batch)
        first, self.first = self.first, None
        raise first

    def may_repeat(self, state: RetryCallState) -> bool:
        """Whether the last try failed in a way that another try can mend."""
        error = _error(state)
        return error is not None and error.max_tries > 1

    def wait_s(self, state: RetryCallState) -> float:
        """Seconds until the next try; asked once for each failed one, before ``is_over``.

        Up to twice as long each time, half of it by chance. Where the endpoint asks for a wait,
        that and a little more; from the second time on not less than without asking, so that one
        which asks for milliseconds for ever is not sent hundreds of requests a second.
        """
        error = _error(state)
        assert error is not None
        self.failed[type(error)] += 1
        chance, n_doublings = self.limited.chance(), min(self.failed[type(error)] - 1, 10)
        self.next_wait_s = min(LONGEST_WAIT_S, error.first_wait_s * 2.0**n_doublings)
        self.next_wait_s *= (1 + chance) / 2
        if isinstance(error, RateLimited | Unreachable) and error.retry_after_s is not None:
            asked_s = error.retry_after_s + chance * min(1.0, error.retry_after_s / 10)
            self.next_wait_s = max(asked_s, self.next_wait_s) if n_doublings else asked_s
        return self.next_wait_s

    def is_over(self, state: RetryCallState) -> bool:
        """Whether the last try was the last one."""
        error, gate = _error(state), self.limited.gate
        assert error is not None
        if isinstance(error, RateLimited | Unreachable) and not self.limited._is_acceptable(error):
            return True
        if not isinstance(error, RateLimited):
            return self.failed[type(error)] >= error.max_tries
        waited_s = max(state.idle_for, gate.limited_for_s)
        if waited_s + self.next_wait_s <= gate.limits.patience_s:
            return False
        if gate.limited_for_s > 0:
            gate.lost_patience(error)
        return True


def _error(state: RetryCallState) -> CallError | None:
    """How the last try failed; None where it did not, or in a way that is not the endpoint's."""
    outcome = state.outcome
    error = outcome.exception() if outcome is not None and outcome.failed else None
    return error if isinstance(error, CallError) else None


def _without_text(batch: CallBatch, error: CallError) -> tuple[ModelReply, ...]:
    finish: Finish = "context" if isinstance(error, ContextOverflow) else "filtered"
    return tuple(ModelReply(key, "", finish) for key in batch.keys())  # noqa: SIM118
