"""One more ask where a reply cannot be read, and the counts of it.

The second ask is the same prompt with one line that restates the form, in the same sample slot; a
prompt that did not fit is asked again with fewer candidates instead. Whoever refused is not asked
again. What cannot be read then either is met by the component's own fallback.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from archon.components.base import RunContext, fault_of
from archon.components.parsing import Unreadable
from archon.core.calls import ModelReply, ModelRequest
from archon.core.messages import Message
from archon.prompts import load

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ask(Generic[T]):
    """A request, and how its reply becomes data."""

    request: ModelRequest
    """Its last message is the user's."""
    read: Callable[[str], T]
    """Raises ``Unreadable``."""
    form: str = ""
    """What the reply has to look like, for the second ask."""
    n_left_out: int = 0
    """Candidates that it does not show for want of context."""
    is_readable_in_part: bool = False
    """A reply that was cut off can be read all the same."""


@dataclass(frozen=True, slots=True)
class Reading(Generic[T]):
    """What was read, if anything, and the reply that came last."""

    value: T | None
    reply: ModelReply


def nothing_fits() -> None:
    """For prompts that cannot show fewer candidates."""


async def read_twice(
    ask: Ask[T],
    reply: ModelReply,
    context: RunContext,
    fewer: Callable[[], Ask[T] | None] = nothing_fits,
) -> Reading[T]:
    """Read a reply; where that fails, ask once more and read again.

    Args:
        ask: What ``reply`` answers.
        reply: The first reply.
        context: Where to ask, and where everything is counted.
        fewer: Builds the ask with fewer candidates, None if there is none.
    """
    value = attempt(ask, reply, context)
    if value is not None:
        return Reading(value, reply)
    again = second_ask(ask, reply, context, fewer)
    if again is None:
        return Reading(None, reply)
    reply = await context.follow(again.request, reply, purpose="repair")
    value = attempt(again, reply, context)
    if value is not None:
        context.count("repaired")
    return Reading(value, reply)


def attempt(ask: Ask[T], reply: ModelReply, context: RunContext) -> T | None:
    """What the reply says, or None, counted."""
    if reply.is_faulty:
        context.count(fault_of(reply))
        return None
    if reply.finish == "length":
        context.count("truncated")
        if not ask.is_readable_in_part:
            context.count("parse_failed")
            return None
    try:
        return ask.read(reply.text)
    except Unreadable:
        context.count("parse_failed")
        return None


def second_ask(
    ask: Ask[T],
    reply: ModelReply,
    context: RunContext,
    fewer: Callable[[], Ask[T] | None] = nothing_fits,
) -> Ask[T] | None:
    """What to ask after a reply that could not be read; None where nothing can help."""
    match reply.finish:
        case "filtered" | "refused":
            return None
        case "context":
            smaller = fewer()
            if smaller is not None:
                context.count("left_out", smaller.n_left_out)
            return smaller
        case _:
            return restated(ask)


def restated(ask: Ask[T]) -> Ask[T]:
    """The same ask with one line more, about the form of the reply."""
    *history, last = ask.request.messages
    line = load("repair").fill(form=ask.form)
    messages = (*history, Message(last.role, f"{last.content}\n\n{line}"))
    return replace(ask, request=replace(ask.request, messages=messages))
