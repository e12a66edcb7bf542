"""From a row, plain data of whatever form, to an example; pure. Nothing bad gets through."""

from __future__ import annotations

import datetime
import decimal
import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from archon.benchmarks.choices import MAX_CHOICES, letter, letters, with_choices
from archon.benchmarks.examples import Example, Target
from archon.benchmarks.fields import MISSING, FieldMap, look_up
from archon.components.table import suggest
from archon.core.messages import Conversation, Message, Role

MAX_QUESTION_BYTES = 1_000_000
MAX_ID_CHARS = 200
_MAX_DEPTH = 64
_ROLES: Mapping[str, Role] = {"system": "system", "user": "user", "assistant": "assistant"}


@dataclass(frozen=True, slots=True)
class Row:
    """A row as read, with its line (text files, from 1) or its number (others, from 1)."""

    line: int
    data: object


class RowError(Exception):
    """One row cannot be used; ``field`` names where, ``hint`` what to do about it."""

    def __init__(self, field: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.field = field
        self.hint = hint


def to_example(row: Row, fields: FieldMap) -> Example:
    """Read one row.

    Raises:
        RowError: What is wrong with it; the first thing found.
    """
    if not isinstance(row.data, Mapping):
        raise RowError("", f"a row must be an object, not {_kind(row.data)}.")
    data = plain(row.data, "")
    if not isinstance(data, dict):
        raise RowError("", "a row must be an object.")
    question = _question(data, fields.question)
    choices = _choices(data, fields.choices)
    target = _target(data, fields.target, choices)
    asked = with_choices(question, choices) if choices else question
    metadata = orjson.dumps(_metadata(data, fields), option=orjson.OPT_SORT_KEYS).decode()
    identity = _id(data, fields.id, asked, target)
    return Example(identity, asked, target, choices, metadata, row.line)


def plain(value: object, path: str, depth: int = 0) -> object:
    """``value`` as JSON-like data: tables of other libraries hold dates, decimals and tuples.

    Raises:
        RowError: A number is not finite, a text holds NUL, or there is no JSON form for a value.
    """
    if depth > _MAX_DEPTH:
        raise RowError(path, f"is nested deeper than {_MAX_DEPTH} levels.")
    if isinstance(value, Mapping):
        return {
            _text(str(key), path): plain(item, f"{path}.{key}".lstrip("."), depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [plain(item, f"{path}[{i}]", depth + 1) for i, item in enumerate(value)]
    return _plain_scalar(value, path)


def _plain_scalar(value: object, path: str) -> object:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value, path)
    if isinstance(value, int):
        return value if abs(value) < 2**63 else str(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise RowError(path, f"{value} is not a finite number.")
        return value
    if isinstance(value, datetime.date | datetime.time | decimal.Decimal):
        return str(value)
    raise RowError(path, f"holds {_kind(value)}, which has no text form.")


def _text(text: str, path: str) -> str:
    if "\0" in text:
        raise RowError(path, "holds a NUL character.", "Remove it.")
    if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
        raise RowError(path, "holds half of a surrogate pair, which is no character.")
    return text


def _question(data: Mapping[str, object], name: str) -> Conversation:
    value = look_up(data, name)
    if value is MISSING:
        raise RowError(name, "is missing.", suggest(name, data))
    if isinstance(value, str):
        question: Conversation = (Message("user", value),)
    elif isinstance(value, list) and value:
        question = tuple(_message(item, f"{name}[{i}]") for i, item in enumerate(value))
    else:
        raise RowError(name, f"must be text or a list of messages, not {_kind(value)}.")
    if question[-1].role != "user":
        raise RowError(name, "must end with a message of the user: the question.")
    if not question[-1].content.strip():
        raise RowError(name, "is empty.")
    size = sum(len(message.content.encode()) for message in question)
    if size > MAX_QUESTION_BYTES:
        raise RowError(name, f"is {size:,} bytes long; the limit is {MAX_QUESTION_BYTES:,}.")
    return question


def _message(item: object, path: str) -> Message:
    if not isinstance(item, Mapping):
        raise RowError(path, f'must be {{"role": ..., "content": ...}}, not {_kind(item)}.')
    role, content = item.get("role"), item.get("content")
    if not isinstance(role, str) or role not in _ROLES:
        raise RowError(f"{path}.role", f"must be system, user or assistant, not {role!r}.")
    if not isinstance(content, str):
        raise RowError(f"{path}.content", f"must be text, not {_kind(content)}.")
    return Message(_ROLES[role], content)


def _choices(data: Mapping[str, object], name: str) -> tuple[str, ...]:
    value = look_up(data, name)
    if value is MISSING or value is None or value == "":
        return ()
    if isinstance(value, str):
        value = _from_json(value, name)
    if not isinstance(value, list):
        raise RowError(name, f"must be a list of texts, not {_kind(value)}.")
    texts = [_scalar_text(item, f"{name}[{i}]") for i, item in enumerate(value)]
    if not 2 <= len(texts) <= MAX_CHOICES:
        raise RowError(name, f"there must be 2 to {MAX_CHOICES} choices, not {len(texts)}.")
    return tuple(texts)


def _target(data: Mapping[str, object], name: str, choices: tuple[str, ...]) -> Target:
    value = look_up(data, name)
    if value is MISSING or value is None or value == "":
        return None
    if choices:
        return _right_letter(value, name, choices)
    if isinstance(value, list):
        if not value:
            raise RowError(name, "is an empty list.", "Use null where there is no right answer.")
        return tuple(_scalar_text(item, f"{name}[{i}]") for i, item in enumerate(value))
    return _scalar_text(value, name)


def _right_letter(value: object, name: str, choices: tuple[str, ...]) -> str:
    """The letter that ``value`` means: a letter, a whole number from 0, or a choice's text."""
    allowed = letters(len(choices))
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(choices):
        return letter(value)
    if isinstance(value, str) and len(value.strip()) == 1 and value.strip().upper() in allowed:
        return value.strip().upper()
    if choices.count(str(value)) == 1:
        return letter(choices.index(str(value)))
    raise RowError(
        name,
        f"{value!r} is none of the {len(choices)} choices.",
        f"Give a letter ({allowed[0]} to {allowed[-1]}), a position from 0, or a choice's text.",
    )


def _scalar_text(value: object, path: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        text = str(value)
        if not text.strip():
            raise RowError(path, "is empty.")
        return text
    raise RowError(path, f"must be a text or a number, not {_kind(value)}.")


def _metadata(data: Mapping[str, object], fields: FieldMap) -> Mapping[str, object]:
    if isinstance(fields.metadata, tuple):
        found = {name: look_up(data, name) for name in fields.metadata}
        return {name: value for name, value in found.items() if value is not MISSING}
    value = look_up(data, fields.metadata)
    if isinstance(value, str) and value.strip():
        value = _from_json(value, fields.metadata)
    if value is MISSING or value is None or value == "":
        value = {}
    if not isinstance(value, Mapping):
        raise RowError(fields.metadata, f"must be an object, not {_kind(value)}.")
    used = fields.used()
    return {name: item for name, item in data.items() if name not in used} | dict(value)


def _from_json(text: str, name: str) -> object:
    """A cell of a CSV file holds nested data as JSON."""
    try:
        return plain(orjson.loads(text), name)
    except orjson.JSONDecodeError as error:
        raise RowError(name, f"is not JSON ({error}).", 'Write e.g. ["one", "two"].') from error


def _id(data: Mapping[str, object], name: str | None, asked: Conversation, target: Target) -> str:
    if name is None:
        content = [[m.role, m.content] for m in asked], target
        return hashlib.sha256(orjson.dumps(content)).hexdigest()[:16]
    value = look_up(data, name)
    if value is MISSING or value is None or value == "":
        raise RowError(name, "is missing.", "Without ids, map id to null: they are then derived.")
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise RowError(name, f"must be text or a whole number, not {_kind(value)}.")
    text = str(value)
    if not text.isprintable() or len(text) > MAX_ID_CHARS or text != text.strip():
        raise RowError(name, f"must be up to {MAX_ID_CHARS} printable characters.")
    return text


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true/false", type(None): "null"}
    return names.get(type(value), type(value).__name__)
