"""Racing: what it stops is behind, and looking often does not make it wrong more often."""

from __future__ import annotations

import math
import random
from itertools import permutations

import pytest

from archon.search.racing import beaten, evidence_behind
from tests.unit.search.measured import pipeline

N = 60


def test_no_question_is_no_evidence() -> None:
    assert evidence_behind([], 10) == 1.0


def test_evidence_grows_with_what_speaks_for_it_and_not_with_what_speaks_against() -> None:
    losing = [evidence_behind([-1.0] * n, 100) for n in range(12)]
    assert losing == sorted(losing)
    assert losing[4] < 20 < losing[11]
    assert evidence_behind([1.0] * 50, 100) == 1.0
    assert evidence_behind([-1.0] * 6 + [1.0] * 6, 100) < 20


def test_trial_that_cannot_catch_up_is_behind_for_certain() -> None:
    assert evidence_behind([-1.0] * 6, 10) == math.inf
    assert evidence_behind([-1.0] * 5, 10) < math.inf, "five wins to come would make it equal"


def test_false_stops_are_as_rare_as_promised_over_every_order_of_equal_pipelines() -> None:
    """All orders, so the chance is exact: Ville's inequality has no slack to hide an error in."""
    differences = [1.0, 1.0, 1.0, 0.0, -1.0, -1.0, -1.0]
    orders = set(permutations(differences))
    for alpha in (0.5, 0.2, 0.1):
        stopped = sum(evidence_behind(order, len(order)) >= 1 / alpha for order in orders)
        assert stopped / len(orders) <= alpha


@pytest.mark.parametrize("spread", [0.2, 0.6, 1.0], ids=["alike", "mixed", "unlike"])
def test_looking_after_every_question_stops_few_pipelines_that_are_not_behind(
    spread: float,
) -> None:
    chance = random.Random(7)
    n_runs, n_stopped = 2_000, 0
    for _ in range(n_runs):
        half = [chance.choice((-1.0, 1.0)) for _ in range(int(N * spread / 2))]
        differences = [*half, *(-each for each in half)]
        differences += [0.0] * (N - len(differences))
        chance.shuffle(differences)
        n_stopped += evidence_behind(differences, N) >= 20
    assert n_stopped / n_runs <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / n_runs)


def test_pipeline_that_is_far_behind_is_stopped_early_mostly() -> None:
    chance = random.Random(7)
    asked = []
    for _ in range(300):
        differences = [chance.choices((-1.0, 0.0, 1.0), (0.55, 0.4, 0.05))[0] for _ in range(N)]
        seen = (n for n in range(N + 1) if evidence_behind(differences[:n], N) >= 20)
        asked.append(next(seen, N))
    assert sorted(asked)[150] <= N / 3


BETTER = pipeline("better", [1.0] * 40 + [0.0] * 20, tokens=100)


def test_trial_is_beaten_by_what_is_better_and_cheaper() -> None:
    found = beaten(pipeline("slow", [0.0] * 16, tokens=200), [BETTER], ("quality", "tokens"), N)
    assert found is not None
    assert (found.by, found.n_questions) == ("better", 16)
    assert found.evidence >= 20


def test_trial_that_is_cheaper_or_as_cheap_is_not_beaten() -> None:
    for tokens in (50, 100):
        trial = pipeline("frugal", [0.0] * 16, tokens=tokens)
        assert beaten(trial, [BETTER], ("quality", "tokens"), N) is None
        assert beaten(trial, [BETTER], ("quality",), N) is not None


def test_more_rivals_ask_for_more_evidence() -> None:
    trial = pipeline("slow", [0.0] * 8, tokens=10_000)
    rivals = [
        pipeline(f"rival{i}", [1.0] * (30 + i) + [0.0] * (30 - i), tokens=100 + i)
        for i in range(20)
    ]
    assert beaten(trial, rivals[-1:], ("quality", "tokens"), N) is not None
    assert beaten(trial, rivals, ("quality", "tokens"), N) is None
    dominated = [pipeline(f"poor{i}", [0.0] * N, tokens=5_000) for i in range(20)]
    assert beaten(trial, [rivals[-1], *dominated], ("quality", "tokens"), N) is not None


def test_questions_without_a_score_are_left_out() -> None:
    holes = pipeline("holes", [None, 0.0] * 10, tokens=200)
    found = beaten(holes, [BETTER], ("quality", "tokens"), N)
    assert found is not None
    assert found.n_questions == 10
