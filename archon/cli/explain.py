"""``archon explain``: why a pipeline of a study does what it does."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import typer

from archon.cli.arguments import the_trial
from archon.cli.options import AsJson, StudyReference, TrialNumber
from archon.cli.output import out, print_json, say
from archon.cli.running import Stopped, complete

if TYPE_CHECKING:
    from archon.runtime.budget import Caps
    from archon.service.compose_explanation import Worths
    from archon.service.explanation import Explanation


def explain(
    study: StudyReference,
    number: TrialNumber = None,
    trial: Annotated[
        int | None, typer.Option(help="Number of a trial; without, the winner.")
    ] = None,
    has_questions: Annotated[
        bool,
        typer.Option("--questions", help="Each question that it wins or loses to the single call."),
    ] = False,
    budget_usd: Annotated[
        float | None, typer.Option(min=0, help="Buy what is missing, for so many dollars at most.")
    ] = None,
    budget_calls: Annotated[
        int | None, typer.Option(min=1, help="Buy what is missing, so many calls at most.")
    ] = None,
    cost_of_wrong: Annotated[
        float, typer.Option(min=0, help="What a wrong answer costs, where a right one is worth 1.")
    ] = 1.0,
    usd_of_right: Annotated[
        float | None,
        typer.Option(
            "--worth-of-right",
            metavar="USD",
            min=0,
            help="What a right answer is worth, in dollars; without, samples count as free.",
        ),
    ] = None,
    right_from: Annotated[
        float,
        typer.Option(min=0, max=1, help="Lowest score of a right answer, where scores are graded."),
    ] = 0.5,
    as_json: AsJson = False,
) -> None:
    """Say what each part of a pipeline adds and where right answers are lost.

    On held-out questions only, and from recorded calls: without a budget nothing is bought, and
    what is not known is listed with what it would take. What is bought is kept.
    """
    from archon.cli.explained import print_explanation

    trial = the_trial(number, trial)
    worths = _worths(cost_of_wrong, usd_of_right, right_from)
    found = _explained(study, trial, worths, _caps(budget_usd, budget_calls))
    if as_json:
        print_json(found.to_data())
    else:
        print_explanation(found, out(), has_questions=has_questions)


def _explained(study: str, trial: int | None, worths: Worths, caps: Caps | None) -> Explanation:
    from archon.service.explain import explain as explained
    from archon.service.explain import explain_buying
    from archon.service.listing import said_of_namesakes
    from archon.service.report import load_report
    from archon.service.settings import load_settings
    from archon.store.opening import open_reader, open_store

    settings = load_settings()
    url = settings.database_url.reveal()
    with open_reader(url) as reader:
        report = load_report(reader, study)
        if said := said_of_namesakes(reader, report.study, study):
            say(said)
        if caps is None:
            return complete(explained(report, reader, settings, trial=trial, worths=worths))
    try:
        with open_store(url) as store:
            return complete(
                explain_buying(
                    report, store, settings, caps=caps, say=say, trial=trial, worths=worths
                )
            )
    except Stopped as stopped:
        say("Stopped. What was bought is kept; the same command goes on from there.")
        raise typer.Exit(stopped.exit_code) from None


def _worths(cost_of_wrong: float, usd_of_right: float | None, right_from: float) -> Worths:
    from archon.core.errors import SpecError
    from archon.service.compose_explanation import Worths

    if not math.isfinite(cost_of_wrong):
        raise SpecError(f"--cost-of-wrong {cost_of_wrong} is no number. Write e.g. 2.")
    if usd_of_right is not None and not 0 < usd_of_right < math.inf:
        raise SpecError(f"--worth-of-right {usd_of_right} is no price. Write e.g. 0.10.")
    return Worths(cost_of_wrong, usd_of_right, right_from)


def _caps(budget_usd: float | None, budget_calls: int | None) -> Caps | None:
    from archon.core.errors import SpecError
    from archon.runtime.budget import Caps

    if budget_usd is None and budget_calls is None:
        return None
    if budget_usd is not None and not math.isfinite(budget_usd):
        raise SpecError(f"--budget-usd {budget_usd} is no amount of money. Write e.g. 0.50.")
    nusd = None if budget_usd is None else int(budget_usd * 1e9)
    return Caps(calls=budget_calls, cost_nusd=nusd)
