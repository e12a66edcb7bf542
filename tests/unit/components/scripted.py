"""A model that replies by a script, and what a component makes of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from archon.components.base import Component
from archon.core.calls import CallBatch, CallKey, Finish, ModelCard, ModelReply
from archon.core.candidates import Candidate, LayerState
from archon.core.messages import Conversation, ask, last_question
from archon.runtime.context import ComponentContext, Run
from archon.runtime.slots import SlotDealer
from archon.runtime.trace import Trace

Said = str | tuple[str, Finish]
Script = Callable[[str], Said]
"""From the prompt to the reply, with how it ended where that is not "stop"."""


class Scripted:
    """Keeps every prompt in the order in which it came."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.prompts: list[str] = []
        self.conversations: list[Conversation] = []
        self.keys: list[CallKey] = []

    async def complete(self, batch: CallBatch) -> tuple[ModelReply, ...]:
        prompt = last_question(batch.request.messages)
        keys = batch.keys()
        self.prompts += [prompt] * len(keys)
        self.conversations += [batch.request.messages] * len(keys)
        self.keys += keys
        return tuple(_reply(key, self.script(prompt)) for key in keys)


def _reply(key: CallKey, said: Said) -> ModelReply:
    return ModelReply(key, said) if isinstance(said, str) else ModelReply(key, *said)


def in_turn(*said: Said) -> Script:
    """One reply after the other, whatever is asked; the last one again and again."""
    left = list(said)
    return lambda prompt: left.pop(0) if len(left) > 1 else left[0]


@dataclass(frozen=True)
class Ran:
    """What a component left, what it asked and what it counted."""

    state: LayerState
    client: Scripted
    counted: Counter[str]
    trace: Trace

    @property
    def texts(self) -> list[str]:
        return [candidate.text for candidate in self.state.candidates]


async def ran(component: Component, state: LayerState, model: Script | Scripted) -> Ran:
    client = model if isinstance(model, Scripted) else Scripted(model)
    cards = {"m": ModelCard("m", "m")}
    run = Run(state.question, client, cards, SlotDealer())
    context = ComponentContext(run, 1, f"layers[1].{component.kind}[0]", component.kind)
    after = await component.run(state, context)
    counted = Counter({key.rpartition(":")[2]: n for key, n in run.trace.degradations.items()})
    return Ran(after, client, counted, run.trace)


def state_of(*texts: str, tests: tuple[str, ...] = ()) -> LayerState:
    candidates = tuple(Candidate(t, CallKey("d", i), "m", "a") for i, t in enumerate(texts))
    return LayerState(ask("Which is it?"), candidates, unit_tests=tests)


_SHOWN = re.compile(r"<<answer (\d+) (\w+)>>\n(.*?)\n<</answer \1 \2>>", re.DOTALL)


def answers_shown(prompt: str) -> list[str]:
    """The answers that a prompt shows, in the order of their numbers."""
    return [match.group(3) for match in _SHOWN.finditer(prompt)]
