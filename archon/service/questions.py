"""From the ``benchmark:`` section of a job to examples, split and checked; nothing is paid here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

import orjson

from archon.benchmarks.examples import Benchmark, Example
from archon.benchmarks.fields import FieldMap
from archon.benchmarks.hub import load_hub
from archon.benchmarks.load import load, shipped
from archon.benchmarks.splits import Split, split
from archon.core.errors import Problem, SpecError
from archon.core.records import HELD_OUT_SPLIT, SEARCH_SPLIT, ExampleRow
from archon.models.wire import BYTES_PER_TOKEN
from archon.scoring.base import Checked, check_examples
from archon.scoring.judge import Asks
from archon.scoring.table import build_scorer
from archon.spec.benchmark_spec import BenchmarkSpec
from archon.world.worlds import WORLDS

N_SIMULATED = 1_000
"""Questions of a simulated world that a benchmark has."""


@dataclass(frozen=True, slots=True)
class Questions:
    """The examples of a job: all of them, and which are for what."""

    benchmark: Benchmark
    split: Split

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is allowed but doubtful, as sentences for the user."""
        return (*self.benchmark.warnings, *self.split.warnings)

    def rows(self) -> tuple[ExampleRow, ...]:
        """The study's own copy of what it asks."""
        return (
            *_rows(SEARCH_SPLIT, self.split.search),
            *_rows(HELD_OUT_SPLIT, self.split.held_out),
        )


def load_benchmark(spec: BenchmarkSpec, *, is_offline: bool = False) -> Benchmark:
    """All examples that the section names; with ``is_offline`` none of them is downloaded.

    Raises:
        SpecError: They cannot be read, or some are wrong.
        SetupError: A package that is needed is not installed.
    """
    if spec.source == "builtin":
        return shipped(spec.location)
    if spec.source == "simulated":
        world = WORLDS[spec.location]
        examples = world.questions.examples(range(N_SIMULATED))
        return Benchmark.of(f"simulated-{spec.location}", examples, source=world.identity)
    if spec.source == "file":
        return load(Path(spec.location), spec.fields, skip_bad_rows=spec.skip_bad_rows)
    return load_hub(
        spec.location,
        spec.fields,
        split=spec.hub_split,
        config=spec.hub_config,
        revision=spec.hub_revision,
        skip_bad_rows=spec.skip_bad_rows,
        is_offline=is_offline,
    )


def question_tokens(benchmark: Benchmark) -> float:
    """Mean length of the questions in tokens, by their bytes."""
    return fmean(
        sum(len(message.content.encode()) for message in example.question) / BYTES_PER_TOKEN
        for example in benchmark.examples
    )


def load_questions(spec: BenchmarkSpec, *, seed: int, is_offline: bool = False) -> Questions:
    """Load, check that every example can be scored, and split.

    Raises:
        SpecError: Examples are wrong, too few, or cannot be scored in the way that is asked for.
        SetupError: A package that is needed is not installed.
    """
    benchmark = load_benchmark(spec, is_offline=is_offline)
    scorer = build_scorer(spec.scorer.to_data(), lambda alias: _Unasked())
    check_scorable(scorer, benchmark, spec.fields)
    divided = split(
        benchmark,
        seed=seed,
        held_out=spec.held_out,
        max_search=spec.max_search,
        max_held_out=spec.max_held_out,
    )
    return Questions(benchmark, divided)


def check_scorable(scorer: Checked, benchmark: Benchmark, fields: FieldMap) -> None:
    """Make sure that all examples can be scored in this way.

    Where no row has the field of the target, that is said once, with the fields that there are.

    Raises:
        SpecError: Some cannot be scored.
    """
    first = benchmark.examples[0]
    lacks_all = not any(example.targets for example in benchmark.examples)
    if lacks_all and scorer.missing(first) and not scorer.missing(replace(first, target="0")):
        there = ", ".join(repr(name) for name in first.metadata)
        other = f" Its rows also have {there}." if there else ""
        message = f"no row has an answer in the field {fields.target!r}.{other}"
        hint = "Name the field: fields: {target: NAME}; or take a scorer without targets (judge)."
        raise SpecError([Problem(message, benchmark.source, hint=hint)])
    check_examples(scorer, benchmark)


class _Unasked(Asks):
    """A judge's model while examples are only looked at."""

    async def ask(self, *_args: object, **_kwargs: object) -> str:
        raise SpecError("a judge was asked before the study began")


def _rows(name: str, examples: tuple[Example, ...]) -> tuple[ExampleRow, ...]:
    return tuple(
        ExampleRow(example.id, name, position, orjson.dumps(example.to_data()).decode())
        for position, example in enumerate(examples)
    )
