"""One budget for a whole study. A call reserves its worst case before it is dispatched."""

from __future__ import annotations

import asyncio
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


class Budget:
    """Spent and reserved amounts against caps, for one event loop.

    ``share`` holds for a part of the work, within the caps: a call may begin while what was spent
    lies within it, so that the last one may end beyond. Whether it suffices then depends on what
    calls take, and not on what they might have taken or on their order.

    A reservation that does not fit waits while others are in flight, because they settle for less
    than their worst case; it fails when nothing is left that could settle.
    """

    def __init__(self, caps: Caps, clock: Callable[[], float], spent: Amount = Amount()) -> None:
        self.caps = caps
        self.share: Caps | None = None
        self.spent = spent
        self.reserved = Amount()
        self._clock = clock
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the deadline, never negative; None without one."""
        if self.caps.deadline_s is None:
            return None
        return max(0.0, self.caps.deadline_s - self._clock())

    async def reserve(self, worst: Amount) -> None:
        """Set ``worst`` aside before a dispatch.

        Raises:
            BudgetExceeded: It cannot fit even after everything in flight has settled.
        """
        while True:
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
        for turn in self._waiting:
            if not turn.done():
                turn.set_result(None)
        self._waiting.clear()
