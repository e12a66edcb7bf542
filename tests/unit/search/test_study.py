from __future__ import annotations

import asyncio
import re
from collections import Counter
from pathlib import Path

import pytest

from archon.core.errors import ArchonError, AuthFailed, BadRequest, StoreError, Unreachable
from archon.core.records import TrialRow
from archon.core.results import Completed, Stopped
from archon.runtime.budget import Caps
from archon.search.study import ALL_TRIED, TRIALS_DONE, SearchEnd
from tests.unit.search.spaces import small_space
from tests.unit.search.world import STUDY, TOKENS_A_CALL, ScriptedModel, World


def world(folder: Path, **options: object) -> World:
    return World(folder, small_space(), **options)  # type: ignore[arg-type]


def values(end: SearchEnd) -> list[tuple[str, float, float]]:
    return [(one.pipeline_id, one.mean("quality"), one.mean("tokens")) for one in end.measured]


async def test_search_measures_as_many_pipelines_as_the_budget_has_trials(tmp_path: Path) -> None:
    asked = world(tmp_path)
    end = await asked.search()
    assert end.reason == TRIALS_DONE
    assert len(end.measured) == 8
    assert all(one.n_scored == 6 for one in end.measured)
    with asked.open() as store:
        rows = store.reader().trials(STUDY)
    assert [row.state for row in rows] == ["complete"] * 8
    assert rows[0].proposal.origin == "baseline"
    assert [row.objectives for row in rows] == [
        (quality, tokens) for _, quality, tokens in values(end)
    ]


async def test_traces_are_recorded_and_not_held_in_memory(tmp_path: Path) -> None:
    asked = world(tmp_path, n_trials=2)
    end = await asked.search()
    assert all(result.trace == () for one in end.measured for result in one.results)
    with asked.open() as store:
        question = store.reader().question(STUDY, end.measured[0].pipeline_id, "q0")
    assert question.result.trace


async def test_search_ends_when_the_whole_space_was_tried(tmp_path: Path) -> None:
    end = await world(tmp_path, n_trials=None, n_examples=2).search()
    assert end.reason == ALL_TRIED
    assert len(end.measured) == 21


async def test_no_completion_is_bought_twice_in_a_search(tmp_path: Path) -> None:
    asked = world(tmp_path)
    end = await asked.search()
    assert set(asked.model.bought.values()) == {1}
    used = sum(result.deployed.calls for one in end.measured for result in one.results)
    bought = sum(result.bought.calls for one in end.measured for result in one.results)
    assert bought == asked.model.bought.total() < used


@pytest.mark.parametrize("n_parallel", [1, 3], ids=["one by one", "in threes"])
async def test_search_cut_off_anywhere_ends_as_the_uninterrupted_one(
    tmp_path: Path, n_parallel: int
) -> None:
    (tmp_path / "whole").mkdir()
    whole = world(tmp_path / "whole", n_parallel=n_parallel)
    expected = values(await whole.search())
    for cut_after in (1, 17, 40, 80):
        folder = tmp_path / f"cut{cut_after}"
        folder.mkdir()
        model = ScriptedModel(latency_s=0.0005)
        cut = world(folder, n_parallel=n_parallel, model=model)
        task = asyncio.ensure_future(cut.search())
        while model.bought.total() < cut_after and not task.done():
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert values(await cut.search()) == expected
        lost = model.bought.total() - len(model.bought)
        assert lost <= 4 * 8  # at most what was in flight: questions times samples


def racing_world(folder: Path, **options: object) -> World:
    """At temperature 1 the model is never right, and its samples cost what others do."""
    folder.mkdir(exist_ok=True)
    model = ScriptedModel(hopeless=lambda request: request.sampling.temperature == 1.0)
    options = {"model": model, "n_trials": 12, "n_examples": 96, "block_size": 8, **options}
    return world(folder, is_racing=True, **options)


def trials(asked: World) -> list[TrialRow]:
    with asked.open() as store:
        return store.reader().trials(STUDY, limit=None)


