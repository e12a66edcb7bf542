"""The answer is JSON that fits a schema."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import orjson

from archon.benchmarks.examples import Example
from archon.core.candidates import Answer
from archon.core.results import Score
from archon.scoring.base import lacks_field, verdict

_FENCED = re.compile(r"```(?:json)?[ \t]*\n(.*?)```", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class JsonSchema:
    """Right when the answer, or the only code block in it, is JSON that fits the schema.

    Give the schema as JSON text, or name a field of the metadata that holds each example's own.
    References lead nowhere but into the schema itself. The keyword ``pattern`` has RE2's syntax.
    """

    schema: str = ""
    field: str = "schema"

    kind: ClassVar[str] = "json_schema"

    def __post_init__(self) -> None:
        if self.schema:
            _validator(_schema_of(self.schema))

    def missing(self, example: Example) -> str:
        """A schema of its own, where the scorer has none for all."""
        if self.schema:
            return ""
        if lack := lacks_field(example, self.field, (Mapping, str)):
            return lack
        try:
            _validator(_schema_of(example.metadata[self.field]))
        except ValueError as error:
            return f"{self.field}: {error}"
        return ""

    async def score(self, example: Example, answer: Answer) -> Score:
        """1 if it fits, else 0 with the first violation."""
        text = _json_text(answer.text)
        try:
            data = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            return verdict(False, f"not JSON: {error}")
        validator = _validator(_schema_of(self.schema or example.metadata[self.field]))
        violation = next(validator.iter_errors(data), None)
        if violation is None:
            return verdict(True, "it fits the schema")
        return verdict(False, f"{violation.json_path}: {violation.message[:200]}")


def _json_text(text: str) -> str:
    blocks = _FENCED.findall(text)
    return str(blocks[0]).strip() if len(blocks) == 1 else text.strip()


def _schema_of(value: object) -> dict[str, Any]:
    try:
        schema = orjson.loads(value) if isinstance(value, str) else value
    except orjson.JSONDecodeError as error:
        raise ValueError(f"the schema is not JSON ({error})") from error
    if not isinstance(schema, dict):
        raise ValueError("a schema must be a JSON object")
    return schema


def _validator(schema: dict[str, Any]) -> Any:
    """A validator that fetches nothing and cannot be slowed down by a pattern.

    Raises:
        ValueError: This is no JSON schema.
    """
    import jsonschema
    import referencing

    base = jsonschema.validators.validator_for(
        schema, default=jsonschema.validators.Draft202012Validator
    )
    try:
        base.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise ValueError(f"this is not a JSON schema: {error.message}") from error
    extend: Any = jsonschema.validators.extend
    return extend(base, {"pattern": _pattern})(schema, registry=referencing.Registry())


def _pattern(_validator: Any, pattern: str, instance: object, _schema: Any) -> Iterator[Any]:
    """The keyword ``pattern``, in linear time."""
    import jsonschema
    import re2

    if isinstance(instance, str) and not re2.search(pattern, instance):
        yield jsonschema.ValidationError(f"{instance!r} does not match {pattern!r}")
