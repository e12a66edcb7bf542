"""Studies in a list: how each stands, and what came of it, in a few words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from archon.core.errors import SpecError
from archon.core.records import StudyReader, StudyRow
from archon.service.progress import Progress
from archon.service.report import FinalReport, job_of, progress_of

_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class StudyLine:
    """One study of a list."""

    study: StudyRow
    state: str
    """running, on hold, cut off, paused, completed, failed."""
    best_quality: float | None
    """The highest of its complete trials, on the search questions; None without one."""
    outcome: str
    """The winner against the best single call; or why the study rests; "" while it runs."""
    progress: Progress | None = None
    """How far it is; None where no process runs it."""


def list_studies(reader: StudyReader, *, limit: int) -> tuple[StudyLine, ...]:
    """The newest studies.

    Args:
        reader: The store's.
        limit: Most of them.
    """
    return tuple(_line(study, reader) for study in reader.studies(limit=limit))


def said_of_namesakes(reader: StudyReader, study: StudyRow, reference: str) -> str:
    """A sentence on the other studies of a name by which a user named one; "" without such.

    Args:
        reader: The store's.
        study: The one that was taken.
        reference: What the user wrote.
    """
    if reference != study.name or reference == study.study_id:
        return ""
    others = [
        one.study_id for one in reader.studies_named(study.name) if one.study_id != study.study_id
    ]
    if not others:
        return ""
    return (
        f"{len(others) + 1} studies are called {study.name}; this is the newest, {study.study_id}. "
        f"By id: {_some(others)}."
    )


def said_of_another(reader: StudyReader, study_id: str, name: str) -> str:
    """A sentence on studies that had a new study's name before it; "" without such.

    Args:
        reader: The store's.
        study_id: The new study's.
        name: Its name.
    """
    others = _others(reader, study_id, name)
    if not others:
        return ""
    return (
        f"This is another study than {_some(others)} of the same name: its job or its questions "
        "differ, options such as --trials and --seed included. The name means this one from now on."
    )


def _others(reader: StudyReader, study_id: str, name: str) -> list[str]:
    return [one.study_id for one in reader.studies_named(name) if one.study_id != study_id]


def _some(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _MOST_NAMED} more (archon ls)" if len(ids) > _MOST_NAMED else ""
    return ", ".join(ids[:_MOST_NAMED]) + more


def state_of(study: StudyRow) -> str:
    """The state in a word.

    A study that claims to run, and whose process is gone, was cut off; one that `archon pause`
    paused, and whose process waits, is on hold.
    """
    if study.state != "running":
        return study.state
    if not study.has_live_owner:
        return "cut off"
    return "running" if study.paused_at is None else "on hold"


def _line(study: StudyRow, reader: StudyReader) -> StudyLine:
    text, state, best = reader.report(study.study_id), state_of(study), _best_of(study, reader)
    if study.has_live_owner:
        held = f"archon resume {study.name} lets it go on" if state == "on hold" else ""
        return StudyLine(study, state, best, held, progress_of(study))
    if text is not None:
        return StudyLine(study, state, best, _outcome(FinalReport.from_json(text)))
    resume = "archon search with the same job resumes it" if state == "cut off" else ""
    return StudyLine(study, state, best, study.stop_reason or resume)


def _best_of(study: StudyRow, reader: StudyReader) -> float | None:
    try:
        objectives = job_of(study).objectives
    except SpecError:
        return None  # a study of another version stays in the list
    if "quality" not in objectives:
        return None
    at = objectives.index("quality")
    rows = reader.trials(study.study_id, limit=None)
    return max((row.objectives[at] for row in rows if row.objectives is not None), default=None)


def _outcome(final: FinalReport) -> str:
    judgement = final.judgement
    if judgement.baseline is None:
        return "nothing scored"
    winner = judgement.winner
    if winner is None or winner.versus_baseline is None:
        return "no winner over a single call"
    return f"{winner.versus_baseline.difference.value:+.3f} over a single call"
