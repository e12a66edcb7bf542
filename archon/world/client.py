"""A simulated model behind the port to every model. It answers at once, with a made-up latency."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from archon.core.calls import CallBatch, CallKey, ModelReply, Usage
from archon.world.replies import Speaker
from archon.world.roles import Role

CHARACTERS_PER_TOKEN = 4
_LENGTHS: Mapping[Role, float] = {
    "write": 1.0,
    "reason": 1.0,
    "criticise": 1.0,
    "make_tests": 0.5,
    "judge_tests": 0.5,
    "rank": 0.15,
    "compare": 0.5,
    "grade": 0.5,
    "verify": 0.15,
}
"""How long a reply is in each role, as a share of an answer."""


@dataclass(frozen=True, slots=True)
class SimulatedClient:
    """Implements ``ModelClient`` for one model of a world; nothing is sent or waited for."""

    speaker: Speaker

    async def complete(self, batch: CallBatch) -> tuple[ModelReply, ...]:
        """See ``ModelClient``; always one reply per slot."""
        prompt = sum(len(message.content) for message in batch.request.messages)
        prompt_tokens = max(1, prompt // CHARACTERS_PER_TOKEN)
        return tuple(
            self._reply(batch, slot, prompt_tokens, is_first=i == 0)
            for i, slot in enumerate(batch.slots)
        )

    async def aclose(self) -> None:
        """There is nothing to close."""

    def _reply(
        self, batch: CallBatch, slot: int, prompt_tokens: int, *, is_first: bool
    ) -> ModelReply:
        speaker, pace = self.speaker, self.speaker.model.pace
        text, role = speaker.say(batch.request, batch.digest, slot)
        key = (speaker.model.name, batch.digest, slot)
        stretch = math.exp(pace.tokens_sd * speaker.draws.normal("tokens", *key))
        tokens = max(1, round(pace.tokens * _LENGTHS[role] * stretch))
        most = batch.request.sampling.max_tokens
        is_cut = tokens > most
        first_s = pace.first_s * math.exp(pace.first_sd * speaker.draws.normal("first", *key))
        return ModelReply(
            key=CallKey(batch.digest, slot),
            text="I worked it out step by step, and" if is_cut else text,
            finish="length" if is_cut else "stop",
            usage=Usage(prompt_tokens, min(tokens, most), prompt_tokens if is_first else 0),
            latency_s=first_s + min(tokens, most) / pace.tokens_per_s,
            served_model=speaker.model.name,
        )
