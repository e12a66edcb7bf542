"""A study by units, with the real runtime and a real database."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest

from archon.benchmarks.splits import blocks
from archon.core.architecture import Architecture, ComponentSpec
from archon.core.calls import Price
from archon.core.errors import ArchonError, BadRequest
from archon.core.records import ProposalRow, TrialLog, TrialRow
from archon.runtime.budget import Caps
from archon.search.baselines import single_calls
from archon.search.evaluate import Evaluator
from archon.search.gain.chooser import Chooser
from archon.search.gain.features import Features
from archon.search.gain.pool import Pool, outside, pool_of
from archon.search.gain.prices import Prices
from archon.search.gain.study import NOTHING_PROMISING, GainSearch, Rules
from archon.search.study import ALL_TRIED, History, Plan, SearchEnd
from tests.unit.search.spaces import small_space
from tests.unit.search.world import STUDY, TOKENS_A_CALL, ScriptedModel, World


@dataclass
class UnitWorld(World):
    """The same study, by units."""

    most_pool: int = 100
    running: GainSearch | None = None

    async def made(
        self, plan: Plan, evaluator: Evaluator, log: TrialLog, history: History
    ) -> SearchEnd:
        drawn = pool_of(self.space, single_calls(self.space), seed=self.seed, most=self.most_pool)
        is_whole = len(drawn) < self.most_pool
        pool = Pool(self.space, drawn, outside(drawn, history))
        pipelines = pool.architectures()
        prices = Prices(
            pipelines, question_tokens=5, prices={"small": Price(1.0, 1.0)}, unit="tokens"
        )
        chooser = Chooser(
            pipelines,
            Features(pipelines[: len(drawn)]),
            prices,
            blocks=[len(block) for block in blocks(plan.examples, plan.block_size)],
            n_costs=1,
            n_hidden=pool.n_added,
        )
        rules = Rules(
            n_finalists=3,
            n_seeds=0,
            amounts=("tokens",),
            fits=lambda measured: True,
            is_whole=is_whole,
            seed=self.seed,
            amount=lambda result: float(result.deployed.tokens),
        )
        search = GainSearch(plan, rules, pool, chooser, evaluator, log, self.watcher, history)
        self.running = search
        return await search.run()


def world(folder: Path, **options: object) -> UnitWorld:
    folder.mkdir(exist_ok=True)
    model = ScriptedModel(hopeless=lambda request: request.sampling.temperature == 1.0)
    usual = {"model": model, "n_trials": 12, "n_examples": 48, "block_size": 8, "n_parallel": 2}
    return UnitWorld(folder, small_space(), **{**usual, **options})  # type: ignore[arg-type]


def trials(asked: World) -> list[TrialRow]:
    with asked.open() as store:
        return list(store.reader().trials(STUDY, limit=None))


async def test_search_sees_much_of_what_is_good_and_little_of_what_is_not(tmp_path: Path) -> None:
    asked = world(tmp_path)
    end = await asked.search()
    rows = trials(asked)
    assert 6 <= len(rows) <= 12
    assert {row.state for row in rows} == {"complete", "pruned"}
    assert rows[0].proposal.origin == "baseline"
    assert rows[0].state == "complete"
    assert end.finalists
    with asked.open() as store:
        reader = store.reader()
        n_seen = {row.number: len(reader.results(STUDY, row.proposal.pipeline_id)) for row in rows}
    hopeless = [
        n_seen[row.number]
        for row in rows
        if '"temperature":1.0' in row.proposal.choices_json
        or '"value":1.0' in row.proposal.choices_json
    ]
    assert hopeless
    assert max(hopeless) < 48
    stopped = next(row for row in rows if row.state == "pruned")
    assert stopped.reason.startswith(f"seen on {n_seen[stopped.number]} of 48 questions")
    assert set(asked.model.bought.values()) == {1}
    assert asked.watcher.outcomes.keys() == set(range(len(rows)))


@pytest.mark.parametrize("most_pool", [100, 12], ids=["whole pool", "growing pool"])
async def test_search_by_units_that_is_cut_off_anywhere_ends_as_the_uninterrupted_one(
    tmp_path: Path, most_pool: int
) -> None:
    def told(rows: list[TrialRow]) -> list[object]:
        return [(r.proposal, r.state, r.reason, r.objectives) for r in rows]

    def reached(end: SearchEnd) -> list[object]:
        return [(one.pipeline_id, one.scores()) for one in end.finalists or ()]

    whole = world(tmp_path / "whole", most_pool=most_pool, n_trials=18)
    expected = await whole.search()
    for cut_after in (10, 200, 500):
        cut = world(tmp_path / f"cut{cut_after}", most_pool=most_pool, n_trials=18)
        cut.model.latency_s = 0.0005
        task = asyncio.ensure_future(cut.search())
        while cut.model.bought.total() < cut_after and not task.done():
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        again = await cut.search()
        assert told(trials(cut)) == told(trials(whole))
        # Not what each bought: of two that ask the same, another one may have paid.
        assert reached(again) == reached(expected)


async def test_search_without_a_number_of_trials_ends_when_nothing_more_is_worth_it(
    tmp_path: Path,
) -> None:
    asked = world(tmp_path, n_trials=None, n_examples=96)
    end = await asked.search()
    assert end.reason in (NOTHING_PROMISING, ALL_TRIED)
    assert end.finalists
    # What is run again in the end was seen on all questions.
    assert {one.pipeline_id for one in end.finalists} <= {one.pipeline_id for one in end.measured}
    with asked.open() as store:
        reader = store.reader()
        n_seen = sum(len(reader.results(STUDY, row.proposal.pipeline_id)) for row in trials(asked))
    assert n_seen < 0.7 * 21 * 96


async def test_budget_ends_a_search_by_units_and_nothing_more_is_bought_on_resume(
    tmp_path: Path,
) -> None:
    asked = world(tmp_path, caps=Caps(tokens=100 * TOKENS_A_CALL))
    end = await asked.search()
    assert end.is_budget_spent
    assert asked.model.bought.total() <= 100
    rows = trials(asked)
    assert "interrupted" in {row.state for row in rows}
    assert all(row.is_over for row in rows)
    n_bought = asked.model.bought.total()
    again = await asked.search()
    assert asked.model.bought.total() == n_bought
    assert again.is_budget_spent
    assert again.finalists == end.finalists
    assert trials(asked) == rows


async def test_pipeline_whose_question_cannot_be_asked_fails_and_no_other(tmp_path: Path) -> None:
    def fails(question: str, slot: int) -> ArchonError | None:
        return BadRequest("too long") if question == "question 3" and slot == 5 else None

    asked = world(tmp_path, n_trials=None, n_examples=8, block_size=4)
    asked.model.fails = fails
    await asked.search()
    failed = [row for row in trials(asked) if row.state == "failed"]
    assert failed
    for row in failed:
        assert "question" in row.reason
        assert '"value":8' in row.proposal.choices_json
    n_bought = asked.model.bought.total()
    rows = trials(asked)
    await asked.search()
    assert asked.model.bought.total() == n_bought
    assert trials(asked) == rows


async def test_single_call_that_fails_in_two_blocks_fails_once(tmp_path: Path) -> None:
    def fails(question: str, slot: int) -> ArchonError | None:
        return BadRequest(f"{question} is too long") if question in PARTS else None

    asked = world(tmp_path, n_examples=16, block_size=4, n_trials=3)
    asked.model.fails = fails
    await asked.search()
    rows = trials(asked)
    assert rows[0].state == "failed"
    assert "question 3" in rows[0].reason
    assert all(row.is_over for row in rows)


PARTS = ("question 3", "question 13")


async def test_budget_that_ends_within_the_single_call_ends_the_search(tmp_path: Path) -> None:
    asked = world(tmp_path, caps=Caps(tokens=20 * TOKENS_A_CALL))
    end = await asked.search()
    assert end.is_budget_spent
    assert trials(asked)[0].state == "interrupted"
    assert asked.model.bought.total() <= 20


async def test_pipeline_of_a_users_own_is_seen_on_all_questions(tmp_path: Path) -> None:
    asked = world(tmp_path, n_parallel=3, n_trials=20)
    asked.model.latency_s = 0.0005
    task = asyncio.ensure_future(asked.search())
    while asked.model.bought.total() < 150 and not task.done():
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    begun = trials(asked)
    own = Architecture(
        ((ComponentSpec.of("generate", "small", samples=3),), (ComponentSpec.of("select"),))
    )
    row = ProposalRow(len(begun), own.pipeline_id(), own, "[]", "user")
    with asked.open() as store:
        await store.studies().take(STUDY)
        await store.trials(STUDY).propose(row)
    await asked.search()
    rows = trials(asked)
    assert all(one.is_over for one in rows)
    assert rows[len(begun)].proposal.origin == "user"
    assert rows[len(begun)].state == "complete"
    assert rows[len(begun)].n_examples == 48


async def test_search_by_units_that_is_told_to_end_names_what_it_has_and_runs_on_later(
    tmp_path: Path,
) -> None:
    asked = world(tmp_path, n_trials=None, n_examples=96)
    asked.model.latency_s = 0.0005
    task = asyncio.ensure_future(asked.search())
    while asked.model.bought.total() < 400:
        await asyncio.sleep(0)
    assert asked.running is not None
    n_begun = asked.running.n_proposed
    asked.running.end("ended by its user")
    end = await task
    assert (end.reason, end.is_budget_spent) == ("ended by its user", True)
    assert end.finalists
    rows = trials(asked)
    assert len(rows) <= n_begun + 2  # no more than the step that ran
    assert all(row.is_over for row in rows)
    n_bought = asked.model.bought.total()
    assert n_bought < 400 + 2 * 8 * 8 + 200


async def test_search_by_units_takes_more_trials_when_it_is_allowed_more(tmp_path: Path) -> None:
    asked = world(tmp_path, n_trials=4)
    asked.model.latency_s = 0.0005
    task = asyncio.ensure_future(asked.search())
    while asked.running is None or asked.running.n_proposed < 3:
        await asyncio.sleep(0)
    asked.running.change(n_trials=9, widths=((0, 2), (4, 3)))
    await task
    assert 4 < len(trials(asked)) <= 9


async def test_passing_fault_in_each_of_two_blocks_fails_no_trial(tmp_path: Path) -> None:
    hiccups: set[tuple[str, int]] = set()

    def fails(question: str, slot: int) -> ArchonError | None:
        key = (question, slot)
        if question in PARTS and slot == 0 and key not in hiccups:
            hiccups.add(key)
            return BadRequest("a hiccup")
        return None

    asked = world(tmp_path, n_trials=6)
    asked.model.fails = fails
    await asked.search()
    assert len(hiccups) == 2
    assert {row.state for row in trials(asked)} <= {"complete", "pruned"}


@pytest.mark.parametrize("most_pool", [100, 12], ids=["whole pool", "growing pool"])
async def test_search_whose_limit_was_changed_runs_on_to_its_end_and_loses_nothing_paid(
    tmp_path: Path, most_pool: int
) -> None:
    for first, change, then in ((4, None, 9), (5, 10, 10), (9, None, 14)):
        asked = world(tmp_path / f"{first}", n_trials=first, most_pool=most_pool, n_parallel=1)
        asked.model.latency_s = 0.0005 if change else 0.0
        task = asyncio.ensure_future(asked.search())
        if change:
            while asked.running is None or asked.running.n_proposed < first:
                await asyncio.sleep(0)
            asked.running.change(n_trials=change, widths=((0, 1),))
            while asked.model.bought.total() < 300 and not task.done():
                await asyncio.sleep(0)
            task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        with asked.open() as store:
            ended = store.reader().trials(STUDY, limit=None)
            given = store.instructions(STUDY)
            await store.studies().take(STUDY)
            await store.studies().stop(STUDY, "completed", "done")
            await given.give("change", at_rest="more", reopens=frozenset({"interrupted", "pruned"}))
        complete = {row.proposal.pipeline_id for row in ended if row.state == "complete"}
        asked.n_trials = then
        end = await asyncio.wait_for(asked.search(), 60)
        assert complete <= {one.pipeline_id for one in end.measured}
        assert all(row.is_over for row in trials(asked))
        assert len(trials(asked)) <= then
