from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from archon.components.estimate_calls import estimate_calls
from archon.core.architecture import Architecture, ComponentSpec
from archon.core.records import ProposalRow
from archon.core.results import Completed, Stopped
from archon.core.seeds import derive_seed
from archon.search.baselines import single_calls
from archon.search.objectives import Objective
from archon.search.propose import Proposer, Start
from archon.search.samplers import by_optuna
from archon.search.samplers.table import SAMPLERS, Needs, SamplerKind, build_sampler
from archon.search.samplers.tpe import tpe_sampler
from archon.search.space import Range, Space
from archon.spec.job import load_job
from tests.unit.search.spaces import ensemble, generate, small_space, space

HOSTED = Path(__file__).parents[3] / "search_spaces/hosted.yaml"
BOTH: tuple[Objective, ...] = ("quality", "calls")
PROPOSING = tuple(kind for kind in SAMPLERS if kind != "gain")
KINDS = tuple(kind for kind in PROPOSING if SAMPLERS[kind].misfit(small_space(), BOTH) is None)


def proposer(kind: SamplerKind, seed: int = 0, **options: int) -> Proposer:
    return proposer_in(small_space(**options), kind, seed, n_startup=3)


def proposer_in(found: Space, kind: SamplerKind, seed: int, n_startup: int) -> Proposer:
    needs = Needs(found, objectives_of(kind), seed, n_startup=n_startup, n_trials=24)
    return Proposer(found, build_sampler(kind, needs), seed=seed, starts=single_calls(found))


def objectives_of(kind: SamplerKind) -> tuple[Objective, ...]:
    return BOTH[:1] if kind == "cmaes" else BOTH


def worth(row: ProposalRow) -> Completed:
    """More samples are better and dearer."""
    calls = float(estimate_calls(row.architecture).calls.high)
    return Completed((calls / 10, calls), 10)


def run_dry(asked: Proposer, most: int = 100) -> list[ProposalRow]:
    rows: list[ProposalRow] = []
    while len(rows) < most and (row := asked.ask()) is not None:
        rows.append(row)
        asked.tell(row.number, worth(row))
    return rows


@pytest.mark.parametrize("kind", KINDS)
def test_every_pipeline_of_a_small_space_is_proposed_once_and_then_none(
    kind: SamplerKind,
) -> None:
    rows = run_dry(proposer(kind))
    assert len(rows) == 21
    assert len({row.pipeline_id for row in rows}) == 21
    assert [row.number for row in rows] == list(range(21))


@pytest.mark.parametrize("kind", KINDS)
def test_pipelines_over_the_ceiling_are_never_proposed(kind: SamplerKind) -> None:
    rows = run_dry(proposer(kind, max_calls=2))
    assert len(rows) == 3 + 3 * 2  # one sample; two samples with and without picking
    assert max(estimate_calls(row.architecture).calls.high for row in rows) == 2


def test_single_calls_come_first_and_count_as_baselines() -> None:
    found = space(ensemble("a", "b", "c", low=1, high=3), generate())
    asked = Proposer(found, tpe_sampler(["maximize"]), seed=0, starts=single_calls(found))
    first = [asked.ask() for _ in range(4)]
    models = [row.architecture.models() for row in first if row and row.origin == "baseline"]
    assert models == [("a",), ("b",), ("c",), ("small",)]


def test_single_call_keeps_what_the_space_fixes() -> None:
    (start,) = single_calls(small_space())
    assert start.architecture.layers[0][0] == ComponentSpec.of(
        "generate", "small", samples=1, temperature=0.7
    )


def test_known_pipeline_is_recognised_however_it_is_written() -> None:
    spec = ComponentSpec.of("generate", "small", samples=1, temperature=0.7)
    twice = [Start(Architecture(((spec,),)), "baseline"), Start(Architecture(((spec,),)), "seed")]
    asked = Proposer(small_space(), None, seed=0, starts=twice)
    rows = run_dry(asked)
    assert [row.origin for row in rows].count("baseline") == 1
    assert "seed" not in [row.origin for row in rows]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cut", [1, 4, 9])
def test_resumed_search_proposes_what_the_uninterrupted_one_does(
    kind: SamplerKind, cut: int
) -> None:
    whole = run_dry(proposer(kind, seed=3), most=14)
    resumed = proposer(kind, seed=3)
    for row in whole[:cut]:
        resumed.restore(row)
        resumed.tell(row.number, worth(row))
    assert run_dry(resumed, most=14 - cut) == whole[cut:]