async def test_trial_that_is_behind_is_stopped_and_says_behind_what(tmp_path: Path) -> None:
    asked = racing_world(tmp_path)
    end = await asked.search()
    rows = trials(asked)
    stopped = [row for row in rows if row.state == "pruned"]
    assert stopped
    assert len(end.measured) == len(rows) - len(stopped)
    said = re.compile(
        r"behind trial \d+ on (\d+) of 96 questions, 0\.[01]\d against 0\.[2-5]\d, "
        "and better in no other objective"
    )
    for row in stopped:
        found = said.fullmatch(row.reason)
        assert found
        assert row.objectives is None
        with asked.open() as store:
            results = store.reader().results(STUDY, row.proposal.pipeline_id)
        assert len(results) == int(found[1])
        assert len(results) in (8, 16, 32, 64)
    whole = racing_world(tmp_path / "whole")
    whole.is_racing = False
    await whole.search()
    assert asked.model.bought.total() < whole.model.bought.total()


@pytest.mark.parametrize("n_parallel", [1, 3], ids=["one by one", "in threes"])
async def test_race_that_is_cut_off_anywhere_ends_as_the_uninterrupted_one(
    tmp_path: Path, n_parallel: int
) -> None:
    def told(rows: list[TrialRow]) -> list[object]:
        return [(r.proposal, r.state, r.reason, r.objectives) for r in rows]

    whole = racing_world(tmp_path / "whole", n_parallel=n_parallel)
    await whole.search()
    expected = told(trials(whole))
    assert "pruned" in {row.state for row in trials(whole)}
    for cut_after in (100, 700, 1_500):
        cut = racing_world(tmp_path / f"cut{cut_after}", n_parallel=n_parallel)
        cut.model.latency_s = 0.0005
        task = asyncio.ensure_future(cut.search())
        while cut.model.bought.total() < cut_after and not task.done():
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await cut.search()
        assert told(trials(cut)) == expected


async def test_resumed_search_recalls_finished_trials_without_running_them(tmp_path: Path) -> None:
    asked = world(tmp_path, n_trials=5)
    await asked.search()
    bought = asked.model.bought.total()
    again = world(tmp_path, n_trials=5, model=asked.model)
    end = await again.search()
    assert len(end.measured) == 5
    assert asked.model.bought.total() == bought
    assert len(again.watcher.outcomes) == 5


@pytest.mark.parametrize(
    ("caps", "unit"),
    [(Caps(calls=40), "calls"), (Caps(tokens=3_000), "tokens"), (Caps(cost_nusd=3 * 10**6), "USD")],
    ids=["calls", "tokens", "money"],
)
async def test_search_stops_before_a_limit_would_be_passed(
    tmp_path: Path, caps: Caps, unit: str
) -> None:
    asked = world(tmp_path, caps=caps, n_trials=None, n_examples=20)
    end = await asked.search()
    assert end.is_budget_spent
    assert unit in end.reason
    assert asked.budget is not None
    assert not caps.exceeded_by(asked.budget.spent)
    assert asked.budget.spent.tokens == asked.model.bought.total() * TOKENS_A_CALL
    with asked.open() as store:
        last = store.reader().trials(STUDY)[-1]
    assert last.state == "interrupted"
    assert unit in last.reason


@pytest.mark.parametrize("n_parallel", [1, 3], ids=["one by one", "in threes"])
async def test_search_that_its_budget_ended_proposes_nothing_more_when_it_is_resumed(
    tmp_path: Path, n_parallel: int
) -> None:
    limits: dict[str, object] = {"n_trials": None, "n_examples": 20, "n_parallel": n_parallel}
    asked = world(tmp_path, caps=Caps(calls=90), **limits)
    whole = await asked.search()
    bought = asked.model.bought.total()
    with asked.open() as store:
        rows = store.reader().trials(STUDY)
    # As in the held-out run, where the share that was kept back for it is free.
    resumed = world(tmp_path, caps=Caps(calls=10_000), model=asked.model, **limits)
    again = await resumed.search()
    assert values(again) == values(whole)
    assert (again.reason, again.is_budget_spent) == (whole.reason, True)
    assert asked.model.bought.total() == bought
    with asked.open() as store:
        assert store.reader().trials(STUDY) == rows


