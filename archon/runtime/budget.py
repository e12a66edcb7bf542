"""One budget for a whole study. A call reserves its worst case before it is dispatched."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from archon.core.errors import BudgetExceeded

PROMPT_OVERHEAD_TOKENS = 64
"""Room for what a chat template adds around the messages of one request."""


@dataclass(frozen=True, slots=True)
class Amount:
    """Calls (completions), tokens, and billionths of a dollar."""

    calls: int = 0
    tokens: int = 0
    cost_nusd: int = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(
            self.calls + other.calls, self.tokens + other.tokens, self.cost_nusd + other.cost_nusd
        )

    def __sub__(self, other: Amount) -> Amount:
        return Amount(
            self.calls - other.calls, self.tokens - other.tokens, self.cost_nusd - other.cost_nusd
        )


@dataclass(frozen=True, slots=True)
class Caps:
    """Upper limits; None is no limit. ``deadline_s`` is on the clock that the budget is given."""

    calls: int | None = None
    tokens: int | None = None
    cost_nusd: int | None = None
    deadline_s: float | None = None

    def share(self, part: float) -> Caps:
        """The same limits on ``part`` (in [0, 1]) of calls, tokens and money."""
        return replace(
            self,
            calls=None if self.calls is None else int(self.calls * part),
            tokens=None if self.tokens is None else int(self.tokens * part),
            cost_nusd=None if self.cost_nusd is None else int(self.cost_nusd * part),
        )

    def plus(self, amount: Amount) -> Caps:
        """The same limits, each wider by its part of ``amount``."""
        return replace(
            self,
            calls=None if self.calls is None else self.calls + amount.calls,
            tokens=None if self.tokens is None else self.tokens + amount.tokens,
            cost_nusd=None if self.cost_nusd is None else self.cost_nusd + amount.cost_nusd,
        )

    def exceeded_by(self, amount: Amount) -> str:
        """Which limit ``amount`` would break, in words ("" if none)."""
        for cap, value, unit, scale in (
            (self.calls, amount.calls, "calls", 1),
            (self.tokens, amount.tokens, "tokens", 1),
            (self.cost_nusd, amount.cost_nusd, "USD", 1e9),
        ):
            if cap is not None and value > cap:
                return f"{value / scale:g} {unit} would pass the limit of {cap / scale:g}"
        return ""

    def in_words(self) -> str:
        """The limits on calls, tokens and money, "" where there is none."""
        calls = "" if self.calls is None else f"{self.calls:,} calls"
        tokens = "" if self.tokens is None else f"{self.tokens:,} tokens"
        usd = "" if self.cost_nusd is None else f"{self.cost_nusd / 1e9:g} USD"
        return " and ".join(limit for limit in (calls, tokens, usd) if limit)


class StudyClock:
    """Monotonic seconds that stand still while a study is paused."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """It runs."""
        self._clock = clock
        self._lost_s = 0.0
        self._stopped_at: float | None = None

    def __call__(self) -> float:
        """The time."""
        now = self._clock() if self._stopped_at is None else self._stopped_at
        return now - self._lost_s

    def stop(self) -> None:
        """Stand still from now on."""
        if self._stopped_at is None:
            self._stopped_at = self._clock()

    def go_on(self) -> None:
        """Run on from where it stopped."""
        if self._stopped_at is not None:
            self._lost_s += self._clock() - self._stopped_at
            self._stopped_at = None


class Budget:
    """Spent and reserved amounts against caps, for one event loop.

    ``share`` holds for a part of the work, within the caps: a call may begin while what was spent
    lies within it, so that the last one may end beyond. Whether it suffices then depends on what
    calls take, and not on what they might have taken or on their order.

    A reservation that does not fit waits while others are in flight, because they settle for less
    than their worst case; it fails when nothing is left that could settle. Caps may change at any
    time: those who wait look again.
    """

    def __init__(self, caps: Caps, clock: Callable[[], float], spent: Amount = Amount()) -> None:
        self._caps = caps
        self._share: Caps | None = None
        self.spent = spent
        self.reserved = Amount()
        self.clock = clock
        self._waiting: list[asyncio.Future[None]] = []
        self._going: asyncio.Event | None = None
        """Set when a pause ends; None where there is none."""
        self._closed = ""
        self._timeouts: set[asyncio.Timeout] = set()

    @property
    def caps(self) -> Caps:
        """The limits that hold now."""
        return self._caps

    @caps.setter
    def caps(self, caps: Caps) -> None:
        self._caps = caps
        self._wake()
        self._set_timeouts()

    @property
    def share(self) -> Caps | None:
        """The limits of a part of the work; None where there are none."""
        return self._share

    @share.setter
    def share(self, share: Caps | None) -> None:
        self._share = share
        self._wake()

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the deadline, never negative; None without one."""
        if self.caps.deadline_s is None:
            return None
        return max(0.0, self.caps.deadline_s - self.clock())

    @property
    def is_paused(self) -> bool:
        """Whether a pause is on: nothing is sent."""
        return self._going is not None

    def pause(self) -> None:
        """Let nothing be sent until ``go_on``; what is in flight ends. Its clock should stand."""
        if self._going is None:
            self._going = asyncio.Event()
            self._set_timeouts()

    def go_on(self) -> None:
        """End a pause."""
        if self._going is not None:
            self._going.set()
            self._going = None
            self._set_timeouts()

    async def until_going(self) -> None:
        """Return at once, or when the pause ends."""
        while self._going is not None:
            await self._going.wait()

    def close(self, reason: str) -> None:
        """Refuse every further call, for this reason; "" allows them again."""
        self._closed = reason
        self._wake()

    async def reserve(self, worst: Amount) -> None:
        """Set ``worst`` aside before a dispatch; waits while there is a pause.

        Raises:
            BudgetExceeded: It cannot fit even after everything in flight has settled.
        """
        while True:
            if self._going is not None:
                await self.until_going()
            if self._closed:
                raise BudgetExceeded(self._closed)
            if self.seconds_left == 0.0:
                raise BudgetExceeded("the time of the budget is used up")
            reason = self._refusal(self.spent + self.reserved + worst)
            if not reason:
                self.reserved += worst
                return
            if self.reserved == Amount():
                raise BudgetExceeded(f"the budget does not allow the next call: {reason}")
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn

    def _refusal(self, after: Amount) -> str:
        """Why a call cannot go out now, with which ``after`` would be spent at most."""
        reason = self.caps.exceeded_by(after)
        if reason or self.share is None:
            return reason
        is_alone = self.reserved == Amount()
        return self.share.exceeded_by(self.spent if is_alone else after)

    def settle(self, worst: Amount, actual: Amount) -> None:
        """Replace a reservation by what the call really took."""
        self.reserved -= worst
        self.spent += actual
        self._wake()

    async def settled(self) -> None:
        """Return when nothing is in flight."""
        while self.reserved != Amount():
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn

    @property
    def seconds_to_go(self) -> float | None:
        """Seconds from now until the deadline; None without one, and while there is a pause."""
        return None if self.is_paused else self.seconds_left

    def follow(self, timeout: asyncio.Timeout) -> None:
        """Move a timeout, made with ``seconds_to_go``, with the deadline until ``forget``."""
        self._timeouts.add(timeout)

    def forget(self, timeout: asyncio.Timeout) -> None:
        """Its work is over."""
        self._timeouts.discard(timeout)

    def _wake(self) -> None:
        for turn in self._waiting:
            if not turn.done():
                turn.set_result(None)
        self._waiting.clear()

    def _set_timeouts(self) -> None:
        if not self._timeouts:
            return
        left_s = self.seconds_to_go
        at = None if left_s is None else asyncio.get_running_loop().time() + left_s
        for timeout in self._timeouts:
            if not timeout.expired():
                timeout.reschedule(at)
