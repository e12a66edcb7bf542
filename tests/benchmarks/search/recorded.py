"""A table of real calls: the quickstart's pipelines, recorded once with the embedded engine.

``record.py`` writes it anew. What is true is not known here as it is of a simulated world: a study
is judged by the recorded questions that it does not see, each of them asked several times.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archon.benchmarks.examples import Example
from archon.core.calls import ModelCard, ModelClient, Price
from archon.core.errors import SetupError
from archon.service.questions import load_benchmark
from archon.spec.job import load_job
from tests.benchmarks.search.arena import study_questions
from tests.benchmarks.search.build import Arrays
from tests.benchmarks.search.spaces import FOLDER, BenchSpace, space_of
from tests.benchmarks.search.table import Table, table_of

RECORDED = ("quickstart",)
"""Tasks with a recorded table."""
JOBS = FOLDER.parents[2] / "search_spaces"
FILES = FOLDER / "recorded"
HOW_TO_RECORD = "Record it anew: python -m tests.benchmarks.search.record"

TYPES = {
    "scores": np.uint8,
    "n_calls": np.int32,
    "prompt_tokens": np.int32,
    "completion_tokens": np.int32,
    "cost_nusd": np.int64,
    "latency_s": np.float64,
    "node_sizes": np.int32,
    "node_requests": np.int32,
    "request_prompt": np.int32,
    "request_cost": np.int64,
    "request_sizes": np.int32,
    "request_calls": np.int32,
    "call_tokens": np.int32,
    "call_cost": np.int64,
    "n_right": np.int32,
    "n_asked": np.int32,
}
"""What stands in a table once it is loaded; in the file numbers are as narrow as they can be."""


@dataclass(frozen=True, slots=True)
class RealModel:
    """A model of the job, by its alias."""

    name: str
    price: Price


@dataclass(frozen=True, slots=True)
class Shipped:
    """The questions of a benchmark, numbered in the order of its file."""

    all: tuple[Example, ...]

    def example(self, number: int) -> Example:
        """One of them."""
        return self.all[number]

    def examples(self, numbers: Sequence[int]) -> tuple[Example, ...]:
        """Several."""
        return tuple(self.all[number] for number in numbers)


@dataclass(frozen=True)
class RealTask:
    """A benchmark with real models, where other tables have a simulated world."""

    identity: str
    questions: Shipped
    models: tuple[RealModel, ...]
    answering: ModelClient | None = None
    """Answers while a table is recorded; None: nobody does, what was said is in the table."""
    cards: Mapping[str, ModelCard] = field(default_factory=dict)

    def client(self, name: str) -> ModelClient:
        """What answers as a model."""
        if self.answering is None:
            raise LookupError(f"{self.identity} is recorded: nobody answers as {name!r}")
        return self.answering

    def card(self, name: str) -> ModelCard:
        """What the runtime needs to know of a model."""
        return self.cards[name]


@dataclass(frozen=True)
class RecordedTable(Table):
    """A table of real calls, with what is known of its truth."""

    rates: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0)))
    """Share of right answers of each pipeline on each question, over all times that it was asked;
    shape (n_pipelines, n_questions)."""


def real_space(name: str) -> BenchSpace:
    """The pipelines of a shipped job file, with nobody to answer."""
    job = load_job(JOBS / f"{name}.yaml")
    benchmark = load_benchmark(job.benchmark)
    models = tuple(RealModel(model.alias, model.price or Price()) for model in job.models)
    return space_of(job, RealTask(benchmark.fingerprint, Shipped(benchmark.examples), models))


def save(
    space: BenchSpace,
    n_questions: int,
    arrays: Arrays,
    facts: Mapping[str, Any],
    *,
    folder: Path = FILES,
) -> Path:
    """Write a table of the first questions, and beside it what is to be known of its making."""
    folder.mkdir(exist_ok=True)
    file = folder / f"{space.job.name}.npz"
    narrow = {name: _narrow(arrays[name]) for name in TYPES}
    of = {"pipelines": np.array(list(space.places)), "benchmark": np.array(space.world.identity)}
    of["n_questions"] = np.array(n_questions)
    np.savez_compressed(file, **narrow, **of)  # type: ignore[arg-type]
    file.with_suffix(".json").write_text(json.dumps(facts, indent=2) + "\n")
    return file


def load_recorded(name: str) -> RecordedTable:
    """The table of a recorded task; its quality is the share of right answers on all questions.

    Raises:
        SetupError: The job's pipelines or questions are not those that were recorded.
    """
    space, file = real_space(name), FILES / f"{name}.npz"
    with np.load(file) as stored:
        arrays = {key: stored[key].astype(kind) for key, kind in TYPES.items()}
        pipelines, benchmark = stored["pipelines"].tolist(), str(stored["benchmark"])
        n_questions = int(stored["n_questions"])
    if pipelines != list(space.places):
        raise SetupError(f"{file.name} holds other pipelines than {name}.yaml. {HOW_TO_RECORD}")
    if benchmark != space.world.identity:
        raise SetupError(f"{file.name} is of other questions than {name}.yaml. {HOW_TO_RECORD}")
    rates = arrays["n_right"] / arrays["n_asked"]
    arrays["quality"] = rates.mean(axis=1)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:12]
    table = table_of(space, range(n_questions), arrays, name=f"{name}-{digest}")
    return RecordedTable(
        **{one.name: getattr(table, one.name) for one in fields(table)}, rates=rates
    )


def judged_by_unseen(table: RecordedTable, seed: int) -> RecordedTable:
    """The table with the quality by which the study of a seed is judged.

    That is the share of right answers on the questions that this study does not see: a truth that
    is noisy itself (``doubt``).
    """
    return replace(table, quality=table.rates[:, _unseen(table, seed)].mean(axis=1))


def doubt(table: RecordedTable, seed: int) -> tuple[int, float]:
    """How many questions the study of a seed sees, and how well the others know what is true.

    The latter is half of a 95 % interval, in points of 100, for the difference between the best
    pipeline and another one: the median over the others.
    """
    unseen = _unseen(table, seed)
    rates = table.rates[:, unseen]
    best = rates.mean(axis=1).argmax()
    apart = np.delete(rates[best] - rates, best, axis=0).std(axis=1) / math.sqrt(len(unseen))
    return len(table.numbers) - len(unseen), 196.0 * float(np.median(apart))


def regret_of_seeing_all(table: RecordedTable, seed: int) -> float:
    """Of who runs every pipeline on every question of a study, in points of 100.

    What is best on some questions is seldom best on others: no search does much better.
    """
    seen = list(study_questions(table, seed))
    named = int(table.figures.scores[:, seen].mean(axis=1).argmax())
    truth = judged_by_unseen(table, seed).quality
    return 100.0 * float(truth.max() - truth[named])


def _unseen(table: Table, seed: int) -> list[int]:
    seen = set(study_questions(table, seed))
    return [place for place in range(len(table.numbers)) if place not in seen]


def _narrow(numbers: NDArray[Any]) -> NDArray[Any]:
    """The same with as few bytes each as they need; seconds are kept to three digits and more."""
    if numbers.dtype.kind == "f":
        return numbers.astype(np.float32)
    return numbers.astype(np.min_scalar_type(int(numbers.max())))
