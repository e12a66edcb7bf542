"""How multiple-choice questions are put: the one place that formats and letters choices."""

from __future__ import annotations

from string import ascii_uppercase

from archon.core.messages import Conversation
from archon.prompts import load

MAX_CHOICES = len(ascii_uppercase)


def letter(index: int) -> str:
    """The letter of the choice at ``index``: "A" for 0.

    Raises:
        ValueError: ``index`` is not in 0 to 25.
    """
    if not 0 <= index < MAX_CHOICES:
        raise ValueError(f"there is no letter for choice number {index}")
    return ascii_uppercase[index]


def letters(n_choices: int) -> str:
    """The letters of ``n_choices`` choices, e.g. "ABCD"."""
    return ascii_uppercase[:n_choices]


def with_choices(question: Conversation, choices: tuple[str, ...]) -> Conversation:
    """The conversation with its last question followed by the lettered choices.

    Args:
        question: Ends with the user's turn.
        choices: 2 to 26 texts, in the order in which they are shown.
    """
    listed = "\n".join(
        f"{name}. {choice}" for name, choice in zip(ascii_uppercase, choices, strict=False)
    )
    return load("multiple_choice").around(question, choices=listed)
