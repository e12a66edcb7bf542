"""The stub server: answers, counts, and fails on command."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web

from tests.stub.ledger import Ledger
from tests.stub.modes import echo_reply, edited, error_reply, known
from tests.stub.texts import Responder, digest_of, respond
from tests.stub.wire import Completion, Format, anthropic_body, openai_body, openai_error

DRIP_S = 0.2
TIMER_LATE_S = 0.0005
"""The mean by which a loop's timer, which rounds up to whole milliseconds, is late."""
ENDLESS_CHUNK = b" " * 65_536
_JSON = {"Content-Type": "application/json"}
_PATHS: dict[str, Format] = {"/v1/chat/completions": "openai", "/v1/messages": "anthropic"}


@dataclass
class Stub:
    """What the stub does. Fields may be changed while it runs.

    ``latency_s`` passes between a request and its answer; ``max_n`` is the most samples that one
    request gets.
    """

    latency_s: float = 0.0
    max_n: int = 128
    responder: Responder = respond
    key: str = ""
    """Where set, requests must carry it."""
    base_url: str = ""
    """Address with ``/v1``; set when it runs."""
    ledger: Ledger = field(default_factory=Ledger)
    last_request: dict[str, Any] = field(default_factory=dict)
    last_headers: dict[str, str] = field(default_factory=dict)
    _queues: dict[str, deque[str]] = field(default_factory=lambda: defaultdict(deque))
    _standing: dict[str, str] = field(default_factory=dict)
    _seen: Counter[str] = field(default_factory=Counter)

    @property
    def origin(self) -> str:
        """Address without ``/v1``, as Anthropic's clients take it."""
        return self.base_url.removesuffix("/v1")

    def script(self, model: str, *modes: str) -> None:
        """Queue modes for the next requests to ``model``, one each."""
        self._check(*modes)
        self._queues[model].extend(modes)

    def always(self, model: str, mode: str) -> None:
        """The mode of ``model`` where nothing is queued."""
        self._check(mode)
        self._standing[model] = mode

    def _check(self, *modes: str) -> None:
        for mode in modes:
            if not known(mode):
                raise ValueError(f"the stub has no mode {mode!r}")

    def _next_mode(self, model: str) -> str:
        queue = self._queues.get(model)
        return queue.popleft() if queue else self._standing.get(model, "ok")

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one HTTP request."""
        fmt = _PATHS.get(request.path)
        if fmt is not None and request.method == "POST":
            self.ledger.in_flight += 1
            self.ledger.max_in_flight = max(self.ledger.max_in_flight, self.ledger.in_flight)
            try:
                return await self._complete(request, fmt)
            finally:
                self.ledger.in_flight -= 1
        if request.path == "/__script" and request.method == "POST":
            return self._scripted(orjson.loads(await request.read()))
        pages: dict[str, object] = {
            "/v1/models": {"object": "list", "data": [{"id": "good", "object": "model"}]},
            "/health": {"status": "ok"},
            "/__counts": self.ledger.to_data(),
        }
        if request.path not in pages:
            return web.Response(status=404, body=b'{"detail":"Not Found"}', headers=_JSON)
        return web.Response(body=orjson.dumps(pages[request.path]), headers=_JSON)

    def _scripted(self, order: dict[str, Any]) -> web.Response:
        try:
            self.script(order["model"], *order.get("modes", ()))
            if "always" in order:
                self.always(order["model"], order["always"])
        except ValueError as error:
            return web.Response(status=400, text=str(error))
        return web.Response(body=b"{}", headers=_JSON)

    async def _complete(self, request: web.BaseRequest, fmt: Format) -> web.StreamResponse:
        came_at = asyncio.get_running_loop().time()
        body = orjson.loads(await request.read())
        self.last_request, self.last_headers = body, dict(request.headers)
        model = body["model"]
        self.ledger.requests += 1
        self.ledger.requests_by_model[model] += 1
        self.ledger.seeded += "seed" in body
        mode = self._next_mode(model)
        name, _, argument = mode.partition(":")
        if refusal := self._refusal(request, body, mode, fmt):
            self.ledger.refused += 1
            return refusal
        data, n = self._answer(request, body, mode, fmt)
        if delay := self.latency_s + (float(argument) if name == "slow" else 0.0):
            await _sleep_until(came_at + delay)
        response = await _deliver(request, name, argument, data)
        if request.transport is None:
            self.ledger.undelivered += n
        return response

    def _refusal(
        self, request: web.BaseRequest, body: dict[str, Any], mode: str, fmt: Format
    ) -> web.Response | None:
        sent = request.headers.get("x-api-key") or request.headers.get("Authorization") or ""
        if self.key and sent.removeprefix("Bearer ") != self.key:
            mode = "401"
        name, _, what = mode.partition(":")
        failed = echo_reply(what, sent, fmt) if name == "echo" else error_reply(mode, fmt)
        if failed:
            status, headers, data = failed
            return web.Response(status=status, headers=headers, body=data)
        if body.get("n", 1) > 1 and body.get("temperature") == 0:
            error = openai_error("n must be 1 when using greedy sampling.", "BadRequestError", None)
            return web.Response(status=400, body=orjson.dumps(error), headers=_JSON)
        return None

    def _answer(
        self, request: web.BaseRequest, body: dict[str, Any], mode: str, fmt: Format
    ) -> tuple[bytes, int]:
        n = 1 if mode == "one-choice" or fmt == "anthropic" else min(body.get("n", 1), self.max_n)
        texts = self._texts(request, body, n)
        limit = body.get("max_tokens") or 16_384
        completions = [_cut(text, limit, body.get("stop")) for text in texts]
        prompt_tokens = sum(len(turn["content"]) // 4 + 4 for turn in body["messages"])
        self.ledger.billed_prompt_tokens += prompt_tokens
        self.ledger.billed_completion_tokens += sum(done.n_tokens for done in completions)
        shape = openai_body if fmt == "openai" else anthropic_body
        return edited(mode, shape(body["model"], completions, prompt_tokens), fmt), n

    def _texts(self, request: web.BaseRequest, body: dict[str, Any], n: int) -> list[str]:
        model, turns = body["model"], body["messages"]
        if isinstance(body.get("system"), str | list):
            turns = [{"role": "system", "content": _text_of(body["system"])}, *turns]
        turns = [{**turn, "content": _text_of(turn["content"])} for turn in turns]
        body["messages"] = turns
        digest = digest_of({name: value for name, value in body.items() if name != "n"})
        sent = request.headers.get("x-archon-slot")
        first = self._seen[digest] if sent is None else int(sent)
        self._seen[digest] += n
        self.ledger.completions += n
        self.ledger.completions_by_model[model] += n
        self.ledger.by_messages[model, digest_of(turns)] += n
        for slot in range(first, first + n):
            self.ledger.by_slot[digest, slot] += 1
        is_greedy = body.get("temperature") == 0
        return [self.responder(model, turns, 0 if is_greedy else first + i) for i in range(n)]


async def _sleep_until(at: float) -> None:
    """Sleep until a time of the loop's clock, as close as its timer allows."""
    left_s = at - asyncio.get_running_loop().time() - TIMER_LATE_S
    await asyncio.sleep(max(0.0, left_s))


