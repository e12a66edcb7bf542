"""What happened while one question ran: every call, what degraded, and what it takes deployed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from archon.core.calls import CallKey, ModelCard, ModelReply
from archon.core.candidates import LayerState
from archon.core.results import Spending


@dataclass(frozen=True, slots=True)
class TracedCall:
    """One completion in one run."""

    layer: int
    component: str
    purpose: str
    model: str
    key: CallKey
    after: tuple[CallKey, ...]
    """Completions that this one had to wait for, besides the layer before."""
    prompt_tokens: int
    completion_tokens: int
    pays_prompt: bool
    """False for the second and later samples of one request that the endpoint charges once."""
    latency_s: float
    finish: str
    is_reused: bool
    bought_prompt_tokens: int

    def to_data(self) -> dict[str, object]:
        """Plain data for the store."""
        return {
            "event": "call",
            "layer": self.layer,
            "component": self.component,
            "purpose": self.purpose,
            "model": self.model,
            "digest": self.key.digest,
            "slot": self.key.slot,
            "after": [[key.digest, key.slot] for key in self.after],
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "pays_prompt": self.pays_prompt,
            "latency_s": round(self.latency_s, 6),
            "finish": self.finish,
            "is_reused": self.is_reused,
        }


@dataclass(slots=True)
class Trace:
    """Grows while a question runs; read when it is done."""

    calls: list[TracedCall] = field(default_factory=list)
    degradations: Counter[str] = field(default_factory=Counter)
    states: list[LayerState] = field(default_factory=list)
    """The state after each layer."""

    def record(
        self,
        replies: Sequence[ModelReply],
        card: ModelCard,
        *,
        layer: int,
        component: str,
        purpose: str,
        after: Sequence[ModelReply],
    ) -> None:
        """Note the replies to one request, in slot order.

        Endpoints that ignore ``n`` charge every sample its prompt, whatever the card says: then
        each reply has one on its bill. A prompt that was billed once more because some samples were
        in the store already is not paid again where nothing is stored.
        """
        is_each_billed = all(reply.usage.billed_prompt_tokens for reply in replies)
        waited_for = tuple(reply.key for reply in after)
        for i, reply in enumerate(replies):
            usage = reply.usage
            self.calls.append(
                TracedCall(
                    layer=layer,
                    component=component,
                    purpose=purpose,
                    model=card.alias,
                    key=reply.key,
                    after=waited_for,
                    prompt_tokens=usage.prompt_tokens,
                    completion_tokens=usage.completion_tokens,
                    pays_prompt=i == 0 or is_each_billed or not card.has_many_samples,
                    latency_s=reply.latency_s,
                    finish=reply.finish,
                    is_reused=reply.is_reused,
                    bought_prompt_tokens=usage.billed_prompt_tokens,
                )
            )

    def deployed(self, cards: Mapping[str, ModelCard]) -> Spending:
        """What this run takes where nothing is stored: every call paid, the critical path waited.

        The figures do not depend on what the store held before.
        """
        prompt = completion = cost = 0
        for call in self.calls:
            paid = call.prompt_tokens if call.pays_prompt else 0
            prompt += paid
            completion += call.completion_tokens
            price = cards[call.model].price
            cost += price.cost_nusd(paid, call.completion_tokens, of_prompt=call.prompt_tokens)
        return Spending(len(self.calls), prompt, completion, cost, self.critical_path_s())

    def bought(self, cards: Mapping[str, ModelCard]) -> Spending:
        """What was paid for in this run: completions that the store did not hold."""
        new = [call for call in self.calls if not call.is_reused]
        return Spending(
            calls=len(new),
            prompt_tokens=sum(call.bought_prompt_tokens for call in new),
            completion_tokens=sum(call.completion_tokens for call in new),
            cost_nusd=sum(
                cards[c.model].price.cost_nusd(
                    c.bought_prompt_tokens, c.completion_tokens, of_prompt=c.prompt_tokens
                )
                for c in new
            ),
        )

    def critical_path_s(self) -> float:
        """Seconds from question to answer with a free place for every call.

        Layers follow each other; in a layer a call starts with the layer or when the calls it
        names in ``after`` have ended.
        """
        ends: dict[CallKey, float] = {}
        layer, layer_start, layer_end = 0, 0.0, 0.0
        for call in self.calls:
            if call.layer != layer:
                layer, layer_start = call.layer, layer_end
            start = max((ends.get(key, 0.0) for key in call.after), default=layer_start)
            ends[call.key] = max(start, layer_start) + call.latency_s
            layer_end = max(layer_end, ends[call.key])
        return layer_end

    def to_data(self) -> tuple[dict[str, object], ...]:
        """All events as plain data: the calls, and the candidates after each layer."""
        layers = [_layer_data(i, state) for i, state in enumerate(self.states)]
        return (*(call.to_data() for call in self.calls), *layers)


def scorer_call_data(model: str, reply: ModelReply) -> dict[str, object]:
    """A call of a judge as an event: no part of the pipeline, and so of none of its figures."""
    return {
        "event": "scorer_call",
        "model": model,
        "digest": reply.key.digest,
        "slot": reply.key.slot,
        "is_reused": reply.is_reused,
    }


def _layer_data(index: int, state: LayerState) -> dict[str, object]:
    return {
        "event": "layer",
        "layer": index,
        "candidates": [
            {
                "digest": candidate.call.digest,
                "slot": candidate.call.slot,
                "author": candidate.author,
                "parents": [[key.digest, key.slot] for key in candidate.parents],
                "scores": dict(candidate.scores),
                "has_critique": bool(candidate.critique),
                "verdicts": list(candidate.verdicts),
            }
            for candidate in state.candidates
        ],
        "unit_tests": list(state.unit_tests),
    }
