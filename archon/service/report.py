"""A study as a reader sees it: its trials, its front, its spend, and what the held-out run says."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from archon.core.records import (
    SEARCH_SPLIT,
    Instruction,
    SpendTotals,
    StudyReader,
    StudyRow,
    TrialRow,
)
from archon.search.front import non_dominated
from archon.search.judgement import Judgement
from archon.search.objectives import DIRECTIONS, Objective
from archon.service.describe import describe
from archon.service.progress import Progress
from archon.service.terms import Terms, terms_of
from archon.service.units import count
from archon.spec.job import JobSpec, read_stored_job

_VERSION = 1


@dataclass(frozen=True, slots=True)
class FinalReport:
    """What a finished study says besides its rows."""

    judgement: Judgement
    held_out_stopped: str
    """Why some held-out results are missing; "" if none is."""
    elapsed_s: float
    warnings: tuple[str, ...]
    """On the questions, and on what was allowed a question, as sentences."""

    def to_json(self) -> str:
        """The text that the store keeps."""
        data = {
            "version": _VERSION,
            "judgement": self.judgement.to_data(),
            "held_out_stopped": self.held_out_stopped,
            "elapsed_s": round(self.elapsed_s, 3),
            "warnings": list(self.warnings),
        }
        return json.dumps(data, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> FinalReport:
        """The inverse of ``to_json``."""
        data = json.loads(text)
        return cls(
            judgement=Judgement.from_data(data["judgement"]),
            held_out_stopped=data["held_out_stopped"],
            elapsed_s=data["elapsed_s"],
            warnings=tuple(data["warnings"]),
        )


@dataclass(frozen=True, slots=True)
class TrialLine:
    """One trial in a table."""

    number: int
    pipeline_id: str
    pipeline: str
    """In one line, for people."""
    origin: str
    state: str
    n_examples: int
    """Search questions that it has a score for: all, or a part where it is not complete."""
    objectives: Mapping[str, float]
    """By name; empty unless the trial is complete."""
    is_on_front: bool
    reason: str

    def to_data(self) -> dict[str, Any]:
        """Plain data."""
        return {**asdict(self), "objectives": dict(self.objectives)}


@dataclass(frozen=True, slots=True)
class StudyReport:
    """Everything about one study that fits a page."""

    study: StudyRow
    job: JobSpec
    n_examples: int
    """Questions to search with."""
    trials: tuple[TrialLine, ...]
    spend: SpendTotals
    final: FinalReport | None
    """None until the held-out run is done."""
    terms: Terms
    """Its limits as they are now."""
    changes: tuple[Instruction, ...]
    """What users asked of it while it ran or rested, with what came of it."""
    progress: Progress | None
    """How far it is, as its process says; None where none runs it."""

    def trial_of(self, pipeline_id: str) -> TrialLine:
        """The trial that tried a pipeline.

        Raises:
            KeyError: None did.
        """
        for line in self.trials:
            if line.pipeline_id == pipeline_id:
                return line
        raise KeyError(pipeline_id)

    def seen_in_part(self, line: TrialLine) -> str:
        """``seen on 40 of 240``; "" for a trial that was seen on all questions, or on none."""
        if not 0 < line.n_examples < self.n_examples:
            return ""
        return f"seen on {count(line.n_examples)} of {count(self.n_examples)}"

    def to_data(self) -> dict[str, Any]:
        """Plain data, for ``--json``."""
        study = self.study
        return {
            "study": {
                "id": study.study_id,
                "name": study.name,
                "created_at": study.created_at.isoformat(),
                "state": study.state,
                "stop_reason": study.stop_reason,
                "has_live_owner": study.has_live_owner,
                "benchmark": study.benchmark_fingerprint,
                "seed": study.seed,
                "objectives": list(self.job.objectives),
                "n_examples": self.n_examples,
            },
            "budget": asdict(self.terms.budget),
            "changes": [_change_data(one) for one in self.changes],
            "progress": None if self.progress is None else self.progress.to_data(),
            "trials": [line.to_data() for line in self.trials],
            "spend": asdict(self.spend),
            "final": None if self.final is None else json.loads(self.final.to_json()),
            "trial_of": {line.pipeline_id: line.number for line in self.trials},
        }


def load_report(reader: StudyReader, reference: str) -> StudyReport:
    """The report of a study, finished or not.

    Args:
        reader: The store's.
        reference: Id, beginning of an id, or name of the study.

    Raises:
        NotFound: There is no such study.
    """
    study = reader.find_study(reference)
    job = job_of(study)
    rows = reader.trials(study.study_id, limit=None)
    text = reader.report(study.study_id)
    n_scored = dict(reader.n_scored(study.study_id, split=SEARCH_SPLIT))
    for row in rows if job.is_deterministic else ():
        if row.state == "interrupted":
            # Where steps count whole or not at all, it counts for nothing.
            n_scored.pop(row.proposal.pipeline_id, None)
    trials = _lines(rows, job.objectives, n_scored)
    changes = tuple(reader.instructions(study.study_id))
    return StudyReport(
        study=study,
        job=job,
        n_examples=reader.n_examples(study.study_id, split=SEARCH_SPLIT),
        trials=trials,
        spend=reader.spend(study.study_id),
        final=None if text is None else _naming_trials(FinalReport.from_json(text), trials),
        terms=terms_of(job, changes),
        changes=changes,
        progress=progress_of(study),
    )


def progress_of(study: StudyRow) -> Progress | None:
    """How far a running study is, by its process's last sign of life; None where none runs it."""
    return Progress.from_json(study.progress_json) if study.has_live_owner else None


