"""Explanations of a simulated study: what recorded calls tell, and what may be bought besides."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml

from archon.core.errors import NotFound
from archon.core.records import HELD_OUT_SPLIT
from archon.models.secret import Secret
from archon.runtime.budget import Caps
from archon.search.intervals import paired_difference
from archon.search.objectives import score_of
from archon.service.explain import explain, explain_buying
from archon.service.explanation import Explanation, VariantLine
from archon.service.library import Study, Unwatched
from archon.service.prepare import prepare
from archon.service.report import StudyReport, load_report
from archon.service.settings import Settings, load_settings
from archon.service.study_run import run_job
from archon.spec.job import load_job
from archon.store.opening import Store, open_store

JOB: dict[str, Any] = {
    "name": "small",
    "benchmark": {
        "simulated": "default",
        "scorer": {"kind": "numeric"},
        "max_search": 20,
        "max_held_out": 60,
    },
    "models": {name: {"simulated": f"default/{name}"} for name in ("weak", "middle", "strong")},
    "objectives": ["quality", "cost"],
    "budget": {"trials": 12},
    "sampler": {"kind": "exhaustive"},
    "racing": False,
    "finalists": 3,
    "block_size": 10,
    "questions_in_flight": 16,
    "space": {
        "layers": [
            {"generate": {"model": "weak", "samples": [1, 4], "temperature": 1.0}},
            {
                "one_of": [
                    "nothing",
                    {"verify": {"model": "strong", "mode": "one_step"}},
                    {"rank": {"model": "strong"}},
                ]
            },
            {"one_of": ["nothing", {"fuse": {"model": "middle"}}]},
        ]
    },
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of a finished study."""
    folder = tmp_path_factory.mktemp("study")
    (folder / "job.yaml").write_text(yaml.safe_dump(JOB))
    prepared = prepare(load_job(folder / "job.yaml"))

    async def search() -> None:
        with open_store(f"sqlite:///{folder / 'archon.db'}") as store:
            await run_job(
                prepared, store, load_settings(), watcher=Unwatched(), say=lambda line: None
            )

    asyncio.run(search())
    return folder / "archon.db"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("ARCHON_DATA_DIR", str(tmp_path / "data"))
    return load_settings()


