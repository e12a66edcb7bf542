"""Runs the asynchronous part of a command, so that stopping it is clean."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

COLLECT_EVERY = 10_000
"""New objects between two looks for cycles. Python's own 700 make one every third call of a model,
and what the imports left would be gone through each time that all is looked at."""


class Stopped(Exception):
    """The user or the system asked the command to stop; everything is closed."""

    def __init__(self, signal_number: signal.Signals) -> None:
        super().__init__(signal_number.name)
        self.exit_code = 128 + signal_number


def complete(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in an event loop of its own.

    Raises:
        Stopped: Ctrl-C or SIGTERM; the coroutine was cancelled and has cleaned up. A second Ctrl-C
            does not wait for that.
    """
    terminated = False

    async def watched() -> T:
        task = asyncio.current_task()
        assert task is not None

        def stop() -> None:
            nonlocal terminated
            terminated = True
            task.cancel()

        _on_terminate(asyncio.get_running_loop(), stop)
        return await work

    try:
        return asyncio.run(watched())
    except KeyboardInterrupt:
        raise Stopped(signal.SIGINT) from None
    except asyncio.CancelledError:
        if not terminated:
            raise
        raise Stopped(signal.SIGTERM) from None


def spare_the_collector() -> None:
    """Set the garbage collector of this process to a program that makes many short-lived objects.

    Once everything is imported. An eighth of the CPU time of a call goes to it otherwise.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_EVERY, *gc.get_threshold()[1:])


def _on_terminate(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    with contextlib.suppress(NotImplementedError):  # Windows has no such signal to catch
        loop.add_signal_handler(signal.SIGTERM, stop)
