"""The only place with prompt wording: one text file per template.

A template is data: ``{name}`` marks a place for a value, nothing is evaluated, and a value that
contains braces stays as it is. ``[[`` and ``]]`` are not special.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from archon.core.messages import Conversation, Message, last_question

_PLACE = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True)
class Template:
    """One prompt text with named places."""

    name: str
    text: str

    @property
    def digest(self) -> str:
        """Twelve hex digits that change whenever the wording changes."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:12]

    @property
    def places(self) -> frozenset[str]:
        """Names of the values that ``fill`` needs."""
        return frozenset(_PLACE.findall(self.text))

    def fill(self, **values: str) -> str:
        """Put each value in its place, in one pass: a value is never itself filled.

        Raises:
            ValueError: A value is missing, or has no place.
        """
        if self.places != values.keys():
            wrong = sorted(self.places.symmetric_difference(values))
            raise ValueError(f"prompt {self.name!r}: places and values differ in {wrong}")
        return _PLACE.sub(lambda match: values[match.group(1)], self.text)

    def around(self, conversation: Conversation, **values: str) -> Conversation:
        """The conversation with its last question put into ``{question}``; the history stays."""
        prompt = self.fill(question=last_question(conversation), **values)
        history = conversation
        if history and history[-1].role == "user":
            history = history[:-1]
        return (*history, Message("user", prompt))


@cache
def load(name: str) -> Template:
    """The shipped template ``name``.

    Raises:
        KeyError: No such template.
    """
    source = files("archon.prompts") / f"{name}.txt"
    if not source.is_file():
        raise KeyError(f"there is no prompt {name!r}")
    return Template(name, source.read_text(encoding="utf-8").strip())


@cache
def _wordings(names: tuple[str, ...]) -> tuple[tuple[tuple[str, ...], str], ...]:
    """What stands in every prompt of a template; the templates with more of it come first."""
    found = []
    for name in names:
        pieces = re.split(r"\{[a-z_]+\}", load(name).text)
        found.append((tuple(piece.strip() for piece in pieces if piece.strip()), name))
    return tuple(sorted(found, key=lambda one: -sum(map(len, one[0]))))


def recognised(prompt: str, names: tuple[str, ...]) -> str:
    """Which of these templates a prompt was made of, by its wording; "" if of none."""
    for wording, name in _wordings(names):
        if all(piece in prompt for piece in wording):
            return name
    return ""
