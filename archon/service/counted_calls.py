"""What one command pays for, counted where it is stored: nothing is forgotten or counted twice."""

from __future__ import annotations

from dataclasses import dataclass

from archon.core.calls import CallBatch, CallKey, CallStore, ModelReply


@dataclass(slots=True)
class Bought:
    """What an evaluation paid for: also for questions that did not end, and for a judge."""

    n_calls: int = 0
    tokens: int = 0
    """As billed."""
    cost_nusd: int = 0
    n_uncertain: int = 0
    """Calls without a reply that may have been charged all the same; not part of the others."""
    is_free: bool = True
    """Whether no call that was meant to be bought has a price."""


@dataclass(frozen=True, slots=True)
class CountedCalls:
    """A ``CallStore`` that keeps count of what is bought through it."""

    inner: CallStore
    bought: Bought

    async def claim(
        self,
        batch: CallBatch,
        identity: str,
        *,
        reserved_nusd: int = 0,
        reserved_tokens: int = 0,
        is_sent: bool = True,
    ) -> dict[CallKey, ModelReply]:
        """See ``CallStore``."""
        self.bought.is_free = self.bought.is_free and reserved_nusd == 0
        return await self.inner.claim(
            batch,
            identity,
            reserved_nusd=reserved_nusd,
            reserved_tokens=reserved_tokens,
            is_sent=is_sent,
        )

    async def mark(self, keys: tuple[CallKey, ...], *, is_sent: bool) -> None:
        """See ``CallStore``."""
        await self.inner.mark(keys, is_sent=is_sent)

    async def put(self, replies: tuple[ModelReply, ...], spend_nusd: tuple[int, ...]) -> None:
        """See ``CallStore``."""
        await self.inner.put(replies, spend_nusd)
        self.bought.n_calls += len(replies)
        self.bought.cost_nusd += sum(spend_nusd)
        self.bought.tokens += sum(
            reply.usage.billed_prompt_tokens + reply.usage.completion_tokens for reply in replies
        )

    async def write_off(self, keys: tuple[CallKey, ...]) -> None:
        """See ``CallStore``."""
        self.bought.n_uncertain += len(keys)
        await self.inner.write_off(keys)

    async def abandon(self, keys: tuple[CallKey, ...], *, is_maybe_billed: bool) -> None:
        """See ``CallStore``."""
        self.bought.n_uncertain += len(keys) if is_maybe_billed else 0
        await self.inner.abandon(keys, is_maybe_billed=is_maybe_billed)
