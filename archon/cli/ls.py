"""``archon ls``: the studies of a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from archon.cli.options import AsJson
from archon.cli.output import out, print_json, table

if TYPE_CHECKING:
    from archon.service.listing import StudyLine


_COLUMNS = ("study", "name", "age", "state", "trials", "best", "outcome")


def ls(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Most studies to show.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List studies, newest first.

    "trials" are the complete ones, "best" their highest quality on the search questions; "outcome"
    is what the held-out questions say, or, while a study runs, how far it is.
    """
    from archon.core.errors import NotFound
    from archon.service.listing import list_studies
    from archon.service.settings import load_settings
    from archon.store.opening import open_reader

    lines: tuple[StudyLine, ...] = ()
    try:
        with open_reader(load_settings().database_url.reveal()) as reader:
            lines = list_studies(reader, limit=limit)
    except NotFound as nothing:
        if not as_json:
            out().print(str(nothing))
            return
    if as_json:
        print_json({"studies": [_data(line) for line in lines]})
        return
    if not lines:
        out().print("No study yet. Run: archon search job.yaml")
        return
    made = table(*_COLUMNS, right=("age", "trials", "best"), whole=("study",))
    now = datetime.now(UTC)
    for line in lines:
        study = line.study
        best = "-" if line.best_quality is None else f"{line.best_quality:.3f}"
        age, done = _age(now - study.created_at), f"{study.n_complete}"
        outcome = line.outcome or _course(line)
        made.add_row(study.study_id, study.name, age, line.state, done, best, outcome)
    out().print(made)


def _course(line: StudyLine) -> str:
    """How far a running study is, and how long it still runs."""
    from archon.cli.forecast import time_left_in_words, trials_in_words

    if line.progress is None:
        return ""
    parts = (trials_in_words(line.progress), time_left_in_words(line.progress))
    return ", ".join(part for part in parts if part)


def _age(since: timedelta) -> str:
    """In the largest unit that fits, which is all that a list needs."""
    minutes = max(0, since // timedelta(minutes=1))
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // (24 * 60)} d"


def _data(line: StudyLine) -> dict[str, Any]:
    study = line.study
    return {
        "id": study.study_id,
        "name": study.name,
        "created_at": study.created_at.isoformat(),
        "state": line.state,
        "stop_reason": study.stop_reason,
        "n_trials": study.n_trials,
        "n_complete": study.n_complete,
        "best_quality": line.best_quality,
        "outcome": line.outcome,
        "progress": None if line.progress is None else line.progress.to_data(),
    }
