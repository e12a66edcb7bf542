"""``archon estimate``: the size of a job, its calls and cost, and what it could show."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from archon.cli.options import AsJson, JobFile
from archon.cli.output import err, out, print_json, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archon.search.estimate import Estimate, Spread, Totals
    from archon.search.samplers.table import SamplerKind
    from archon.service.budget_fit import BudgetFit
    from archon.spec.job import JobSpec


_UNITS = {"calls": "calls", "tokens": "tokens", "usd": "dollars"}


def estimate(job: JobFile, as_json: AsJson = False) -> None:
    """Say how large a job's space is, what it would take, and the smallest gain it could show.

    Upper bounds (nothing reused, every completion as long as it may be), and beside them what is
    likely: replies as long as those of these models that are recorded here, or else as usual.
    """
    from archon.service.budget_fit import fit
    from archon.service.estimate_job import estimate_job
    from archon.service.prepare import prepare
    from archon.service.settings import load_settings
    from archon.spec.job import load_job

    settings = load_settings()
    prepared = prepare(load_job(job), is_offline=settings.offline)
    found = estimate_job(prepared, settings)
    split = prepared.questions.split
    paid = fit(found, prepared.job.budget)
    if as_json:
        n_questions = {"search": len(split.search), "held_out": len(split.held_out)}
        data = {"questions": n_questions, "is_exact": found.is_exact, **asdict(found)}
        print_json(data | {"budget": None if paid is None else asdict(paid)})
        return
    console = out()
    console.print(
        f"Job {prepared.job.name}: {len(split.search)} questions to search with, "
        f"{len(split.held_out)} held out."
    )
    console.print(_size(found))
    made = table("a question", "least", "median", "most", right=("least", "median", "most"))
    for name, cells in _rows(found):
        made.add_row(name, *cells)
    console.print()
    console.print(made)
    console.print(
        f"Replies that cannot be read are asked for again: at most {found.max_repairs} more calls."
    )
    console.print(_likely(found))
    if found.judge_calls:
        console.print(f"The scorer asks its model {found.judge_calls} times a question on top.")
    console.print()
    for line in _totals(found, prepared.job.sampler):
        console.print(line)
    for line in _budget(paid, prepared.job):
        console.print(line)
    for line in _power(found, prepared.job.finalists, len(split.held_out)):
        console.print(line)
    for warning in (*_beyond(paid, prepared.job), *prepared.warnings):
        err().print(f"Note: {warning}", style="yellow")


def _beyond(paid: BudgetFit | None, job: JobSpec) -> Iterator[str]:
    """What the budget does not allow, as sentences."""
    if paid is None:
        return
    if paid.n_trials < 1:
        yield f"the {_UNITS[paid.limit]} of the budget may end the search within its first trial."
    elif paid.exceeded:
        limits = " and ".join(_UNITS[name] for name in paid.exceeded)
        of = "" if job.budget.trials is None else f" of {job.budget.trials:,}"
        yield (
            f"the whole job is likely to take more {limits} than its budget "
            f"has, which ends the search after some {paid.n_trials:,}{of} trials."
        )


def _size(found: Estimate) -> str:
    from archon.service.units import counted

    if found.n_pipelines is not None:
        said = f"The space holds {counted(found.n_pipelines, 'different pipeline')}."
        others = (found.n_walks or 0) - found.n_pipelines
        if others <= 0:
            return said
        return (
            f"{said} The other {others:,} of its {found.n_walks:,} combinations are equal to one "
            "of them, or cannot run."
        )
    ways = "without end" if found.n_walks is None else f"of at most {found.n_walks:,} pipelines"
    return f"A space {ways}; the figures below come from {found.n_looked_at:,} of them."


def _rows(found: Estimate) -> Iterator[tuple[str, list[str]]]:
    from archon.service.units import number

    def cells(spread: Spread) -> list[float]:
        return [spread.low, spread.median, spread.high]

    yield "calls, at most", [f"{value:,.0f}" for value in cells(found.calls)]
    yield "tokens, likely", [f"{value:,.0f}" for value in cells(found.likely_tokens)]
    yield "tokens, at most", [f"{value:,.0f}" for value in cells(found.tokens)]
    if found.cost_usd is None or found.likely_cost_usd is None:
        yield "cost", ["?", "?", "a model has no price"]
    elif found.cost_usd.high:
        yield "cost, likely", [number("cost", value) for value in cells(found.likely_cost_usd)]
        yield "cost, at most", [number("cost", value) for value in cells(found.cost_usd)]


def _likely(found: Estimate) -> str:
    """Where the likely figures come from."""
    if found.n_recorded:
        return (
            f"Likely: replies as long as in {found.n_recorded:,} recorded calls of these models; "
            "of what they were not asked yet, of a usual length."
        )
    return (
        "Likely: replies of a usual length (an answer has 200 tokens where it may), since no calls "
        "of these models are recorded here. After a first trial the figures come from its calls."
    )


def _totals(found: Estimate, sampler: SamplerKind) -> Iterator[str]:
    if found.likely is None or found.typical is None or found.most is None:
        return
    dearest = "of the space" if found.is_exact else "of those looked at"
    judged = ", scoring included" if found.judge_calls else ""
    yield f"The whole job{judged}, with pipelines of average size:"
    yield f"  likely:  {_total(found.likely)}"
    yield f"  at most: {_total(found.typical)}"
    yield f"With the dearest pipelines {dearest}, at most: {_total(found.most)}."
    if sampler == "gain":
        yield "Likely counts calls that pipelines share once, and every pipeline on all questions:"
        yield "the sampler gain asks most of them a part, and takes a fraction of this."
    else:
        yield "Likely counts calls that pipelines share once; trials that stop early make it less."


def _budget(paid: BudgetFit | None, job: JobSpec) -> Iterator[str]:
    from archon.service.check_file import budget_in_words
    from archon.service.units import counted

    yield f"Its budget: {budget_in_words(job.budget)}. It is never passed."
    if paid is None:
        return
    trials = counted(paid.n_trials, "trial")
    yield (
        f"Its {_UNITS[paid.limit]} are likely to allow {trials} of average size in the search, "
        "more where they share calls."
    )


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
