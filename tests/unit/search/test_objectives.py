from __future__ import annotations

import math

import pytest

from archon.core.architecture import Architecture
from archon.core.results import ExampleStatus, Spending
from archon.search.objectives import DIRECTIONS, Measured, NothingScored, Objective, values
from tests.unit.search.measured import pipeline, result

SPENT = Spending(
    calls=3, prompt_tokens=70, completion_tokens=30, cost_nusd=1_500_000, latency_s=2.5
)


@pytest.mark.parametrize(
    ("objective", "mean"),
    [("quality", 0.5), ("cost", 0.0015), ("calls", 3.0), ("tokens", 100.0), ("latency", 2.5)],
)
def test_mean_is_per_question_and_in_the_unit_of_the_user(
    objective: Objective, mean: float
) -> None:
    results = (result(0.0, "a", spending=SPENT), result(1.0, "b", spending=SPENT))
    assert Measured("p", Architecture(()), results).mean(objective) == pytest.approx(mean)


@pytest.mark.parametrize(
    ("status", "score", "quality", "n_missing"),
    [
        ("model_fault", None, 0.5, 0),
        ("model_fault", 1.0, 0.5, 0),
        ("infra_fault", None, 1.0, 1),
        ("infra_fault", 0.0, 1.0, 1),
        ("scorer_fault", None, 1.0, 1),
    ],
)
def test_only_faults_of_the_model_count_as_wrong(
    status: ExampleStatus, score: float | None, quality: float, n_missing: int
) -> None:
    other = result(score, "b", status=status, spending=SPENT)
    measured = Measured("p", Architecture(()), (result(1.0, "a", spending=SPENT), other))
    assert measured.mean("quality") == quality
    assert (measured.n_scored, measured.n_missing) == (2 - n_missing, n_missing)
    assert measured.mean("calls") == 3.0, "what a missing question took is no part of the mean"


def test_values_come_in_the_order_of_the_objectives_and_are_finite() -> None:
    measured = pipeline("p", [1.0, 0.0, 1.0, None], tokens=40, latency_s=0.5)
    found = values(measured, ("tokens", "quality", "latency"))
    assert found == pytest.approx((40.0, 2 / 3, 0.5))
    assert all(math.isfinite(value) for value in found)


@pytest.mark.parametrize("scores", [[], [None, None]], ids=["no-results", "all-missing"])
def test_values_of_a_pipeline_without_scores_name_it(scores: list[float | None]) -> None:
    with pytest.raises(NothingScored, match=r"pipeline p7: none of [02] questions has a score"):
        values(pipeline("p7", scores), ("cost",))


def test_measured_refuses_to_count_a_question_twice() -> None:
    twice = (result(1.0, "a"), result(0.0, "a"))
    with pytest.raises(ValueError, match="two results for one example"):
        Measured("p", Architecture(()), twice)


def test_directions_are_known_for_every_objective() -> None:
    assert DIRECTIONS["quality"] == "maximize"
    assert {DIRECTIONS[o] for o in DIRECTIONS if o != "quality"} == {"minimize"}
    assert len(DIRECTIONS) == 5
