"""A pipeline of a study that is to be explained, and what it is explained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from archon.benchmarks.examples import Example
from archon.components.canonical import canonical
from archon.core.architecture import Architecture
from archon.core.records import HELD_OUT_SPLIT, StudyReader
from archon.core.results import ExampleResult
from archon.explain.gaps import Amounts
from archon.runtime.asking import ModelAsks
from archon.runtime.recorded import Recorded
from archon.scoring.table import build_scorer
from archon.search.objectives import score_of
from archon.service.assemble import card_of
from archon.service.replay import Replayer
from archon.service.settings import Settings
from archon.spec.job import JobSpec
from archon.spec.model_spec import ModelSpec

_NUSD_PER_USD = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Subject:
    """A pipeline with the held-out questions that it is explained on.

    Never those of the search: they chose it, so what they say of it is too kind.
    """

    job: JobSpec
    architecture: Architecture
    """In canonical form."""
    examples: tuple[Example, ...]
    """In the order in which a study runs them; without those where its run failed."""
    has_run: bool
    """Whether the study ran it on them; else nothing but what others share is recorded."""
    measured: Mapping[str, float]
    """What the study found: the scores of these questions, by example id; empty if it never ran."""
    usual_call: Amounts | None
    """What one of its calls took on average in the search, for estimates alone; None where it was
    not searched."""

    @property
    def models(self) -> tuple[ModelSpec, ...]:
        """The models that it asks, and the judge's."""
        judge = dict(self.job.benchmark.scorer.params).get("model")
        wanted = {*self.architecture.models(), judge}
        return tuple(model for model in self.job.models if model.alias in wanted)


def subject_of(
    reader: StudyReader, study_id: str, job: JobSpec, architecture: Architecture
) -> Subject:
    """Read what a pipeline is explained on.

    Those held-out questions on which the study ran it; all of them where it never did.
    """
    whole = canonical(architecture)
    results = reader.results(study_id, whole.pipeline_id(), split=HELD_OUT_SPLIT)
    ran = {result.example_id for result in results}
    scores = {result.example_id: score_of(result) for result in results}
    measured = {i: score for i, score in scores.items() if score is not None}
    rows = reader.examples(study_id, split=HELD_OUT_SPLIT)
    wanted = [row for row in rows if row.example_id in measured or not ran]
    return Subject(
        job=job,
        architecture=whole,
        examples=tuple(Example.from_data(orjson.loads(row.row_json)) for row in wanted),
        has_run=bool(ran),
        measured=measured,
        usual_call=_usual_call(reader.results(study_id, whole.pipeline_id())),
    )


def _usual_call(results: Sequence[ExampleResult]) -> Amounts | None:
    took = [result.deployed for result in results]
    n = sum(one.calls for one in took)
    if not n:
        return None
    nusd = sum(one.cost_nusd for one in took)
    return Amounts(1.0, sum(one.tokens for one in took) / n, nusd / n / _NUSD_PER_USD)


def replayer_of(subject: Subject, reader: StudyReader, settings: Settings) -> Replayer:
    """What runs pipelines from the recorded calls of a store.

    Raises:
        SetupError: A package is missing that is needed to know a model.
    """
    cards = {model.alias: card_of(model, settings) for model in subject.models}
    client = Recorded(reader)
    scorer = subject.job.benchmark.scorer.to_data()
    judge = build_scorer(scorer, lambda alias: ModelAsks(client, cards[alias]))
    return Replayer(client, cards, judge)
