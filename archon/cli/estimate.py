"""``archon estimate``: the size of a job, its calls and cost, and what it could show."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from archon.cli.options import AsJson, JobFile
from archon.cli.output import err, out, print_json, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archon.search.estimate import Estimate, Spread, Totals
    from archon.spec.job import JobSpec


def estimate(job: JobFile, as_json: AsJson = False) -> None:
    """Say how large a job's space is, what it would take, and the smallest gain it could show.

    Figures are upper bounds: nothing reused, every completion as long as it may be.
    """
    from archon.service.estimate_job import estimate_job
    from archon.service.prepare import prepare
    from archon.service.settings import load_settings
    from archon.spec.job import load_job

    prepared = prepare(load_job(job))
    found = estimate_job(prepared, load_settings())
    split = prepared.questions.split
    if as_json:
        n_questions = {"search": len(split.search), "held_out": len(split.held_out)}
        print_json({"questions": n_questions, "is_exact": found.is_exact, **asdict(found)})
        return
    console = out()
    console.print(
        f"Job {prepared.job.name}: {len(split.search)} questions to search with, "
        f"{len(split.held_out)} held out."
    )
    console.print(_size(found))
    made = table(
        "a question, at most", "least", "median", "most", right=("least", "median", "most")
    )
    for name, cells in _rows(found):
        made.add_row(name, *cells)
    console.print()
    console.print(made)
    console.print(
        f"Replies that cannot be read are asked for again: at most {found.max_repairs} more calls."
    )
    console.print()
    for line in _totals(found, prepared.job):
        console.print(line)
    for line in _power(found, prepared.job.finalists, len(split.held_out)):
        console.print(line)
    for warning in prepared.warnings:
        err().print(f"Note: {warning}", style="yellow")


def _size(found: Estimate) -> str:
    if found.n_pipelines is not None:
        return f"The space holds {found.n_pipelines:,} different pipelines."
    ways = "without end" if found.n_walks is None else f"of at most {found.n_walks:,} pipelines"
    return f"A space {ways}; the figures below come from {found.n_looked_at:,} of them."


def _rows(found: Estimate) -> Iterator[tuple[str, list[str]]]:
    from archon.service.units import number

    def cells(spread: Spread) -> list[float]:
        return [spread.low, spread.median, spread.high]

    yield "calls", [f"{value:,.0f}" for value in cells(found.calls)]
    yield "tokens", [f"{value:,.0f}" for value in cells(found.tokens)]
    if found.cost_usd is None:
        yield "cost", ["?", "?", "a model has no price"]
    elif found.cost_usd.high:
        yield "cost", [number("cost", value) for value in cells(found.cost_usd)]


def _totals(found: Estimate, job: JobSpec) -> Iterator[str]:
    from archon.service.check_file import budget_in_words

    if found.typical is not None and found.most is not None:
        yield f"The whole job, with pipelines of average size: {_total(found.typical)}."
        yield f"With the dearest pipelines of the space:       {_total(found.most)}."
        yield "Pipelines that begin alike share calls, so that a search takes less than that."
    yield f"Its budget: {budget_in_words(job.budget)}. It is never passed."


def _total(totals: Totals) -> str:
    from archon.service.units import usd

    said = f"{totals.calls:,.0f} calls, {totals.tokens:,.0f} tokens"
    return f"{said}, {usd(totals.cost_usd)}" if totals.cost_usd else said


def _power(found: Estimate, n_finalists: int, n_held_out: int) -> Iterator[str]:
    points = 100 * found.smallest_difference
    yield ""
    if found.smallest_difference >= 1:
        yield f"{n_held_out} held-out questions cannot show any difference. Bring more."
        return
    yield f"Smallest gain over the best single call that would show: {points:.0f} points."
    yield (
        f"  ({n_held_out} held-out questions, {n_finalists} finalists at 95 % together, in four "
        f"studies of five, where two pipelines"
    )
    yield (
        f"  disagree on {found.assumed_discordance:.0%} of the questions; where they disagree "
        "less, smaller gains show.)"
    )
