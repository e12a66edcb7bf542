"""pydantic at the edge: strict types, no unknown keys, and its complaints in a user's words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from archon.components.table import suggest
from archon.spec.findings import Findings, show
from archon.spec.yaml_source import key_path


class Strict(BaseModel):
    """Base of all file sections: ``"50"`` is no number, ``true`` is no number either."""

    may_be_null: ClassVar[frozenset[str]] = frozenset()
    """Keys for which ``null`` is a value of its own; elsewhere it is a value that was forgotten."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False, protected_namespaces=()
    )


Section = TypeVar("Section", bound=Strict)

_WANTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "a text",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "finite_number": "a finite number",
}
_FORMS = {"key_env": "Write the name of an environment variable, never the key itself."}
_LIMITS = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "more than"),
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "less than"),
}


def read_section(
    shape: type[Section], data: object, path: str, findings: Findings, *, example: str = ""
) -> Section | None:
    """Check ``data`` against ``shape``; None if it does not fit, with the reasons in ``findings``.

    Args:
        shape: The section's pydantic class.
        data: Plain data from the file.
        path: Where the data stand in the file.
        findings: Takes the problems.
        example: What a right section looks like, for when it is no mapping at all.
    """
    if not isinstance(data, Mapping):
        hint = f"Write {example}." if example else ""
        findings.add(path, f"expected a mapping, got {show(data)}.", hint)
        return None
    given, forgotten = _without_forgotten(shape, data, path, findings)
    try:
        section = shape.model_validate(given)
    except ValidationError as wrong:
        for error in wrong.errors(include_url=False):
            if tuple(error["loc"]) not in forgotten:
                _translate(shape, dict(error), path, findings)
        return None
    return section


def _without_forgotten(
    shape: type[BaseModel], data: Mapping[str, object], path: str, findings: Findings
) -> tuple[dict[str, object], set[tuple[int | str, ...]]]:
    """The data without keys whose value is missing, each noted, and where those stood.

    ``usd:`` with nothing behind it would be no limit, which is not what it looks like.
    """
    kept: dict[str, object] = {}
    forgotten: set[tuple[int | str, ...]] = set()
    may_be_null = shape.may_be_null if issubclass(shape, Strict) else frozenset()
    for key, value in data.items():
        field = shape.model_fields.get(key)
        kept[key] = value
        if field is None or key in may_be_null:
            continue
        inner = _section_in(field.annotation)
        if value is None:
            hint = "Write one." if field.is_required() else "Write one, or remove the line."
            findings.add(key_path(path, key), f"{key} has no value.", hint)
            forgotten.add((key,))
            del kept[key]
        elif inner is not None and isinstance(value, Mapping):
            kept[key], below = _without_forgotten(inner, value, key_path(path, key), findings)
            forgotten |= {(key, *location) for location in below}
    return kept, forgotten


def _translate(
    shape: type[BaseModel], error: dict[str, Any], path: str, findings: Findings
) -> None:
    for part in error["loc"]:
        path = f"{path}[{part}]" if isinstance(part, int) else key_path(path, part)
    kind, value, rules = error["type"], error["input"], error.get("ctx", {})
    if kind == "extra_forbidden":
        known = _keys_at(shape, error["loc"][:-1])
        key = str(error["loc"][-1])
        findings.add(path, f"unknown key {key!r}.", suggest(key, known).strip())
    elif kind == "missing":
        findings.add(path, f"the key {error['loc'][-1]!r} is missing.")
    elif kind == "literal_error":
        close = suggest(str(value), re.findall("'([^']+)'", rules["expected"])).strip()
        hint = close if close.startswith("Did") else ""  # all that there is stands there already
        findings.add(path, f"{show(value)} is not one of {rules['expected']}.", hint)
    elif kind in _LIMITS:
        name, words = _LIMITS[kind]
        findings.add(path, f"{show(value)} is out of range: {words} {rules[name]}.")
    elif kind == "string_pattern_mismatch":
        # The value stays out of the message: it may be a key that was put in the wrong place.
        findings.add(path, f"this text does not fit {rules['pattern']}.", _FORMS.get(path[-7:], ""))
    elif kind in _WANTED:
        findings.add(path, f"expected {_WANTED[kind]}, got {show(value)}.", _hint(kind, value))
    else:
        findings.add(path, f"{error['msg']}.".removeprefix("Value error, "))


def _hint(kind: str, value: object) -> str:
    return number_hint(value) if kind.startswith(("int", "float")) else ""


def number_hint(value: object) -> str:
    """What to do about a value that should be a number and is a text."""
    if not isinstance(value, str) or not any(character.isdigit() for character in value):
        return ""
    if value.strip().lstrip("+-").replace(".", "", 1).isdigit():
        return "Remove the quotes."
    return "Write the number alone, without a unit."


def _keys_at(shape: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The keys that the section at ``location`` knows."""
    for part in location:
        if isinstance(part, str) and part in shape.model_fields:
            shape = _section_in(shape.model_fields[part].annotation) or shape
    return list(shape.model_fields)


def _section_in(annotation: object) -> type[BaseModel] | None:
    """The section that a field holds, or may hold."""
    candidates = [annotation, *getattr(annotation, "__args__", ())]
    return next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), None)
