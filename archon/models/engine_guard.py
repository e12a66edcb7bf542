"""Keeps an engine from outliving the process that started it. Runs beside the engine.

    python -I engine_guard.py LOG GRACE_S COMMAND [ARGUMENT ...]

The guard is started in a session of its own, so that Ctrl-C in the terminal does not reach the
engine before its user has finished. It starts COMMAND in a process group and waits for the first
of: the command ends, or the guard's standard input closes, which the kernel does however the
starting process dies. Then it asks the group to end, after GRACE_S seconds kills it, and ends when
no process of it is left. If the guard itself is killed, the kernel kills COMMAND.

Standard library only, and nothing of Archon: it starts in a few hundredths of a second.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_REAPING_S = 10.0


def _prctl(option: int, value: int) -> None:
    """Ask something of the Linux kernel; elsewhere there is no such call, and no engine."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _start(log: str, command: list[str]) -> subprocess.Popen[bytes]:
    guard = os.getpid()

    def die_with_guard() -> None:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != guard:
            os.kill(os.getpid(), signal.SIGKILL)

    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with open(descriptor, "wb") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            process_group=0,
            preexec_fn=die_with_guard,  # safe: the guard has one thread
        )


def _end_group(group: int, grace_s: float) -> None:
    """End every process of the group, gently and then not; returns when none is left."""
    for number, patience_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, _REAPING_S)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, number)
        if _reaped_all(patience_s):
            return


def _reaped_all(patience_s: float) -> bool:
    """Whether all children end in time. Orphans of the engine become children of the guard."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return True
        if pid == 0:
            time.sleep(0.02)
    return False


def main(log: str, grace_s: float, command: list[str]) -> None:
    """Guard ``command`` until it ends or standard input closes."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    engine = _start(log, command)
    while engine.poll() is None:
        readable, _, _ = select.select([0], [], [], 0.2)
        if readable and not os.read(0, 1024):
            break
    if engine.returncode is not None:
        with open(log, "a") as output:
            print(f"the engine ended with status {engine.returncode}", file=output)
    _end_group(engine.pid, grace_s)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), sys.argv[3:])
