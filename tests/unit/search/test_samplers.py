"""Every sampler finds what is good in a space sooner than chance does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import get_args

import pytest

from archon.components.estimate_calls import estimate_calls
from archon.core.architecture import Architecture
from archon.core.results import Completed
from archon.search.baselines import single_calls
from archon.search.objectives import Objective
from archon.search.propose import Proposer
from archon.search.samplers.table import SAMPLERS, Needs, SamplerKind, build_sampler
from archon.search.space import Space
from archon.spec.job import load_job

ROOT = Path(__file__).parents[3]
HOSTED = ROOT / "search_spaces/hosted.yaml"
LEARNING = tuple(kind for kind in SAMPLERS if kind not in ("random", "exhaustive", "gain"))
SEVERAL = tuple(kind for kind in LEARNING if kind != "cmaes")
SEEDS = range(3)
N_TRIALS = 45

SKILLS = {"cheap": 0.05, "other": 0.08, "strong": 0.15}
FUSION = {"cheap": -0.05, "strong": 0.03}


@cache
def hosted() -> Space:
    """Some twenty thousand pipelines, with choices inside alternatives inside rounds."""
    return load_job(HOSTED).space


def quality(architecture: Architecture) -> float:
    """Samples of good models help, and a cool temperature; fusion by a weak model hurts."""
    total = 0.3
    for layer in architecture.layers:
        for spec in layer:
            if spec.kind == "generate":
                samples, warmth = spec.param("samples", 1), spec.param("temperature", 0.7)
                assert isinstance(samples, int)
                assert isinstance(warmth, float)
                total += SKILLS[spec.model] * math.log1p(samples) - 0.1 * abs(warmth - 0.3)
            elif spec.kind == "fuse":
                total += FUSION[spec.model]
            elif spec.kind == "verify":
                total += 0.08 * (spec.model == "strong")
    return total


def values(architecture: Architecture, objectives: Sequence[Objective]) -> tuple[float, ...]:
    known = {"quality": quality(architecture)}
    known["calls"] = float(estimate_calls(architecture).calls.high)
    return tuple(known[objective] for objective in objectives)


@cache
def searched(
    kind: SamplerKind, objectives: tuple[Objective, ...], seed: int
) -> tuple[tuple[float, ...], ...]:
    """What each trial of a search was worth."""
    return tuple(values(one, objectives) for one in proposed(kind, objectives, seed))


@cache
def proposed(
    kind: SamplerKind, objectives: tuple[Objective, ...], seed: int, *, is_told: bool = False
) -> tuple[Architecture, ...]:
    """The trials of a search, which may be told by how much each passes two ceilings."""
    needs = Needs(hosted(), objectives, seed, n_startup=8, n_trials=N_TRIALS)
    asked = Proposer(hosted(), build_sampler(kind, needs), seed=seed, starts=single_calls(hosted()))
    found = []
    for _ in range(N_TRIALS):
        row = asked.ask()
        assert row is not None
        found.append(row.architecture)
        outcome = Completed(values(row.architecture, objectives), 10)
        asked.tell(row.number, outcome, beyond=beyond(row.architecture) if is_told else ())
    return tuple(found)


def beyond(architecture: Architecture) -> tuple[float, float]:
    """By what part of them a pipeline passes ten calls, and six samples of what writes first."""
    calls = estimate_calls(architecture).calls.high
    samples = estimate_calls(architecture.prefix(1)).calls.high
    return (calls - 10) / 10, (samples - 6) / 6


def n_kept(trials: Sequence[Architecture]) -> int:
    return sum(max(beyond(one)) <= 0 for one in trials)


def volume(points: Sequence[tuple[float, ...]]) -> float:
    """The share of all that lies between no quality at 60 calls and full quality at one call."""
    covered, most = 0.0, 0.0
    for value, calls in sorted(points, key=lambda point: point[1]):
        covered += max(0.0, value - most) * (1 - math.log(calls) / math.log(60))
        most = max(most, value)
    return covered


def test_every_kind_that_a_job_may_name_is_in_the_table() -> None:
    assert tuple(SAMPLERS) == get_args(SamplerKind)


@pytest.mark.parametrize("kind", SAMPLERS)
def test_readme_says_what_the_sampler_is_for(kind: SamplerKind) -> None:
    assert f"| `{kind}` | {SAMPLERS[kind].summary} |" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("kind", LEARNING)
def test_sampler_finds_better_pipelines_than_chance(kind: SamplerKind) -> None:
    ours = [max(searched(kind, ("quality",), seed))[0] for seed in SEEDS]
    chance = [max(searched("random", ("quality",), seed))[0] for seed in SEEDS]
    assert sum(ours) > sum(chance)


@pytest.mark.parametrize("kind", LEARNING)
def test_sampler_learns_and_proposes_better_pipelines_on_the_average(kind: SamplerKind) -> None:
    late = slice(N_TRIALS // 2, None)
    for seed in SEEDS:
        ours = sum(value for (value,) in searched(kind, ("quality",), seed)[late])
        chance = sum(value for (value,) in searched("random", ("quality",), seed)[late])
        assert ours > chance


@pytest.mark.parametrize("kind", SEVERAL)
def test_sampler_finds_a_better_front_than_chance(kind: SamplerKind) -> None:
    both: tuple[Objective, ...] = ("quality", "calls")
    ours = [volume(searched(kind, both, seed)) for seed in SEEDS]
    chance = [volume(searched("random", both, seed)) for seed in SEEDS]
    assert sum(ours) > sum(chance)


@pytest.mark.parametrize(
    ("kind", "objectives"),
    [
        *((kind, ("quality",)) for kind in LEARNING),
        *((kind, ("quality", "calls")) for kind in SEVERAL),
    ],
)
def test_sampler_that_is_told_of_ceilings_proposes_more_that_keeps_to_them(
    kind: SamplerKind, objectives: tuple[Objective, ...]
) -> None:
    held = [n_kept(proposed(kind, objectives, seed, is_told=True)) for seed in SEEDS]
    free = [n_kept(proposed(kind, objectives, seed)) for seed in SEEDS]
    assert sum(held) > sum(free)


@pytest.mark.parametrize("kind", LEARNING)
def test_sampler_that_is_told_of_ceilings_finds_what_is_good_below_them(kind: SamplerKind) -> None:
    def best(kind: SamplerKind, seed: int) -> float:
        trials = proposed(kind, ("quality",), seed, is_told=True)
        return max(quality(one) for one in trials if max(beyond(one)) <= 0)

    ours = sum(best(kind, seed) for seed in SEEDS)
    assert ours > sum(best("random", seed) for seed in SEEDS)
