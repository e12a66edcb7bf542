"""The recorded table is of the quickstart as it is, and a study's truth is what it does not see."""

from __future__ import annotations

import asyncio
import json
import math
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from archon.core.errors import SetupError
from tests.benchmarks.search import recorded
from tests.benchmarks.search.arena import Arena, study_questions
from tests.benchmarks.search.baselines import N_TRIALS, TPE
from tests.benchmarks.search.build import Runner, arrays_of, asked_all
from tests.benchmarks.search.product import Settings, search
from tests.benchmarks.search.record import Recording
from tests.benchmarks.search.recorded import (
    FILES,
    JOBS,
    RECORDED,
    TYPES,
    RecordedTable,
    doubt,
    judged_by_unseen,
    load_recorded,
    regret_of_seeing_all,
    save,
)
from tests.benchmarks.search.runs import Task, run
from tests.benchmarks.search.spaces import load_space
from tests.benchmarks.search.table import Purse, Table


@pytest.fixture(scope="module")
def table() -> RecordedTable:
    return load_recorded("quickstart")


@pytest.mark.parametrize("name", RECORDED)
def test_shipped_table_is_of_the_job_as_it_is(name: str) -> None:
    made = load_recorded(name)  # refuses other pipelines and other questions
    facts = json.loads((FILES / f"{name}.json").read_text())
    assert facts["n_pipelines"] == len(made.space.pipelines) == len(made.figures.scores)
    assert facts["n_questions"] == len(made.numbers) == made.figures.scores.shape[1]
    assert facts["n_calls"] == len(made.requests.call_tokens)
    assert (FILES / f"{name}.npz").stat().st_size < 1_000_000
    assert facts["times_asked"] >= 10
    assert max(doubt(made, seed)[1] for seed in range(4)) < 5.0, "points"


def test_another_space_is_told_with_the_command_that_records_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = (JOBS / "quickstart.yaml").read_text()
    monkeypatch.setattr(recorded, "JOBS", tmp_path)
    (tmp_path / "quickstart.yaml").write_text(job.replace("max_tokens: 60", "max_tokens: 61"))
    with pytest.raises(SetupError, match=r"python -m tests\.benchmarks\.search\.record"):
        load_recorded("quickstart")


def test_a_pipeline_alone_buys_what_it_takes_and_all_of_them_buy_each_call_once(
    table: Table,
) -> None:
    everything = Purse(table)
    for question in range(len(table.numbers)):
        for pipeline in range(len(table.space.pipelines)):
            assert Purse(table).price(pipeline, question) == table.tokens[pipeline, question]
            everything.buy(pipeline, question)
    assert everything.n_calls == len(table.requests.call_tokens)
    assert everything.tokens < table.tokens.sum() / 2, "samples are shared"


def test_truth_of_a_study_is_what_it_does_not_see(table: RecordedTable) -> None:
    seen = list(study_questions(table, 3))
    unseen = [place for place in range(len(table.numbers)) if place not in seen]
    judged = judged_by_unseen(table, 3)
    assert judged.quality == pytest.approx(table.rates[:, unseen].mean(axis=1))
    assert judged.name == table.name, "trails are kept by the name"
    scores, rates = table.figures.scores.copy(), table.rates.copy()
    scores[:, seen] = rates[:, seen] = 0
    scores[5, seen] = rates[5, seen] = 1
    misleading = replace(table, figures=replace(table.figures, scores=scores), rates=rates)
    assert judged_by_unseen(misleading, 3).quality == pytest.approx(judged.quality)
    assert judged_by_unseen(table, 4).quality != pytest.approx(judged.quality)
    lost = judged.quality.max() - judged.quality[5]
    assert regret_of_seeing_all(misleading, 3) == pytest.approx(100 * lost)


def test_search_of_the_product_runs_on_the_recorded_table(table: Table) -> None:
    arena = Arena(table, study_questions(table, 0), ("quality",), reuses=True)
    search(arena, 0, Settings(n_trials=None))
    assert arena.names
    assert 0 < arena.tokens < table.tokens[:, list(arena.questions)].sum()


def test_plain_tpe_has_no_more_trials_than_there_are_pipelines(
    table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARCHON_CACHE_DIR", str(tmp_path))
    task = Task("quickstart", 0, (TPE.name,), has_fronts=False, has_claims=False, n_trials=9)
    trail = run(task).trails[TPE.name]
    assert 0 < trail.n_trials <= len(table.space.pipelines) < N_TRIALS


async def test_recording_gives_what_the_runtime_gives_until_the_time_is_up() -> None:
    whole = load_space("easy")
    singles = [i for i, one in enumerate(whole.pipelines) if len(one.layers) == 1][:4]
    kept = sorted({*range(0, len(whole.pipelines), 90), *singles})
    space = replace(
        whole,
        pipelines=tuple(whole.pipelines[i] for i in kept),
        answers=tuple(whole.answers[i] for i in kept),
    )
    places = asyncio.Semaphore(2)
    recording = Recording(space, Runner(space), {}, places, time.monotonic() + 60)
    await asyncio.gather(*(recording.question(number) for number in (0, 1)))
    expected = await asyncio.to_thread(asked_all, Runner(space), (0, 1))
    for number in (0, 1):
        for name, array in arrays_of(recording.done[number]).items():
            assert np.array_equal(array, expected[number][name]), name
    await recording.again(0, 1)
    await recording.again(2, 1)
    first, again = recording.right[0]
    assert np.array_equal(first, expected[0]["figures"][:, 0])
    assert not np.array_equal(first, again), "samples are fresh"
    assert len(recording.right[1]) == 1
    assert 2 not in recording.right, "only what was recorded is asked again"
    late = Recording(space, Runner(space), {}, places, -math.inf)
    await late.question(0)
    assert not late.done


def test_saved_table_is_read_as_it_was(
    table: RecordedTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with np.load(FILES / "quickstart.npz") as stored:
        arrays = {name: stored[name].astype(kind) for name, kind in TYPES.items()}
    save(table.space, len(table.numbers), arrays, {}, folder=tmp_path)
    monkeypatch.setattr(recorded, "FILES", tmp_path)
    again = load_recorded("quickstart")
    assert np.array_equal(again.figures.latency_s, table.figures.latency_s)
    assert np.array_equal(again.tokens, table.tokens)
    assert np.array_equal(again.rates, table.rates)
    assert np.array_equal(again.quality, table.quality)


def test_first_time_counts_among_those_that_tell_what_is_true(table: RecordedTable) -> None:
    assert table.rates[table.figures.scores == 1].min() > 0
    assert table.rates[table.figures.scores == 0].max() < 1
