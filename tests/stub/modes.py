"""What the stub can do instead of answering well. A mode is ``name`` or ``name:argument``.

Before the answer: ``slow:SECONDS``. Errors: see ``ERRORS``; ``429:HEADER`` takes a Retry-After
(seconds, a date, or ``date+SECONDS``), ``429-ms:N`` and ``429-reset:TEXT`` other vendors' headers.
Connection: see ``CONNECTION``; ``redirect:URL``. Answers: see ``EDITS`` and ``RAW``.
``echo:WHAT`` says the key that was sent: in the error status WHAT, in a 200 that holds an error
(``error``), or in one that is no JSON (``text``).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

import orjson

from tests.stub.wire import Format, anthropic_error, html_page, openai_error


@dataclass(frozen=True)
class Failure:
    """An error status with the body that providers send along."""

    status: int
    message: str
    kind: str
    code: str | None
    anthropic_kind: str = "invalid_request_error"


_TOO_LONG = "This model's maximum context length is 4096 tokens. However, you requested 9000."
_FILTERED = "The response was filtered due to the content management policy."

ERRORS = {
    "400": Failure(400, "Unknown parameter.", "invalid_request_error", "unknown_parameter"),
    "400-odd": Failure(400, "Bad \N{REPLACEMENT CHARACTER} and \0.", "invalid_request_error", None),
    "400-context": Failure(
        400, _TOO_LONG, "invalid_request_error", "context_length_exceeded", "invalid_request_error"
    ),
    "400-filter": Failure(400, _FILTERED, "invalid_request_error", "content_filter"),
    "401": Failure(
        401,
        "Incorrect API key provided: sk-CANARY. You can find your key at the dashboard.",
        "invalid_request_error",
        "invalid_api_key",
        "authentication_error",
    ),
    "402": Failure(402, "Payment required.", "insufficient_balance", "payment_required"),
    "403": Failure(403, "You may not use this model.", "forbidden", None, "permission_error"),
    "404": Failure(
        404, "There is no such model.", "not_found", "model_not_found", "not_found_error"
    ),
    "422": Failure(422, "Input should be less.", "invalid_request_error", None),
    "429": Failure(
        429, "Too many requests.", "requests", "rate_limit_exceeded", "rate_limit_error"
    ),
    "quota": Failure(
        429,
        "You exceeded your current quota, please check your plan and billing details.",
        "insufficient_quota",
        "insufficient_quota",
        "billing_error",
    ),
    "500": Failure(500, "The server had an error.", "server_error", None, "api_error"),
    "529": Failure(529, "Overloaded.", "server_error", None, "overloaded_error"),
}
CONNECTION = ("reset", "cut", "cut-chunk", "hang", "drip", "endless", "redirect", "slow")
RAW = {
    "html": html_page("Welcome"),
    "broken-json": b'{"choices": [{"message": {"content": "Hel',
    "bad-utf8": b'{"choices": [{"message": {"content": "\xff\xfe"}}], "usage": {}}',
    "number": b"42",
}


def error_reply(mode: str, fmt: Format) -> tuple[int, dict[str, str], bytes] | None:
    """Status, headers and body of an error mode; None if the mode is none."""
    name, _, argument = mode.partition(":")
    if name == "503-html":
        return 503, {"Content-Type": "text/html"}, html_page("Service Unavailable")
    failure = ERRORS.get(name if name in ERRORS else name.partition("-")[0])
    if failure is None:
        return None
    if fmt == "openai":
        body = openai_error(failure.message, failure.kind, failure.code)
    else:
        body = anthropic_error(failure.message, failure.anthropic_kind)
    headers = {"Content-Type": "application/json"} | _wait_headers(name, argument)
    return failure.status, headers, _with_surrogate(orjson.dumps(body))


def echo_reply(what: str, key: str, fmt: Format) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of a server that repeats the key in what it says."""
    message = f"Something is wrong with {key}, is it not?"
    body = openai_error(message, "odd", None)
    if fmt == "anthropic":
        body = anthropic_error(message, "odd")
    headers = {"Content-Type": "application/json"}
    if what == "text":
        return 200, headers, message.encode()
    return (200 if what == "error" else int(what)), headers, orjson.dumps(body)


def _wait_headers(name: str, argument: str) -> dict[str, str]:
    if not argument:
        return {}
    if name == "429-ms":
        return {"retry-after-ms": argument}
    if name == "429-reset":
        return {"x-ratelimit-reset-requests": argument}
    if argument.startswith("date+"):
        argument = formatdate(time.time() + float(argument[5:]), usegmt=True)
    return {"Retry-After": argument}


