"""Says that a model is asked again: where that has gone on for a while, or nobody is there."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from archon.core.errors import CallError, Unreachable

QUIET_S = 1.5
"""So long nothing is said: the third try, some two seconds after the first, is the first one that
is announced."""
SAID_EVERY_S = 5.0
ABSENT_EVERY_S = 15.0
"""An endpoint that is away is tried anew about so often."""


@dataclass(slots=True)
class Waiting:
    """Told of every wait of every request (``Limited.on_wait``), it says one now and then."""

    say: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    _said_at_s: float = float("-inf")

    def __call__(self, error: CallError, waited_s: float, wait_s: float) -> None:
        """See ``Limited.on_wait``."""
        now_s = self.clock()
        if waited_s < QUIET_S or now_s < self._said_at_s + SAID_EVERY_S:
            return
        self._said_at_s = now_s
        self.say(f"Trying again in {wait_s:.0f} s: {error}")


@dataclass(slots=True)
class Absent:
    """Told of every wait of every request to an endpoint, it says at once that nobody is there.

    Other waits are the everyday of a study, which sends as much as an endpoint takes.
    """

    say: Callable[[str], None]
    patience_s: float
    """So long the endpoint is waited for."""
    clock: Callable[[], float] = time.monotonic
    _said_at_s: float = float("-inf")

    def __call__(self, error: CallError, waited_s: float, wait_s: float) -> None:
        """See ``Limited.on_wait``."""
        now_s = self.clock()
        if isinstance(error, Unreachable) and now_s >= self._said_at_s + ABSENT_EVERY_S:
            self._said_at_s = now_s
            self.say(f"Waiting for an endpoint, up to {self.patience_s:.0f} s: {error}")
