"""Model calls as values, and the one port to every model.

A completion is identified for ever by its ``CallKey``: the digest of the request (with the
identity of the model that answers it) and a sample slot. Five samples of one request are
slots 0 to 4; whoever later wants eight buys three.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from archon.core.messages import Conversation

Finish = Literal["stop", "length", "filtered", "refused", "context", "empty"]
"""How a completion ended. The last four are model faults: the text is empty and counts as
no answer (filtered: by the provider; refused: by the model; context: the prompt did not fit)."""

_ENCODER = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"))

FAULTY: frozenset[str] = frozenset({"filtered", "refused", "context", "empty"})


@dataclass(frozen=True, slots=True)
class Sampling:
    """Sampling parameters that change the text.

    ``temperature`` >= 0; ``max_tokens`` limits the completion; ``top_p`` None: the model's own.
    """

    temperature: float = 0.7
    max_tokens: int = 512
    top_p: float | None = None
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """What is asked of a model, by the alias that the job file gives it."""

    model: str
    messages: Conversation
    sampling: Sampling = Sampling()

    def body(self) -> dict[str, object]:
        """The meaning-bearing content as plain data, in a fixed order, without the alias."""
        sampling: dict[str, object] = {
            "temperature": self.sampling.temperature,
            "max_tokens": self.sampling.max_tokens,
        }
        if self.sampling.top_p is not None:
            sampling["top_p"] = self.sampling.top_p
        if self.sampling.stop:
            sampling["stop"] = list(self.sampling.stop)
        messages = [{"role": m.role, "content": m.content} for m in self.messages]
        return {"messages": messages, "sampling": sampling}

    def digest(self, identity: str) -> str:
        """SHA-256 over the request and the identity of the model that is to answer it.

        Args:
            identity: Backend, model, revision and engine options that change text, as one
                string; two aliases of one model share it and so share their calls.
        """
        text = _ENCODER.encode({"identity": identity, **self.body()})
        return hashlib.sha256(text.encode()).hexdigest()


class CallKey(NamedTuple):
    """Identifies one completion: the digest of its request and the sample slot.

    A named tuple, since keys are made and looked up many times for each call.
    """

    digest: str
    slot: int


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one completion.

    ``billed_prompt_tokens`` differs from ``prompt_tokens`` where several completions came from one
    request: the provider charges the prompt once. ``is_estimated``: the provider sent no usage.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    billed_prompt_tokens: int = 0
    is_estimated: bool = False


@dataclass(frozen=True, slots=True)
class ModelReply:
    """One completion. Money is whole billionths of a dollar, so that sums are exact."""

    key: CallKey
    text: str
    finish: Finish = "stop"
    usage: Usage = Usage()
    latency_s: float = 0.0
    served_model: str = ""
    reasoning: str = ""
    is_reused: bool = False

    @property
    def is_faulty(self) -> bool:
        """Whether the model failed to give a usable text (a model fault, not the network's)."""
        return self.finish in FAULTY


@dataclass(frozen=True, slots=True)
class CallBatch:
    """Several samples of one request, each with its slot."""

    request: ModelRequest
    digest: str
    slots: tuple[int, ...]

    def keys(self) -> tuple[CallKey, ...]:
        """The key of each sample, in the order of the slots."""
        return tuple([CallKey(self.digest, slot) for slot in self.slots])


class ModelClient(Protocol):
    """The one port to every model. Policies are clients around a client.

    ``complete`` may return fewer replies than slots were asked for (never none), for the first
    slots in order; ``Reusing`` asks again for the rest. It raises a ``CallError`` when no reply
    could be had, ``BudgetExceeded`` when the call does not fit the budget. It is safe to call
    from many tasks of one event loop. Cancelling it cancels the request.
    """

    async def complete(self, batch: CallBatch) -> tuple[ModelReply, ...]:
        """Complete ``batch.request`` once for each of ``batch.slots``."""
        ...


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars per million tokens, which is millionths of a dollar per token."""

    input_usd_per_mtok: float = 0.0
    output_usd_per_mtok: float = 0.0
    long_from_tokens: int = 0
    """Requests with more prompt tokens have the two prices below, in all; 0: none has."""
    long_input_usd_per_mtok: float = 0.0
    long_output_usd_per_mtok: float = 0.0

    def cost_nusd(
        self, prompt_tokens: int, completion_tokens: int, *, of_prompt: int | None = None
    ) -> int:
        """The price of these tokens in billionths of a dollar, rounded half up per side.

        Args:
            prompt_tokens: Those that are billed.
            completion_tokens: All that were written.
            of_prompt: Length of the request's prompt, where that is not what is billed.
        """
        read, written = self.input_usd_per_mtok, self.output_usd_per_mtok
        if self.long_from_tokens:
            length = prompt_tokens if of_prompt is None else of_prompt
            if length > self.long_from_tokens:
                read, written = self.long_input_usd_per_mtok, self.long_output_usd_per_mtok
        return int(prompt_tokens * read * 1000 + 0.5) + int(
            completion_tokens * written * 1000 + 0.5
        )


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What the pipeline runtime needs to know of a model behind an alias; no endpoint, no key."""

    alias: str
    identity: str
    price: Price = Price()
    has_many_samples: bool = False
    """One request can carry several samples (``n``), and the prompt is charged once."""
    context_tokens: int | None = None


class CallStore(Protocol):
    """Keeps completions for ever. All methods are durable when they return."""

    async def claim(
        self,
        batch: CallBatch,
        identity: str,
        *,
        reserved_nusd: int = 0,
        reserved_tokens: int = 0,
        is_sent: bool = True,
    ) -> dict[CallKey, ModelReply]:
        """The replies that are stored; for the missing keys, an intent to buy is recorded.

        ``reserved_*`` is the worst case of one completion: what a lost one may have cost. Without
        ``is_sent`` it counts as lost only after ``mark``.
        """
        ...

    async def mark(self, keys: tuple[CallKey, ...], *, is_sent: bool) -> None:
        """Note that requests may leave from now on, or came back and will leave again later.

        An intent whose owner dies is uncertain spend if it is marked as sent, else nothing.
        """
        ...

    async def put(self, replies: tuple[ModelReply, ...], spend_nusd: tuple[int, ...]) -> None:
        """Store bought replies. A key that is stored already keeps its first reply."""
        ...

    async def write_off(self, keys: tuple[CallKey, ...]) -> None:
        """Count a failed try, maybe billed, as uncertain spend.

        Its intents stay for the next try, which is not sent yet.
        """
        ...

    async def abandon(self, keys: tuple[CallKey, ...], *, is_maybe_billed: bool) -> None:
        """Withdraw intents whose purchase failed; those maybe billed stay as uncertain spend."""
        ...
