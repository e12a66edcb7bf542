"""Puts together what a survey of a pipeline found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from archon.core.architecture import Architecture
from archon.core.records import HELD_OUT_SPLIT, StudyReader
from archon.core.results import ExampleResult
from archon.explain.effects import Effect, effect_of
from archon.explain.gaps import Amounts
from archon.explain.judging import Judging, verdicts_in
from archon.explain.stages import AMOUNTS, layer_reports, where_lost
from archon.explain.variants import Variant
from archon.explain.verifiers import VerifierReport, ranker_report, verifier_report
from archon.search.intervals import mean_score
from archon.search.objectives import Measured, Objective, mean_of, score_of
from archon.search.winner import compare
from archon.service.counted_calls import Bought
from archon.service.describe import describe, describe_component, describe_layer
from archon.service.explanation import Explanation, QuestionLine, VariantLine, VerifierLine
from archon.service.report import StudyReport
from archon.service.subject import Subject
from archon.service.survey import Runs, Survey


@dataclass(frozen=True, slots=True)
class Chosen:
    """The trial to explain, and why this one."""

    number: int
    why: str


@dataclass(frozen=True, slots=True)
class Worths:
    """What the user says of answers."""

    cost_of_wrong: float = 1.0
    """What a wrong answer costs, in right ones; >= 0."""
    usd_of_right: float | None = None
    """What a right answer is worth; None: samples count as free."""
    right_from: float = 0.5
    """The lowest score of a right answer, where scores are graded."""


def explanation(
    report: StudyReport,
    reader: StudyReader,
    subject: Subject,
    chosen: Chosen,
    found: Survey,
    worths: Worths,
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
        is_graded=any(score not in (0, 1) for score in scores),
        n_held_out=len(reader.examples(report.study.study_id, split=HELD_OUT_SPLIT)),
        n_known=len(base.usable),
        quality=mean_score(scores, coverage=coverage) if scores else None,
        layers=layer_reports(stages, price=price, coverage=coverage) if stages else (),
        layer_names=tuple(map(describe_layer, subject.architecture.layers)),
        n_candidates_missing=len(found.candidates_gap.questions) if found.candidates_gap else 0,
        candidates_about=found.candidates_gap.about if found.candidates_gap else Amounts(),
        variants=_variants(report, found, price, coverage),
        base_about=base.gap.about if base.gap else Amounts(),
        baseline_trial=report.trial_of(baseline.pipeline_id).number if baseline else None,
        versus=compare(_measured(base), baseline, coverage=coverage) if baseline else None,
        questions=_questions(found, baseline, worths.right_from) if baseline else (),
        verifiers=tuple(_verifiers(found, worths, coverage)),
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


def _questions(found: Survey, baseline: Measured, right_from: float) -> tuple[QuestionLine, ...]:
    base = found.base
    theirs = {result.example_id: result for result in baseline.results}
    lines = []
    for result in _results(base, base.usable):
        other = theirs.get(result.example_id)
        other_score = None if other is None else score_of(other)
        if other is None or other_score is None:
            continue
        example = base.replays[result.example_id].example
        states = found.stages.get(result.example_id)
        lines.append(
            QuestionLine(
                example_id=result.example_id,
                question="\n".join(turn.content for turn in example.question),
                score=score_of(result) or 0.0,
                baseline_score=other_score,
                answer=result.answer.text,
                baseline_answer=other.answer.text,
                lost_in=where_lost(states, right_from=right_from) if states else None,
            )
        )
    return tuple(lines)


def _verifiers(found: Survey, worths: Worths, coverage: float) -> Iterator[VerifierLine]:
    for judging, runs in found.judgings:
        ids = [i for i in runs.usable if i in found.scores]
        report = _verifier(judging, runs, ids, found, worths, coverage) if ids else None
        spec = judging.component
        yield VerifierLine(judging.layer, describe_component(spec), judging.sort, report)


def _verifier(
    judging: Judging,
    runs: Runs,
    ids: Sequence[str],
    found: Survey,
    worths: Worths,
    coverage: float,
) -> VerifierReport:
    states = [runs.replays[i].trace.states[-1] for i in ids]
    rights = [
        [found.scores[i][candidate.text] >= worths.right_from for candidate in state.candidates]
        for i, state in zip(ids, states, strict=True)
    ]
    if judging.sort == "ranker":
        return ranker_report(rights, coverage=coverage)
    verdicts = [
        verdicts_in(judging, state, right) for state, right in zip(states, rights, strict=True)
    ]
    price = 0.0
    if worths.usd_of_right is not None:
        price = _usd_a_candidate(judging, found, ids) / worths.usd_of_right
    return verifier_report(
        verdicts, cost_of_wrong=worths.cost_of_wrong, price=price, coverage=coverage
    )


def _usd_a_candidate(judging: Judging, found: Survey, ids: Sequence[str]) -> float:
    """What a candidate that reaches a layer took, and its verdict there."""
    runs = [found.stages[i] for i in ids]
    took = mean_of([sum(s.took["cost"] for s in stages[: judging.layer + 1]) for stages in runs])
    arriving = mean_of([len(stages[judging.layer - 1].scores) for stages in runs])
    return took / arriving if arriving else 0.0


def _notes(report: StudyReport, subject: Subject, base: Runs, chosen: Chosen) -> list[str]:
    notes = []
    n_lost = sum(replay.is_missing for replay in base.replays.values())
    if subject.has_run and n_lost:
        notes.append(
            f"{n_lost} of {len(base.replays)} questions that the study ran cannot be replayed: "
            "their calls are damaged, or were made with other prompts or models."
        )
    measured = _measured(base).scores()
    if n_other := sum(subject.measured.get(i, score) != score for i, score in measured.items()):
        notes.append(
            f"The score is not what the study found on {n_other} of {len(measured)} questions: "
            "answers are read or scored in another way since."
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
