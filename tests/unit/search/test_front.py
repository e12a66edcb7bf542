from __future__ import annotations

import random
import time

import pytest

from archon.search.front import finalists, front, non_dominated
from archon.search.objectives import Measured, Objective, oriented
from tests.unit.search.measured import pipeline

BOTH: tuple[Objective, ...] = ("quality", "tokens")


def of_quality(pipeline_id: str, quality: float, tokens: int) -> Measured:
    return pipeline(pipeline_id, [quality], tokens=tokens)


def ids(measured: tuple[Measured, ...]) -> list[str]:
    return [one.pipeline_id for one in measured]


STAIRS = [of_quality(f"s{i}", 0.3 + 0.1 * i, 100 * 2**i) for i in range(6)]
DOMINATED = [of_quality("d1", 0.3, 150), of_quality("d2", 0.55, 3000)]


def test_front_keeps_what_nothing_beats_best_quality_first() -> None:
    found = front([*DOMINATED, *STAIRS], BOTH)
    assert ids(found) == ["s5", "s4", "s3", "s2", "s1", "s0"]


def test_front_of_one_objective_is_its_best() -> None:
    assert ids(front([*DOMINATED, *STAIRS], ("quality",))) == ["s5"]
    assert ids(front([*DOMINATED, *STAIRS], ("tokens",))) == ["s0"]


def test_front_keeps_equals_in_the_order_of_their_ids() -> None:
    twins = [of_quality("b", 0.5, 10), of_quality("a", 0.5, 10), of_quality("c", 0.4, 10)]
    assert ids(front(twins, BOTH)) == ["a", "b"]


def test_front_passes_over_pipelines_without_scores() -> None:
    assert ids(front([pipeline("none", [None]), of_quality("a", 0.1, 10)], BOTH)) == ["a"]
    assert front([pipeline("none", [None])], BOTH) == ()
    assert front([], BOTH) == ()


def test_front_agrees_with_the_definition_on_random_pipelines() -> None:
    chance = random.Random(3)
    three: tuple[Objective, ...] = ("quality", "tokens", "latency")
    drawn = [
        pipeline(
            f"p{i:03}",
            [chance.randrange(8) / 8],
            tokens=chance.randrange(8),
            latency_s=chance.randrange(4),
        )
        for i in range(150)
    ]
    points = {one.pipeline_id: oriented(one, three) for one in drawn}
    expected = {
        name
        for name, mine in points.items()
        if not any(
            other != mine and all(a >= b for a, b in zip(other, mine, strict=True))
            for other in points.values()
        )
    }
    assert set(ids(front(drawn, three))) == expected
    plain = {i: points[one.pipeline_id] for i, one in enumerate(drawn)}
    assert {drawn[i].pipeline_id for i in non_dominated(plain)} == expected


def test_front_of_ten_thousand_trials_takes_no_noticeable_time() -> None:
    chance = random.Random(1)
    drawn = [of_quality(f"p{i}", chance.random(), chance.randrange(10**6)) for i in range(10_000)]
    started = time.monotonic()
    assert front(drawn, BOTH)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_finalists_are_at_most_n_and_open_with_the_best_quality(n: int) -> None:
    found = finalists([*DOMINATED, *STAIRS], BOTH, n)
    assert len(found) == n
    assert found[0].pipeline_id == "s5"
    assert set(ids(found)) <= {one.pipeline_id for one in STAIRS}


def test_finalists_spread_over_the_front_instead_of_crowding_at_its_end() -> None:
    crowd = [of_quality(f"c{i}", 0.9 + i / 1000, 10_000 + i) for i in range(8)]
    cheap = of_quality("cheap", 0.85, 100)
    found = ids(finalists([*crowd, cheap], BOTH, 2))
    assert found == ["c7", "cheap"]


def test_finalists_prefer_nearly_as_good_and_far_cheaper_to_the_cheapest_of_all() -> None:
    top, knee = of_quality("top", 0.80, 8000), of_quality("knee", 0.78, 800)
    single = of_quality("single", 0.40, 700)
    assert ids(finalists([single, top, knee], BOTH, 2)) == ["top", "knee"]


def test_finalists_of_one_objective_are_its_n_best() -> None:
    found = finalists([*DOMINATED, *STAIRS], ("quality",), 3)
    assert ids(found) == ["s5", "s4", "s3"]


def test_finalists_open_with_the_best_quality_even_where_it_is_no_objective() -> None:
    found = finalists([of_quality("a", 0.2, 10), of_quality("b", 0.9, 10)], ("tokens",), 1)
    assert ids(found) == ["b"]


def test_finalists_do_not_depend_on_the_order_of_the_trials() -> None:
    trials = [*DOMINATED, *STAIRS, of_quality("twin", 0.8, 3200)]
    shuffled = random.Random(5).sample(trials, len(trials))
    assert finalists(trials, BOTH, 4) == finalists(shuffled, BOTH, 4)


def test_finalists_are_all_there_is_when_n_is_larger() -> None:
    assert ids(finalists(STAIRS[:2], BOTH, 10)) == ["s1", "s0"]
    assert finalists([], BOTH, 3) == ()


def test_finalists_refuse_to_be_none() -> None:
    with pytest.raises(ValueError, match="at least one finalist, not 0"):
        finalists(STAIRS, BOTH, 0)


def test_finalists_stand_where_prices_are_all_zero_or_all_equal() -> None:
    free = [pipeline(f"p{i}", [i / 10], cost_nusd=0, latency_s=float(i)) for i in range(5)]
    assert ids(finalists(free, ("quality", "cost", "latency"), 2))[0] == "p4"
    assert ids(finalists(free[:1], ("cost",), 1)) == ["p0"]
