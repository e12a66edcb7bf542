"""A look into a file of questions: which field holds what, and how answers could be scored.

A guess that is said, for the first job file; the user corrects it there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from archon.benchmarks.content import checked_path
from archon.benchmarks.fields import FieldMap
from archon.benchmarks.formats import reader_of
from archon.core.errors import SpecError

N_LOOKED_AT = 200
_QUESTION = ("input", "question", "prompt", "problem", "query", "instruction", "text")
_TARGET = ("target", "answer", "label", "solution", "output", "expected", "reference")
_CHOICES = ("choices", "options", "choices.text")
_NUMBER = re.compile(r"\s*[-+]?\$?\d[\d,]*(\.\d+)?\s*%?\s*")
_LETTER = re.compile(r"\s*[A-Za-z]\s*")
_LATEX = re.compile(r"\\[a-zA-Z]|\$|\^|_\{")
_LONG_WORDS = 6
"""Answers longer than this on average are compared by their words, not as a whole."""


@dataclass(frozen=True, slots=True)
class Guess:
    """What a file of questions seems to hold."""

    fields: FieldMap
    scorer: str
    why: str
    """Of the scorer, in a few words."""


def guess(path: Path) -> Guess:
    """Look at the first rows of a file.

    Raises:
        SpecError: It cannot be read, or no field looks like the question.
    """
    checked = checked_path(path)
    rows, problems = reader_of(checked)(checked)
    data = [row.data for row in rows[:N_LOOKED_AT] if isinstance(row.data, Mapping)]
    if not data:
        raise SpecError(problems or f"{path}: no row could be read.")
    question = _first(_QUESTION, data)
    if not question:
        names = ", ".join(sorted({str(name) for row in data for name in row}))
        raise SpecError(
            f"{path}: no field looks like the question; there is: {names}. "
            f"Rename one to {_QUESTION[0]!r}, or write fields: {{question: ...}} in the job file."
        )
    fields = FieldMap(
        id="id" if all("id" in row for row in data) else None,
        question=question,
        target=_first(_TARGET, data) or FieldMap().target,
        choices=_first(_CHOICES, data) or FieldMap().choices,
    )
    scorer, why = _scorer(data, fields)
    return Guess(fields, scorer, why)


def _first(names: Sequence[str], data: Sequence[Mapping[str, object]]) -> str:
    """The first name that a row has."""
    return next((name for name in names if any(name in row for row in data)), "")


def _scorer(data: Sequence[Mapping[str, object]], fields: FieldMap) -> tuple[str, str]:
    if any(_has_instructions(row) for row in data):
        return "ifeval", "rows hold IFEval's instructions"
    given = [row.get(fields.target) for row in data]
    targets = [str(t) for value in given for t in _listed(value) if t is not None]
    if not targets:
        return "judge", "rows have no target, so a model has to judge"
    if any(fields.choices in row for row in data) or all(map(_LETTER.fullmatch, targets)):
        return "choice", "rows have choices, or a letter as target"
    if all(map(_NUMBER.fullmatch, targets)):
        return "numeric", "all targets are numbers"
    if sum(bool(_LATEX.search(target)) for target in targets) * 4 > len(targets):
        return "math", "targets hold LaTeX"
    if sum(len(target.split()) for target in targets) > _LONG_WORDS * len(targets):
        return "f1", "targets are long"
    return "exact", "targets are short texts"


def _listed(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else (value,)


def _has_instructions(row: Mapping[str, object]) -> bool:
    metadata = row.get("metadata")
    return "instruction_id_list" in row or (
        isinstance(metadata, Mapping) and "instruction_id_list" in metadata
    )
