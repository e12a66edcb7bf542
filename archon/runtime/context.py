"""What a running component sees: its way to models, its counters and its seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from archon.components.base import Degradation
from archon.core.calls import CallBatch, ModelCard, ModelClient, ModelReply, ModelRequest
from archon.core.errors import SetupError
from archon.core.messages import Conversation
from archon.core.seeds import derive_seed
from archon.runtime.slots import REDRAW_OFFSET, SlotDealer
from archon.runtime.trace import Trace


@dataclass(slots=True)
class Run:
    """What all components share while one pipeline answers one question."""

    question: Conversation
    client: ModelClient
    cards: Mapping[str, ModelCard]
    dealer: SlotDealer
    trace: Trace = field(default_factory=Trace)

    def card(self, alias: str) -> ModelCard:
        """What is known of a model.

        Raises:
            SetupError: The pipeline names an alias that nobody has described.
        """
        try:
            return self.cards[alias]
        except KeyError:
            known = ", ".join(sorted(self.cards)) or "none"
            raise SetupError(f"no model is called {alias!r}; there is: {known}") from None


@dataclass(frozen=True, slots=True)
class ComponentContext:
    """The ``RunContext`` of one component in one run."""

    run: Run
    layer: int
    path: str
    kind: str

    async def sample(
        self,
        request: ModelRequest,
        n: int = 1,
        *,
        after: Sequence[ModelReply] = (),
        purpose: str = "",
    ) -> tuple[ModelReply, ...]:
        """See ``RunContext.sample``. Slots are taken before anything is awaited."""
        card = self.run.card(request.model)
        digest = request.digest(card.identity)
        slots = self.run.dealer.take(digest, n)
        return await self._complete(CallBatch(request, digest, slots), card, after, purpose)

    async def follow(
        self, request: ModelRequest, after: ModelReply, *, purpose: str = ""
    ) -> ModelReply:
        """See ``RunContext.follow``."""
        card = self.run.card(request.model)
        digest = request.digest(card.identity)
        slot = self.run.dealer.keep(digest, after.key.slot)
        batch = CallBatch(request, digest, (slot,))
        return (await self._complete(batch, card, (after,), purpose))[0]

    async def redraw(self, reply: ModelReply, request: ModelRequest) -> ModelReply:
        """See ``RunContext.redraw``."""
        card = self.run.card(request.model)
        batch = CallBatch(request, reply.key.digest, (reply.key.slot + REDRAW_OFFSET,))
        return (await self._complete(batch, card, (reply,), "redraw"))[0]

    def count(self, what: Degradation, n: int = 1) -> None:
        """See ``RunContext.count``."""
        self.run.trace.degradations[f"{self.path}:{what}"] += n

    def seed(self, *names: str | int) -> int:
        """See ``RunContext.seed``."""
        turns = [f"{message.role}:{message.content}" for message in self.run.question]
        return derive_seed(self.kind, *turns, *names)

    async def _complete(
        self, batch: CallBatch, card: ModelCard, after: Sequence[ModelReply], purpose: str
    ) -> tuple[ModelReply, ...]:
        replies = await self.run.client.complete(batch)
        self.run.trace.record(
            replies,
            card,
            layer=self.layer,
            component=self.path,
            purpose=purpose,
            after=after,
        )
        return replies
