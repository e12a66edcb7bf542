"""How many requests one endpoint gets at once, and when it gets none at all.

Places grow by one for each round of successes and halve when the endpoint is congested (additive
increase, multiplicative decrease: Chiu & Jain 1989), so that no rate has to be known beforehand.
One gate is shared by all models of an endpoint, in one event loop.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from archon.core.errors import CallError, RateLimited, Unreachable

Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]

NARROW_EVERY_S = 1.0
"""Requests of one burst meet one congestion; it narrows the gate once."""
LOOK_EVERY_S = 1.0
"""How often those who are held look whether the endpoint is back."""


class Away(Unreachable):
    """Nothing was sent: the endpoint has been away for long, and it is not time to try again."""

    max_tries = 1
    is_maybe_billed = False


class StillLimited(RateLimited):
    """Nothing was sent: the endpoint has refused everybody for longer than there is patience."""

    max_tries = 1


@dataclass(frozen=True, slots=True)
class Limits:
    """What an endpoint is asked to bear, and how much patience there is with it."""

    start: int = 8
    """Requests in flight at the beginning."""
    most: int = 64
    """Most requests in flight."""
    counts_samples: bool = False
    """Whether a request takes a place for each of its samples, as in an engine that decodes them
    side by side; both numbers are samples then."""
    patience_s: float = 600.0
    """Longest time without one success that rate limits are waited for, by all requests together;
    also the longest that one request waits in all, and the longest wait that is accepted."""
    outage_after: int = 20
    """So many tries in a row that found nobody (twice the places, if that is more), and the
    endpoint counts as away."""
    outage_s: float = 15.0
    """How long nothing is sent to it then, before one request tries again."""
    outage_patience_s: float = 75.0
    """How long requests are held while it is away, before they are refused."""


async def not_held() -> None:
    """Where nothing is ever paused."""


class Gate:
    """Places at one endpoint. Waiting can be cancelled; a place is never lost."""

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        clock: Clock = time.monotonic,
        sleep: Sleep = asyncio.sleep,
        patience_clock: Clock | None = None,
        until_going: Callable[[], Awaitable[None]] = not_held,
    ) -> None:
        """All places are free.

        Args:
            limits: What the endpoint bears.
            clock: Monotonic seconds.
            sleep: Waits for some.
            patience_clock: Seconds that count as waited for; it may stand still, as ``clock`` may
                not: while a study is paused, nobody waits for the endpoint.
            until_going: Returns when nothing is paused: until then no request is sent or refused.
        """
        self.limits = limits or Limits()
        self.clock = clock
        self.patience_clock = patience_clock or clock
        self._until_going = until_going
        self.sleep = sleep
        self.in_flight = 0
        self.n_expected = 0
        """Places that are about to be taken."""
        self._places = float(min(self.limits.start, self.limits.most))
        self._waiting: deque[tuple[asyncio.Future[None], int]] = deque()
        self._paused_until = float("-inf")
        self._narrowed_at = float("-inf")
        self._limited_since: float | None = None
        self._n_failed = 0
        self._closed_by: CallError | None = None
        self._closed_until = float("-inf")
        self._refuses_from = float("-inf")
        """On the patience clock."""

    @property
    def n_places(self) -> int:
        """Requests (or samples, where those count) that may be in flight now."""
        return int(self._places)

    def places_of(self, n_samples: int, n_requests: int = 1) -> int:
        """How many places these samples take in so many requests."""
        return n_samples if self.limits.counts_samples else n_requests

    def has_room(self, n: int) -> bool:
        """Whether requests that take ``n`` more places would be sent at once."""
        return (
            self.in_flight + self.n_expected + n <= self.n_places
            and not self._waiting
            and self._closed_by is None
            and self._paused_until <= self.clock()
        )

    async def enter(self, n: int = 1) -> None:
        """Take ``n`` places, in the order of asking; give them back with ``leave``.

        A request that takes more than there are is sent alone.

        Raises:
            Away: The endpoint is closed, and has been for long; says what closed it.
            StillLimited: Likewise, where that was a rate limit.
        """
        await self._until_going()
        self._refuse_if_hopeless()
        if self._waiting or not self._fits(n):
            await self._wait(n)
        else:
            self.in_flight += n
        try:
            await self._until_going()
            while (wait_s := self._closed_for_s()) > 0:
                await self.sleep(wait_s)
                await self._until_going()
        except BaseException:
            self.leave(n)
            raise

    def leave(self, n: int = 1) -> None:
        """Give places back."""
        self.in_flight -= n
        self._admit()

    def succeeded(self, n: int = 1) -> None:
        """The endpoint answered: it is open, and bears a little more if all places were taken."""
        self._n_failed = 0
        self._closed_by = None
        self._limited_since = None
        if self._waiting or self.in_flight >= self.n_places:
            self._places = min(float(self.limits.most), self._places + n / self._places)

    def congested(self, wait_s: float = 0.0) -> None:
        """The endpoint wants less: half the places, and nothing is sent for ``wait_s`` seconds."""
        now = self.clock()
        self._paused_until = max(self._paused_until, now + wait_s)
        if now - self._narrowed_at >= NARROW_EVERY_S:
            self._narrowed_at = now
            self._places = max(1.0, self._places / 2)

    @property
    def limited_for_s(self) -> float:
        """Seconds since the first rate limit after the last success; 0 without one."""
        if self._limited_since is None:
            return 0.0
        return self.patience_clock() - self._limited_since

    def limited(self, wait_s: float) -> None:
        """The endpoint refused a request as one too many, and may have said for how long."""
        if self._limited_since is None:
            self._limited_since = self.patience_clock()
        self.congested(wait_s)

    def lost_patience(self, error: RateLimited) -> None:
        """Somebody waited in vain: all who wait are refused, and now and then one tries again."""
        now = self.clock()
        self._closed_by, self._refuses_from = error, self.patience_clock()
        self._closed_until = now + self.limits.outage_s

    def found_nobody(self, error: Unreachable) -> None:
        """A try failed as it does where the endpoint is away; enough of them close it."""
        self._n_failed += 1
        if self._n_failed >= max(self.limits.outage_after, 2 * self.n_places):
            now, self._n_failed = self.clock(), 0
            if self._closed_by is None:
                self._refuses_from = self.patience_clock() + self.limits.outage_patience_s
            self._closed_by, self._closed_until = error, now + self.limits.outage_s

    def _fits(self, n: int) -> bool:
        return self.in_flight == 0 or self.in_flight + n <= self.n_places

    async def _wait(self, n: int) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((turn, n))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave(n)  # The places were given here already.
            else:
                self._admit()  # Those behind may fit where this one did not.
            raise

    def _admit(self) -> None:
        """Give free places to those who wait longest."""
        while self._waiting and (self._waiting[0][0].done() or self._fits(self._waiting[0][1])):
            turn, n = self._waiting.popleft()
            if not turn.done():
                self.in_flight += n
                turn.set_result(None)

    def _closed_for_s(self) -> float:
        """Seconds until it is worth while to look again; 0 lets a request go.

        While the endpoint is away, that is one request each time that a try is due.
        """
        self._refuse_if_hopeless()
        now = self.clock()
        if now < self._paused_until:
            return self._paused_until - now
        if self._closed_by is None:
            return 0.0
        if now < self._closed_until:
            return min(self._closed_until - now, LOOK_EVERY_S)
        self._closed_until = now + self.limits.outage_s
        return 0.0

    def _refuse_if_hopeless(self) -> None:
        if self._closed_by is None or self.clock() >= self._closed_until:
            return
        if self.patience_clock() < self._refuses_from:
            return
        refusal = StillLimited if isinstance(self._closed_by, RateLimited) else Away
        raise refusal(f"{self._closed_by} (not asked again for the moment)")
