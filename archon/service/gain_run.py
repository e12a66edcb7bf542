"""A search by units, made of a job."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from archon.benchmarks.splits import blocks
from archon.core.calls import Price
from archon.core.records import TrialLog
from archon.core.results import ExampleResult
from archon.scoring.cost import judge_cost
from archon.search.baselines import single_calls
from archon.search.evaluate import RunsUnits
from archon.search.gain.chooser import Chooser
from archon.search.gain.features import Features
from archon.search.gain.pool import MOST_POOL, Pool, is_whole, outside, pool_of
from archon.search.gain.prices import Prices, Unit
from archon.search.gain.study import GainSearch, Rules
from archon.search.known_good import known_good
from archon.search.study import History, Plan
from archon.search.watch import Watcher
from archon.spec.job import JobSpec

MOST_SEEDS = 12
"""Pipelines known to be good elsewhere that are seen on a block before anything is chosen."""


@dataclass(frozen=True, slots=True)
class GainNeeds:
    """What a search by units is made of besides its plan."""

    job: JobSpec
    question_tokens: float
    prices: Mapping[str, Price]
    """By model alias; models of an unknown price are left out."""
    saves: Unit | None = None
    """What is to be saved; None: what the job's budget and prices say."""


def gain_search(
    needs: GainNeeds,
    plan: Plan,
    evaluator: RunsUnits,
    log: TrialLog,
    watcher: Watcher,
    history: History,
    *,
    most_pool: int = MOST_POOL,
) -> GainSearch:
    """The search of a job, with nothing run yet; a pool of 2,000 pipelines takes ten seconds."""
    job = needs.job
    # Of the job as it was: a limit that was changed since must not change what was done before.
    n_trials = job.budget.trials or MOST_SEEDS * 3
    seeds = known_good(job.space, most=min(MOST_SEEDS, n_trials // 3))
    starts = (*single_calls(job.space), *seeds)
    drawn = pool_of(job.space, starts, seed=job.seed, most=most_pool)
    pool = Pool(job.space, drawn, outside(drawn, history))
    pipelines = pool.architectures()
    costs = [one for one in plan.objectives if one != "quality"]
    ceilings = job.at_most.ceilings()
    unit = needs.saves or _unit(job, needs.prices)
    chooser = Chooser(
        pipelines,
        Features(pipelines[: len(drawn)]),
        # Not lengths that other studies recorded: those change while this one runs.
        Prices(
            pipelines,
            question_tokens=needs.question_tokens,
            prices=needs.prices,
            unit=unit,
            judge=judge_cost(job.benchmark.scorer.to_data()),
        ),
        blocks=[len(block) for block in blocks(plan.examples, plan.block_size)],
        n_costs=len(costs),
        ceilings=[most for _, most in ceilings],
        n_hidden=pool.n_added,
    )
    rules = Rules(
        n_finalists=job.finalists,
        n_seeds=len(seeds),
        amounts=(*costs, *(name for name, _ in ceilings)),
        fits=lambda measured: not job.at_most.passed_by(measured),
        is_whole=is_whole(job.space, drawn, most_pool),
        seed=job.seed,
        amount=_amount(unit),
    )
    return GainSearch(plan, rules, pool, chooser, evaluator, log, watcher, history)


def _unit(job: JobSpec, prices: Mapping[str, Price]) -> Unit:
    """What the search saves: money where there is a limit of it or every model has a price."""
    if job.budget.usd is not None:
        return "usd"
    is_priced = all(
        (price := prices.get(model.alias)) is not None and price.output_usd_per_mtok > 0
        for model in job.used_models
    )
    return "usd" if is_priced and job.budget.tokens is None else "tokens"


def _amount(unit: Unit) -> Callable[[ExampleResult], float]:
    if unit == "usd":
        return lambda result: result.deployed.cost_nusd / 1e9
    return lambda result: float(result.deployed.tokens)
