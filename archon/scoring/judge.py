"""What both judges share: how they ask a model, and how its reply becomes data.

A judge is a scorer: its calls are spending of the search, never of a deployed pipeline.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Protocol, TypeVar

from archon.core.errors import ScoringError
from archon.core.messages import Conversation, Message, ask
from archon.prompts import load

T = TypeVar("T")
_LONGEST = 20_000


class Asks(Protocol):
    """One model, as a judge sees it. Completions are bought once, keyed by all arguments.

    Raises a ``CallError`` when no completion could be had, ``BudgetExceeded`` at the limit.
    """

    async def ask(
        self, messages: Conversation, *, temperature: float, max_tokens: int, sample: int
    ) -> str:
        """The text of one completion; ``sample`` numbers independent draws from 0."""
        ...


class Unreadable(Exception):
    """A judge's reply is not in the form asked for; says in what way, for the judge."""


async def ask_judge(
    asks: Asks,
    prompt: str,
    read: Callable[[str], T],
    *,
    example: str,
    temperature: float,
    max_tokens: int,
    sample: int,
) -> T:
    """Ask once, and once more where the reply cannot be read.

    Args:
        asks: The judge's model.
        prompt: The whole prompt.
        read: Turns a reply into what is wanted, or raises ``Unreadable``.
        example: The form of the reply, for the second ask.
        temperature: Sampling temperature.
        max_tokens: Longest reply, tokens.
        sample: Which independent draw.

    Raises:
        ScoringError: Neither reply could be read.
    """
    messages = ask(prompt)
    reply = await asks.ask(messages, temperature=temperature, max_tokens=max_tokens, sample=sample)
    try:
        return read(reply)
    except Unreadable as problem:
        again = load("judge_repair").fill(problem=str(problem), example=example)
    shown = reply if reply.strip() else "(nothing)"
    messages = (*messages, Message("assistant", shown), Message("user", again))
    reply = await asks.ask(messages, temperature=temperature, max_tokens=max_tokens, sample=sample)
    try:
        return read(reply)
    except Unreadable as problem:
        raise ScoringError(f"the judge's reply could not be read, twice: {problem}") from problem


def last_object(reply: str) -> dict[str, object]:
    """The last JSON object of a reply, not one inside another.

    Raises:
        Unreadable: There is none.
    """
    text = reply[-_LONGEST:]
    decoder = json.JSONDecoder()
    found: dict[str, object] | None = None
    at = text.find("{")
    while at >= 0:
        try:
            value, end = decoder.raw_decode(text, at)
        except (json.JSONDecodeError, RecursionError):
            end = at + 1
        else:
            found = value if isinstance(value, dict) else found
        at = text.find("{", end)
    if found is None:
        raise Unreadable("it holds no JSON object.")
    return found
