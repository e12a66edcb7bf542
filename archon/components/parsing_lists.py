"""Replies of models as unit tests, verdicts on them, and critiques: lists, mostly in JSON.

The rules of ``archon.components.parsing`` hold: a reply is read by the ids in it, never by the
place where something stands, and what cannot be read is said to be so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from archon.components.json_values import json_found, json_values
from archon.components.parsing import Unreadable, shown


def read_tests(reply: str, most: int, *, after_notes: bool = False) -> tuple[str, ...]:
    """The tests of a reply: a JSON list of texts, else numbered or bulleted lines.

    Args:
        reply: The whole reply.
        most: How many are kept, the first ones.
        after_notes: Other things may be listed before the tests, which are then the JSON list that
            ends the reply and nothing else.

    Raises:
        Unreadable: There is none.
    """
    text = shown(reply)
    found = _list_at_the_end(text) if after_notes else _list_anywhere(text)
    tests: dict[str, str] = {}
    for test in found:
        tidy = " ".join(test.split())
        tests.setdefault(tidy.casefold(), tidy)
    if not tests:
        raise Unreadable("it lists no tests")
    return tuple(tests.values())[:most]


def _list_anywhere(text: str) -> list[str]:
    listed = [_texts(entries) for entries in map(_entries, json_values(text))]
    # The longest list, the later one of two: a short one behind it is an afterthought.
    if found := max(reversed(listed), key=len, default=[]):
        return found
    items = (match.group(1) for line in text.splitlines() if (match := _ITEM.match(line)))
    return [item for item in items if _says_something(item)]


def _list_at_the_end(text: str) -> list[str]:
    """The JSON list with which a text ends, alone on its lines or behind "tests:"; else nothing."""
    found = list(json_found(text))
    if not found or text[found[-1].end :].strip(_FENCE):
        return []
    value, start, _ = found[-1]
    before = text[:start].rpartition("\n")[2].strip(_FENCE + "*_#:").lower()
    if before not in ("", "json") and not before.endswith("tests"):
        return []
    return _texts(_named_tests(value) if isinstance(value, dict) else _entries(value))


_FENCE = " \t\r\n`"


def _named_tests(value: Mapping[str, object]) -> list[object]:
    """The list that an object calls tests, else its last one that it does not call mistakes."""
    lists = [(name.lower(), inner) for name, inner in value.items() if isinstance(inner, list)]
    named = [inner for name, inner in lists if name.startswith("test")]
    others = [inner for name, inner in lists if "mistake" not in name]
    return (named or others or [[]])[-1]


_ITEM = re.compile(r"[ \t]*(?:[0-9]{1,3}[.)]|[-*•])[ \t]+(\S.*)")


def _texts(values: list[object]) -> list[str]:
    return [value for value in values if isinstance(value, str) and _says_something(value)]


def _says_something(text: str) -> bool:
    """Whether a text has a letter or digit: the dots of a form that was copied have none."""
    return any(character.isalnum() for character in text)


_VERDICT_NAMES = ("verdict", "result")
_PASSES = {"pass": True, "passed": True, "true": True, "fail": False, "failed": False,
           "false": False}  # fmt: skip


def read_test_verdicts(reply: str, n: int) -> tuple[bool | None, ...]:
    """What the JSON objects of the reply say of each test; None where they say nothing.

    The later one counts where two speak of one test.

    Args:
        reply: The whole reply.
        n: How many tests there are, numbered from 1.

    Raises:
        Unreadable: There is no object, or none says anything of any test.
    """
    objects = [value for value in json_values(shown(reply)) if isinstance(value, dict)]
    said = {key: value for one in objects for key, value in one.items()}
    verdicts = tuple(_passes(said.get(str(number))) for number in range(1, n + 1))
    if all(verdict is None for verdict in verdicts):
        raise Unreadable("no JSON object says which tests pass")
    return verdicts


def _passes(value: object) -> bool | None:
    if isinstance(value, dict):
        value = next((value[name] for name in _VERDICT_NAMES if name in value), None)
    if isinstance(value, bool):
        return value
    return _PASSES.get(value.strip(" .!").lower()) if isinstance(value, str) else None


def read_critiques(reply: str, n: int, *, may_be_empty: str = "") -> Mapping[int, str]:
    """Critiques by place (from 0): JSON objects with an ``id``, else blocks headed by it.

    Ids that do not exist are passed over; of several with one id the first counts.

    Args:
        reply: The whole reply.
        n: How many items were numbered, from 1.
        may_be_empty: Name of the part in JSON that is left empty where there is nothing to find
            fault with; "none found" is then read, unless another part says something.

    Raises:
        Unreadable: There is no critique of any item.
    """
    text = shown(reply)
    pairs = list(_critiques_in_json(text, may_be_empty)) or list(_critiques_in_blocks(text))
    found: dict[int, str] = {}
    for number, critique in pairs:
        if 1 <= number <= n and critique:
            found.setdefault(number - 1, critique)
    if not found:
        raise Unreadable("it holds no critique under an id")
    return found


def _critiques_in_json(text: str, may_be_empty: str) -> Iterator[tuple[int, str]]:
    for value in json_values(text):
        for entry in _entries(value):
            if isinstance(entry, dict) and (number := _number(entry.get("id"))) is not None:
                yield number, _critique_in(entry, may_be_empty)


def _critique_in(entry: Mapping[str, object], may_be_empty: str) -> str:
    parts = [(name, _text(value)) for name, value in entry.items() if name != "id"]
    told = [f"{name.capitalize()}: {said}" for name, said in parts if said]
    if not told and may_be_empty and may_be_empty in entry and _is_empty(entry[may_be_empty]):
        return f"{may_be_empty.capitalize()}: none found"
    return "\n".join(told)


def _is_empty(value: object) -> bool:
    return value in (None, []) or (isinstance(value, str) and not value.strip())


def _critiques_in_blocks(text: str) -> Iterator[tuple[int, str]]:
    blocks: list[tuple[int, list[str]]] = []
    for line in text.splitlines():
        if (number := _head(line)) is not None:
            blocks.append((number, []))
        elif blocks:
            blocks[-1][1].append(line)
    for number, lines in blocks:
        yield number, "\n".join(lines).strip()


_HEAD = re.compile(r"[ \t*_#]*(?:answer )?\[?([0-9]{1,4})\]?[ \t*_:]*", re.IGNORECASE)


def _head(line: str) -> int | None:
    """The id of a line that is nothing but one: ``[2]``, ``## Answer 2:``."""
    match = _HEAD.fullmatch(line) if len(line) < 80 else None
    return int(match.group(1)) if match else None


def _number(value: object) -> int | None:
    if isinstance(value, str) and value.strip("[] ").isascii() and value.strip("[] ").isdigit():
        value = int(value.strip("[] ")[:5])
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _entries(value: object) -> list[object]:
    """What a JSON list holds, or the list in an object that only names it."""
    if isinstance(value, dict) and "id" not in value:
        value = next((inner for inner in value.values() if isinstance(inner, list)), [])
    return value if isinstance(value, list) else [value]


def _text(value: object) -> str:
    """A text, or a list of texts, as one line."""
    texts = _texts(value if isinstance(value, list) else [value])
    return "; ".join(" ".join(text.split()) for text in texts)
