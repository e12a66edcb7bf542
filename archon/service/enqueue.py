"""A user's own pipelines, to be tried next in a study.

They become proposals of the study at once, behind those that it has; a search that runs on takes
its proposals from there before it asks a sampler. So nothing has to be merged with what a sampler
does, and a search that runs at this moment is not interfered with: it is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from archon.components.canonical import canonical
from archon.core.architecture import Architecture
from archon.core.errors import Problem, SpecError
from archon.core.records import Origin, ProposalRow, TrialRow
from archon.search.baselines import single_calls
from archon.search.choices import to_json
from archon.search.feasible import over_ceiling
from archon.search.find_walk import find_walk
from archon.service.prepare import in_store, prepare
from archon.service.report import job_of
from archon.service.terms import Terms, terms_of
from archon.spec.job import JobSpec, load_job
from archon.spec.model_spec import ModelSpec
from archon.spec.pipeline_file import read_pipeline
from archon.spec.yaml_source import Document, read_document
from archon.store.opening import Store


@dataclass(frozen=True, slots=True)
class Enqueued:
    """What became of one file."""

    path: Path
    architecture: Architecture
    """As the study runs it: in canonical form, with the job's aliases."""
    number: int
    """Its trial's."""
    state: str
    """``proposed`` where it waits; else how the trial stands that had it already."""
    changed_prompts: tuple[str, ...]
    """Templates whose wording is not the one that the file was measured with."""


@dataclass(frozen=True, slots=True)
class Queue:
    """A study with what is tried next in it."""

    study_id: str
    name: str
    files: tuple[Enqueued, ...]


async def enqueue(
    reference: str, paths: Sequence[Path], store: Store, *, is_offline: bool = False
) -> Queue:
    """Have pipelines tried next: all of the files, or none.

    Args:
        reference: A study, or a job file: the newest study of it, which is made where there is
            none.
        paths: Pipeline files.
        store: Where studies are.
        is_offline: Whether no data set may be downloaded.

    Raises:
        SpecError: A file is wrong, asks a model that the job does not have, or passes a ceiling of
            the job; or nothing further runs in the study.
        NotFound: There is no such study.
        Conflict: A process runs the study now.
    """
    if not _is_file(reference):
        study = store.reader().find_study(reference)
        job = job_of(study)
        found = await _enqueued(study.study_id, job, _read(paths, job), store)
        return Queue(study.study_id, study.name, found)
    made = prepare(load_job(Path(reference)), is_offline=is_offline)
    prepared = in_store(made, store.reader(), is_fresh=False)
    files = _read(paths, prepared.job)
    await store.studies().create(prepared.new_study(), prepared.questions.rows())
    found = await _enqueued(prepared.study_id, prepared.job, files, store)
    return Queue(prepared.study_id, prepared.job.name, found)


