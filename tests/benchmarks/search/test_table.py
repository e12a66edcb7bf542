"""A table says what the real runtime gives, and a replay buys what a real study buys."""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from archon.core.architecture import ComponentSpec
from archon.core.candidates import Answer
from archon.core.records import SEARCH_SPLIT, ExampleRow, NewStudy
from archon.runtime.budget import Budget, Caps
from archon.runtime.clients import Budgeted, Reusing, Routed
from archon.runtime.pipeline import Pipeline
from archon.runtime.slots import SEARCH_SLOT
from archon.scoring.table import build_scorer
from archon.search.evaluate import Evaluator
from archon.search.study import Plan, Search
from archon.service.study_run import proposer_of
from archon.store.opening import open_store
from tests.benchmarks.search.arena import Arena
from tests.benchmarks.search.build import Runner, asked_all
from tests.benchmarks.search.product import Follower, NoLog, Replay
from tests.benchmarks.search.spaces import NAMES, BenchSpace, load_space
from tests.benchmarks.search.table import Table, joined, table_of
from tests.benchmarks.search.truth import Bulk

of = ComponentSpec.of


def part_of(space: BenchSpace, step: int) -> BenchSpace:
    """Every ``step``-th pipeline of a space."""
    return replace(space, pipelines=space.pipelines[::step], answers=space.answers[::step])


def table(space: BenchSpace, numbers: range) -> Table:
    arrays = joined(asked_all(Runner(space), numbers))
    arrays["quality"] = np.zeros(len(space.pipelines))
    return table_of(space, numbers, arrays)


@pytest.mark.parametrize("name", ["easy", "upside-down"])
async def test_table_says_what_the_runtime_gives(name: str) -> None:
    space, numbers = part_of(load_space(name), 23), range(3)
    made = await asyncio.to_thread(table, space, numbers)
    client = Routed({n: space.world.client(n) for n in space.model_names()})
    cards = {n: space.world.card(n) for n in space.model_names()}
    scorer = build_scorer(space.job.benchmark.scorer.to_data())
    took = made.figures
    for i, one in enumerate(space.pipelines):
        pipeline = Pipeline(one, client, cards)
        for q, number in enumerate(numbers):
            example = space.world.questions.example(number)
            ran = await pipeline.generate(example.question, first_slot=SEARCH_SLOT)
            score = await scorer.score(example, Answer(ran.answer.text))
            assert took.scores[i, q] == score.value
            assert took.calls[i, q] == ran.deployed.calls
            assert took.prompt_tokens[i, q] == ran.deployed.prompt_tokens
            assert took.completion_tokens[i, q] == ran.deployed.completion_tokens
            assert took.cost_nusd[i, q] == ran.deployed.cost_nusd
            assert took.latency_s[i, q] == pytest.approx(ran.deployed.latency_s)
    assert 0 < took.scores.mean() < 1


N_EXAMPLES, N_TRIALS = 6, 12


async def test_replay_buys_what_a_real_study_buys(tmp_path: Path) -> None:
    space = load_space("fusion-hurts")
    made = await asyncio.to_thread(table, space, range(N_EXAMPLES))
    arena = Arena(made, tuple(range(N_EXAMPLES)), ("quality",), reuses=True)
    job = replace(
        space.job, seed=3, block_size=2, budget=replace(space.job.budget, trials=N_TRIALS)
    )
    plan = Plan(arena.examples(), 2, ("quality",), N_TRIALS, 1, is_racing=True)
    replayed = Follower(arena)
    await Search(plan, proposer_of(job), Replay(arena), NoLog(), replayed).run()

    cards = {n: space.world.card(n) for n in space.model_names()}
    with open_store(f"sqlite:///{tmp_path / 'archon.db'}") as store:
        rows = [ExampleRow(e.id, SEARCH_SPLIT, i, "{}") for i, e in enumerate(plan.examples)]
        await store.studies().create(NewStudy("s", "s", "{}", "f", 3), rows)
        await store.studies().take("s")
        routed = Routed({n: space.world.client(n) for n in space.model_names()})
        budget = Budget(Caps(), time.monotonic)
        client = Reusing(Budgeted(routed, budget, cards), store.calls("s"), cards)
        scorer = build_scorer(space.job.benchmark.scorer.to_data())
        evaluator = Evaluator(client, cards, scorer, questions_in_flight=4)
        real = Follower(replace(arena, reuses=False))
        await Search(plan, proposer_of(job), evaluator, store.trials("s"), real).run()
        spend = store.reader().spend("s")
    assert [outcome for _, outcome in real.ended] == [outcome for _, outcome in replayed.ended]
    assert len(real.ended) == N_TRIALS
    assert arena.tokens == spend.prompt_tokens + spend.completion_tokens
    assert arena.purse is not None
    assert (arena.purse.nusd, arena.purse.n_calls) == (spend.spend_nusd, spend.n_bought)


def test_price_is_what_is_bought_then() -> None:
    space = part_of(load_space("easy"), 31)
    made = table(space, range(2))
    arena = Arena(made, (0, 1), ("quality",), reuses=True)
    assert arena.purse is not None
    for pipeline in range(len(space.pipelines)):
        before = arena.tokens
        expected = sum(arena.purse.price(pipeline, question) for question in (0, 1))
        arena.evaluate(pipeline)
        assert arena.tokens - before == expected <= made.tokens[pipeline].sum()
        assert arena.purse.price(pipeline, 0) == 0
    alone = Arena(made, (0, 1), ("quality",), reuses=True)
    alone.evaluate(len(space.pipelines) - 1)
    assert alone.tokens == made.tokens[-1].sum(), "the first one pays for everything"


@pytest.mark.parametrize("name", NAMES)
def test_truth_in_bulk_is_what_the_runtime_reaches(name: str) -> None:
    space, numbers = part_of(load_space(name), 53), range(5_000, 5_500)
    made = table(space, numbers)
    draws = [Bulk(space.simulated, numbers, seed=seed) for seed in range(8)]
    for i, one in enumerate(space.pipelines):
        expected = np.mean([bulk.rightness(one) for bulk in draws], axis=0)
        # What eight draws leave open of a question's chance is added to its variance.
        variance = expected * (1 - expected) + 1 / 32
        off = float(made.figures.scores[i].mean() - expected.mean())
        assert abs(off) < 4.5 * math.sqrt(float(variance.sum())) / len(numbers), one
