"""What studies claim at their end against what is true: winners, intervals, stopped trials."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from archon.core.results import Stopped
from archon.runtime.clients import Routed
from archon.scoring.table import build_scorer
from archon.search.evaluate import Evaluator
from archon.search.held_out import run_held_out
from archon.search.judgement import Judgement
from archon.search.study import SearchEnd
from archon.search.winner import judge
from archon.service.study_run import best_single_calls, chosen_finalists
from tests.benchmarks.search.arena import BLOCK_SIZE, Arena
from tests.benchmarks.search.product import Follower, NoLog
from tests.benchmarks.search.table import Table

N_HELD_OUT = 240
FIRST_HELD_OUT = 100_000
"""Held-out questions are fresh for every seed, or all studies would err together."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What one study claimed, and how much of it is true."""

    is_named: bool
    """Whether it names a winner."""
    is_better: bool
    """Whether that is truly better than every single call."""
    n_intervals: int
    """Of the quality of one pipeline, at 95 %."""
    n_covering: int
    n_comparisons: int
    """Paired, with the best single call; together at 95 %."""
    is_family_covered: bool
    """Whether all of them hold what is true."""


@dataclass(frozen=True, slots=True)
class Stops:
    """What racing did to the pipelines that are truly on the front."""

    n_begun: int
    n_stopped: int


def claims(arena: Arena, seed: int, end: SearchEnd) -> Claims:
    """Run the finalists on held-out questions through the real runtime, and judge."""
    table = arena.table
    return _claims(table, asyncio.run(_judged(arena, seed, end)))


async def _judged(arena: Arena, seed: int, end: SearchEnd) -> Judgement:
    """As ``archon.service.study_run`` does it."""
    space = arena.table.space
    singles = best_single_calls(end.measured)
    chosen = chosen_finalists(end, replace(space.job, objectives=arena.objectives))
    first = FIRST_HELD_OUT + seed * N_HELD_OUT
    names = space.model_names()
    evaluator = Evaluator(
        Routed({name: space.world.client(name) for name in names}),
        {name: space.world.card(name) for name in names},
        build_scorer(space.job.benchmark.scorer.to_data()),
        questions_in_flight=4,
    )
    measured, _ = await run_held_out(
        (*singles, *chosen),
        space.world.questions.examples(range(first, first + N_HELD_OUT)),
        block_size=BLOCK_SIZE,
        evaluator=evaluator,
        log=NoLog(),
        watcher=Follower(arena),
        done={},
    )
    n = len(singles)
    return judge(measured[:n], measured[n:], arena.objectives)


def _claims(table: Table, judgement: Judgement) -> Claims:
    def true(pipeline_id: str) -> float:
        return float(table.quality[table.space.places[pipeline_id]])

    best_single = max(float(table.quality[i]) for i in table.space.singles)
    covering = [
        one.quality.low <= true(one.pipeline_id) <= one.quality.high for one in judgement.standings
    ]
    versus = [one.versus_baseline for one in judgement.finalists if one.versus_baseline]
    held = [
        one.difference.low <= true(one.pipeline_id) - true(one.other_id) <= one.difference.high
        for one in versus
    ]
    winner = judgement.winner_id
    return Claims(
        is_named=winner is not None,
        is_better=winner is not None and true(winner) > best_single,
        n_intervals=len(covering),
        n_covering=sum(covering),
        n_comparisons=len(held),
        is_family_covered=all(held),
    )


def stops(follower: Follower, table: Table, true_front: Sequence[int]) -> Stops:
    """How many of the true front's pipelines a study tried, and how many of those it stopped."""
    members = {table.space.pipelines[i].pipeline_id() for i in true_front}
    ended = [outcome for proposal, outcome in follower.ended if proposal.pipeline_id in members]
    stopped = [one for one in ended if isinstance(one, Stopped) and one.state == "pruned"]
    return Stops(len(ended), len(stopped))
