"""``archon ls``: the studies of a database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from archon.cli.options import AsJson
from archon.cli.output import out, print_json, table

if TYPE_CHECKING:
    from archon.service.listing import StudyLine


def ls(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Most studies to show.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List studies, newest first."""
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
    made = table("study", "name", "state", "trials", "begun", "outcome", right=("trials",))
    for line in lines:
        study = line.study
        begun = study.created_at.astimezone().strftime("%Y-%m-%d %H:%M")
        done = f"{study.n_complete} of {study.n_trials}"
        made.add_row(study.study_id, study.name, line.state, done, begun, line.outcome)
    out().print(made)


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
        "outcome": line.outcome,
    }
