"""What an exception that came through LiteLLM means, as one of Archon's error types.

LiteLLM's class and status do not tell it: a cut connection, a page of HTML and a true 500 are all
its ``InternalServerError`` 500, a dead account and a rate limit both its ``RateLimitError``. The
exceptions underneath do: the HTTP reply with its body, or how the connection failed. Nothing of
the exception is kept, since it holds the request with the key in its headers.

Works by names and attributes, so it imports neither LiteLLM nor its HTTP clients.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from archon.core.errors import (
    AuthFailed,
    BadRequest,
    BadResponse,
    CallError,
    ContextOverflow,
    Refused,
    TimedOut,
    Unreachable,
)
from archon.models.failures import NotConnected, http_failure, scrubbed, status_inside
from archon.models.secret import Secret

_Meaning = Callable[[str], CallError]

TRANSPORT: Mapping[str, _Meaning] = {
    "ConnectError": NotConnected,
    "ConnectTimeout": NotConnected,
    "PoolTimeout": NotConnected,
    "ProxyError": NotConnected,
    "UnsupportedProtocol": BadRequest,
    "TooManyRedirects": BadRequest,
    "TimeoutException": TimedOut,
    "ReadTimeout": TimedOut,
    "WriteTimeout": TimedOut,
    "DecodingError": BadResponse,
    "TransportError": Unreachable,
}
"""By the name of an httpx exception or of one that it derives from; the first that fits."""

OWN: Mapping[str, _Meaning] = {
    "Timeout": TimedOut,
    "ContextWindowExceededError": ContextOverflow,
    "ContentPolicyViolationError": Refused,
    "UnsupportedParamsError": BadRequest,
    "LiteLLMUnknownProvider": BadRequest,
    "RejectedRequestError": BadRequest,
    "ImageFetchError": BadRequest,
    "BlockedPiiEntityError": BadRequest,
    "GuardrailRaisedException": BadRequest,
    "SensitiveDataRouteException": BadRequest,
    "ModifyResponseException": BadRequest,
    "BudgetExceededError": BadRequest,
    "ModelNotMappedError": BadRequest,
    "APIResponseValidationError": BadResponse,
}
"""By the name of LiteLLM's own exceptions, where no reply and no connection tells more."""


_NO_KEY = (
    "missing credentials",
    "api_key must be set",
    "api_key client option must be set",
    "missing api key",
    "missing anthropic api key",
)
"""How clients say that they were given no key; no request was sent."""


def translated(error: BaseException, *, where: str, secret: Secret | None) -> CallError:
    """The error that an exception raised by LiteLLM stands for.

    Args:
        error: What was raised.
        where: The model, for the message.
        secret: The key that was sent, which must not come back in a message.
    """
    chain = list(_causes(error))
    if found := next((cause for cause in chain if isinstance(cause, BadResponse)), None):
        return BadResponse(str(found))  # Our own, from below LiteLLM.
    for cause in chain:
        if (reply := getattr(cause, "response", None)) is not None and _is_reply_error(cause):
            return http_failure(
                int(reply.status_code), _headers(reply), _body(reply), where=where, secret=secret
            )
    if any(words in str(error).lower() for words in _NO_KEY):
        return AuthFailed(f"{where} has no key. Name the variable that holds it: `key_env`.")
    text = f"{where}: {scrubbed(_first_line(error), secret)}"
    for known, module in ((TRANSPORT, "httpx"), (OWN, "litellm")):
        for cause in chain:
            if meaning := _meaning_of(cause, known, module):
                return meaning(text)
    status = status_inside({"code": getattr(error, "status_code", None)})
    if status != 500 and hasattr(error, "status_code"):
        return http_failure(status, (), _first_line(error), where=where, secret=secret)
    # What is left is a reply of status 200 that LiteLLM could not make sense of.
    return BadResponse(text)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception and those that led to it, the last one first."""
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield found
        found = found.__cause__ or found.__context__


def _is_reply_error(error: BaseException) -> bool:
    """Whether this is httpx's own error for a reply: LiteLLM's carry made-up replies."""
    return any(base.__name__ == "HTTPStatusError" for base in type(error).__mro__)


def _meaning_of(
    error: BaseException, known: Mapping[str, _Meaning], module: str
) -> _Meaning | None:
    for base in type(error).__mro__:
        if base.__name__ in known and base.__module__.split(".")[0] == module:
            return known[base.__name__]
    return None


def _headers(reply: Any) -> Iterable[tuple[str, str]]:
    return [(str(name), str(value)) for name, value in reply.headers.items()]


def _body(reply: Any) -> bytes:
    try:
        return bytes(reply.content)
    except (AttributeError, RuntimeError):  # A stream that nobody read.
        return b""


def _first_line(error: BaseException) -> str:
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__
