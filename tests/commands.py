"""The ``archon`` command in a process of its own, for tests."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

RUN = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background ignores it
from archon.cli.main import run
run()
"""


@dataclass(frozen=True, slots=True)
class Ran:
    code: int
    out: str
    err: str


async def start(
    *args: str, folder: Path, typed: str = "", **environment: str
) -> asyncio.subprocess.Process:
    """Start ``archon ARGS`` in a folder, with its data and caches below it.

    ``typed`` is what its standard input holds.
    """
    with tempfile.TemporaryFile() as stdin:
        stdin.write(typed.encode())
        stdin.seek(0)
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            RUN,
            *args,
            cwd=folder,
            env=environment_of(folder, environment),
            stdin=stdin,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )


async def archon(*args: str, folder: Path, typed: str = "", **environment: str) -> Ran:
    """Run ``archon ARGS`` to its end."""
    return await ended(await start(*args, folder=folder, typed=typed, **environment))


async def ended(process: asyncio.subprocess.Process, send: signal.Signals | None = None) -> Ran:
    """Wait for the end of a process, after a signal if one is given."""
    if send is not None:
        process.send_signal(send)
    out, err = await process.communicate()
    assert process.returncode is not None
    return Ran(process.returncode, out.decode(), err.decode())


def environment_of(folder: Path, more: Mapping[str, str]) -> dict[str, str]:
    own = {"ARCHON_DATA_DIR": str(folder / "data"), "ARCHON_CACHE_DIR": str(folder / "cache")}
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("ARCHON_", "COLUMNS"))}
    return kept | own | dict(more)
