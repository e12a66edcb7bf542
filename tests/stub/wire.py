"""Bodies in OpenAI's and in Anthropic's wire format."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Literal

Format = Literal["openai", "anthropic"]

_ANTHROPIC_STOPS = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal"}


@dataclass(frozen=True)
class Completion:
    """One text that the model wrote, and why it stopped."""

    text: str
    finish: str
    n_tokens: int


def openai_body(model: str, completions: list[Completion], prompt_tokens: int) -> dict[str, object]:
    """A chat completion with one choice per text."""
    written = sum(completion.n_tokens for completion in completions)
    return {
        "id": "chatcmpl-stub",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": model,
        "choices": [
            {
                "index": i,
                "message": {"role": "assistant", "content": completion.text},
                "finish_reason": completion.finish,
            }
            for i, completion in enumerate(completions)
        ],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": written,
            "total_tokens": prompt_tokens + written,
        },
    }


def anthropic_body(
    model: str, completions: list[Completion], prompt_tokens: int
) -> dict[str, object]:
    """A message, which holds one text whatever was asked."""
    (completion,) = completions
    return {
        "id": "msg_stub",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [{"type": "text", "text": completion.text}],
        "stop_reason": _ANTHROPIC_STOPS[completion.finish],
        "stop_sequence": None,
        "usage": {"input_tokens": prompt_tokens, "output_tokens": completion.n_tokens},
    }


def openai_error(message: str, kind: str, code: str | None) -> dict[str, object]:
    """An error body of OpenAI's format."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def anthropic_error(message: str, kind: str) -> dict[str, object]:
    """An error body of Anthropic's format."""
    return {"type": "error", "error": {"type": kind, "message": message}}


def html_page(title: str) -> bytes:
    """What a proxy says instead of the model."""
    return f"<html><title>{html.escape(title)}</title><body>{title}</body></html>".encode()
