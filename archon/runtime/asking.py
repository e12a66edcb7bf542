"""One model for whoever is no component: judges ask through it, by the same policies."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass

from archon.core.calls import CallBatch, ModelCard, ModelClient, ModelReply, ModelRequest, Sampling
from archon.core.messages import Conversation

_HEARD: ContextVar[list[tuple[str, ModelReply]] | None] = ContextVar("heard", default=None)
"""A scorer serves many questions at once; what it hears belongs to the one whose task asks."""


@contextlib.contextmanager
def heard() -> Iterator[list[tuple[str, ModelReply]]]:
    """Alias and reply of everything that this task, and those it starts, ask in the block."""
    replies: list[tuple[str, ModelReply]] = []
    token = _HEARD.set(replies)
    try:
        yield replies
    finally:
        _HEARD.reset(token)


@dataclass(frozen=True, slots=True)
class ModelAsks:
    """Single completions of one model, bought once like all others."""

    client: ModelClient
    card: ModelCard

    async def ask(
        self, messages: Conversation, *, temperature: float, max_tokens: int, sample: int
    ) -> str:
        """The text of one completion; "" where the model gave none.

        Args:
            messages: What is asked.
            temperature: Sampling temperature.
            max_tokens: Longest completion.
            sample: Number of the independent draw, from 0: the sample slot.

        Raises:
            CallError: The infrastructure failed.
            BudgetExceeded: The budget does not allow the call.
        """
        request = ModelRequest(self.card.alias, messages, Sampling(temperature, max_tokens))
        digest = request.digest(self.card.identity)
        (reply,) = await self.client.complete(CallBatch(request, digest, (sample,)))
        if (replies := _HEARD.get()) is not None:
            replies.append((self.card.alias, reply))
        return reply.text
