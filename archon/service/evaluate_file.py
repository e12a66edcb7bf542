"""Measures a pipeline file on questions, with samples of its own: ``archon eval``.

Completions are bought once here too: the same evaluation again, or one that was cut off, pays only
for what is missing.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

from archon.benchmarks.examples import Benchmark, Example
from archon.benchmarks.fields import FieldMap
from archon.benchmarks.load import load
from archon.benchmarks.seen import count_seen
from archon.benchmarks.splits import blocks
from archon.components.table import suggest
from archon.core.errors import SpecError
from archon.core.records import EVALUATION
from archon.core.results import ExampleResult
from archon.runtime.budget import Budget, Caps
from archon.runtime.failures import first_cause
from archon.scoring.table import SCORERS, asks_model, build_scorer, problems_of
from archon.search.evaluate import Evaluator, Unit, without_traces
from archon.search.judgement import Standing
from archon.search.objectives import Measured
from archon.search.winner import standing_of
from archon.service.assemble import SharedEngine, open_evaluator
from archon.service.counted_calls import Bought, CountedCalls
from archon.service.needs import unpriced
from archon.service.prepare import prepare
from archon.service.questions import check_scorable
from archon.service.settings import Settings
from archon.spec.benchmark_spec import ScorerSpec
from archon.spec.job import load_job
from archon.spec.model_spec import ModelSpec
from archon.spec.pipeline_file import PipelineFile
from archon.spec.yaml_source import parse_document
from archon.store.opening import Store

Part = Literal["held_out", "search", "all"]
PARTS: tuple[Part, ...] = get_args(Part)

BLOCK_SIZE = 10
QUESTIONS_IN_FLIGHT = 16
_JOB_SUFFIXES = (".yaml", ".yml", ".json")

Say = Callable[[str], None]
_NUSD_PER_USD = 1_000_000_000


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """What a pipeline is measured on."""

    examples: tuple[Example, ...]
    scorer: ScorerSpec
    fingerprint: str
    """Of the benchmark that the examples come from."""
    warnings: tuple[str, ...] = ()
    judges: tuple[ModelSpec, ...] = ()
    """The models that the scorer asks."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What came of it."""

    standing: Standing | None
    """Quality, cost, calls, tokens and latency a question with intervals; None: nothing scored."""
    n_questions: int
    n_not_run: int
    """Questions that the budget left no room for."""
    stopped: str
    """Which limit that was; "" if none."""
    faults: Mapping[str, int]
    """Questions that do not count, by what failed."""
    first_fault: str
    degradations: Mapping[str, int]
    bought: Bought
    n_reused: int
    """Calls of the questions that ran which were stored already."""
    elapsed_s: float
    n_seen: int | None = None
    """Questions that the search which found the pipeline used; None: its file does not say."""

    def to_data(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "n_questions": self.n_questions,
            "n_seen_in_search": self.n_seen,
            "n_not_run": self.n_not_run,
            "stopped": self.stopped,
            "standing": None if self.standing is None else self.standing.to_data(),
            "faults": dict(self.faults),
            "first_fault": self.first_fault,
            "degradations": dict(self.degradations),
            "n_bought": self.bought.n_calls,
            "n_reused": self.n_reused,
            "bought": {
                "calls": self.bought.n_calls,
                "tokens": self.bought.tokens,
                "cost_usd": self.bought.cost_nusd / _NUSD_PER_USD,
                "n_uncertain": self.bought.n_uncertain,
            },
            "elapsed_s": round(self.elapsed_s, 3),
        }


