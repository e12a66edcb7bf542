"""Explains one pipeline of a study: what each part adds, and where right answers are lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from archon.core.architecture import Architecture
from archon.core.errors import NotFound, SpecError
from archon.core.records import HELD_OUT_SPLIT, StudyReader
from archon.core.results import ExampleResult
from archon.explain.effects import Effect, effect_of
from archon.explain.gaps import Amounts
from archon.explain.stages import AMOUNTS, Stage, layer_reports, where_lost
from archon.explain.variants import Variant
from archon.runtime.budget import Budget, Caps
from archon.search.intervals import mean_score
from archon.search.objectives import Measured, Objective, score_of
from archon.search.winner import compare
from archon.service.assemble import SharedEngine, open_evaluator
from archon.service.counted_calls import Bought, CountedCalls
from archon.service.describe import describe, describe_component, describe_layer
from archon.service.explain_buying import Buyer
from archon.service.explanation import Explanation, QuestionLine, VariantLine
from archon.service.needs import unpriced
from archon.service.report import StudyReport
from archon.service.settings import Settings
from archon.service.subject import Subject, replayer_of, subject_of
from archon.service.survey import Runs, Survey, survey
from archon.store.opening import Store

Say = Callable[[str], None]

RIGHT_FROM = 0.5
"""The lowest score of a right answer, where scores are graded."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The trial to explain, and why this one."""

    number: int
    why: str


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
) -> Explanation:
    """Explain a pipeline from recorded calls; nothing is bought.

    Args:
        report: The study's.
        reader: The store's.
        settings: Where the addresses of providers are, which are part of a model's identity.
        trial: Which trial; None: the winner.

    Raises:
        NotFound: There is no such trial, or none to explain.
        SetupError: A package is missing that is needed to know a model.
    """
    chosen, subject = _looked_up(report, reader, trial)
    found = await survey(subject, replayer_of(subject, reader, settings), {})
    return explanation(report, reader, subject, chosen, found)


