"""What both judges share: how they ask a model, and how its reply becomes data.

A judge is a scorer: its calls are spending of the search, never of a deployed pipeline.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol, TypeVar

from archon.components.answers import visible
from archon.components.json_values import json_values
from archon.components.together import together
from archon.core.errors import ScoringError
from archon.core.messages import Conversation, Message, ask
from archon.prompts import load
from archon.runtime.failures import first_cause

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


async def both(first: Coroutine[Any, Any, T], second: Coroutine[Any, Any, T]) -> list[T]:
    """Run two asks at once; when one fails, the other is cancelled and its error raised bare."""
    try:
        return await together([first, second])
    except ExceptionGroup as errors:
        raise first_cause(errors) from errors


def last_object(reply: str, keys: Sequence[str]) -> dict[str, object]:
    """The last JSON object of a reply that holds all ``keys``, by those keys.

    It may be the value of a key of another object. Upper and lower case of keys are alike.

    Raises:
        Unreadable: There is none, or the reply ends within its reasoning.
    """
    text = visible(reply)
    if text is None:
        raise Unreadable("it ends within its reasoning.")
    objects = [value for value in json_values(text[-_LONGEST:]) if isinstance(value, dict)]
    if not objects:
        raise Unreadable("it holds no JSON object.")
    for outer in reversed(objects):
        inner = [value for value in outer.values() if isinstance(value, dict)]
        for each in (outer, *reversed(inner)):
            given = {str(key).strip().casefold(): value for key, value in each.items()}
            if all(key.casefold() in given for key in keys):
                return {key: given[key.casefold()] for key in keys}
    return {}
