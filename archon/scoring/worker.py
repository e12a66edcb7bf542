"""Runs one function in a process of its own, which is killed when it takes too long.

For libraries that use signals, hang on some inputs, or load slowly. The child sees none of the
environment (no keys), has a memory limit where the system knows one, and speaks JSON lines.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from archon.core.errors import ScoringError

START_LIMIT_S = 120.0
_MEMORY_BYTES = 4 << 30
_ROOT = str(Path(__file__).parents[2])
# The child is isolated, yet must run the code of its parent, wherever that was imported from.
_CHILD = (
    "import sys; root, function = sys.argv[1:]; root in sys.path or sys.path.insert(0, root); "
    "from archon.scoring.worker import main; main(function)"
)
# A thread per core would reserve more memory than the limit allows on large machines.
_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class TookTooLong(Exception):
    """The function did not return within its limit; its process was killed."""


@dataclass(eq=False)
class Worker:
    """Calls ``function`` ("module:name") one at a time, in a child process.

    The child starts at the first call and again after it had to be killed. It may be used from
    several event loops, and ends with the worker or with this process, whichever is first.
    """

    function: str
    limit_s: float
    _queue: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, "scoring"), repr=False
    )
    _child: subprocess.Popen[str] | None = field(default=None, repr=False)
    _at_end: weakref.finalize[..., Worker] | None = field(default=None, repr=False)

    async def call(self, *arguments: object) -> object:
        """Call the function with plain data; gives plain data.

        Raises:
            TookTooLong: It was killed after ``limit_s`` seconds.
            ScoringError: It raised, or its process died.
        """
        return await asyncio.get_running_loop().run_in_executor(self._queue, self._call, arguments)

    def close(self) -> None:
        """End the child, if it runs."""
        self._queue.submit(self._end).result()

    def _call(self, arguments: tuple[object, ...]) -> object:
        child = self._running()
        reply = self._exchange(child, json.dumps(arguments), self.limit_s)
        if reply is None:
            raise TookTooLong(f"it took longer than {self.limit_s:g} s")
        if "error" in reply:
            raise ScoringError(f"{self.function}: {reply['error']}")
        return reply["value"]

    def _running(self) -> subprocess.Popen[str]:
        if self._child is not None and self._child.poll() is None:
            return self._child
        self._end()
        self._child = _started(self.function)
        self._at_end = weakref.finalize(self, _stopped, self._child)
        ready = self._exchange(self._child, "", START_LIMIT_S)
        if ready is None or "error" in ready:
            self._end()
            why = ready["error"] if ready else f"not ready within {START_LIMIT_S:g} s"
            raise ScoringError(f"the process for {self.function} did not start: {why}")
        return self._child

    def _exchange(
        self, child: subprocess.Popen[str], line: str, limit_s: float
    ) -> dict[str, object] | None:
        """Send a line and read one back; None if the child had to be killed."""
        expired = threading.Event()

        def kill() -> None:
            expired.set()
            child.kill()

        timer = threading.Timer(limit_s, kill)
        timer.start()
        try:
            assert child.stdin is not None and child.stdout is not None
            if line:
                child.stdin.write(line + "\n")
                child.stdin.flush()
            reply = child.stdout.readline()
        except OSError:
            reply = ""
        finally:
            timer.cancel()
        if reply:
            data: dict[str, object] = json.loads(reply)
            return data
        self._end()
        return None if expired.is_set() else {"error": "its process died"}

    def _end(self) -> None:
        if self._at_end is not None:
            self._at_end()
        self._child = self._at_end = None


def _started(function: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-I", "-c", _CHILD, _ROOT, function],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
        # Windows cannot start a process without a few system variables.
        env=None if sys.platform == "win32" else _ENVIRONMENT,
    )


def _stopped(child: subprocess.Popen[str]) -> None:
    child.kill()
    child.wait()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


def main(function: str) -> None:
    """The child: answer each line of standard input with one line of JSON."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints must not pass for a reply
    _limit_memory()
    module, _, name = function.partition(":")
    try:
        call: Callable[..., object] = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        replies.write(json.dumps({"error": str(error)}) + "\n")
        replies.flush()
        return
    replies.write(json.dumps({"value": None}) + "\n")
    replies.flush()
    for line in sys.stdin:
        replies.write(json.dumps(_answered(call, json.loads(line))) + "\n")
        replies.flush()


def _answered(call: Callable[..., object], arguments: list[object]) -> dict[str, object]:
    try:
        return {"value": call(*arguments)}
    except Exception as error:
        # The boundary around a foreign library: what it raises becomes a recorded result.
        return {"error": f"{type(error).__name__}: {error}"}


def _limit_memory() -> None:
    if sys.platform == "win32":
        return
    import resource

    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    allowed = _MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(_MEMORY_BYTES, hard)
    with contextlib.suppress(OSError, ValueError):  # macOS knows the limit but refuses to set it
        resource.setrlimit(resource.RLIMIT_AS, (allowed, hard))
