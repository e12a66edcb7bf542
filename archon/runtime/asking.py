"""One model for whoever is no component: judges ask through it, by the same policies."""

from __future__ import annotations

from dataclasses import dataclass

from archon.core.calls import CallBatch, ModelCard, ModelClient, ModelRequest, Sampling
from archon.core.messages import Conversation


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
        return reply.text