def _is_file(reference: str) -> bool:
    return Path(reference).is_file() or Path(reference).suffix in (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    architecture: Architecture
    changed_prompts: tuple[str, ...]


async def _enqueued(
    study_id: str, job: JobSpec, files: Sequence[_File], store: Store
) -> tuple[Enqueued, ...]:
    reader, studies = store.reader(), store.studies()
    before = reader.find_study(study_id)
    if before.state == "completed":
        raise SpecError(
            f"study {study_id} is completed, and nothing further runs in it. Enqueue before a "
            "search, or while it rests. `archon change` with a larger limit lets this one search "
            "on; a job file with another seed makes another study, which reuses every call."
        )
    await studies.take(study_id)
    reason = before.stop_reason or "archon search with the same job runs it on"
    try:
        rows = reader.trials(study_id, limit=None)
        proposals = list(_proposals(job, files, rows))
        terms = terms_of(job, reader.instructions(study_id))
        _check_room(study_id, terms, rows, len(proposals))
        for proposal in proposals:
            await store.trials(study_id).propose(proposal)
        known = {row.proposal.pipeline_id: row for row in reader.trials(study_id, limit=None)}
    finally:
        await studies.stop(study_id, "paused", reason)
    return tuple(_outcome(file, known[file.architecture.pipeline_id()]) for file in files)


def _proposals(
    job: JobSpec, files: Sequence[_File], rows: Sequence[TrialRow]
) -> Iterator[ProposalRow]:
    """What is new. The baselines come first wherever they are not there yet: a pipeline that takes
    the whole budget would otherwise leave nothing that it could be compared with.
    """
    known = {row.proposal.pipeline_id for row in rows}
    baselines = [canonical(start.architecture) for start in single_calls(job.space)]
    mine = [file.architecture for file in files]
    for i, architecture in enumerate((*baselines, *mine)):
        if (pipeline_id := architecture.pipeline_id()) not in known:
            walk = to_json(find_walk(job.space, architecture))
            origin: Origin = "baseline" if i < len(baselines) else "user"
            yield ProposalRow(len(known), pipeline_id, architecture, walk, origin)
            known.add(pipeline_id)


def _outcome(file: _File, row: TrialRow) -> Enqueued:
    return Enqueued(file.path, file.architecture, row.number, row.state, file.changed_prompts)


def _check_room(study_id: str, terms: Terms, rows: Sequence[TrialRow], n_new: int) -> None:
    """Refuse what would never run."""
    ended = next((row.reason for row in rows if row.state == "interrupted"), terms.finish)
    if ended:
        raise SpecError(
            f"the search of study {study_id} has ended: {ended}. `archon change {study_id}` with "
            "a larger limit lets it go on."
        )
    most = terms.budget.trials
    if most is not None and len(rows) + n_new > most:
        raise SpecError(
            f"study {study_id} has {len(rows)} of at most {most} trials, which leaves no room for "
            f"{n_new} more. Make room: archon change {study_id} --trials {len(rows) + n_new}"
        )


def _read(paths: Sequence[Path], job: JobSpec) -> list[_File]:
    """The files, in the job's terms.

    Raises:
        SpecError: With every problem of every file.
    """
    files: list[_File] = []
    problems: list[Problem] = []
    for path in paths:
        document = read_document(path)
        file = read_pipeline(document)
        names = {model.alias: _alias_of(model, job.models) for model in file.models}
        asked = [model for model in file.models if model.alias in file.architecture.models()]
        if lacking := [model for model in asked if not names[model.alias]]:
            problems += [_lacking(model, job, document) for model in lacking]
            continue
        architecture = canonical(_renamed(file.architecture, names))
        reasons = _refusals(architecture, job)
        problems += [document.problem("layers", f"{reason}.") for reason in reasons]
        files.append(_File(path, architecture, file.changed_prompts()))
    if problems:
        raise SpecError(problems)
    return files


def _lacking(model: ModelSpec, job: JobSpec, document: Document) -> Problem:
    message = f"{model.alias!r} is {_called(model)}, which the job does not have."
    hint = f"It has {', '.join(f'{m.alias}: {_called(m)}' for m in job.models)}."
    return document.problem(f"models.{model.alias}", message, hint)


def _refusals(architecture: Architecture, job: JobSpec) -> Iterator[str]:
    """Why a pipeline may not run in a job."""
    if over := over_ceiling(job.space, architecture):
        yield over
    judge = dict(job.benchmark.scorer.params).get("model")
    if judge in architecture.models() and not job.benchmark.may_judge_itself:
        yield f"{judge!r} scores the answers of this job, and would judge itself"


def _alias_of(model: ModelSpec, known: Sequence[ModelSpec]) -> str:
    """What the job calls the same model: as the file does, if it can be; "" if it has none."""
    same = [m.alias for m in known if _identity(m) == _identity(model)]
    return model.alias if model.alias in same else next(iter(same), "")


def _identity(model: ModelSpec) -> tuple[str, str, str]:
    return model.backend, model.model, model.url


def _called(model: ModelSpec) -> str:
    return f"{model.model} at {model.url}" if model.url else f"{model.model} ({model.backend})"


def _renamed(architecture: Architecture, names: Mapping[str, str]) -> Architecture:
    return Architecture(
        tuple(
            tuple(replace(spec, model=names.get(spec.model, spec.model)) for spec in layer)
            for layer in architecture.layers
        )
    )
