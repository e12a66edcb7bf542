"""Is a file right, and can it run here? Answered without a call, a model or a database."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from archon.components.estimate_calls import estimate_calls
from archon.search.size import count_walks
from archon.service.describe import describe
from archon.service.needs import model_reports
from archon.service.prepare import PreparedJob, prepare
from archon.service.settings import Settings
from archon.service.units import count, counted, duration, usd
from archon.spec.job import BudgetSpec, read_job
from archon.spec.model_spec import ModelSpec
from archon.spec.pipeline_file import PipelineFile, read_pipeline
from archon.spec.yaml_source import Document, read_document

FileKind = Literal["job", "pipeline"]


@dataclass(frozen=True, slots=True)
class FileCheck:
    """A file in which nothing is wrong."""

    kind: FileKind
    name: str
    summary: tuple[str, ...]
    """What it says, in sentences."""
    warnings: tuple[str, ...]
    """What is allowed but doubtful, and what is missing here to run it."""


def check_file(path: Path, settings: Settings) -> FileCheck:
    """Check a job file with its questions and scorer, or a pipeline file.

    Raises:
        SpecError: With every problem of the file, or of its questions.
        SetupError: A package that is needed to look at them is not installed.
    """
    document = read_document(path)
    if kind_of(document) == "pipeline":
        return _checked_pipeline(read_pipeline(document), path, settings)
    return _checked_job(prepare(read_job(document), is_offline=settings.offline), settings)


def kind_of(document: Document) -> FileKind:
    """A pipeline file has its layers at the top; whatever else there is, is taken for a job."""
    return "pipeline" if "layers" in document.data and "space" not in document.data else "job"


def models_of_file(path: Path) -> tuple[ModelSpec, ...]:
    """The models of a job or pipeline file. Questions are not looked at.

    Raises:
        SpecError: With every problem of the file.
    """
    document = read_document(path)
    if kind_of(document) == "pipeline":
        return read_pipeline(document).models
    return read_job(document).models


def _checked_job(prepared: PreparedJob, settings: Settings) -> FileCheck:
    job, questions = prepared.job, prepared.questions
    split = questions.split
    n_walks = count_walks(job.space)
    size = "A space without end"
    if n_walks is not None:
        size = f"A space of {counted(n_walks, 'combination')}"
        size += ", some of which may be one pipeline (archon estimate counts those)"
    aliases = ", ".join(f"{m.alias} ({m.backend}: {m.model})" for m in job.models)
    summary = (
        f"{len(questions.benchmark.examples)} questions, scored by {job.benchmark.scorer.kind}: "
        f"{len(split.search)} to search with, {len(split.held_out)} held out.",
        f"Models: {aliases}.",
        f"{size}. Searched by {job.sampler} for {', '.join(job.objectives)}.",
        f"Budget: {budget_in_words(job.budget)}.",
    )
    unused = tuple(
        f"model {model.alias!r} is used by no component; it is not opened."
        for model in job.unused_models
    )
    missing = _missing(job.used_models, settings)
    return FileCheck("job", job.name, summary, (*prepared.warnings, *unused, *missing))


def _checked_pipeline(file: PipelineFile, path: Path, settings: Settings) -> FileCheck:
    calls = estimate_calls(file.architecture).calls
    n = f"{calls.high}" if calls.low == calls.high else f"{calls.low} to {calls.high}"
    aliases = ", ".join(f"{m.alias} ({m.backend}: {m.model})" for m in file.models)
    summary = (
        f"{describe(file.architecture)}",
        f"Models: {aliases}. Calls a question: {n}.",
    )
    changed = tuple(
        f"the wording of {name!r} is not the one that this pipeline was measured with. "
        "Measure again: archon eval"
        for name in file.changed_prompts()
    )
    warnings = (*changed, *_missing(file.models, settings))
    return FileCheck("pipeline", file.name or path.stem, summary, warnings)


def _missing(models: tuple[ModelSpec, ...], settings: Settings) -> tuple[str, ...]:
    return tuple(line for report in model_reports(models, settings) for line in report.missing)


def budget_in_words(budget: BudgetSpec) -> str:
    """The limits of a study, in one line."""
    limits = [
        counted(budget.trials, "trial") if budget.trials is not None else "",
        counted(budget.calls, "call") if budget.calls is not None else "",
        f"{count(budget.tokens)} tokens" if budget.tokens is not None else "",
        usd(budget.usd) if budget.usd is not None else "",
        duration(budget.wall_s) if budget.wall_s is not None else "",
    ]
    said = ", ".join(limit for limit in limits if limit)
    if not said:
        return "no limit; the space ends the search"
    if not any(limits[1:]):
        return said
    return f"{said}; {budget.held_out_share:.0%} is kept for the held-out run"
