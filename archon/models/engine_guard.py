"""Keeps an engine from outliving the process that started it. Runs beside the engine.

    python -I engine_guard.py LOG GRACE_S COMMAND [ARGUMENT ...]

The guard leads a session and process group of its own, so that Ctrl-C in the terminal does not
reach the engine before its user has finished. It starts COMMAND in that group and waits for the
first of: the command ends (the guard ends with its exit status), or its own standard input closes,
which the kernel does however the starting process dies. Then it asks the group to end, and after
GRACE_S seconds kills it, itself included. If the guard is killed, the kernel kills COMMAND.

Standard library only, and nothing of Archon: it starts in a few hundredths of a second.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
import time

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


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
            preexec_fn=die_with_guard,  # the guard has one thread
        )


def _end_group(grace_s: float) -> None:
    """End every process of the group, gently and then not; does not return."""
    os.killpg(0, signal.SIGTERM)
    deadline = time.monotonic() + grace_s
    while time.monotonic() < deadline:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:  # orphans of the engine come to the guard, so none is left
            os._exit(0)
        if pid == 0:
            time.sleep(0.05)
    os.killpg(0, signal.SIGKILL)


def main(log: str, grace_s: float, command: list[str]) -> None:
    """Guard ``command`` until it ends or standard input closes."""
    signal.signal(signal.SIGTERM, lambda *_: None)  # the group's signals are for the others
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    engine = _start(log, command)
    while engine.poll() is None:
        readable, _, _ = select.select([0], [], [], 0.2)
        if readable and not os.read(0, 1024):
            break
    if engine.returncode is None:
        _end_group(grace_s)
    with open(log, "a") as output:
        print(f"the engine ended with status {engine.returncode}", file=output)
    _end_group(grace_s)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), sys.argv[3:])
