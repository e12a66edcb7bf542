"""Where a row keeps what: names of fields, dotted for nested ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

TargetIs = Literal["letter", "position", "position_from_1", "text"]
"""How a target names one of the choices; positions count from 0, or from 1."""

MISSING = object()
"""What ``look_up`` gives for a field that is not there, which is not the same as null."""


@dataclass(frozen=True, slots=True)
class FieldMap:
    """Names of a row's fields. A dotted name ("choices.text") leads into nested mappings.

    ``id`` None derives an id from the row's content. ``metadata`` is the name of one nested
    field (then fields that are mapped to nothing are kept beside what it holds), or the names of
    the only fields to keep. ``target_is`` None takes a target of choices in whatever way it can be
    read, as long as there is only one.
    """

    id: str | None = "id"
    question: str = "input"
    target: str = "target"
    choices: str = "choices"
    metadata: str | tuple[str, ...] = "metadata"
    target_is: TargetIs | None = None

    def used(self) -> frozenset[str]:
        """Names of the top-level fields that are mapped to something."""
        names = [self.question, self.target, self.choices]
        names += [self.id] if self.id is not None else []
        names += [self.metadata] if isinstance(self.metadata, str) else list(self.metadata)
        return frozenset(names) | {name.split(".")[0] for name in names}


def look_up(row: Mapping[str, object], name: str) -> object:
    """The value of field ``name``, or ``MISSING``. A field literally so named goes first."""
    if name in row:
        return row[name]
    value: object = row
    for part in name.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return MISSING
        value = value[part]
    return value
