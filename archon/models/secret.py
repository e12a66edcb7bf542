"""A secret that cannot be shown by accident."""

from __future__ import annotations

from typing import NoReturn


class Secret:
    """Holds an API key or the like. Only ``reveal`` gives it, for the line that sends it.

    It hides in ``repr``, ``str`` and formatted texts, and refuses to be pickled or copied, so it
    reaches no log, no message, no stored row and no other process.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(hidden)"

    def __str__(self) -> str:
        return "(hidden)"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret is not serialised")
