"""What runs on this machine, for tests that start processes."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path


def _fields(pid: int) -> list[str]:
    """State, parent, group, session ... of a process; empty where there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return []


def is_running(pid: int) -> bool:
    """Whether the process is there and not merely waiting to be reaped."""
    fields = _fields(pid)
    return bool(fields) and fields[0] != "Z"


def session_of(leader: int) -> list[int]:
    """The running processes of a session."""
    pids = [int(folder.name) for folder in Path("/proc").glob("[0-9]*")]
    found = [(pid, _fields(pid)) for pid in pids]
    return [pid for pid, f in found if f and f[0] != "Z" and int(f[3]) == leader]


def processes_with(word: str) -> list[int]:
    """Processes whose command line holds ``word``."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if word.encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def until(condition: Callable[[], bool], timeout_s: float = 5.0) -> bool:
    """Whether ``condition`` comes to hold in time."""
    deadline = time.monotonic() + timeout_s
    while not (holds := condition()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return holds