def _change_data(one: Instruction) -> dict[str, Any]:
    return {
        "number": one.number,
        "verb": one.verb,
        "from": one.given_from,
        "at": one.given_at.isoformat(),
        "state": one.state,
        "answer": one.answer,
    }


def _naming_trials(final: FinalReport, trials: Sequence[TrialLine]) -> FinalReport:
    """The verdict and the warnings with numbers of trials in place of ids of pipelines."""

    def named(said: str) -> str:
        for line in trials:
            said = said.replace(f". {line.pipeline_id}", f". Trial {line.number}")
            said = said.replace(line.pipeline_id, f"trial {line.number}")
        return said

    said = named(final.judgement.verdict)
    verdict = said[:1].upper() + said[1:]
    return replace(
        final,
        judgement=replace(final.judgement, verdict=verdict),
        warnings=tuple(map(named, final.warnings)),
    )


def job_of(study: StudyRow) -> JobSpec:
    """The job that a study runs, as it was when the study was made.

    Raises:
        SpecError: This version cannot run it any more.
    """
    return read_stored_job(study.job_json, f"job of study {study.study_id}")


def _lines(
    rows: Sequence[TrialRow], objectives: Sequence[Objective], n_scored: Mapping[str, int]
) -> tuple[TrialLine, ...]:
    complete = {row.number: row.objectives for row in rows if row.objectives is not None}
    signs = [1 if DIRECTIONS[objective] == "maximize" else -1 for objective in objectives]
    oriented = {
        number: tuple(sign * value for sign, value in zip(signs, values, strict=True))
        for number, values in complete.items()
    }
    on_front = set(non_dominated(oriented))
    return tuple(
        TrialLine(
            number=row.number,
            pipeline_id=row.proposal.pipeline_id,
            pipeline=describe(row.proposal.architecture),
            origin=row.proposal.origin,
            state=row.state,
            n_examples=row.n_examples or n_scored.get(row.proposal.pipeline_id, 0),
            objectives=dict(zip(objectives, row.objectives or (), strict=False)),
            is_on_front=row.number in on_front,
            reason=row.reason,
        )
        for row in rows
    )
