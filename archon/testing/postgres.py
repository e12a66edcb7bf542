"""A PostgreSQL cluster of one's own for tests: made in a second, reached through a socket file."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

START_TIMEOUT_S = 30.0
INITDB_OPTIONS = ("-U", "archon", "-A", "trust", "-E", "UTF8", "--no-locale")


@dataclass
class Cluster:
    """A server with its data in ``folder``, which is all that it leaves and is removed with it."""

    folder: Path
    _server: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def url(self, database: str) -> str:
        """The address of a database as a store takes it."""
        return f"postgresql://archon@/{database}?host={self.folder}"

    def create_database(self, name: str) -> str:
        """Make an empty database and return its address."""
        with self._connect() as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def start(self) -> None:
        """Start the server and wait until it answers.

        Raises:
            RuntimeError: It does not; holds the end of its log.
        """
        log = self.folder / "server.log"
        with log.open("ab") as output:
            self._server = subprocess.Popen(
                [find_program("postgres"), "-D", self.folder / "data", *self._options()],
                stdout=output,
                stderr=output,
                **_as_other_user(),  # type: ignore[call-overload]
            )
        ends_at = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < ends_at and self._server.poll() is None:
            with contextlib.suppress(psycopg.OperationalError), self._connect():
                return
            time.sleep(0.05)
        raise RuntimeError(f"PostgreSQL did not start: {log.read_text()[-2000:]}")

    def stop(self) -> None:
        """Stop the server at once, as a crash would: transactions that are open are lost."""
        if self._server is not None:
            self._server.send_signal(signal.SIGQUIT)
            self._server.wait(timeout=START_TIMEOUT_S)
            self._server = None

    def _options(self) -> tuple[str, ...]:
        # A socket file in the folder, and no port that others could take or reach.
        return ("-k", str(self.folder), "-c", "listen_addresses=", "-c", "max_connections=50")

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host=str(self.folder), user="archon", dbname="postgres", autocommit=True
        )


@contextlib.contextmanager
def postgres_cluster() -> Iterator[Cluster]:
    """A running cluster that is gone afterwards.

    Raises:
        RuntimeError: PostgreSQL is not installed, or does not start.
    """
    folder = Path(tempfile.mkdtemp(prefix="archon-pg-"))
    user = _as_other_user()
    try:
        if user:
            shutil.chown(folder, user["user"], user["group"])
        subprocess.run(
            [find_program("initdb"), "-D", folder / "data", *INITDB_OPTIONS],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=folder,
            **user,  # type: ignore[call-overload]
        )
        cluster = Cluster(folder)
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(folder)


def find_program(name: str) -> str:
    """Where a program of the PostgreSQL server is: on the path, or where Debian puts it.

    Raises:
        RuntimeError: It is not installed.
    """
    debian = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    found = shutil.which(name) or (str(debian[-1]) if debian else None)
    if found is None:
        raise RuntimeError(
            f"{name} is not installed, and this test needs a PostgreSQL server. "
            "Run: apt-get install postgresql  (or put its programs on the PATH)"
        )
    return found


def _as_other_user() -> dict[str, int]:
    """What makes a child run as somebody else when we are root, as which the server refuses to."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = names.get("postgres") or names["nobody"]
    return {"user": entry.pw_uid, "group": entry.pw_gid}
