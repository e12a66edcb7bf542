"""Many calls of one component at once, results in order."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

T = TypeVar("T")


async def together(running: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """Run all concurrently; results in the order given.

    They start in that order, so that sample slots are dealt in it. A failure cancels the others
    instead of leaving them to spend.
    """
    if len(running) == 1:
        return [await running[0]]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one) for one in running]
    return [task.result() for task in tasks]
