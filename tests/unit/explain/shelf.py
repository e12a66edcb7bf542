"""Keeps what a client answers, and gives it back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from archon.core.calls import CallBatch, ModelClient, ModelReply


@dataclass
class Shelf:
    """A client that answers as another one does, and then a place where its answers are."""

    client: ModelClient
    kept: dict[str, dict[int, ModelReply]] = field(default_factory=dict)

    async def complete(self, batch: CallBatch) -> tuple[ModelReply, ...]:
        replies = await self.client.complete(batch)
        self.kept.setdefault(batch.digest, {}).update({r.key.slot: r for r in replies})
        return replies

    def completions(self, digest: str) -> Mapping[int, ModelReply]:
        return self.kept.get(digest, {})
