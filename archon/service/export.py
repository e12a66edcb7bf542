"""From a study to one pipeline file."""

from __future__ import annotations

import math
import shlex
from pathlib import Path
from typing import Literal, get_args

import orjson

from archon.benchmarks.examples import Example
from archon.benchmarks.seen import digests_of
from archon.components.estimate_calls import estimate_calls
from archon.core.architecture import Architecture
from archon.core.errors import NotFound
from archon.core.messages import Conversation, last_question
from archon.core.records import HELD_OUT_SPLIT, SEARCH_SPLIT, ExampleRow, StudyReader
from archon.search.at_most import AtMost
from archon.search.intervals import Interval
from archon.search.judgement import Judgement, Standing
from archon.service.report import StudyReport
from archon.service.version import code_version
from archon.spec.pipeline_file import PipelineFile, prompt_digests
from archon.spec.provenance import Metric, Provenance

Rule = Literal["best", "cheapest", "baseline"]
"""best: the winner, else the best single call; cheapest: the cheapest that was shown to be better
than the best single call and cannot be told apart from the winner, else the cheapest that cannot
be told apart from the best single call; baseline: the best single call."""

_NO_CEILING = AtMost()

RULES: tuple[Rule, ...] = get_args(Rule)


def export_by_rule(
    report: StudyReport, reader: StudyReader, rule: Rule, *, within: float | None = None
) -> PipelineFile:
    """The pipeline that a rule picks from a finished study.

    Args:
        report: The study's.
        reader: The store's.
        rule: What is picked.
        within: For ``cheapest``: score points that may be given away against the best score, in
            place of being indistinguishable from the winner.

    Raises:
        NotFound: The study has no held-out results to pick by.
    """
    if report.final is None:
        raise NotFound(
            f"study {report.study.study_id} has no held-out results yet. Finish it with "
            "`archon search`, or name a trial: archon export STUDY --trial N"
        )
    judgement = report.final.judgement
    at_most = report.job.at_most
    standing = _picked(judgement, rule, within, at_most)
    if standing is None and any(one.n_scored for one in judgement.standings):
        raise NotFound(
            f"no pipeline of study {report.study.study_id} keeps to at_most on the held-out "
            "questions. Take one without --within, or name a trial: archon export STUDY --trial N"
        )
    if standing is None:
        raise NotFound(
            f"study {report.study.study_id} scored no pipeline. See: archon show "
            f"{report.study.study_id}"
        )
    line = report.trial_of(standing.pipeline_id)
    return _file(report, reader, line.number, judgement.coverage)


def export_trial(report: StudyReport, reader: StudyReader, number: int) -> PipelineFile:
    """The pipeline of one trial, with its held-out figures where it was a finalist.

    Raises:
        NotFound: There is no such trial.
    """
    coverage = report.final.judgement.coverage if report.final else 0.95
    return _file(report, reader, number, coverage)


def how_to_ask(file: Path, made: PipelineFile, reader: StudyReader) -> str:
    """The command that asks an exported file, with a question that its models can answer.

    Simulated models know their world's questions only: one that the search did not see.
    """
    question = "a question"
    if made.provenance is not None and any(m.backend == "simulated" for m in made.models):
        for row in reader.examples(made.provenance.study, split=HELD_OUT_SPLIT, limit=1):
            question = last_question(_question(row))
    return shlex.join(("archon", "ask", str(file), question))


def _picked(
    judgement: Judgement, rule: Rule, within: float | None, at_most: AtMost
) -> Standing | None:
    if rule == "cheapest" and within is not None:
        return cheapest_within(judgement, within, at_most)
    if rule == "cheapest" and judgement.frugal is not None:
        frugal = judgement.frugal.pipeline_id
        return next(one for one in judgement.finalists if one.pipeline_id == frugal)
    if rule == "baseline" or judgement.winner is None:
        return judgement.baseline
    return judgement.winner


def cheapest_within(
    judgement: Judgement, points: float, at_most: AtMost = _NO_CEILING
) -> Standing | None:
    """The cheapest whose mean score on the held-out questions is at most so far below the best.

    By the means as they are: how sure that is, their intervals say.

    Args:
        judgement: The study's.
        points: In score points, 0.01 for one in a hundred.
        at_most: What passes one of these ceilings there is neither the best nor taken.
    """
    kept = [one for one in judgement.standings if not passed_by(at_most, one)]
    best = max((one.quality.value for one in kept), default=0.0)
    # As far as floats can tell: 0.80 - 0.79 is a little more than 0.01.
    close = [o for o in kept if best - o.quality.value <= points + 1e-9]
    price = judgement.price
    return min(close, key=lambda o: (o.amount(price).value, -o.quality.value), default=None)


def passed_by(at_most: AtMost, standing: Standing) -> str:
    """Which ceilings a pipeline passes on the held-out questions, as a clause; "" for none."""
    return at_most.passed_at(lambda name: standing.amount(name).value)


def _question(row: ExampleRow) -> Conversation:
    return Example.from_data(orjson.loads(row.row_json)).question


def _file(report: StudyReport, reader: StudyReader, number: int, coverage: float) -> PipelineFile:
    study_id = report.study.study_id
    row = reader.trial(study_id, number)
    architecture = row.proposal.architecture
    standing = _standing_of(report, row.proposal.pipeline_id)
    used = set(architecture.models())
    return PipelineFile(
        architecture=architecture,
        models=tuple(model for model in report.job.models if model.alias in used),
        name=_name(report, architecture),
        prompts=prompt_digests(architecture),
        provenance=Provenance(
            study=study_id,
            trial=row.number,
            benchmark=report.study.benchmark_fingerprint,
            n_questions=standing.n_scored if standing else 0,
            coverage=coverage,
            metrics=_metrics(standing, has_times=_has_times(report)) if standing else (),
            code_version=code_version(),
            searched_on=digests_of(map(_question, reader.examples(study_id, split=SEARCH_SPLIT))),
        ),
    )


def _name(report: StudyReport, architecture: Architecture) -> str:
    is_single = estimate_calls(architecture).calls.high == 1
    return f"{report.study.name}: single call" if is_single else report.study.name


def _standing_of(report: StudyReport, pipeline_id: str) -> Standing | None:
    if report.final is None:
        return None
    judgement = report.final.judgement
    known = (*([judgement.baseline] if judgement.baseline else []), *judgement.finalists)
    return next((one for one in known if one.pipeline_id == pipeline_id), None)


def _has_times(report: StudyReport) -> bool:
    """Whether the file states times: measured ones would be others each time."""
    return not (report.job.is_deterministic and report.job.has_real_times)


def _metrics(standing: Standing, *, has_times: bool) -> tuple[Metric, ...]:
    found: dict[str, Interval] = {
        "quality": standing.quality,
        "cost_usd": standing.cost,
        "calls": standing.calls,
        "tokens": standing.tokens,
    }
    if has_times:
        found["latency_s"] = standing.latency
    # An interval without an end (one question) says nothing that a file could state.
    return tuple(
        Metric(name, one.value, one.low, one.high)
        for name, one in found.items()
        if math.isfinite(one.low) and math.isfinite(one.high)
    )
