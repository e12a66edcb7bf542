"""The constraint that a text is, or holds, JSON of a schema. Schemas never fetch anything.

A module of its own, since what reads schemas takes longer to load than all other constraints.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NoReturn, cast

import jsonschema
import referencing
import referencing.exceptions
from jsonschema.validators import Draft202012Validator, extend
from referencing.jsonschema import DRAFT202012

from archon.components.constraints import Predicate, matches, pattern

_FENCED = re.compile(r"```[a-zA-Z0-9]*\n(.*?)```", re.DOTALL)
_MOST_JSON_STARTS = 32


def _pattern_keyword(
    _validator: object, source: str, instance: object, _schema: object
) -> Iterator[jsonschema.ValidationError]:
    if isinstance(instance, str) and not matches(source)(instance):
        yield jsonschema.ValidationError("does not match the pattern")


_Validator = cast(Any, extend)(Draft202012Validator, {"pattern": _pattern_keyword})


@lru_cache(maxsize=1024)
def fits(source: str) -> Predicate:
    """See ``archon.components.constraints.fits_schema``."""
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
        for value in _json_readings(text):
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


def _json_readings(text: str) -> Iterator[object]:
    """What the text is as JSON: whole, its last fenced block, from a bracket on; the best first."""
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
