"""``archon explain``: why a pipeline of a study does what it does."""

from __future__ import annotations

from typing import Annotated

import typer

from archon.cli.options import AsJson, StudyReference
from archon.cli.output import out, print_json
from archon.cli.running import complete


def explain(
    study: StudyReference,
    trial: Annotated[
        int | None,
        typer.Argument(metavar="[TRIAL]", help="Number of a trial; without, the winner."),
    ] = None,
    has_questions: Annotated[
        bool,
        typer.Option("--questions", help="Each question that it wins or loses to the single call."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say what each part of a pipeline adds and where right answers are lost.

    On held-out questions only, from calls that are recorded: nothing is bought. What is not known
    is listed with what it would take.
    """
    from archon.cli.explained import print_explanation
    from archon.service.explain import explain as explained
    from archon.service.report import load_report
    from archon.service.settings import load_settings
    from archon.store.opening import open_reader

    settings = load_settings()
    with open_reader(settings.database_url.reveal()) as reader:
        report = load_report(reader, study)
        found = complete(explained(report, reader, settings, trial=trial))
    if as_json:
        print_json(found.to_data())
    else:
        print_explanation(found, out(), has_questions=has_questions)
