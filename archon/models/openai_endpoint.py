"""Any OpenAI-compatible endpoint, by a thin client that costs little CPU a call."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import aiohttp

from archon.core.calls import CallBatch, ModelReply
from archon.core.errors import BadRequest, BadResponse, CallError, TimedOut, Unreachable
from archon.models.body_limit import MAX_BODY_BYTES, too_long
from archon.models.failures import NotConnected, http_failure, scrubbed
from archon.models.secret import Secret
from archon.models.wire import read_replies, request_bytes

CONNECT_TIMEOUT_S = 10.0
MAX_SAMPLES = 128
"""Most samples asked for in one request: the limit of OpenAI's API, and of engines after it."""
KEEPALIVE_S = 4.0
"""Below the five seconds after which common servers close an idle connection, so that they do not
close one just as it is used again."""
SLOT_HEADER = "x-archon-slot"
IS_IT_UP = "Is the server up, and the url right (http://host:port/v1)?"
"""What to do where nobody answers at an endpoint."""


class OpenAIEndpoint:
    """One model of one endpoint. Each ``complete`` is exactly one HTTP request.

    With ``has_many_samples`` a request asks for all its slots at once; else, and always at
    temperature 0 (which engines refuse together with several samples), for the first slot only.
    ``Limited`` sends the slots of such a batch side by side, each with a place of its own.

    Redirects are not followed, proxies of the environment not used, bodies over 8 MiB not read.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        secret: Secret | None = None,
        deadline_s: float = 120.0,
        has_many_samples: bool = True,
        sends_slots: bool = False,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Nothing is connected before the first call.

        Args:
            base_url: What OpenAI's own clients call so: ``http://host:8000/v1``.
            model: The endpoint's name of the model.
            secret: Sent as bearer token.
            deadline_s: Longest time from the request to the last byte of its reply, seconds.
            has_many_samples: Whether the endpoint knows ``n``.
            sends_slots: Whether the first sample slot goes along in the header ``x-archon-slot``,
                for endpoints whose text depends on it.
            clock: Monotonic seconds, for latencies.
        """
        self.model = model
        self.deadline_s = deadline_s
        self._url = f"{base_url.rstrip('/')}/chat/completions"
        self._where = f"model {model!r} at {base_url.rstrip('/')}"
        self._secret = secret
        self._has_many_samples = has_many_samples
        self._sends_slots = sends_slots
        self._clock = clock
        self._sessions: dict[asyncio.AbstractEventLoop, aiohttp.ClientSession] = {}

    async def complete(self, batch: CallBatch) -> tuple[ModelReply, ...]:
        """See ``ModelClient``; errors are of the types that ``http_failure`` gives."""
        n = self._samples(batch)
        body = request_bytes(self.model, batch.request, n)
        started = self._clock()
        try:
            async with asyncio.timeout(self.deadline_s):
                data = await self._post(body, batch.slots[0])
        except TimeoutError:
            raise TimedOut(f"{self._where} gave no reply within {self.deadline_s:g} s") from None
        latency_s = self._clock() - started
        return read_replies(
            data, batch, latency_s=latency_s, where=self._where, secret=self._secret
        )

    async def aclose(self) -> None:
        """Close the connections of the running event loop."""
        session = self._sessions.pop(asyncio.get_running_loop(), None)
        if session is not None:
            await session.close()

    def _samples(self, batch: CallBatch) -> int:
        if not self._has_many_samples or batch.request.sampling.temperature == 0:
            return 1
        n = min(len(batch.slots), MAX_SAMPLES)
        if self._sends_slots:  # The header names the first slot; the others must follow it.
            first = batch.slots[0]
            n = next((i for i in range(n) if batch.slots[i] != first + i), n)
        return n

    def _session(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        session = self._sessions.get(loop)
        if session is None:
            headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
            if self._secret is not None:
                headers["Authorization"] = f"Bearer {self._secret.reveal()}"
            session = self._sessions[loop] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEPALIVE_S),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S),
                trust_env=False,
            )
        return session

    async def _post(self, body: bytes, slot: int) -> bytes:
        headers = {SLOT_HEADER: str(slot)} if self._sends_slots else None
        try:
            async with self._session().post(
                self._url, data=body, headers=headers, allow_redirects=False
            ) as response:
                data = await self._read(response)
                if response.status != 200:
                    raise http_failure(
                        response.status,
                        response.headers.items(),
                        data,
                        where=self._where,
                        secret=self._secret,
                    )
                if response.content_type == "text/html":
                    raise BadResponse(f"{self._where} sent a web page instead of a completion")
                return data
        except aiohttp.ClientError as error:
            # Without the cause: aiohttp's errors can hold the request's headers, and so the key.
            raise self._translated(error) from None
        except (ValueError, OSError) as error:
            # What aiohttp lets through: a host name or a key that cannot be written down, a socket.
            # Only the kind, since the message of such an error quotes what was wrong.
            kind = type(error).__name__
            if isinstance(error, OSError):
                raise Unreachable(f"{self._where}: {kind}") from None
            raise BadRequest(
                f"{self._where} cannot be asked ({kind}). Check its url and its key."
            ) from None

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        length = response.content_length
        if length is not None and length <= MAX_BODY_BYTES and not _is_packed(response):
            return await response.read()
        pieces, size = [], 0
        async for piece in response.content.iter_any():
            pieces.append(piece)
            size += len(piece)
            if size > MAX_BODY_BYTES:
                response.close()
                raise too_long(self._where)
        return b"".join(pieces)

    def _translated(self, error: aiohttp.ClientError) -> CallError:
        said = scrubbed(str(error), self._secret) or type(error).__name__
        text = f"{self._where}: {said}"
        if isinstance(error, aiohttp.ClientSSLError | aiohttp.InvalidURL):
            return BadRequest(f"{text}. Check the url and its certificate.")
        if isinstance(error, aiohttp.ClientConnectorError):
            return NotConnected(f"{self._where}: {not_connected(error)} {IS_IT_UP}")
        if isinstance(error, aiohttp.ConnectionTimeoutError):
            return NotConnected(text)
        if isinstance(error, aiohttp.ClientPayloadError) and _is_of_encoding(error):
            return BadResponse(text)
        return Unreachable(text)


def not_connected(error: aiohttp.ClientConnectorError) -> str:
    """Why no connection came about, as a sentence."""
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "there is no such host."
    if isinstance(error.os_error, ConnectionRefusedError):
        return "nobody listens there."
    return f"no connection ({error.os_error.strerror or error.os_error})."


def _is_of_encoding(error: aiohttp.ClientPayloadError) -> bool:
    # Not "encoding" alone: a body that was cut is a TransferEncodingError.
    return "content-encoding" in str(error).lower()


def _is_packed(response: aiohttp.ClientResponse) -> bool:
    return "Content-Encoding" in response.headers
