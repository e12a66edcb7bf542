"""The answer is JSON that fits a schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import orjson

from archon.benchmarks.examples import Example
from archon.components.constraints import fits_schema
from archon.core.candidates import Answer
from archon.core.results import Score
from archon.scoring.base import lacks_field, verdict


@dataclass(frozen=True, slots=True)
class JsonSchema:
    """Right when the answer is, or holds, JSON that fits the schema, as component ``check`` reads.

    Give the schema as JSON text, or name a field of the metadata that holds each example's own.
    """

    schema: str = ""
    field: str = "schema"

    kind: ClassVar[str] = "json_schema"

    def __post_init__(self) -> None:
        if self.schema:
            fits_schema(self.schema)

    def missing(self, example: Example) -> str:
        """A schema of its own, where the scorer has none for all."""
        if self.schema:
            return ""
        if lack := lacks_field(example, self.field, (Mapping, str)):
            return lack
        try:
            fits_schema(self._schema_for(example))
        except ValueError as error:
            return f"{self.field}: {error}"
        return ""

    async def score(self, example: Example, answer: Answer) -> Score:
        """1 if it fits, else 0."""
        fits = fits_schema(self._schema_for(example))(answer.text)
        return verdict(fits, "it fits the schema" if fits else "it does not fit the schema")

    def _schema_for(self, example: Example) -> str:
        if self.schema:
            return self.schema
        value = example.metadata[self.field]
        return value if isinstance(value, str) else orjson.dumps(value).decode()
