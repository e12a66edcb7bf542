"""Explains one pipeline of a study: what each part adds, and where right answers are lost."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from archon.core.errors import NotFound, SpecError
from archon.core.records import StudyReader
from archon.runtime.budget import Budget, Caps
from archon.service.assemble import SharedEngine, open_evaluator
from archon.service.compose_explanation import Chosen, Worths, explanation
from archon.service.counted_calls import Bought, CountedCalls
from archon.service.explain_buying import Buyer
from archon.service.explanation import Explanation
from archon.service.needs import unpriced
from archon.service.report import StudyReport
from archon.service.settings import Settings
from archon.service.subject import Subject, replayer_of, subject_of
from archon.service.survey import survey
from archon.store.opening import Store

Say = Callable[[str], None]

USUAL = Worths()


def chosen_trial(report: StudyReport, trial: int | None) -> Chosen:
    """The trial that is named, else the winner, else the best finalist.

    Raises:
        NotFound: None is named, and the study has no finalist.
    """
    if trial is not None:
        return Chosen(trial, "This is the trial that you named.")
    study_id = report.study.study_id
    judgement = report.final.judgement if report.final else None
    if judgement is None or not judgement.finalists:
        raise NotFound(
            f"study {study_id} has no finalist to explain yet. Name a trial: "
            f"archon explain {study_id} TRIAL  (archon show {study_id} lists them)"
        )
    n = len(judgement.finalists)
    if judgement.winner is not None:
        number = report.trial_of(judgement.winner.pipeline_id).number
        why = "This is the study's winner"
    else:
        number = report.trial_of(judgement.finalists[0].pipeline_id).number
        why = "The study named no winner; this is the finalist with the highest held-out quality"
    return Chosen(
        number,
        f"{why}, of {n} finalists." if n > 1 else f"{why}.",
    )


async def explain(
    report: StudyReport,
    reader: StudyReader,
    settings: Settings,
    *,
    trial: int | None = None,
    worths: Worths = USUAL,
) -> Explanation:
    """Explain a pipeline from recorded calls; nothing is bought.

    Args:
        report: The study's.
        reader: The store's.
        settings: Where the addresses of providers are, which are part of a model's identity.
        trial: Which trial; None: the winner.
        worths: What the user says of answers.

    Raises:
        NotFound: There is no such trial, or none to explain.
        SetupError: A package is missing that is needed to know a model.
    """
    chosen, subject = _looked_up(report, reader, trial)
    found = await survey(subject, replayer_of(subject, reader, settings), {})
    return explanation(report, reader, subject, chosen, found, worths)


async def explain_buying(
    report: StudyReport,
    store: Store,
    settings: Settings,
    *,
    caps: Caps,
    say: Say,
    trial: int | None = None,
    worths: Worths = USUAL,
    shared: SharedEngine | None = None,
) -> Explanation:
    """The same, buying what is missing within limits that are never passed.

    What is bought is recorded, and part of no study's spend. First what is missing of the pipeline
    itself, then what takes least.

    Args:
        report: The study's.
        store: Where completions are kept.
        settings: Where keys and folders are.
        caps: Limits of these purchases.
        say: Told what happens, a line at a time.
        trial: Which trial; None: the winner.
        worths: What the user says of answers.
        shared: An embedded engine that outlives the run.

    Raises:
        ArchonError: As ``explain``; or a key or a model is missing, no model could be reached, or
            money is limited and a price is unknown.
    """
    reader = store.reader()
    chosen, subject = _looked_up(report, reader, trial)
    found = await survey(subject, replayer_of(subject, reader, settings), {})
    if not found.has_gaps:
        return explanation(report, reader, subject, chosen, found, worths)
    if caps.cost_nusd is not None:
        _check_prices(subject, settings)
    bought = Bought()
    async with open_evaluator(
        subject.models,
        subject.job.benchmark.scorer,
        settings,
        calls=CountedCalls(store.calls(), bought),
        budget=Budget(caps, time.monotonic),
        questions_in_flight=subject.job.questions_in_flight,
        say=say,
        shared=shared,
    ) as evaluator:
        buyer = Buyer(evaluator, subject.job.block_size, say)
        if found.base.gap is not None:
            await buyer.subject(found)
            found = await survey(subject, replayer_of(subject, reader, settings), buyer.tried)
        if not buyer.stopped:
            await buyer.rest(found)
    found = await survey(subject, replayer_of(subject, reader, settings), buyer.tried)
    made = explanation(report, reader, subject, chosen, found, worths)
    return replace(made, bought=bought, stopped=buyer.stopped)


def _check_prices(subject: Subject, settings: Settings) -> None:
    """Money can be limited only where every price is known.

    Raises:
        SpecError: One is not.
    """
    for alias in unpriced(subject.models, settings):
        raise SpecError(
            f"money is limited, and nobody knows the price of the model {alias!r}. "
            "Limit the calls instead: --budget-calls."
        )


def _looked_up(
    report: StudyReport, reader: StudyReader, trial: int | None
) -> tuple[Chosen, Subject]:
    chosen, study_id = chosen_trial(report, trial), report.study.study_id
    row = reader.trial(study_id, chosen.number)
    return chosen, subject_of(reader, study_id, report.job, row.proposal.architecture)