@pytest.fixture
def database(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished study."""
    return Path(shutil.copy(finished, tmp_path / "archon.db"))


@pytest.fixture
def store(database: Path) -> Store:
    return open_store(f"sqlite:///{database}")


@pytest.fixture
def report(store: Store) -> StudyReport:
    return load_report(store.reader(), "small")


async def bought(
    report: StudyReport, store: Store, settings: Settings, caps: Caps, trial: int | None = None
) -> Explanation:
    return await explain_buying(
        report, store, settings, caps=caps, say=lambda line: None, trial=trial
    )


def rows(database: Path) -> dict[str, int]:
    """How many rows each table has."""
    engine = sa.create_engine(f"sqlite:///{database}")
    with engine.connect() as connection:
        names = sa.inspect(connection).get_table_names()
        return {n: connection.scalar(sa.text(f"select count(*) from {n}")) or 0 for n in names}


def trial_of(report: StudyReport, beginning: str) -> int:
    return next(line.number for line in report.trials if line.pipeline == beginning)


def variant(found: Explanation, beginning: str) -> VariantLine:
    return next(line for line in found.variants if line.name.startswith(beginning))


async def test_explanation_is_what_the_study_measured_and_buys_nothing(
    report: StudyReport, store: Store, settings: Settings, database: Path
) -> None:
    before = rows(database)
    assert report.final is not None
    for standing in report.final.judgement.finalists:
        number = report.trial_of(standing.pipeline_id).number
        found = await explain(report, store.reader(), settings, trial=number)
        assert (found.n_known, found.n_held_out) == (60, 60)
        assert found.quality == standing.quality
        assert found.layers[-1].top_out == standing.quality
        spent = sum(layer.took["cost"].value for layer in found.layers)
        assert spent == pytest.approx(standing.cost.value)
        assert found.bought.n_calls == 0
        if (known := standing.versus_baseline) is not None and found.versus is not None:
            assert found.versus.n_pairs == known.n_pairs == len(found.questions)
    assert rows(database) == before


@pytest.mark.parametrize("has_winner", [True, False])
async def test_without_a_trial_it_is_the_winner_or_the_best_finalist_and_says_so(
    has_winner: bool, report: StudyReport, store: Store, settings: Settings
) -> None:
    assert report.final is not None
    best = report.final.judgement.finalists[0].pipeline_id
    judgement = replace(report.final.judgement, winner_id=best if has_winner else None)
    told = replace(report, final=replace(report.final, judgement=judgement))
    found = await explain(told, store.reader(), settings)
    assert found.trial == report.trial_of(best).number
    assert ("the study's winner" in found.why) == has_winner
    assert ("named no winner" in found.why) != has_winner
    assert any("leans to the high side" in note for note in found.notes)
    other = await explain(told, store.reader(), settings, trial=0)
    assert not any("leans to the high side" in note for note in other.notes)


async def test_variant_that_the_study_ran_is_compared_as_it_was_measured(
    report: StudyReport, store: Store, settings: Settings
) -> None:
    reader, study = store.reader(), report.study.study_id
    found = await bought(report, store, settings, Caps(calls=10_000), 0)
    n_compared = 0
    for line in report.trials:
        found = await explain(report, reader, settings, trial=line.number)
        ours = reader.results(study, line.pipeline_id, split=HELD_OUT_SPLIT)
        for one in found.variants:
            theirs = reader.results(study, one.variant.pipeline_id, split=HELD_OUT_SPLIT)
            if not ours or not theirs:
                continue
            assert one.effect is not None
            expected = paired_difference(
                [score_of(r) or 0.0 for r in ours],
                [score_of(r) or 0.0 for r in theirs],
                coverage=1 - 0.05 / len(found.variants),
            )
            assert one.effect.quality == expected
            n_compared += 1
    assert n_compared >= 2


async def test_what_is_not_recorded_is_listed_with_what_it_takes_then_known_once_bought(
    report: StudyReport, store: Store, settings: Settings
) -> None:
    number = trial_of(report, "weak x4(temperature=1.0) > rank(strong) > fuse(middle)")
    before = await explain(report, store.reader(), settings, trial=number)
    missing = before.base_about.calls + sum(line.about.calls for line in before.variants)
    assert missing > 0
    after = await bought(report, store, settings, Caps(calls=100_000), number)
    assert after.stopped == ""
    assert after.bought.n_calls > 0
    assert after.n_known == 60
    assert all(line.effect is not None for line in after.variants)
    assert not after.unknown
    again = await bought(report, store, settings, Caps(calls=100_000), number)
    assert again.bought.n_calls == 0
    assert replace(again, bought=after.bought) == after
    spend = load_report(store.reader(), "small").spend
    assert spend == report.spend, "the study has not paid for it"


@pytest.mark.parametrize("calls", [1, 37, 150])
async def test_purchases_never_pass_their_limit_and_only_whole_blocks_are_compared(
    calls: int, report: StudyReport, store: Store, settings: Settings, database: Path
) -> None:
    number = trial_of(report, "weak x4(temperature=1.0) > rank(strong) > fuse(middle)")
    before = rows(database)["calls"]
    found = await bought(report, store, settings, Caps(calls=calls), number)
    assert found.bought.n_calls <= calls
    assert rows(database)["calls"] - before == found.bought.n_calls
    assert found.stopped
    assert found.n_known % 10 == 0
    for line in found.variants:
        if line.effect is not None:
            assert line.effect.n_questions % 10 == 0


async def test_purchases_never_pass_their_dollars(
    report: StudyReport, store: Store, settings: Settings
) -> None:
    number = trial_of(report, "weak x4(temperature=1.0) > rank(strong) > fuse(middle)")
    found = await bought(report, store, settings, Caps(cost_nusd=20_000_000), number)
    assert 0 < found.bought.cost_nusd <= 20_000_000
    assert "0.02" in found.stopped


async def test_verifier_of_the_pipeline_is_reported_from_recorded_calls(
    report: StudyReport, store: Store, settings: Settings
) -> None:
    number = trial_of(report, "weak x4(temperature=1.0) > verify(strong, mode=one_step)")
    await bought(report, store, settings, Caps(calls=100_000), number)
    found = await explain(report, store.reader(), settings, trial=number)
    (line,) = found.verifiers
    assert (line.layer, line.sort) == (1, "verifier")
    assert line.report is not None
    rates = line.report.rates
    assert rates.n_right + rates.n_wrong == 4 * 60
    assert rates.true_positive is not None
    assert rates.false_positive is not None
    assert rates.true_positive.low <= 0.9 <= rates.true_positive.high
    assert rates.false_positive.low <= 0.1 <= rates.false_positive.high
    assert line.report.ceiling is not None
    assert line.report.best is not None


async def test_losses_say_where_the_right_answer_went(
    report: StudyReport, store: Store, settings: Settings
) -> None:
    number = trial_of(report, "weak x4(temperature=1.0) > rank(strong) > fuse(middle)")
    found = await bought(report, store, settings, Caps(calls=100_000), number)
    lost = [line for line in found.questions if line.score < 1 and line.lost_in is not None]
    # Where a layer lost the right answer and a later one wrote it anew, nothing is lost in the end.
    n_lost, n_found = (
        sum(getattr(layer, name) for layer in found.layers[1:]) for name in ("n_lost", "n_found")
    )
    assert lost
    assert n_lost - n_found <= len(lost) <= n_lost
    assert {line.lost_in for line in lost} <= {1, 2}


async def test_study_without_finalists_needs_a_trial_and_says_how(
    report: StudyReport, store: Store, settings: Settings
) -> None:
    unfinished = replace(report, final=None)
    with pytest.raises(NotFound, match=r"archon explain \w+ TRIAL"):
        await explain(unfinished, store.reader(), settings)
    found = await explain(unfinished, store.reader(), settings, trial=0)
    assert found.versus is None
    with pytest.raises(NotFound, match="no trial 99"):
        await explain(report, store.reader(), settings, trial=99)


async def test_damaged_completion_costs_its_question_and_is_told(
    report: StudyReport, store: Store, settings: Settings, database: Path
) -> None:
    found = await explain(report, store.reader(), settings)
    pipeline_id = next(t.pipeline_id for t in report.trials if t.number == found.trial)
    question = found.questions[0].example_id
    row = store.reader().question(
        report.study.study_id, pipeline_id, question, split=HELD_OUT_SPLIT
    )
    key = row.calls[0].key
    engine = sa.create_engine(f"sqlite:///{database}")
    with engine.begin() as connection:
        connection.execute(
            sa.text("update calls set text = 'x' where digest = :d and slot = :s"),
            {"d": key.digest, "s": key.slot},
        )
    found = await explain(report, store.reader(), settings)
    assert found.n_known == 59
    assert any("1 of 60 questions" in note for note in found.notes)


async def test_study_explains_itself_in_python(
    finished: Path, database: Path, report: StudyReport, store: Store, settings: Settings
) -> None:
    prepared = prepare(load_job(finished.parent / "job.yaml"))
    there = replace(settings, database_url=Secret(f"sqlite:///{database}"))
    found = await Study(prepared, there).explain()
    assert found == await explain(report, store.reader(), settings)


async def test_score_that_is_no_longer_what_the_study_found_is_told(
    report: StudyReport, store: Store, settings: Settings, database: Path
) -> None:
    found = await explain(report, store.reader(), settings)
    assert not any("not what the study found" in note for note in found.notes)
    engine = sa.create_engine(f"sqlite:///{database}")
    pipeline_id = next(t.pipeline_id for t in report.trials if t.number == found.trial)
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "update example_results set score = 0.5 where pipeline_id = :p "
                "and split = 'held_out' and example_id = :e"
            ),
            {"p": pipeline_id, "e": found.questions[0].example_id},
        )
    found = await explain(report, store.reader(), settings)
    assert any("not what the study found on 1 of 60" in note for note in found.notes)
