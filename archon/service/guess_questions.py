"""A look into a file of questions: which field holds what, and how answers could be scored.

A guess that is said, for the first job file; the user corrects it there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from string import ascii_uppercase

from archon.benchmarks.content import checked_path
from archon.benchmarks.fields import MISSING, FieldMap, TargetIs, look_up
from archon.benchmarks.formats import reader_of
from archon.benchmarks.rows import aliases_in
from archon.components.answers import options_in
from archon.core.errors import SpecError
from archon.scoring.numeric import final_number
from archon.scoring.table import SCORERS, parameters

N_LOOKED_AT = 200
_QUESTION = ("input", "question", "prompt", "problem", "query", "instruction", "text", "ctx")
_TARGET = (
    "target",
    "answer",
    "answerKey",
    "label",
    "solution",
    "output",
    "expected",
    "reference",
)
_CHOICES = ("choices.text", "choices", "options", "endings")
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
    params: Mapping[str, object] = field(default_factory=dict)
    """Of the scorer."""
    has_target: bool = True
    """False: no field looks like the answer."""

    def scorer_data(self) -> dict[str, object]:
        """The scorer as it stands in a job file."""
        return {"kind": self.scorer, **self.params}


def guess(path: Path) -> Guess:
    """Look at the first rows of a file.

    Raises:
        SpecError: It cannot be read, or no field looks like the question.
    """
    checked = checked_path(path)
    rows, problems = reader_of(checked)(checked)
    data: list[Mapping[str, object]] = [
        row.data for row in rows[:N_LOOKED_AT] if isinstance(row.data, Mapping)
    ]
    if not data:
        raise SpecError(problems or f"{path}: no row could be read.")
    question = _first(_QUESTION, data)
    if not question:
        names = ", ".join(sorted({str(name) for row in data for name in row}))
        raise SpecError(
            f"{path}: no field looks like the question; there is: {names}. "
            f"Rename one to {_QUESTION[0]!r}, or write fields: {{question: ...}} in the job file."
        )
    target = _first(_TARGET, data)
    fields = FieldMap(
        id="id" if all("id" in row for row in data) else None,
        question=question,
        target=target or FieldMap().target,
        choices=_first(_CHOICES, data) or FieldMap().choices,
    )
    scorer, why, params = _scorer(data, fields)
    if scorer == "choice":
        fields = replace(fields, target_is=_target_is(data, fields))
    elif "read" in parameters(SCORERS[scorer]):
        params = {"read": "stated", **params}  # models say more than the answer
    return Guess(fields, scorer, why, params, has_target=bool(target))


def _first(names: Sequence[str], data: Sequence[Mapping[str, object]]) -> str:
    """The first name that a row has, found as the loader finds it."""
    return next((n for n in names if any(look_up(row, n) is not MISSING for row in data)), "")


_Scorer = tuple[str, str, Mapping[str, object]]
"""Kind, why, parameters."""


def _scorer(data: Sequence[Mapping[str, object]], fields: FieldMap) -> _Scorer:
    if any(_has_instructions(row) for row in data):
        return "ifeval", "rows hold IFEval's instructions", {}
    given = [look_up(row, fields.target) for row in data]
    targets = [str(t) for value in given for t in _listed(value) if t not in (None, MISSING, "")]
    if not targets:
        return "judge", "rows have no target, so a model has to judge", {}
    if any(look_up(row, fields.choices) not in (MISSING, None, "") for row in data):
        return "choice", "rows have choices", {}
    if all(map(_LETTER.fullmatch, targets)):
        options = _letters_of([str(look_up(row, fields.question)) for row in data], targets)
        why = "targets are letters, and no field holds the choices that they stand for"
        return "exact", why, {"options": options}
    kind, why = _of_texts(targets)
    return kind, why, {}


def _letters_of(questions: Sequence[str], targets: Sequence[str]) -> list[str]:
    """A to the last letter that is offered in a question or right somewhere."""
    named = {target.strip().upper() for target in targets}
    most = max(len(options_in(question)) for question in questions)
    return [letter for i, letter in enumerate(ascii_uppercase) if letter <= max(named) or i < most]


def _of_texts(targets: Sequence[str]) -> tuple[str, str]:
    if all(map(_NUMBER.fullmatch, targets)):
        return "numeric", "all targets are numbers"
    if all(_ends_in_a_number(target) for target in targets):
        return "numeric", "all targets end in #### and a number"
    if sum(bool(_LATEX.search(target)) for target in targets) * 4 > len(targets):
        return "math", "targets hold LaTeX"
    if sum(len(target.split()) for target in targets) > _LONG_WORDS * len(targets):
        return "f1", "targets are long"
    return "exact", "targets are short texts"


def _ends_in_a_number(target: str) -> bool:
    """As GSM8K writes solutions; scorer ``numeric`` reads the number behind the mark."""
    _, mark, number = target.rpartition("####")
    return bool(mark and _NUMBER.fullmatch(number)) and final_number(target) is not None


def _target_is(data: Sequence[Mapping[str, object]], fields: FieldMap) -> TargetIs | None:
    """How digits name choices, where the rows show it: a 0, or a number as high as the last."""
    rows = [(str(look_up(row, fields.target)), look_up(row, fields.choices)) for row in data]
    digits = [(int(t), c) for t, c in rows if t.isascii() and t.isdigit() and len(t) < 4]
    is_text = any(isinstance(look_up(row, fields.target), str) for row in data)
    if len(digits) < len(rows):
        return None
    if any(number == 0 for number, _ in digits):
        return "position" if is_text else None
    past_the_end = any(isinstance(c, list) and number == len(c) for number, c in digits)
    return "position_from_1" if past_the_end else None


def _listed(value: object) -> Sequence[object]:
    if isinstance(value, str):
        value = aliases_in(value) or value
    return value if isinstance(value, list | tuple) else (value,)


def _has_instructions(row: Mapping[str, object]) -> bool:
    metadata = row.get("metadata")
    return "instruction_id_list" in row or (
        isinstance(metadata, Mapping) and "instruction_id_list" in metadata
    )
