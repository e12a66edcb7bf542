"""OpenAI's chat completion format: a batch to bytes, bytes to replies."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from archon.core.calls import CallBatch, Finish, ModelReply, ModelRequest, Usage
from archon.core.errors import BadResponse
from archon.models.failures import http_failure, scrubbed, status_inside
from archon.models.secret import Secret

BYTES_PER_TOKEN = 4
"""For estimates where an endpoint says nothing; a usual mean over English text."""

MOST_TOKENS = 2**31
"""A completion with more than these is no completion but nonsense, which sums would not bear."""

_FINISHES: Mapping[str, Finish] = {
    "length": "length",
    "max_tokens": "length",
    "content_filter": "filtered",
}


@dataclass(frozen=True, slots=True)
class Written:
    """One choice of a reply, understood: why it ended, its text, its reasoning kept apart."""

    text: str
    finish: Finish
    reasoning: str = ""

    @classmethod
    def of(cls, text: str, reason: object, *, refusal: str = "", reasoning: str = "") -> Written:
        """Apply the rule of faults: a filtered, refused or blank text is no text."""
        finish = _FINISHES.get(reason, "stop") if isinstance(reason, str) else "stop"
        if finish == "filtered":
            return cls("", "filtered", reasoning)
        if not text.strip():
            return cls("", "refused" if refusal else "empty", reasoning)
        return cls(text, finish, reasoning)


def request_bytes(model: str, request: ModelRequest, n: int) -> bytes:
    """The body of a request for ``n`` samples. It never carries a seed: slots are independent."""
    sampling = request.sampling
    body: dict[str, object] = {
        "model": model,
        "messages": [{"role": m.role, "content": m.content} for m in request.messages],
        "temperature": sampling.temperature,
        "max_tokens": sampling.max_tokens,
    }
    if sampling.top_p is not None:
        body["top_p"] = sampling.top_p
    if sampling.stop:
        body["stop"] = sampling.stop
    if n > 1:
        body["n"] = n
    try:
        return orjson.dumps(body)
    except TypeError:  # A lone surrogate, which only the standard library writes (as an escape).
        return json.dumps(body, ensure_ascii=True, separators=(",", ":")).encode()


def read_replies(
    data: bytes, batch: CallBatch, *, latency_s: float, where: str, secret: Secret | None = None
) -> tuple[ModelReply, ...]:
    """The replies in a body that came with status 200, for the first slots of the batch.

    Args:
        data: The body.
        batch: What it answers.
        latency_s: How long it took, seconds.
        where: The model and its endpoint, for messages.
        secret: The key that was sent, which must not come back in a message.

    Raises:
        BadResponse: The body is not a chat completion.
        CallError: It holds an error instead of choices.
    """
    body = _parsed(data, where, secret)
    choices = body.get("choices")
    if not choices and body.get("error"):
        status = status_inside(body["error"])
        raise http_failure(status, (), data, where=where, secret=secret)
    if not isinstance(choices, list) or not choices:
        raise BadResponse(f"{where} sent no choices")
    written = [_written(choice, where) for choice in choices[: len(batch.slots)]]
    usages = split_usage(body.get("usage"), written, batch.request)
    served = body.get("model")
    return tuple(
        ModelReply(
            key,
            choice.text,
            choice.finish,
            usage,
            latency_s,
            served if isinstance(served, str) else "",
            choice.reasoning,
        )
        for key, choice, usage in zip(batch.keys(), written, usages, strict=False)
    )


def _parsed(data: bytes, where: str, secret: Secret | None) -> dict[str, object]:
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError:
        try:  # Lone surrogates are legal escapes, which only the standard library accepts.
            body = json.loads(data)
        except (ValueError, RecursionError):
            sample = scrubbed(data.decode("utf-8", "replace"), secret)
            raise BadResponse(f"{where} sent no valid JSON: {sample}") from None
    if not isinstance(body, dict):
        said = scrubbed(str(body), secret)
        raise BadResponse(f"{where} sent {said} instead of a chat completion")
    return body


def _written(choice: object, where: str) -> Written:
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        raise BadResponse(f"{where} sent a choice without a message")
    return Written.of(
        _text(message.get("content"), where),
        choice.get("finish_reason"),
        refusal=str(message.get("refusal") or ""),
        reasoning=str(message.get("reasoning_content") or message.get("reasoning") or ""),
    )


def _text(content: object, where: str) -> str:
    """The text parts joined; null is no text. Calls of tools and other parts are no text either."""
    if isinstance(content, str):
        return content
    if content is None:
        return ""
    if not isinstance(content, list):
        kind = type(content).__name__
        raise BadResponse(f"{where} sent content that is neither text nor parts but {kind}")
    parts = [part.get("text") for part in content if isinstance(part, dict)]
    return "".join(part for part in parts if isinstance(part, str))


def split_usage(
    usage: object, written: Sequence[Written], request: ModelRequest
) -> tuple[Usage, ...]:
    """The usage of a request, shared out over its completions by the length of their texts.

    The shares of the completion tokens add up to what was billed, and the prompt is charged to the
    first. What the endpoint leaves out, or states as nonsense, is estimated and flagged.
    """
    stated = usage if isinstance(usage, Mapping) else {}
    prompt, is_prompt_known = _count(stated.get("prompt_tokens"))
    total, is_total_known = _count(stated.get("completion_tokens"))
    if not is_prompt_known:
        prompt = sum(_estimated(message.content) for message in request.messages)
    weights = [_estimated(choice.text) + _estimated(choice.reasoning) for choice in written]
    if not is_total_known:
        total = sum(weights)
    ends = _shares(total, weights)
    is_estimated = not (is_prompt_known and is_total_known)
    return tuple(
        Usage(prompt, share, prompt if i == 0 else 0, is_estimated) for i, share in enumerate(ends)
    )


def _shares(total: int, weights: Sequence[int]) -> list[int]:
    """Whole numbers in proportion to the weights (evenly where all are 0) that sum to ``total``."""
    if len(weights) == 1:
        return [total]
    if not any(weights):
        weights = [1] * len(weights)
    whole, seen, given, shares = sum(weights), 0, 0, []
    for weight in weights:
        seen += weight
        shares.append(total * seen // whole - given)
        given += shares[-1]
    return shares


def _count(value: object) -> tuple[int, bool]:
    """A number of tokens, and whether it is one."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_TOKENS:
        return value, True
    return 0, False


def _estimated(text: str) -> int:
    return -(-len(text.encode("utf-8", "surrogatepass")) // BYTES_PER_TOKEN)
