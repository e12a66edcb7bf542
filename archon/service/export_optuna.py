"""A study as Optuna's own storage, for its dashboard and its analyses.

A copy to look at, and no truth: Archon never reads it, and a study that runs on is exported again.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import get_args

import optuna
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState

from archon.core.records import SEARCH_SPLIT, StudyReader, TrialRow
from archon.core.results import ExampleResult
from archon.search.choices import from_json
from archon.search.find_walk import find_walk
from archon.search.objectives import DIRECTIONS, Measured, Objective
from archon.search.samplers.by_optuna import distribution_of, quietly
from archon.service.describe import describe
from archon.service.report import job_of
from archon.spec.job import JobSpec
from archon.spec.writing import write_whole

_STATES: Mapping[str, TrialState] = {
    "proposed": TrialState.RUNNING,
    "running": TrialState.RUNNING,
    "complete": TrialState.COMPLETE,
    "pruned": TrialState.PRUNED,
    "failed": TrialState.FAIL,
    "interrupted": TrialState.FAIL,
}
_METRICS: tuple[Objective, ...] = get_args(Objective)


def export_to_optuna(reader: StudyReader, reference: str, path: Path) -> str:
    """Write a study as a SQLite file that ``optuna.load_study`` opens.

    Its trials have the numbers that they have here. Parameters are the answers of their walks,
    under the names of the questions; a pipeline that lies outside the space has none. Intermediate
    values are the first objective over the questions so far, one for each block of questions. What
    Optuna has no place for stands in the user attributes: the pipeline in a line and as data, where
    it comes from, why it stopped, and its means of every measure.

    Args:
        reader: The store's.
        reference: Id, beginning of an id, or name of the study.
        path: The file; one that is there is replaced.

    Returns:
        The study's name in the file.

    Raises:
        NotFound: There is no such study.
        SpecError: This version cannot read its job.
        ArchonError: The file cannot be written.
    """
    study = reader.find_study(reference)
    job = job_of(study)
    name = f"{study.name} {study.study_id}"
    # Optuna takes no path that a URL cannot hold, and a file that is half full is of no use.
    with tempfile.TemporaryDirectory() as folder, quietly():
        file = Path(folder) / "study.db"
        storage = RDBStorage(f"sqlite:///{file}")
        try:
            made = optuna.create_study(
                study_name=name,
                storage=storage,
                directions=[DIRECTIONS[objective] for objective in job.objectives],
            )
            made.set_metric_names(list(job.objectives))
            for key, value in _about(job, study.study_id, study.benchmark_fingerprint).items():
                made.set_user_attr(key, value)
            for trial in _trials(reader, study.study_id, job):
                made.add_trial(trial)
        finally:
            storage.remove_session()
            storage.engine.dispose()
        write_whole(path, file.read_bytes())
    return name


def _about(job: JobSpec, study_id: str, fingerprint: str) -> dict[str, object]:
    return {
        "study": study_id,
        "objectives": list(job.objectives),
        "sampler": job.sampler,
        "seed": job.seed,
        "benchmark": fingerprint,
    }


def _trials(reader: StudyReader, study_id: str, job: JobSpec) -> Iterator[FrozenTrial]:
    order = [row.example_id for row in reader.examples(study_id, split=SEARCH_SPLIT)]
    for row in reader.trials(study_id, limit=None):
        results = reader.results(study_id, row.proposal.pipeline_id)
        yield _trial(row, job, _steps(row, results, order, job), results)


def _trial(
    row: TrialRow, job: JobSpec, steps: Mapping[int, float], results: Sequence[ExampleResult]
) -> FrozenTrial:
    state = _STATES[row.state]
    values = list(row.objectives) if row.objectives is not None else None
    if state == TrialState.PRUNED and len(job.objectives) == 1 and steps:
        values = [steps[max(steps)]]  # so does Optuna itself
    walk = from_json(row.proposal.choices_json) or find_walk(job.space, row.proposal.architecture)
    return FrozenTrial(
        number=row.number,
        trial_id=row.number,
        state=state,
        value=None,
        values=values,
        datetime_start=_local(row.proposed_at),
        datetime_complete=_local(row.ended_at or row.proposed_at) if state.is_finished() else None,
        params={answer.name: answer.value for answer in walk},
        distributions={answer.name: distribution_of(answer) for answer in walk},
        user_attrs=_attributes(row, results),
        system_attrs={},
        intermediate_values=dict(steps),
    )


def _attributes(row: TrialRow, results: Sequence[ExampleResult]) -> dict[str, object]:
    proposal = row.proposal
    measured = Measured(proposal.pipeline_id, proposal.architecture, tuple(results))
    known = _METRICS if measured.n_scored else ()
    means: dict[str, float] = {name: measured.mean(name) for name in known}
    return {
        "pipeline": describe(proposal.architecture),
        "layers": proposal.architecture.to_data(),
        "pipeline_id": proposal.pipeline_id,
        "origin": proposal.origin,
        "state": row.state,
        "reason": row.reason,
        "n_questions": measured.n_scored,
        **means,
    }


def _steps(
    row: TrialRow, results: Sequence[ExampleResult], order: Sequence[str], job: JobSpec
) -> dict[int, float]:
    """The first objective after each block of questions that has a result, from 1."""
    known = {result.example_id: result for result in results}
    so_far: list[ExampleResult] = []
    found = {}
    for start in range(0, len(order), job.block_size):
        block = [known[name] for name in order[start : start + job.block_size] if name in known]
        so_far += block
        measured = Measured(row.proposal.pipeline_id, row.proposal.architecture, tuple(so_far))
        if block and measured.n_scored:
            found[start // job.block_size + 1] = measured.mean(job.objectives[0])
    return found


def _local(moment: datetime) -> datetime:
    """As Optuna keeps times: of this machine's clock, without a zone."""
    return moment.astimezone().replace(tzinfo=None)
