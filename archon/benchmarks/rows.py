"""From a row, plain data of whatever form, to an example; pure. Nothing bad gets through."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import orjson

from archon.benchmarks.choices import MAX_CHOICES, with_choices
from archon.benchmarks.examples import Example, Target
from archon.benchmarks.fields import MISSING, FieldMap, look_up
from archon.benchmarks.plain import RowError, as_text, checked_text, kind_of, plain
from archon.benchmarks.targets import right_letter
from archon.components.table import suggest
from archon.core.messages import Conversation, Message, Role

MAX_QUESTION_BYTES = 1_000_000
MAX_ID_CHARS = 200
_ROLES: Mapping[str, Role] = {"system": "system", "user": "user", "assistant": "assistant"}


@dataclass(frozen=True, slots=True)
class Row:
    """A row as read, with its line (text files, from 1) or its number (others, from 1)."""

    line: int
    data: object
    is_text: bool = False
    """Every value is text, as in CSV: lists stand in it as JSON."""


def to_example(row: Row, fields: FieldMap, without: set[str]) -> Example:
    """Read one row.

    Args:
        row: The row.
        fields: Where it keeps what.
        without: Takes the names of fields that its metadata lack, as they have no text form.

    Raises:
        RowError: What is wrong with it; the first thing found.
    """
    if not isinstance(row.data, Mapping):
        raise RowError("", f"a row must be an object, not {kind_of(row.data)}.")
    data = {name: item for name, item in _fields(row.data, fields, without)}
    question = _question(data, fields.question)
    choices = _choices(data, fields.choices)
    target = _target(data, fields, choices, is_text=row.is_text)
    asked = with_choices(question, choices) if choices else question
    metadata = orjson.dumps(_metadata(data, fields), option=orjson.OPT_SORT_KEYS).decode()
    identity = _id(data, fields.id, asked, target)
    return Example(identity, asked, target, choices, metadata, row.line)


def _fields(
    row: Mapping[object, object], fields: FieldMap, without: set[str]
) -> Iterator[tuple[str, object]]:
    """The fields as plain data. One that nothing is mapped to may hold what has no such form.

    Tables carry pictures, durations and gaps along; they are no reason to refuse the questions.
    """
    used = fields.used()
    for key, value in row.items():
        name = str(key)
        try:
            yield checked_text(name, ""), plain(value, name)
        except RowError:
            if name in used:
                raise
            without.add(name)


def _question(data: Mapping[str, object], name: str) -> Conversation:
    value = look_up(data, name)
    if value is MISSING:
        raise RowError(name, "is missing.", suggest(name, data))
    if isinstance(value, str):
        question: Conversation = (Message("user", value),)
    elif isinstance(value, list) and value:
        question = tuple(_message(item, f"{name}[{i}]") for i, item in enumerate(value))
    else:
        raise RowError(name, f"must be text or a list of messages, not {kind_of(value)}.")
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
        raise RowError(path, f'must be {{"role": ..., "content": ...}}, not {kind_of(item)}.')
    role, content = item.get("role"), item.get("content")
    if not isinstance(role, str) or role not in _ROLES:
        raise RowError(f"{path}.role", f"must be system, user or assistant, not {role!r}.")
    if not isinstance(content, str):
        raise RowError(f"{path}.content", f"must be text, not {kind_of(content)}.")
    return Message(_ROLES[role], content)


def _choices(data: Mapping[str, object], name: str) -> tuple[str, ...]:
    value = look_up(data, name)
    if value is MISSING or value is None or value == "":
        return ()
    if isinstance(value, str):
        value = _from_json(value, name)
    if not isinstance(value, list):
        raise RowError(name, f"must be a list of texts, not {kind_of(value)}.")
    texts = [_scalar_text(item, f"{name}[{i}]") for i, item in enumerate(value)]
    if not 2 <= len(texts) <= MAX_CHOICES:
        raise RowError(name, f"there must be 2 to {MAX_CHOICES} choices, not {len(texts)}.")
    return tuple(texts)


def _target(
    data: Mapping[str, object], fields: FieldMap, choices: tuple[str, ...], *, is_text: bool
) -> Target:
    name = fields.target
    value = look_up(data, name)
    if value is MISSING or value is None or value == "":
        return None
    if choices:
        return right_letter(value, name, choices, fields.target_is)
    if is_text and isinstance(value, str):
        value = aliases_in(value) or value
    if isinstance(value, list):
        if not value:
            raise RowError(name, "is an empty list.", "Use null where there is no right answer.")
        return tuple(_scalar_text(item, f"{name}[{i}]") for i, item in enumerate(value))
    return _scalar_text(value, name)


def aliases_in(cell: str) -> list[object]:
    """The texts of a cell that is a JSON list of texts; none where it is anything else.

    A list of numbers stays a text: it may well be the answer.
    """
    if not cell.lstrip().startswith("["):
        return []
    try:
        found = orjson.loads(cell)
    except orjson.JSONDecodeError:
        return []
    is_list = isinstance(found, list) and all(isinstance(item, str) for item in found)
    return found if is_list else []


def _scalar_text(value: object, path: str) -> str:
    if isinstance(value, str | int | float):
        text = as_text(value)
        if not text.strip():
            raise RowError(path, "is empty.")
        return text
    raise RowError(path, f"must be a text or a number, not {kind_of(value)}.")


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
        raise RowError(fields.metadata, f"must be an object, not {kind_of(value)}.")
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
        raise RowError(name, f"must be text or a whole number, not {kind_of(value)}.")
    text = str(value)
    if not text.isprintable() or len(text) > MAX_ID_CHARS or text != text.strip():
        raise RowError(name, f"must be up to {MAX_ID_CHARS} printable characters.")
    return text
