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
        self.study_id = study_id
        self._studies = store.studies()
        self._clock = clock
        self.began_s = clock() - store.reader().find_study(study_id).elapsed_s
        """When the study would have begun, had it run without a break, on the clock."""
        self.progress: Callable[[], str | None] = lambda: None
        """How far it is, as JSON text, which goes with each sign of life; None says nothing."""

    @property
    def elapsed_s(self) -> float:
        """Seconds that it has run, over all its runs."""
        return self._clock() - self.began_s

    async def keep_during(
        self, work: Coroutine[None, None, T], *, beside: Coroutine[None, None, None]
    ) -> T:
        """Run ``work`` while giving signs of life, and something else beside it.

        Raises:
            Conflict: Another process has taken the study; the work was cancelled.
            Exception: What the work raised, or what runs beside it; likewise.
        """
        try:
            async with asyncio.TaskGroup() as group:
                others = [group.create_task(self._beat()), group.create_task(beside)]
                try:
                    return await work
                finally:
                    for other in others:
                        other.cancel()
        except ExceptionGroup as failures:
            raise first_cause(failures) from failures

    async def rest(self, state: StudyState, reason: str) -> None:
        """Let the study rest, with its time.

        Raises:
            Conflict: Another process has taken it.
        """
        await self._studies.stop(self.study_id, state, reason, elapsed_s=self.elapsed_s)

    async def pause(self, reason: str) -> None:
        """Let it rest on the way out of an error, which a study that was taken must not hide."""
        with contextlib.suppress(Conflict):
            await self.rest("paused", reason)

    async def beat(self) -> None:
        """Give a sign of life now, with how far the study is.

        Raises:
            Conflict: Another process has taken it.
        """
        await self._studies.beat(self.study_id, elapsed_s=self.elapsed_s, progress=self.progress())

    async def _beat(self) -> None:
        while True:
            await self.beat()
            await asyncio.sleep(HEARTBEAT_S)
