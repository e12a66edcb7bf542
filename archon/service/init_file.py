"""Writes a first job file out of a few answers: ``archon init``."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Literal

from archon.benchmarks.fields import FieldMap
from archon.components.table import suggest
from archon.core.errors import SpecError
from archon.models.engine_weights import MODEL_NAME
from archon.scoring.table import SCORERS, asks_model, problems_of
from archon.service.guess_questions import Guess, guess
from archon.service.prepare import prepare
from archon.service.question_errors import without_place
from archon.spec.job import read_job
from archon.spec.writing import to_inline, write_whole
from archon.spec.yaml_source import parse_document

ModelKind = Literal["engine", "litellm", "url"]
SHIPPED = "keywords"
"""The benchmark of a job without questions of its own."""

_ANSWERS = {"numeric": "number", "choice": "choice", "math": "math", "exact": "text"}
"""Scorers of short answers, which can be voted on, with the kind of answer."""
_SMALL = {"max_search": "30 ", "max_held_out": "100", "in_flight": "32", "max_tokens": "128"}
"""What a model on two cores does within an hour; ``_USUAL``: what served models do."""
_USUAL = {"max_search": "100", "max_held_out": "300", "in_flight": "16", "max_tokens": "2048"}
_FLAGS = {
    "name": "--name",
    "benchmark.file": "--questions",
    "benchmark.fields": "--questions",
    "benchmark.scorer": "--scorer",
    "models.main.url": "--url",
    "models.main.model": "--model",
    "models.main.litellm": "--model",
    "models.main.engine": "--model",
    "models.main.key_env": "--key-env",
    "models.main.price.input_usd_per_mtok": "--input-usd",
    "models.main.price.output_usd_per_mtok": "--output-usd",
    "models.main": "--model",
    "budget.usd": "--usd",
    "budget.trials": "--trials",
}
"""The answer that decides a key of the job file."""
_JUDGE = "{kind: judge, model: main, may_judge_itself: true}"


@dataclass(frozen=True, slots=True)
class Answers:
    """What a job file is made of; "" and None leave it to what the questions look like."""

    questions: Path | None = None
    """None: the benchmark that comes with Archon."""
    scorer: str = ""
    model_kind: ModelKind = "engine"
    model: str = ""
    """provider/model for ``litellm``; what the server calls it for ``url``."""
    url: str = ""
    key_env: str = ""
    input_usd: float | None = None
    """Dollars per million tokens read; ``output_usd``: written."""
    output_usd: float | None = None
    usd: float | None = None
    trials: int = 30
    name: str = ""


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job file that is right, and what was guessed on the way."""

    text: str
    notes: tuple[str, ...]


def new_job(answers: Answers, path: Path) -> NewJob:
    """The text of a job file, checked as ``archon validate`` does.

    Args:
        answers: What is wanted.
        path: Where it is going to stand; paths in it are relative to that.

    Raises:
        SpecError: The answers do not go together, or the questions cannot be used.
        SetupError: A package that is needed to look at them is not installed.
    """
    found = guess(answers.questions) if answers.questions is not None else None
    scorer = answers.scorer or (found.scorer if found else SHIPPED)
    _check(answers, scorer)
    text = Template(_template()).substitute(
        file=path.name,
        name=answers.name or _name_of(path),
        benchmark=_benchmark(answers, found, path),
        scorer=_JUDGE if asks_model(scorer) else to_inline(_scorer(answers, found, scorer)),
        model=f"  main: {to_inline(_model(answers))}",
        objectives=_objectives(answers),
        budget=_budget(answers),
        **(_SMALL if answers.model_kind == "engine" else _USUAL),
        picks=_picks(scorer, answers),
    )
    # Where the file is going to stand: what it names is looked for from there.
    try:
        prepare(read_job(parse_document(text.encode(), str(path))))
    except SpecError as error:
        raise without_place(error, str(path), _FLAGS) from error
    return NewJob(text, _notes(answers, found, scorer))


def save_job(job: NewJob, path: Path) -> None:
    """Write the file whole or not at all.

    Raises:
        ArchonError: It cannot be written.
    """
    write_whole(path, job.text)


