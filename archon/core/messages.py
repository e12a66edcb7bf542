"""Chat messages, the form in which questions and prompts travel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


Conversation = tuple[Message, ...]


def ask(text: str) -> Conversation:
    """A conversation that is one question."""
    return (Message("user", text),)


def last_question(conversation: Conversation) -> str:
    """The text of the last user turn, which the pipeline is to answer ("" if there is none)."""
    for message in reversed(conversation):
        if message.role == "user":
            return message.content
    return ""
