"""The embedded engine: vLLM with a small model, started, watched and stopped by Archon."""

from __future__ import annotations

import asyncio
import secrets
import socket
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp

from archon.core.calls import ModelCard
from archon.core.errors import SetupError
from archon.models import engine_guard
from archon.models.engine_command import (
    CONTEXT_TOKENS,
    command,
    engine_environment,
    installed_build,
    offline_environment,
    this_size,
)
from archon.models.engine_weights import MODEL_NAME, packaged_model, prepared_model
from archon.models.secret import Secret

_GRACE_S = 8.0
_PROBE_S = 10.0
_LOGS_KEPT = 10


def card(alias: str) -> ModelCard:
    """What the runtime needs to know of the embedded model under ``alias``: free, many samples.

    The CPU build crashes on concurrent requests with ``seed``, and answers 400 to several samples
    at temperature 0; whoever talks to it sends no seed and asks greedily one at a time.
    """
    _, version = packaged_model()
    identity = f"engine/{MODEL_NAME}@{version}/bfloat16"
    return ModelCard(alias, identity, has_many_samples=True, context_tokens=CONTEXT_TOKENS)


class EmbeddedEngine:
    """A running vLLM on a free port of the loopback interface, for as long as the block lasts.

        async with EmbeddedEngine(cache_dir, report=print) as engine:
            engine.base_url, engine.api_key, engine.model_name

    Entering waits until a token was generated; leaving leaves no process and no port. The engine
    ends also when this process is killed. Each engine is independent of any other.

    Args:
        cache_dir: The user's cache folder: weights, logs, and caches of the libraries.
        environment: The environment of this process; keys are not passed on to the engine.
        report: Told what happens, a line at a time.
        start_timeout_s: Longest time from starting vLLM to its first token, in seconds.
    """

    model_name = MODEL_NAME

    def __init__(
        self,
        cache_dir: Path,
        *,
        environment: Mapping[str, str] | None = None,
        report: Callable[[str], None] = lambda line: None,
        start_timeout_s: float = 300.0,
    ) -> None:
        self.api_key = Secret(secrets.token_urlsafe(32))
        self._folder = cache_dir / "engine"
        self._cache_dir = cache_dir
        self._environment = environment or {}
        self._report = report
        self._start_timeout_s = start_timeout_s
        self._port = 0
        self._log = Path()
        self._guard: asyncio.subprocess.Process | None = None

    @property
    def base_url(self) -> str:
        """Where it answers OpenAI's protocol, ``/v1`` included."""
        return f"http://127.0.0.1:{self._port}/v1"

    async def __aenter__(self) -> Self:
        """Start it.

        Raises:
            SetupError: Something is not installed, the model could not be prepared, or vLLM
                ended or stayed silent; holds the last lines of its log.
        """
        build = installed_build()
        size = this_size(build)
        self._folder.mkdir(parents=True, exist_ok=True)
        offline = offline_environment(self._environment, self._folder)
        model = await prepared_model(self._cache_dir, offline, self._report)
        self._port = _free_port()
        self._log = _new_log(self._folder, self._port)
        started = time.monotonic()
        self._guard = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", engine_guard.__file__, str(self._log), str(_GRACE_S)),
            *command(model, self._port, build, size),
            stdin=asyncio.subprocess.PIPE,
            cwd=self._folder,
            env=engine_environment(offline, build, size, self.api_key),
            start_new_session=True,
        )
        self._report(f"starting vLLM ({build} build; usually within a minute)")
        try:
            await self._wait_for_token(started)
        except BaseException:
            await self._stop()
            raise
        self._report(f"the engine answers after {time.monotonic() - started:.0f} s")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it."""
        is_healthy = self.failure() is None
        await self._stop()
        if is_healthy:
            self._log.unlink(missing_ok=True)

    def failure(self) -> SetupError | None:
        """Why the engine is not there any more, with the last lines of its log; None while it is.

        For whoever finds it unreachable. A frozen engine is still there: ask ``is_answering``.
        """
        if self._guard is not None and self._guard.returncode is None:
            return None
        return SetupError(f"the embedded engine ended. {self._last_lines()}")

    async def why_silent(self, deadline_s: float = _PROBE_S) -> SetupError | None:
        """Why requests get no reply, where that is the engine's fault; None where it answers.

        For whoever found that none of several requests was answered.
        """
        if (failure := self.failure()) is not None:
            return failure
        if await self.is_answering(deadline_s):
            return None
        said = f"the embedded engine runs, and gave no token within {deadline_s:g} s."
        return self.failure() or SetupError(f"{said} {self._last_lines()}")

    async def is_answering(self, deadline_s: float = _PROBE_S) -> bool:
        """Whether it generates a token within ``deadline_s`` seconds.

        Its health route would answer even with the engine frozen, so it is not asked.
        """
        body = {"model": MODEL_NAME, "prompt": "1", "max_tokens": 1}
        headers = {"Authorization": f"Bearer {self.api_key.reveal()}"}
        limit = aiohttp.ClientTimeout(total=deadline_s)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit, headers=headers) as session,
                session.post(f"{self.base_url}/completions", json=body) as reply,
            ):
                return reply.status == 200 and bool((await reply.json())["choices"])
        except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError):
            return False

    async def _wait_for_token(self, started: float) -> None:
        reported = 0.0
        while not await self.is_answering():
            if (failure := self.failure()) is not None:
                raise failure
            waited = time.monotonic() - started
            if waited > self._start_timeout_s:
                raise SetupError(f"vLLM gave no token in {waited:.0f} s. {self._last_lines()}")
            if waited - reported >= 5:
                reported = waited
                self._report(f"waiting for the engine: {waited:.0f} s")
            await asyncio.sleep(0.5)

    async def _stop(self) -> None:
        """Close the guard's input, upon which it ends the engine, and wait until it has."""
        if self._guard is None or self._guard.stdin is None:
            return
        self._guard.stdin.close()
        try:
            async with asyncio.timeout(_GRACE_S + 15):
                await self._guard.wait()
        except TimeoutError:
            self._guard.kill()  # the kernel then kills the engine
            await self._guard.wait()

    def _last_lines(self, n: int = 40) -> str:
        try:
            lines = self._log.read_text(errors="replace").splitlines()[-n:]
        except OSError:
            lines = []
        said = "\n".join(lines).replace(self.api_key.reveal(), "(hidden)")
        return f"Its log: {self._log}\nThe last lines of it:\n{said}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _new_log(folder: Path, port: int) -> Path:
    """A file for the engine's log. Of the logs that failed engines left, the newest stay."""
    old = sorted(folder.glob("engine-*.log"), key=lambda file: file.name)
    for file in old[: max(0, len(old) - _LOGS_KEPT + 1)]:
        file.unlink(missing_ok=True)
    return folder / f"engine-{time.time_ns()}-{port}.log"