def _check(answers: Answers, scorer: str) -> None:
    if answers.model_kind != "engine" and not answers.model:
        raise SpecError(f"which model? A {answers.model_kind} model needs its name: --model NAME.")
    if answers.model_kind == "url" and not answers.url:
        raise SpecError("which endpoint? Add --url http://host:port/v1.")
    if scorer not in SCORERS:
        raise SpecError(f"there is no scorer {scorer!r}. {suggest(scorer, SCORERS)}")
    if not asks_model(scorer) and (problems := problems_of({"kind": scorer})):
        raise SpecError(
            f"scorer {scorer!r} needs parameters: {problems[0]} Write them into the job file; "
            f"archon components {scorer} shows them."
        )
    if (answers.input_usd is None) != (answers.output_usd is None):
        given, other = "--input-usd", "--output-usd"
        if answers.input_usd is None:
            given, other = other, given
        raise SpecError(f"{given} goes with {other}: a price has both, per million tokens.")
    has_price = answers.input_usd is not None and answers.output_usd is not None
    if answers.usd is not None and answers.model_kind == "url" and not has_price:
        raise SpecError(
            "a budget in dollars needs the model's price: add --input-usd and --output-usd, "
            "dollars per million tokens."
        )


def _template() -> str:
    return (files("archon.service") / "job_template.txt").read_text(encoding="utf-8")


def _name_of(path: Path) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", path.stem).strip("-.") or "job"


def _benchmark(answers: Answers, found: Guess | None, path: Path) -> str:
    if answers.questions is None or found is None:
        return (
            f"  builtin: {SHIPPED}       # or file: questions.jsonl, one {{input, target}} a line"
        )
    relative = os.path.relpath(answers.questions.absolute(), path.absolute().parent)
    lines = [f"  file: {to_inline(relative)}"]
    if fields := _changed_fields(found.fields):
        lines.append(f"  fields: {to_inline(fields)}       # where a row keeps what")
    return "\n".join(lines)


def _scorer(answers: Answers, found: Guess | None, scorer: str) -> dict[str, object]:
    return {"kind": scorer} if found is None or answers.scorer else found.scorer_data()


def _changed_fields(fields: FieldMap) -> dict[str, object]:
    usual = FieldMap()
    names = ("id", "question", "target", "choices", "target_is")
    return {n: getattr(fields, n) for n in names if getattr(fields, n) != getattr(usual, n)}


def _model(answers: Answers) -> dict[str, object]:
    if answers.model_kind == "engine":
        return {"engine": answers.model or MODEL_NAME}
    given: dict[str, object] = {"litellm": answers.model}
    if answers.model_kind == "url":
        given = {"url": answers.url, "model": answers.model}
    if answers.key_env:
        given["key_env"] = answers.key_env
    if answers.input_usd is not None and answers.output_usd is not None:
        given["price"] = {
            "input_usd_per_mtok": answers.input_usd,
            "output_usd_per_mtok": answers.output_usd,
        }
    return given


def _objectives(answers: Answers) -> str:
    is_priced = answers.usd is not None or answers.input_usd is not None
    return "[quality, cost]" if is_priced else "[quality, tokens]"


def _budget(answers: Answers) -> str:
    lines = [f"  trials: {answers.trials:<16}# pipelines to try"]
    if answers.model_kind == "engine":
        lines.append("  wall_s: 3600            # seconds in all")
    if answers.usd is not None:
        lines.append(f"  usd: {answers.usd:<19}# dollars")
    else:
        lines.append("  # usd: 5.0              dollars; also calls, tokens, wall_s (seconds)")
    return "\n".join(lines)


def _picks(scorer: str, answers: Answers) -> str:
    judges = "{model: main, max_tokens: 128}"
    if answers.model_kind != "engine":
        judges = "{model: main, max_tokens: 2048}"
    lines = []
    if scorer in _ANSWERS:
        vote = f"vote: {{answer: {_ANSWERS[scorer]}}}"
        lines.append(f"        - {vote:<31}# the answer that most samples give")
    elif scorer == SHIPPED:
        check = 'check: {contains_from_question: \'"([^"]+)"\'}'
        lines.append(f"        - {check}     # most of the quoted words on top")
    lines += [
        f"        - rank: {judges}            # the model puts the answers in order",
        f"        - verify: {judges}          # the model drops what it finds wrong",
    ]
    return "\n".join(lines)


def _notes(answers: Answers, found: Guess | None, scorer: str) -> tuple[str, ...]:
    notes = []
    if found is None:
        notes.append(f"no questions were named: the shipped benchmark {SHIPPED!r} stands in.")
    else:
        f = found.fields
        answer = f"the answer in {f.target!r}" if found.has_target else "no field has the answer"
        notes.append(f"the question is in {f.question!r}, {answer}.")
        if not answers.scorer:
            notes.append(f"scorer {scorer!r}, since {found.why}.")
    if asks_model(scorer):
        notes.append("the model judges its own answers; a second, stronger model judges better.")
    return tuple(notes)
