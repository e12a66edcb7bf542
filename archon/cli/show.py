"""``archon show``: a study, a trial, or one question with every call of it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from archon.cli.arguments import the_trial
from archon.cli.options import AsJson, StudyReference, TrialNumber
from archon.cli.output import out, print_json, say


class SplitName(StrEnum):
    """The two runs of a question, for the help."""

    SEARCH = "search"
    HELD_OUT = "held_out"


def show(
    study: StudyReference,
    number: TrialNumber = None,
    trial: Annotated[int | None, typer.Option(help="One trial: its pipeline and results.")] = None,
    question: Annotated[
        str, typer.Option(metavar="ID", help="One question of --trial: every call of it.")
    ] = "",
    split: Annotated[
        SplitName | None, typer.Option(help="Which run of the question; without, whichever is.")
    ] = None,
    prompts: Annotated[
        bool, typer.Option("--prompts", help="Prompts and replies in full length.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show a study with all its trials, one trial, or one question of a trial."""
    from archon.cli.pages import print_question, print_trial
    from archon.cli.report import print_study
    from archon.core.errors import SpecError
    from archon.service.inspect import question_page, trial_page
    from archon.service.listing import said_of_namesakes
    from archon.service.report import load_report
    from archon.service.settings import load_settings
    from archon.store.opening import open_reader

    trial = the_trial(number, trial)
    if question and trial is None:
        raise SpecError("--question belongs to one trial. Add --trial N; archon show STUDY lists.")
    with open_reader(load_settings().database_url.reveal()) as reader:
        report = load_report(reader, study)
        if said := said_of_namesakes(reader, report.study, study):
            say(said)
        if trial is None:
            if as_json:
                print_json(report.to_data())
            else:
                print_study(report, out(), has_all_trials=True)
        elif not question:
            page = trial_page(report, reader, trial)
            if as_json:
                print_json(page.to_data())
            else:
                print_trial(page, report, out())
        else:
            wanted = "" if split is None else split.value
            asked = question_page(report, reader, trial, question, split=wanted)
            if as_json:
                print_json(asked.to_data())
            else:
                print_question(asked, out(), has_full_texts=prompts)