async def test_questions_answered_before_a_limit_stand_though_their_block_is_not_done(
    tmp_path: Path,
) -> None:
    asked = world(tmp_path, caps=Caps(calls=15), n_trials=None, n_examples=20, block_size=20)
    await asked.search()
    with asked.open() as store:
        last = store.reader().trials(STUDY)[-1]
        kept = store.reader().results(STUDY, last.proposal.pipeline_id)
    assert last.state == "interrupted"
    assert 0 < len(kept) < 20
    assert all(result.status == "ok" for result in kept)


@pytest.mark.parametrize(
    ("n_examples", "block_size"),
    [(6, 1), (6, 2), (2, 8), (1, 1)],
    ids=["blocks of one", "blocks of two", "two questions", "one question"],
)
async def test_outage_leaves_the_trial_open_whatever_the_size_of_blocks(
    tmp_path: Path, n_examples: int, block_size: int
) -> None:
    is_away = True

    def fails(question: str, slot: int) -> ArchonError | None:
        return Unreachable("nobody there") if is_away else None

    sizes: dict[str, object] = {"n_examples": n_examples, "block_size": block_size, "n_trials": 3}
    asked = world(tmp_path, model=ScriptedModel(fails), n_parallel=3, **sizes)
    with pytest.raises(Unreachable):
        await asked.search()
    with asked.open() as store:
        assert not any(row.is_over for row in store.reader().trials(STUDY))
    is_away = False
    assert len((await asked.search()).measured) == 3


async def test_two_questions_that_upset_the_endpoint_are_no_outage(tmp_path: Path) -> None:
    def fails(question: str, slot: int) -> ArchonError | None:
        return Unreachable("reset") if question in ("question 1", "question 4") else None

    asked = world(tmp_path, model=ScriptedModel(fails), block_size=1, n_trials=2)
    await asked.search()
    stopped = [one for one in asked.watcher.outcomes.values() if isinstance(one, Stopped)]
    assert [one.reason.partition(";")[0] for one in stopped] == [
        "2 of 6 questions have no score"
    ] * 2


async def test_question_that_failed_is_asked_once_more_when_all_others_are_done(
    tmp_path: Path,
) -> None:
    tries: Counter[str] = Counter()

    def fails(question: str, slot: int) -> ArchonError | None:
        tries[question] += 1
        is_bad = question == "question 1" and tries[question] == 1
        return Unreachable("reset") if is_bad else None

    asked = world(tmp_path, model=ScriptedModel(fails), n_trials=1)
    end = await asked.search()
    assert [type(one) for one in asked.watcher.outcomes.values()] == [Completed]
    assert len(end.measured[0].results) == 6
    assert asked.model.bought.total() == 6


async def test_question_that_cannot_be_asked_fails_its_trial_and_no_other(tmp_path: Path) -> None:
    def fails(question: str, slot: int) -> ArchonError | None:
        return BadRequest("no such option") if "3" in question and slot >= 2 else None

    asked = world(tmp_path, model=ScriptedModel(fails))
    end = await asked.search()
    stopped = [one for one in asked.watcher.outcomes.values() if isinstance(one, Stopped)]
    completed = [one for one in asked.watcher.outcomes.values() if isinstance(one, Completed)]
    assert stopped and completed
    assert len(end.measured) == len(completed)
    assert {one.state for one in stopped} == {"failed"}
    assert "1 of 6 questions" in stopped[0].reason
    assert "no such option" in stopped[0].reason


@pytest.mark.parametrize(
    "error",
    [AuthFailed("the key is refused"), Unreachable("nobody there"), StoreError("disk full")],
    ids=["key", "outage", "database"],
)
async def test_what_concerns_every_question_stops_the_study_and_leaves_it_to_be_resumed(
    tmp_path: Path, error: ArchonError
) -> None:
    is_broken = True

    def fails(question: str, slot: int) -> ArchonError | None:
        return error if is_broken and slot >= 2 else None

    asked = world(tmp_path, model=ScriptedModel(fails), n_examples=8, block_size=4)
    with pytest.raises(type(error), match=str(error)):
        await asked.search()
    with asked.open() as store:
        last = store.reader().trials(STUDY)[-1]
    assert last.state == "running"
    is_broken = False
    resumed = await asked.search()
    (tmp_path / "whole").mkdir()
    whole = world(tmp_path / "whole", n_examples=8)
    assert values(resumed) == values(await whole.search())
