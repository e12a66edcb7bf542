"""Constraints on a text that can be checked without knowing the answer.

Every constraint is a pure predicate over one text. Patterns run in RE2, which takes time linear
in the text, so that neither a job file nor a question can stall a worker. JSON schemas never
fetch anything. The kinds follow the verifiable instructions of IFEval (arXiv 2311.07911).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NoReturn, cast

import jsonschema
import re2
import referencing
import referencing.exceptions
from jsonschema.validators import Draft202012Validator, extend
from referencing.jsonschema import DRAFT202012

from archon.components.answer_keys import LETTERS
from archon.components.answers import LIKELY_LETTERS, answer_key

Predicate = Callable[[str], bool]

_FENCED = re.compile(r"```[a-zA-Z0-9]*\n(.*?)```", re.DOTALL)
_MOST_JSON_STARTS = 32
_LONGEST_PATTERN = 2_000


@lru_cache(maxsize=1024)
def pattern(source: str, *, ignore_case: bool = False) -> Any:
    """A compiled RE2 pattern.

    Raises:
        ValueError: It is not a pattern of RE2 (no look-around, no back-references).
    """
    if len(source) > _LONGEST_PATTERN:
        raise ValueError(f"the pattern has {len(source)} characters; at most {_LONGEST_PATTERN}.")
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = not ignore_case
    try:
        return re2.compile(encodable(source), options)
    except re2.error as error:
        reason = error.args[0]
        reason = reason.decode(errors="replace") if isinstance(reason, bytes) else reason
        raise ValueError(f"not a pattern of RE2: {reason}.") from error


def encodable(text: str) -> str:
    """The text without lone surrogates, which cannot be written as UTF-8."""
    return text.encode("utf-8", "replace").decode("utf-8")


def matches(source: str) -> Predicate:
    """The pattern occurs in the text."""
    compiled = pattern(source)
    return lambda text: compiled.search(encodable(text)) is not None


def contains(words: str, *, whole_words: bool, ignore_case: bool) -> Predicate:
    """The words occur in the text; ``whole_words``: not as a part of longer words."""
    edge_left = r"(?:^|[^\pL\pN_])" if whole_words else ""
    edge_right = r"(?:$|[^\pL\pN_])" if whole_words else ""
    quoted = re2.escape(encodable(words))
    compiled = pattern(f"{edge_left}{quoted}{edge_right}", ignore_case=ignore_case)
    return lambda text: compiled.search(encodable(text)) is not None


def negated(predicate: Predicate) -> Predicate:
    """The opposite constraint."""
    return lambda text: not predicate(text)


def starts_with(start: str, *, ignore_case: bool) -> Predicate:
    """The text begins so, blanks aside."""
    fold = str.casefold if ignore_case else str
    return lambda text: fold(text.lstrip()).startswith(fold(start))


def ends_with(end: str, *, ignore_case: bool) -> Predicate:
    """The text ends so, blanks aside."""
    fold = str.casefold if ignore_case else str
    return lambda text: fold(text.rstrip()).endswith(fold(end))


def size(measure: Callable[[str], int], least: int, most: int) -> Iterator[Predicate]:
    """A lower and an upper limit, each a constraint of its own; 0 means no limit."""
    if least:
        yield lambda text: measure(text) >= least
    if most:
        yield lambda text: measure(text) <= most


def count_words(text: str) -> int:
    """Words between blanks."""
    return len(text.split())


def has_number(text: str) -> bool:
    """An answer that is a number can be found in the text."""
    return answer_key(text, "number") is not None


def has_choice(letters: str) -> Predicate:
    """An answer that is one of ``letters`` can be found in the text."""
    allowed = frozenset(letters)
    n_options = 1 + max(map(LETTERS.index, letters))
    # Options without a text: their number alone says how far the letters go.
    options = ("",) * n_options if n_options > len(LIKELY_LETTERS) else ()
    return lambda text: answer_key(text, "choice", options) in allowed


def question_pattern(source: str) -> Any:
    """A compiled pattern that says, in its group 1, which words a question asks for.

    Raises:
        ValueError: It is not a pattern of RE2, or has no group.
    """
    compiled = pattern(source)
    if compiled.groups < 1:
        raise ValueError("the pattern has no group; put round brackets around the words it reads.")
    return compiled


def required_words(source: str, question: str) -> tuple[str, ...]:
    """What group 1 of the pattern matches in the question, each once, in order."""
    found = question_pattern(source).finditer(encodable(question))
    return tuple(dict.fromkeys(word for match in found if (word := match.group(1))))


def _pattern_keyword(
    _validator: object, source: str, instance: object, _schema: object
) -> Iterator[jsonschema.ValidationError]:
    if isinstance(instance, str) and not matches(source)(instance):
        yield jsonschema.ValidationError("does not match the pattern")


_Validator = cast(Any, extend)(Draft202012Validator, {"pattern": _pattern_keyword})


@lru_cache(maxsize=1024)
def fits_schema(source: str) -> Predicate:
    """The text is, or holds, JSON that the schema allows: whole, last fenced block, first value.

    Args:
        source: JSON schema (draft 2020-12) as JSON text. ``format`` is not checked.

    Raises:
        ValueError: It is not a schema, refers outside itself, or uses ``patternProperties``
            (which would run patterns outside RE2).
    """
    try:
        schema = json.loads(source)
        _Validator.check_schema(schema)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error}.") from error
    except jsonschema.SchemaError as error:
        raise ValueError(f"not a JSON schema: {error.message}.") from error
    # An empty registry: a reference that leads outside is an error, never a request.
    registry: referencing.Registry[Any] = referencing.Registry()
    validator = _Validator(schema, registry=registry)
    _refuse_what_is_unsafe(schema)

    def is_met(text: str) -> bool:
        for value in _json_values(text):
            try:
                return bool(validator.is_valid(value))
            except (RecursionError, ArithmeticError):
                return False
        return False

    return is_met


def _refuse_what_is_unsafe(schema: Any) -> None:
    resource = DRAFT202012.create_resource(schema)
    resolver = referencing.Registry().with_resource("", resource).resolver()
    for key, value in _pairs(schema):
        if key in ("patternProperties", "$dynamicRef"):
            raise ValueError(f"{key} is not supported.")
        if key == "pattern" and isinstance(value, str):
            pattern(value)
        if key == "$ref" and isinstance(value, str):
            try:
                resolver.lookup(value)
            except referencing.exceptions.Unresolvable as error:
                raise ValueError(f"$ref {value!r} leads nowhere within the schema.") from error


def _pairs(data: object) -> Iterator[tuple[str, object]]:
    if isinstance(data, Mapping):
        for key, value in data.items():
            yield key, value
            yield from _pairs(value)
    elif isinstance(data, Sequence) and not isinstance(data, str):
        for item in data:
            yield from _pairs(item)


def _json_values(text: str) -> Iterator[object]:
    """The first of the three readings that is JSON at all."""
    fenced = _FENCED.findall(text)
    for part in [text, *fenced[-1:]]:
        try:
            yield json.loads(part, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            continue
    starts = (i for i, char in enumerate(text) if char in "{[")
    decoder = json.JSONDecoder(parse_constant=_refuse_constant)
    for start, _ in zip(starts, range(_MOST_JSON_STARTS), strict=False):
        try:
            yield decoder.raw_decode(text, start)[0]
        except (ValueError, RecursionError):
            continue


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
