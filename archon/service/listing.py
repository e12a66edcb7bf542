"""Studies in a list: how each stands, and what came of it, in a few words."""

from __future__ import annotations

from dataclasses import dataclass

from archon.core.records import StudyReader, StudyRow
from archon.service.report import FinalReport
from archon.service.units import number


@dataclass(frozen=True, slots=True)
class StudyLine:
    """One study of a list."""

    study: StudyRow
    state: str
    """running, cut off, paused, completed, failed."""
    outcome: str
    """The winner against the best single call; or why the study rests; "" while it runs."""


def list_studies(reader: StudyReader, *, limit: int) -> tuple[StudyLine, ...]:
    """The newest studies.

    Args:
        reader: The store's.
        limit: Most of them.
    """
    return tuple(_line(study, reader) for study in reader.studies(limit=limit))


def state_of(study: StudyRow) -> str:
    """The state in a word: a study that claims to run, and whose process is gone, was cut off."""
    return "cut off" if study.state == "running" and not study.has_live_owner else study.state


def _line(study: StudyRow, reader: StudyReader) -> StudyLine:
    text = reader.report(study.study_id)
    if text is not None:
        return StudyLine(study, state_of(study), _outcome(FinalReport.from_json(text)))
    state = state_of(study)
    resume = "archon search with the same job resumes it" if state == "cut off" else ""
    return StudyLine(study, state, study.stop_reason or resume)


def _outcome(final: FinalReport) -> str:
    judgement = final.judgement
    baseline = judgement.baseline
    if baseline is None:
        return "nothing scored"
    single = f"best single call {number('quality', baseline.quality.value)}"
    if judgement.winner is None:
        return f"no winner; {single}"
    return f"winner {number('quality', judgement.winner.quality.value)}, {single}"
