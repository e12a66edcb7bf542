"""Examples and benchmarks as values: what is asked, and what makes an answer right."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import orjson

from archon.core.messages import Conversation, Message

FEW = 10
"""Under this many examples a score says very little; the user is warned."""

Target = str | tuple[str, ...] | None
"""The right answer; several, of which any is right; or none (a check or a judge decides)."""


@dataclass(frozen=True, slots=True)
class Example:
    """One question with what is needed to score an answer to it.

    ``question`` is all that a pipeline sees. ``target`` and the metadata are for scorers only.
    """

    id: str
    question: Conversation
    target: Target = None
    choices: tuple[str, ...] = ()
    """Texts of a multiple-choice question; the target is then a letter, "A" for the first."""
    metadata_json: str = "{}"
    line: int = field(default=0, compare=False)
    """Where it stands in its file, for messages; 0 when it comes from no file."""

    @property
    def metadata(self) -> Mapping[str, object]:
        """The metadata as a fresh mapping: whoever changes it changes no other reader's."""
        metadata: dict[str, object] = orjson.loads(self.metadata_json)
        return metadata

    @property
    def targets(self) -> tuple[str, ...]:
        """All answers that are right; none where a check or a judge decides."""
        if self.target is None:
            return ()
        return (self.target,) if isinstance(self.target, str) else self.target

    def to_data(self) -> dict[str, object]:
        """Everything that bears meaning, as plain data in a fixed order."""
        return {
            "id": self.id,
            "question": [{"role": m.role, "content": m.content} for m in self.question],
            "target": list(self.target) if isinstance(self.target, tuple) else self.target,
            "choices": list(self.choices),
            "metadata": self.metadata,
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of ``to_data``, for a study's own copy of its examples."""
        target = data["target"]
        return cls(
            id=data["id"],
            question=tuple(Message(turn["role"], turn["content"]) for turn in data["question"]),
            target=tuple(target) if isinstance(target, list) else target,
            choices=tuple(data["choices"]),
            metadata_json=orjson.dumps(data["metadata"]).decode(),
        )


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Examples with a name and a fingerprint of their content."""

    name: str
    examples: tuple[Example, ...]
    fingerprint: str
    """SHA-256 over the examples sorted by id: the order of a file's rows does not change it."""
    source: str = ""
    warnings: tuple[str, ...] = ()
    """Sentences for the user on what is allowed but doubtful."""

    @classmethod
    def of(
        cls,
        name: str,
        examples: Sequence[Example],
        *,
        source: str = "",
        warnings: Sequence[str] = (),
    ) -> Benchmark:
        """Put examples (distinct ids, at least one) under a name."""
        found = (*warnings, *_doubts(examples))
        return cls(name, tuple(examples), _fingerprint(examples), source, found)


def _fingerprint(examples: Sequence[Example]) -> str:
    digest = hashlib.sha256()
    for example in sorted(examples, key=lambda example: example.id):
        digest.update(orjson.dumps(example.to_data(), option=orjson.OPT_SORT_KEYS) + b"\n")
    return digest.hexdigest()


def _doubts(examples: Sequence[Example]) -> list[str]:
    doubts = []
    targets = {example.target for example in examples}
    if len(examples) > 1 and len(targets) == 1 and None not in targets:
        (only,) = targets
        doubts.append(
            f"All {len(examples)} targets are {only!r}: a pipeline that always says so is "
            "never wrong. Is the target field the right one?"
        )
    if len(examples) < FEW:
        doubts.append(f"There are only {len(examples)} examples; scores will be very uncertain.")
    return doubts
