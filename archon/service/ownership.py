"""Holds on to a study while it runs: its process gives signs of life, and its time is kept.

Both are rows of the database, so that a study whose process was killed, on whatever host, can be
run on, and counts the time that it had.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine
from typing import TypeVar

from archon.core.errors import Conflict
from archon.core.records import StudyState
from archon.runtime.failures import first_cause
from archon.store.opening import Store
from archon.store.owners import HEARTBEAT_S

T = TypeVar("T")


class OwnedStudy:
    """A study that this process has taken."""

    def __init__(
        self, study_id: str, store: Store, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Read how long it has run already; its time runs on from now.

        Args:
            study_id: Its whole id.
            store: The one that took it.
            clock: Monotonic seconds.
        """
        self._study_id = study_id
        self._studies = store.studies()
        self._clock = clock
        self.began_s = clock() - store.reader().find_study(study_id).elapsed_s
        """When the study would have begun, had it run without a break, on the clock."""

    @property
    def elapsed_s(self) -> float:
        """Seconds that it has run, over all its runs."""
        return self._clock() - self.began_s

    async def keep_during(self, work: Coroutine[None, None, T]) -> T:
        """Run ``work`` while giving signs of life.

        Raises:
            Conflict: Another process has taken the study; the work was cancelled.
            Exception: What the work raised.
        """
        try:
            async with asyncio.TaskGroup() as group:
                beating = group.create_task(self._beat())
                try:
                    return await work
                finally:
                    beating.cancel()
        except ExceptionGroup as failures:
            raise first_cause(failures) from failures

    async def rest(self, state: StudyState, reason: str) -> None:
        """Let the study rest, with its time.

        Raises:
            Conflict: Another process has taken it.
        """
        await self._studies.stop(self._study_id, state, reason, elapsed_s=self.elapsed_s)

    async def pause(self, reason: str) -> None:
        """Let it rest on the way out of an error, which a study that was taken must not hide."""
        with contextlib.suppress(Conflict):
            await self.rest("paused", reason)

    async def _beat(self) -> None:
        while True:
            await self._studies.beat(self._study_id, elapsed_s=self.elapsed_s)
            await asyncio.sleep(HEARTBEAT_S)