def question_set(
    path: Path,
    *,
    part: Part | None = None,
    limit: int | None = None,
    scorer: str = "",
    is_offline: bool = False,
) -> QuestionSet:
    """The questions of a job file, or of a file of questions.

    Args:
        path: A job file (its ``benchmark:`` section), or a JSONL, CSV or Parquet file.
        part: Which side of a job's split; by default the held-out one.
        limit: The first so many of them.
        scorer: For a file of questions: the scorer's kind, or as in a job file, e.g.
            ``{kind: exact, read: stated}``.
        is_offline: Whether questions that are not here yet may not be downloaded.

    Raises:
        SpecError: Something is wrong with the file or the questions, or does not go together.
        SetupError: A package that is needed is not installed.
    """
    if _is_job(path):
        found = _of_job(path, part or "held_out", scorer, is_offline=is_offline)
    else:
        found = _of_file(path, part, scorer)
    if limit is None:
        return found
    return replace(found, examples=found.examples[:limit])


async def evaluate_file(
    file: PipelineFile,
    questions: QuestionSet,
    store: Store,
    settings: Settings,
    *,
    caps: Caps,
    say: Say,
    on_result: Callable[[ExampleResult], None] = lambda result: None,
    shared: SharedEngine | None = None,
) -> Evaluation:
    """Run every question, many at once.

    Args:
        file: The pipeline.
        questions: What it is asked.
        store: Where completions are kept.
        settings: Where keys and folders are.
        caps: Limits of this run; a deadline counts from now.
        say: Told what happens, a line at a time.
        on_result: Told of every result.
        shared: An embedded engine that outlives the run.

    Raises:
        ArchonError: The database, a key or a model is missing, no model could be reached, or money
            is limited and a price is unknown.
    """
    began_s = time.monotonic()
    budget, bought = Budget(caps, time.monotonic), Bought()
    models = _with_judges(file.models, questions.judges)
    if caps.cost_nusd is not None:
        _check_prices(models, settings)
    async with open_evaluator(
        models,
        questions.scorer,
        settings,
        calls=CountedCalls(store.calls(), bought),
        budget=budget,
        questions_in_flight=QUESTIONS_IN_FLIGHT,
        say=say,
        shared=shared,
    ) as evaluator:
        results, stopped = await _run(file, questions.examples, evaluator, on_result)
    found = _summed_up(file, questions.examples, results, stopped)
    return replace(
        found,
        bought=bought,
        elapsed_s=time.monotonic() - began_s,
        n_seen=n_seen_in_search(file, questions),
    )


def n_seen_in_search(file: PipelineFile, questions: QuestionSet) -> int | None:
    """How many of the questions the search used that found the pipeline; None: nobody knows."""
    if file.provenance is None or not file.provenance.searched_on:
        return None
    return count_seen(file.provenance.searched_on, questions.examples)


async def _run(
    file: PipelineFile,
    examples: Sequence[Example],
    evaluator: Evaluator,
    on_result: Callable[[ExampleResult], None],
) -> tuple[list[ExampleResult], str]:
    architecture = file.architecture
    results: list[ExampleResult] = []
    stopped = ""

    async def run(block: tuple[Example, ...]) -> None:
        nonlocal stopped
        unit = Unit(architecture.pipeline_id(), architecture, EVALUATION, block)
        end = await evaluator.evaluate(unit)
        results.extend(without_traces(end.results))
        stopped = stopped or end.stopped
        for result in end.results:
            on_result(result)

    try:
        async with asyncio.TaskGroup() as group:
            for block in blocks(examples, BLOCK_SIZE):
                group.create_task(run(block))
    except ExceptionGroup as failures:
        raise first_cause(failures) from failures
    return results, stopped


def _summed_up(
    file: PipelineFile,
    examples: Sequence[Example],
    results: Sequence[ExampleResult],
    stopped: str,
) -> Evaluation:
    order = {example.id: i for i, example in enumerate(examples)}
    ordered = sorted(results, key=lambda result: order[result.example_id])
    measured = Measured(file.architecture.pipeline_id(), file.architecture, tuple(ordered))
    faulty = [r for r in ordered if r.status in ("infra_fault", "scorer_fault")]
    degradations: Counter[str] = Counter()
    for result in ordered:
        degradations.update(dict(result.degradations))
    return Evaluation(
        standing=standing_of(measured) if measured.n_scored else None,
        n_questions=len(examples),
        n_not_run=len(examples) - len(ordered),
        stopped=stopped,
        faults=Counter(result.status for result in faulty),
        first_fault=f"{faulty[0].example_id}: {faulty[0].error}" if faulty else "",
        degradations=degradations,
        bought=Bought(),
        n_reused=sum(result.deployed.calls - result.bought.calls for result in ordered),
        elapsed_s=0.0,
    )