async def explain_buying(
    report: StudyReport,
    store: Store,
    settings: Settings,
    *,
    caps: Caps,
    say: Say,
    trial: int | None = None,
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
        shared: An embedded engine that outlives the run.

    Raises:
        ArchonError: As ``explain``; or a key or a model is missing, no model could be reached, or
            money is limited and a price is unknown.
    """
    reader = store.reader()
    chosen, subject = _looked_up(report, reader, trial)
    found = await survey(subject, replayer_of(subject, reader, settings), {})
    if not found.has_gaps:
        return explanation(report, reader, subject, chosen, found)
    if caps.cost_nusd is not None:
        for alias in unpriced(subject.models, settings):
            raise SpecError(
                f"money is limited, and nobody knows the price of the model {alias!r}. "
                "Limit the calls instead: --budget-calls."
            )
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
    made = explanation(report, reader, subject, chosen, found)
    return replace(made, bought=bought, stopped=buyer.stopped)


def _looked_up(
    report: StudyReport, reader: StudyReader, trial: int | None
) -> tuple[Chosen, Subject]:
    chosen, study_id = chosen_trial(report, trial), report.study.study_id
    row = reader.trial(study_id, chosen.number)
    return chosen, subject_of(reader, study_id, report.job, row.proposal.architecture)


def explanation(
    report: StudyReport,
    reader: StudyReader,
    subject: Subject,
    chosen: Chosen,
    found: Survey,
) -> Explanation:
    """Put together what a survey found."""
    base = found.base
    scores = [score_of(result) or 0.0 for result in _results(base, base.usable)]
    judgement = report.final.judgement if report.final else None
    coverage = judgement.coverage if judgement else 0.95
    price = judgement.price if judgement else _price(base)
    stages = [found.stages[i] for i in base.usable if i in found.stages]
    baseline = _baseline(report, reader, subject)
    return Explanation(
        study_id=report.study.study_id,
        trial=chosen.number,
        pipeline=describe(subject.architecture),
        why=chosen.why,
        coverage=coverage,
        price=price,
        n_held_out=len(reader.examples(report.study.study_id, split=HELD_OUT_SPLIT)),
        n_known=len(base.usable),
        quality=mean_score(scores, coverage=coverage) if scores else None,
        layers=layer_reports(stages, price=price, coverage=coverage) if stages else (),
        layer_names=tuple(map(describe_layer, subject.architecture.layers)),
        n_candidates_missing=len(found.candidates_gap.questions) if found.candidates_gap else 0,
        candidates_about=found.candidates_gap.about if found.candidates_gap else Amounts(),
        variants=_variants(report, found, price, coverage),
        base_about=base.gap.about if base.gap else Amounts(),
        versus=compare(_measured(base), baseline, coverage=coverage) if baseline else None,
        questions=_questions(base, baseline, found.stages) if baseline else (),
        notes=tuple(_notes(report, subject, base, chosen)),
        bought=Bought(),
        stopped="",
    )


def _results(runs: Runs, ids: Sequence[str]) -> list[ExampleResult]:
    found = [runs.replays[i].result for i in ids]
    return [result for result in found if result is not None]


def _measured(runs: Runs) -> Measured:
    results = tuple(_results(runs, runs.usable))
    return Measured(runs.architecture.pipeline_id(), runs.architecture, results)


def _price(base: Runs) -> Objective:
    costs = any(result.deployed.cost_nusd for result in _results(base, base.usable))
    return "cost" if costs else "tokens"


def _baseline(report: StudyReport, reader: StudyReader, subject: Subject) -> Measured | None:
    """The best single call on held-out questions; None where the subject is it, or none ran."""
    judgement = report.final.judgement if report.final else None
    if judgement is None or judgement.baseline is None:
        return None
    one = judgement.baseline
    if one.pipeline_id == subject.architecture.pipeline_id():
        return None
    results = reader.results(report.study.study_id, one.pipeline_id, split=HELD_OUT_SPLIT)
    return Measured(one.pipeline_id, one.architecture, tuple(results))


def _variants(
    report: StudyReport, found: Survey, price: Objective, coverage: float
) -> tuple[VariantLine, ...]:
    numbers = {line.pipeline_id: line.number for line in report.trials}
    # All are looked at together, known or not: what more calls tell does not move the others.
    each = 1 - (1 - coverage) / max(1, len(found.variants))
    return tuple(
        VariantLine(
            variant=variant,
            name=name_of(variant, found.base.architecture),
            trial=numbers.get(variant.pipeline_id),
            effect=_effect(found.base, runs, price, each),
            n_questions=len(found.base.usable),
            n_missing=len(runs.gap.questions) if runs.gap else 0,
            about=runs.gap.about if runs.gap else Amounts(),
        )
        for variant, runs in found.variants
    )


def _effect(base: Runs, without: Runs, price: Objective, coverage: float) -> Effect | None:
    if not without.usable:
        return None
    ours, theirs = (_only(runs, without.usable) for runs in (base, without))
    return effect_of(
        ours.each("quality"),
        theirs.each("quality"),
        {name: ours.each(name) for name in AMOUNTS},
        {name: theirs.each(name) for name in AMOUNTS},
        price=price,
        coverage=coverage,
    )


def _only(runs: Runs, ids: Sequence[str]) -> Measured:
    pipeline_id = runs.architecture.pipeline_id()
    return Measured(pipeline_id, runs.architecture, tuple(_results(runs, ids)))


def name_of(variant: Variant, whole: Architecture) -> str:
    """What a variant leaves out of a pipeline, in words."""
    match variant.part:
        case "layer":
            assert variant.layer is not None
            return f"layer {variant.layer}, {describe_layer(whole.layers[variant.layer])}"
        case "model":
            return f"model {variant.model}"
        case "component":
            assert variant.component is not None
            return f"{describe_component(variant.component)} in layer {variant.layer}"
        case "samples":
            assert variant.component is not None
            one = describe_component(variant.component)
            return f"all but {variant.n} of the {variant.count} of {one} in layer {variant.layer}"


def _questions(
    base: Runs, baseline: Measured, stages: Mapping[str, Sequence[Stage]]
) -> tuple[QuestionLine, ...]:
    theirs = {result.example_id: result for result in baseline.results}
    lines = []
    for result in _results(base, base.usable):
        other = theirs.get(result.example_id)
        other_score = None if other is None else score_of(other)
        if other is None or other_score is None:
            continue
        example, states = base.replays[result.example_id].example, stages.get(result.example_id)
        lines.append(
            QuestionLine(
                example_id=result.example_id,
                question="\n".join(turn.content for turn in example.question),
                score=score_of(result) or 0.0,
                baseline_score=other_score,
                answer=result.answer.text,
                baseline_answer=other.answer.text,
                lost_in=where_lost(states, right_from=RIGHT_FROM) if states else None,
            )
        )
    return tuple(lines)


def _notes(report: StudyReport, subject: Subject, base: Runs, chosen: Chosen) -> list[str]:
    notes = []
    n_lost = sum(replay.is_missing for replay in base.replays.values())
    if subject.has_run and n_lost:
        notes.append(
            f"{n_lost} of {len(base.replays)} questions that the study ran cannot be replayed: "
            "their calls are damaged, or were made with other prompts or models."
        )
    if not subject.has_run:
        notes.append("The study did not run this pipeline on its held-out questions.")
    judgement = report.final.judgement if report.final else None
    ids = [one.pipeline_id for one in judgement.finalists] if judgement else []
    if len(ids) > 1 and ids[0] == subject.architecture.pipeline_id():
        notes.append(
            f"It came out best of {len(ids)} finalists on these very questions, so what it reached "
            "here, and what its parts seem to add, leans to the high side."
        )
    return notes