def _content(value: object) -> Callable[[dict[str, Any], Format], None]:
    def edit(body: dict[str, Any], fmt: Format) -> None:
        if fmt == "openai":
            for choice in body["choices"]:
                choice["message"]["content"] = value
        elif value is None:
            body["content"] = []
        else:
            body["content"][0]["text"] = value

    return edit


def _finish(openai: object, anthropic: object) -> Callable[[dict[str, Any], Format], None]:
    def edit(body: dict[str, Any], fmt: Format) -> None:
        if fmt == "openai":
            for choice in body["choices"]:
                choice["finish_reason"] = openai
        else:
            body["stop_reason"] = anthropic

    return edit


def _message(
    *blocks: dict[str, object], stop: str = "", **fields: object
) -> Callable[[dict[str, Any], Format], None]:
    """Fields of a message of OpenAI's; for Anthropic's format its blocks, and why it stopped."""

    def edit(body: dict[str, Any], fmt: Format) -> None:
        if fmt == "anthropic":
            body["content"] = [*blocks]
            body["stop_reason"] = stop or body["stop_reason"]
        for choice in body["choices"] if fmt == "openai" else ():
            choice["message"].update(fields)

    return edit


def _top(**fields: object) -> Callable[[dict[str, Any], Format], None]:
    def edit(body: dict[str, Any], fmt: Format) -> None:
        body.update(fields)

    return edit


def _no_usage(body: dict[str, Any], fmt: Format) -> None:
    del body["usage"]


def _negative_usage(body: dict[str, Any], fmt: Format) -> None:
    body["usage"] = {name: -abs(n) - 1 for name, n in body["usage"].items()}


def _huge_usage(body: dict[str, Any], fmt: Format) -> None:
    body["usage"] = dict.fromkeys(body["usage"], 2**63)


def _error_inside(body: dict[str, Any], fmt: Format) -> None:
    body.clear()
    body.update(openai_error("The upstream failed.", "server_error", "502"))


def _reasoning(body: dict[str, Any], fmt: Format) -> None:
    if fmt == "anthropic":
        body["content"].insert(0, _THINKING)
    for choice in body["choices"] if fmt == "openai" else ():
        choice["message"]["reasoning_content"] = "Let me think."


_CALL: dict[str, object] = {
    "id": "c1",
    "type": "function",
    "function": {"name": "look", "arguments": "{}"},
}
_USE: dict[str, object] = {"type": "tool_use", "id": "c1", "name": "look", "input": {}}
_THINKING: dict[str, object] = {"type": "thinking", "thinking": "Let me think.", "signature": "s"}
_PARTS: list[dict[str, object]] = [
    {"type": "text", "text": "Hello "},
    {"type": "text", "text": "there"},
]

EDITS: dict[str, Callable[[dict[str, Any], Format], None]] = {
    "content-42": _content(42),
    "empty": _content(""),
    "blank": _content(" \n"),
    "error-200": _error_inside,
    "filtered": _finish("content_filter", "refusal"),
    "finish-list": _finish(["stop"], ["end_turn"]),
    "huge-usage": _huge_usage,
    "length": _finish("length", "max_tokens"),
    "negative-usage": _negative_usage,
    "no-choices": _top(choices=[], content=[]),
    "no-usage": _no_usage,
    "nul": _content("a\x00b"),
    "null": _content(None),
    "other-model": _top(model="somebody-else"),
    "parts": _message(*_PARTS, content=_PARTS),
    "reasoning": _reasoning,
    "reasoning-only": _message(_THINKING, content=None, reasoning_content="Let me think."),
    "refusal": _message(stop="refusal", content=None, refusal="I can't help with that."),
    "surrogate": _content("a\N{REPLACEMENT CHARACTER}b"),
    "tool-calls": _message(_USE, stop="tool_use", content=None, tool_calls=[_CALL]),
}


def edited(mode: str, body: dict[str, Any], fmt: Format) -> bytes:
    """The bytes of an answer under a mode that spoils its body, or of the whole body."""
    if mode in RAW:
        return RAW[mode]
    if mode in EDITS:
        EDITS[mode](body, fmt)
    data = orjson.dumps(body)
    return _with_surrogate(data) if mode == "surrogate" else data


def _with_surrogate(data: bytes) -> bytes:
    # A lone surrogate is legal in JSON as an escape only, which no strict encoder writes.
    return data.replace("\N{REPLACEMENT CHARACTER}".encode(), b"\\ud800")


def known(mode: str) -> bool:
    """Whether the stub has this mode."""
    name = mode.partition(":")[0]
    return (
        name in ("ok", "503-html", "echo", "one-choice", "wrong-type", "429-ms", "429-reset")
        or name in ERRORS
        or name in CONNECTION
        or name in RAW
        or name in EDITS
    )