def _is_job(path: Path) -> bool:
    return path.suffix.lower() in _JOB_SUFFIXES


def _of_job(path: Path, part: Part, scorer: str, *, is_offline: bool) -> QuestionSet:
    if scorer:
        raise SpecError(f"{path} is a job file and names its scorer. Leave --scorer out.")
    prepared = prepare(load_job(path), is_offline=is_offline)
    questions, job = prepared.questions, prepared.job
    sides = {
        "held_out": questions.split.held_out,
        "search": questions.split.search,
        "all": questions.benchmark.examples,
    }
    judge = dict(job.benchmark.scorer.params).get("model")
    return QuestionSet(
        examples=sides[part],
        scorer=job.benchmark.scorer,
        fingerprint=questions.benchmark.fingerprint,
        warnings=questions.warnings,
        judges=tuple(model for model in job.models if model.alias == judge),
    )


def _of_file(path: Path, part: Part | None, scorer: str) -> QuestionSet:
    benchmark: Benchmark = load(path)  # a file that is not there is the first thing to be said
    usable = [kind for kind in SCORERS if not asks_model(kind)]
    if not scorer:
        message = f"{path} is a file of questions and does not say how answers are scored. "
        raise SpecError(message + f"Add --scorer, one of: {', '.join(usable)}.")
    described = _described(scorer)
    kind = str(described.get("kind"))
    if kind not in usable:
        hint = suggest(kind, usable)
        if kind in SCORERS:
            hint = "It asks a model: write a job file with it, and give that as --benchmark."
        raise SpecError(f"--scorer {kind!r} cannot be used with a file of questions. {hint}")
    if wrong := problems_of(described):
        raise SpecError([replace(problem, file="--scorer") for problem in wrong])
    if part not in (None, "all"):
        raise SpecError(f"{path} is not split; --split belongs to a job file. Leave it out.")
    check_scorable(build_scorer(described), benchmark, FieldMap())
    params = tuple(sorted((name, value) for name, value in described.items() if name != "kind"))
    return QuestionSet(
        benchmark.examples, ScorerSpec(kind, params), benchmark.fingerprint, benchmark.warnings
    )


def _described(scorer: str) -> dict[str, object]:
    """A scorer's kind alone, or its description as it stands in a job file."""
    if not scorer.lstrip().startswith("{"):
        return {"kind": scorer}
    data = parse_document(scorer.encode(errors="surrogateescape"), "--scorer").data
    if "kind" not in data:
        raise SpecError("--scorer: the kind is missing. Write e.g. {kind: exact, read: stated}.")
    return data


def _check_prices(models: Sequence[ModelSpec], settings: Settings) -> None:
    """A model that cannot run here at all is left to those who open it."""
    for alias in unpriced(models, settings):
        raise SpecError(
            f"money is limited, and nobody knows the price of the model {alias!r}. "
            "Give it one in the pipeline file: "
            "price: {input_usd_per_mtok: 0.0, output_usd_per_mtok: 0.0} with its numbers."
        )


def _with_judges(
    models: tuple[ModelSpec, ...], judges: tuple[ModelSpec, ...]
) -> tuple[ModelSpec, ...]:
    known = {model.alias: model for model in models}
    for judge in judges:
        if known.get(judge.alias, judge) != judge:
            raise SpecError(
                f"the pipeline and the job's judge both call a model {judge.alias!r}, and mean "
                "different ones. Rename one of the two."
            )
        known[judge.alias] = judge
    return tuple(known.values())
