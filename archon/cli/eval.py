"""``archon eval``: how good a pipeline file is on questions, with intervals."""

from __future__ import annotations

import math
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archon.cli.options import AsJson, PipelineArgument
from archon.cli.output import err, out, print_json, say, table
from archon.cli.running import Stopped, complete

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from archon.core.results import ExampleResult
    from archon.search.intervals import Interval
    from archon.service.evaluate_file import Evaluation, QuestionSet
    from archon.spec.pipeline_file import PipelineFile


_NUSD_PER_USD = 1_000_000_000


class PartName(StrEnum):
    """The sides of a job's split, for the help."""

    HELD_OUT = "held_out"
    SEARCH = "search"
    ALL = "all"


def evaluate(
    pipeline: PipelineArgument,
    benchmark: Annotated[
        Path,
        typer.Option(
            metavar="FILE", help="A job file, or questions as JSONL, CSV or Parquet (--scorer)."
        ),
    ],
    split: Annotated[
        PartName | None, typer.Option(help="Side of a job's split; held_out by default.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="The first so many questions.")] = None,
    scorer: Annotated[
        str,
        typer.Option(
            metavar="KIND",
            help="For a file of questions: a kind (archon components), or with parameters, as in "
            "a job file: '{kind: exact, read: stated}'.",
        ),
    ] = "",
    max_calls: Annotated[int | None, typer.Option(min=1, help="Most calls to buy.")] = None,
    max_usd: Annotated[float | None, typer.Option(min=0, help="Most dollars to spend.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure a pipeline file on questions, with fresh samples and 95 % intervals.

    Every call is kept: the same command again, also after Ctrl-C, buys only what is missing. Exit
    code 4 where a limit left questions over.
    """
    from archon.core.errors import ArchonError, BudgetExceeded, SetupError, SpecError
    from archon.runtime.budget import Caps
    from archon.service.evaluate_file import PARTS, evaluate_file, question_set
    from archon.service.settings import load_settings
    from archon.spec.pipeline_file import load_pipeline_file
    from archon.store.opening import open_store

    file, settings = load_pipeline_file(pipeline), load_settings()
    part = next((part for part in PARTS if split is not None and part == split.value), None)
    questions = question_set(
        benchmark, part=part, limit=limit, scorer=scorer, is_offline=settings.offline
    )
    if max_usd is not None and not math.isfinite(max_usd):
        raise SpecError(f"--max-usd {max_usd} is no amount of money. Write a number such as 0.50.")
    caps = Caps(calls=max_calls, cost_nusd=None if max_usd is None else int(max_usd * 1e9))
    for warning in (*questions.warnings, *_seen(file, questions)):
        say(f"Note: {warning}")
    counter = _Counter(len(questions.examples))
    try:
        with open_store(settings.database_url.reveal()) as store:
            found = complete(
                evaluate_file(
                    file, questions, store, settings, caps=caps, say=say, on_result=counter.came
                )
            )
    except Stopped as stopped:
        say("Stopped. What was bought is kept; the same command goes on from there.")
        raise typer.Exit(stopped.exit_code) from None
    except ArchonError as error:
        if counter.has_begun or not isinstance(error, SpecError | SetupError):
            say("What was bought is kept; the same command goes on from there.")
        raise
    if as_json:
        print_json(found.to_data())
    else:
        _print(found, file, questions.fingerprint, out())
    if found.n_not_run:
        raise typer.Exit(BudgetExceeded.exit_code)


def _seen(file: PipelineFile, questions: QuestionSet) -> Iterator[str]:
    """Whether the pipeline was chosen for what it did on these very questions."""
    from archon.service.evaluate_file import n_seen_in_search

    found, n_seen = file.provenance, n_seen_in_search(file, questions)
    if n_seen:
        were = "question was" if len(questions.examples) == 1 else "questions were"
        yield (
            f"{n_seen} of these {len(questions.examples)} {were} used in the search that found "
            "this pipeline. It may do worse on others: measure it on questions that it never saw."
        )
    elif n_seen is None and found is not None and found.benchmark == questions.fingerprint:
        yield (
            "an earlier version wrote this file, which does not say which questions its search "
            f"used; some of these may be among them. Export it again: archon export {found.study} "
            f"--trial {found.trial}"
        )


class _Counter:
    """Says how far an evaluation is, every tenth of it."""

    def __init__(self, n: int) -> None:
        self._n = n
        self._came = 0

    @property
    def has_begun(self) -> bool:
        """Whether a question has ended."""
        return self._came > 0

    def came(self, _result: ExampleResult) -> None:
        self._came += 1
        if self._came * 10 // self._n > (self._came - 1) * 10 // self._n:
            say(f"{self._came} of {self._n} questions")


def _print(found: Evaluation, file: PipelineFile, fingerprint: str, console: Console) -> None:
    from archon.cli.report import lost_calls
    from archon.search.objectives import DIRECTIONS
    from archon.service.units import count, duration, interval, usd

    if found.standing is not None:
        claims = _claims(file)
        title = "A question, as deployed (95% intervals)"
        made = table("", "measured", *(["claimed"] if claims else []), title=title)
        for name in DIRECTIONS:
            measured = found.standing.amount(name)
            if name == "cost" and not measured.value:
                continue
            claim = claims.get(name)
            said = [interval(name, claim) if claim else ""] if claims else []
            shown = "latency (s)" if name == "latency" else name
            made.add_row(shown, interval(name, measured), *said)
        console.print(f"{found.standing.n_scored} of {found.n_questions} questions scored")
        console.print(made)
        if claims and file.provenance is not None:
            same = file.provenance.benchmark == fingerprint
            where = "the same benchmark" if same else "another benchmark"
            console.print(
                f"Claimed by study {file.provenance.study} on {file.provenance.n_questions} "
                f"held-out questions of {where}."
            )
    else:
        console.print(f"None of {found.n_questions} questions has a score.")
    for kind, n in sorted(found.faults.items()):
        console.print(f"{n} questions do not count ({kind}); the first, {found.first_fault}")
    if found.n_not_run:
        err().print(f"{found.n_not_run} questions were not run: {found.stopped}.", style="yellow")
    for what, n in sorted(found.degradations.items()):
        console.print(f"Less well than it should: {what} {n} times")
    bought = found.bought
    cost = f" for {usd(bought.cost_nusd / _NUSD_PER_USD)}" if bought.cost_nusd else ""
    console.print(
        f"{count(bought.n_calls)} calls bought{cost}, {count(found.n_reused)} reused, "
        f"{count(bought.tokens)} tokens bought, {duration(found.elapsed_s)}"
    )
    if bought.n_uncertain:
        console.print(f"  {lost_calls(bought.n_uncertain, is_free=bought.is_free)}")


def _claims(file: PipelineFile) -> dict[str, Interval]:
    from archon.search.intervals import Interval

    names = {"cost_usd": "cost", "latency_s": "latency"}
    metrics = file.provenance.metrics if file.provenance is not None else ()
    return {
        names.get(metric.name, metric.name): Interval(metric.value, metric.low, metric.high)
        for metric in metrics
    }
