from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from archon.models import engine_guard
from tests.processes import is_running, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the engine runs on Linux only")

# An engine of two processes that writes their ids; {ignoring} makes both deaf to SIGTERM.
ENGINE = """
import os, signal, sys, time
if "{ignoring}": signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = os.fork()
if child: open(sys.argv[1], "w").write(f"{{os.getpid()}} {{child}}\\n")
time.sleep(60)
"""


def guard_command(log: Path, grace_s: float, engine: list[str]) -> list[str]:
    guard = [sys.executable, "-I", engine_guard.__file__, str(log), str(grace_s)]
    return [*guard, sys.executable, "-c", *engine]


def started(ids: Path) -> list[int]:
    """The processes of the engine, once they run."""
    assert until(lambda: ids.exists() and ids.read_text().endswith("\n"))
    return [int(word) for word in ids.read_text().split()]


def run_guard(tmp_path: Path, *, ignoring: str = "") -> tuple[subprocess.Popen[bytes], list[int]]:
    engine = [ENGINE.format(ignoring=ignoring), str(tmp_path / "ids")]
    guard = subprocess.Popen(
        guard_command(tmp_path / "log", 0.3, engine), stdin=subprocess.PIPE, start_new_session=True
    )
    return guard, started(tmp_path / "ids")


@pytest.mark.parametrize("ignoring", ["", "SIGTERM"], ids=["obedient", "deaf"])
def test_engine_ends_whole_when_its_guard_loses_the_parent(tmp_path: Path, ignoring: str) -> None:
    guard, engine = run_guard(tmp_path, ignoring=ignoring)
    assert all(is_running(pid) for pid in engine)
    assert guard.stdin is not None
    guard.stdin.close()
    guard.wait(timeout=5)
    assert not [pid for pid in engine if is_running(pid)]


def test_engine_frozen_by_a_signal_still_ends(tmp_path: Path) -> None:
    guard, engine = run_guard(tmp_path)
    for pid in engine:
        os.kill(pid, signal.SIGSTOP)
    assert guard.stdin is not None
    guard.stdin.close()
    guard.wait(timeout=5)
    assert not [pid for pid in engine if is_running(pid)]


def test_engine_ends_when_the_process_that_started_it_is_killed(tmp_path: Path) -> None:
    engine = [ENGINE.format(ignoring=""), str(tmp_path / "ids")]
    command = guard_command(tmp_path / "log", 0.3, engine)
    start = "import subprocess, sys, time\n"
    start += f"subprocess.Popen({command!r}, stdin=subprocess.PIPE, start_new_session=True)\n"
    parent = subprocess.Popen([sys.executable, "-c", start + "time.sleep(60)"])
    processes = started(tmp_path / "ids")
    parent.kill()
    parent.wait()
    assert until(lambda: not any(is_running(pid) for pid in processes))


def test_engine_that_ends_takes_its_guard_with_it_and_says_so(tmp_path: Path) -> None:
    log = tmp_path / "log"
    engine = ["print('no such model'); raise SystemExit(7)"]
    guard = subprocess.Popen(
        guard_command(log, 0.3, engine), stdin=subprocess.PIPE, start_new_session=True
    )
    guard.wait(timeout=5)
    assert log.read_text().splitlines() == ["no such model", "the engine ended with status 7"]
    assert log.stat().st_mode & 0o777 == 0o600
    assert guard.stdin is not None
    guard.stdin.close()


def test_killing_the_guard_kills_the_engine(tmp_path: Path) -> None:
    guard, engine = run_guard(tmp_path)
    guard.kill()
    guard.wait()
    assert guard.stdin is not None
    guard.stdin.close()
    assert until(lambda: not is_running(engine[0]))
    os.kill(engine[1], signal.SIGKILL)  # an engine's own children are the engine's to watch
