"""Places for things that run side by side, whose number may change while they run."""

from __future__ import annotations

import asyncio
from collections import deque


class Places:
    """A semaphore whose size can be set; places are given in the order of asking.

    Where the size shrinks, nothing is taken away: who has a place keeps it to its end.
    """

    def __init__(self, n: int) -> None:
        """All places are free."""
        self._n = n
        self._taken = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def n(self) -> int:
        """How many there are."""
        return self._n

    @n.setter
    def n(self, n: int) -> None:
        self._n = n
        self._admit()

    async def __aenter__(self) -> None:
        """Take a place, or wait for one."""
        if self._taken < self._n and not self._waiting:
            self._taken += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave()  # It was given a place already.
            raise

    async def __aexit__(self, *_error: object) -> None:
        """Give the place back."""
        self._leave()

    def _leave(self) -> None:
        self._taken -= 1
        self._admit()

    def _admit(self) -> None:
        while self._waiting and self._taken < self._n:
            turn = self._waiting.popleft()
            if not turn.done():
                self._taken += 1
                turn.set_result(None)
