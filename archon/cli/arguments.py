"""Complaints about arguments in a user's words: Typer hands pydantic's on."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperCommand

_LIMITS = {"greater_than_equal": ("ge", "at least"), "less_than_equal": ("le", "at most")}
_WANTED = {"int_parsing": "a whole number", "float_parsing": "a number"}


class Command(TyperCommand):
    """A verb of the command line."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """See ``TyperCommand``."""
        try:
            return super().parse_args(ctx, args)
        except typer.BadParameter as error:
            # Typer keeps pydantic's error, with its parts, as the cause.
            for part in getattr(error.__cause__, "errors", list)():
                error.message = _in_words(part)
            raise


def _in_words(part: dict[str, Any]) -> str:
    kind, given, rules = part["type"], part["input"], part.get("ctx", {})
    if kind in _LIMITS:
        name, words = _LIMITS[kind]
        return f"{given} is out of range: {words} {rules[name]}."
    if kind in _WANTED:
        return f"expected {_WANTED[kind]}, got {given!r}."
    return str(part["msg"]).removeprefix("Value error, ")


def the_trial(argument: int | None, option: int | None) -> int | None:
    """The trial that a command means, which it takes as an argument and as ``--trial``.

    Raises:
        SpecError: They differ.
    """
    from archon.core.errors import SpecError

    if argument is not None and option is not None and argument != option:
        raise SpecError(f"trial {argument} or trial {option}? Write one of them.")
    return option if argument is None else argument
