"""Who is buying: one name per opened store, from which others can tell whether it still lives."""

from __future__ import annotations

import os
import secrets
import socket
import sys
from pathlib import Path

FORGOTTEN_AFTER_S = 6 * 3600.0
"""Owners that cannot be looked up (another host) count as dead once they are silent this long."""

HEARTBEAT_S = 5.0
"""So often the process that runs a study gives a sign of life."""
LEASE_S = 30.0
"""One that cannot be looked up has lost its study once it is silent this long. Hosts that share a
database agree on the time to within a few seconds."""


def new_owner() -> str:
    """``host/boot and namespace/pid/start of the process/random``: unique, no secret in it."""
    return "/".join(
        (*_this_host(), str(os.getpid()), _start(os.getpid()) or "", secrets.token_hex(4))
    )


def is_alive(owner: str, *, silent_s: float, forgotten_after_s: float = FORGOTTEN_AFTER_S) -> bool:
    """Whether the process behind ``owner`` may still be at work.

    Args:
        owner: A name from ``new_owner``; "" is nobody.
        silent_s: Seconds since it last wrote, which decides for owners on other hosts.
        forgotten_after_s: So long they may be silent.
    """
    if not owner:
        return False
    if not can_look_up(owner):
        return silent_s < forgotten_after_s
    _, _, pid, start, _ = owner.split("/")
    return _is_running(int(pid)) and (_start(int(pid)) or "") == start


def can_look_up(owner: str) -> bool:
    """Whether the process behind ``owner`` is one of this host, where it would be seen."""
    host, namespace, *_ = owner.split("/")
    return sys.platform != "win32" and (host, namespace) == _this_host()


def _this_host() -> tuple[str, str]:
    """Name of the host, and what tells apart those of one name: the boot and the PID namespace."""
    # Cloned machines share a name, and containers may share one without sharing processes. The
    # first namespace has the same inode on every Linux machine, so it needs the boot beside it.
    namespace, boot = Path("/proc/self/ns/pid"), Path("/proc/sys/kernel/random/boot_id")
    inode = namespace.stat().st_ino if namespace.exists() else 0
    started = boot.read_text().strip() if boot.exists() else ""
    return socket.gethostname().replace("/", "_"), f"{started}:{inode}"


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it runs, as another user
    return True


def _start(pid: int) -> str | None:
    """Clock ticks from boot to the start of the process: a reused pid has another. Linux only."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The command in parentheses may hold spaces; the start is the 20th field behind it.
    return stat.rpartition(")")[2].split()[19]