def _text_of(content: object) -> str:
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content)
    return str(content)


def _cut(text: str, max_tokens: int, stop: str | list[str] | None) -> Completion:
    """A word is a token; the text ends before the first stop sequence."""
    for end in [stop] if isinstance(stop, str) else stop or ():
        text = text.partition(end)[0]
    words = text.split(" ")
    if len(words) > max_tokens:
        return Completion(" ".join(words[:max_tokens]), "length", max_tokens)
    return Completion(text, "stop", len(words))


async def _deliver(
    request: web.BaseRequest, mode: str, argument: str, data: bytes
) -> web.StreamResponse:
    if mode == "redirect":
        return web.Response(status=307, headers={"Location": argument})
    if mode in ("reset", "hang"):
        if mode == "hang":
            await _until_gone(request)
        elif request.transport is not None:
            request.transport.abort()
        return web.Response()
    if mode in ("cut", "cut-chunk", "drip", "endless"):
        return await _deliver_badly(request, mode, data)
    is_html = mode in ("html", "wrong-type")
    return web.Response(body=data, content_type="text/html" if is_html else "application/json")


async def _deliver_badly(request: web.BaseRequest, mode: str, data: bytes) -> web.StreamResponse:
    response = web.StreamResponse(headers=_JSON)
    if mode == "cut":
        response.content_length = len(data)
    await response.prepare(request)
    # The client leaves first, except where its half is cut off: that is what is tested.
    with contextlib.suppress(ConnectionError):
        if mode in ("cut", "cut-chunk"):
            await response.write(data[: len(data) // 2])
            if request.transport is not None:
                request.transport.close()
        while mode == "endless":
            await response.write(ENDLESS_CHUNK)
        for i in range(len(data) if mode == "drip" else 0):
            await response.write(data[i : i + 1])
            await asyncio.sleep(DRIP_S)
    return response


async def _until_gone(request: web.BaseRequest) -> None:
    while request.transport is not None:
        await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def running_stub(
    stub: Stub | None = None, *, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[Stub]:
    """Serve until the block ends; port 0 takes any that is free."""
    stub = stub or Stub()
    server = web.Server(stub.handle, access_log=None)
    runner = web.ServerRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        stub.base_url = f"http://{host}:{runner.addresses[0][1]}/v1"
        yield stub
    finally:
        await runner.cleanup()