def show_few_trials(monkeypatch: pytest.MonkeyPatch, most: int = 12) -> None:
    """What a sampler of Optuna's is shown after hundreds of trials, after a dozen."""
    for name, share in {"MOST_SHOWN": 1.0, "N_KEPT": 0.7, "N_BEST": 0.3, "MOST_HELD": 1.5}.items():
        monkeypatch.setattr(by_optuna, name, int(most * share))


@pytest.mark.parametrize(
    ("kind", "is_long"), [*((kind, False) for kind in PROPOSING), ("tpe", True), ("random", True)]
)
@pytest.mark.parametrize(("seed", "ceiling"), [(0, None), (1, None), (2, 8.0)])
def test_resumed_search_in_threes_proposes_the_same_from_a_space_with_branches(
    kind: SamplerKind,
    seed: int,
    ceiling: float | None,
    is_long: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if is_long:
        show_few_trials(monkeypatch)
    job = load_job(HOSTED)

    def in_threes(known: Sequence[ProposalRow] = ()) -> list[ProposalRow]:
        asked = proposer_in(job.space, kind, seed, n_startup=4)
        left, rows = list(known), list[ProposalRow]()
        while len(rows) < 24:
            batch = []
            for _ in range(3):
                if left:
                    asked.restore(row := left.pop(0))
                else:
                    found = asked.ask()
                    assert found is not None
                    row = found
                batch.append(row)
            for row in batch:
                value = derive_seed(row.pipeline_id) % 1000 / 1000
                both = (value, worth(row).objectives[1])
                beyond = (both[1] / ceiling - 1,) if ceiling else ()
                outcome = Completed(both[: len(objectives_of(kind))], 10)
                asked.tell(row.number, outcome, beyond=beyond)
            rows += batch
        return rows

    whole = in_threes()
    cuts = range(1, 24) if kind == "tpe" else (1, 6, 11, 16, 20, 23)
    assert [cut for cut in cuts if in_threes(whole[:cut]) != whole] == []


def test_other_seeds_search_in_another_order() -> None:
    orders = {tuple(row.pipeline_id for row in run_dry(proposer("tpe", seed))) for seed in range(4)}
    assert len(orders) > 1


def test_failed_trials_do_not_stop_the_proposals() -> None:
    asked = proposer("tpe")
    for _ in range(12):
        row = asked.ask()
        assert row is not None
        asked.tell(row.number, Stopped("failed", "the endpoint was away"))
    assert asked.n_proposed == 12


@pytest.mark.parametrize("is_long", [False, True], ids=["", "long"])
def test_tpe_turns_to_what_is_better(is_long: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """With an open temperature, whose best value is 1.5, later draws lie closer to it."""
    if is_long:
        show_few_trials(monkeypatch, most=100)
    found = space(generate(temperature=Range(0.0, 2.0, is_integer=False)))
    asked = Proposer(found, tpe_sampler(["maximize"], n_startup=5), seed=1)
    distances = []
    for _ in range(250 if is_long else 60):
        row = asked.ask()
        assert row is not None
        value = row.architecture.layers[0][0].param("temperature", 0.7)
        assert isinstance(value, float)
        distances.append(abs(value - 1.5))
        asked.tell(row.number, Completed((-distances[-1],), 10))
    assert sum(distances[-20:]) < sum(distances[:20]) / 2


def test_search_that_cannot_look_at_all_pipelines_does_not_say_that_it_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = proposer("exhaustive")
    assert len(run_dry(whole)) == 21
    assert whole.is_all_tried
    monkeypatch.setattr("archon.search.propose.MOST_WALKS", 10)
    part = proposer("exhaustive")
    assert len(run_dry(part)) < 21
    assert not part.is_all_tried
    endless = Proposer(space(generate(temperature=Range(0.0, 1.0, is_integer=False))), None, seed=0)
    assert endless.ask() is None
    assert not endless.is_all_tried


def test_first_pipelines_of_a_huge_space_take_no_listing_of_it() -> None:
    huge = space(*[generate(samples=Range(1, 9, is_integer=True)) for _ in range(12)])
    asked = Proposer(huge, None, seed=0)
    assert len({row.pipeline_id for row in run_dry(asked, most=5)}) == 5


def test_walk_that_fails_is_not_left_running_in_the_sampler(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sampler = tpe_sampler(["maximize", "minimize"])
    asked = Proposer(small_space(), sampler, seed=0)

    def fail(*_args: object) -> None:
        raise RuntimeError("the space is broken")

    monkeypatch.setattr("archon.search.propose.feasible", fail)
    with pytest.raises(RuntimeError, match="the space is broken"):
        asked.ask()
    assert [trial.state.name for trial in sampler._study.get_trials()] == ["FAIL"]
