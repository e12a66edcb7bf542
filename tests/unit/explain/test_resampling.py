"""What more samples bring with an imperfect verifier: published and hand-made cases, and draws."""

from __future__ import annotations

import numpy as np
import pytest

from archon.explain.resampling import (
    MOST_SAMPLES,
    Nodes,
    Verdicts,
    best_number,
    ceiling,
    multiplied,
    resampled,
)
from archon.explain.skill import Skill
from archon.world.laws import ranked_first, verified


def questions(*shares: tuple[float, float]) -> Nodes:
    """Kinds of questions, each with its share of right samples and its weight."""
    p, weights = (np.array(column) for column in zip(*shares, strict=True))
    return p, 1 - p, weights


ONE = questions((0.3, 1.0))
EASY_AND_HARD = questions((0.87, 0.58), (0.13, 0.42))
"""The two kinds of questions of the paper's own notebook."""


def test_one_kind_of_question_by_hand() -> None:
    found = resampled(ONE, Verdicts(0.9, 0.1), 5)
    assert found.right == pytest.approx(0.694668, abs=1e-6)
    assert found.right_at_last == pytest.approx(0.700360, abs=1e-6)
    assert found.draws == pytest.approx(2.572843, abs=1e-6)
    assert found.right + found.wrong + found.unanswered == pytest.approx(1.0)
    once = resampled(ONE, Verdicts(0.9, 0.1), 1)
    assert (once.right_at_last, once.draws) == pytest.approx((0.3, 1.0))


@pytest.mark.parametrize(
    ("cost", "n", "value"), [(0.7, 3, 0.5246), (1.0, 2, 0.4724), (2.0, 1, 0.3388)]
)
def test_best_number_of_samples_is_finite_where_some_questions_are_hard(
    cost: float, n: int, value: float
) -> None:
    best = best_number(EASY_AND_HARD, Verdicts(1.0, 0.25), cost_of_wrong=cost)
    assert best.n == n
    assert best.value == pytest.approx(value, abs=5e-5)


def test_best_number_where_questions_are_alike_is_none_or_without_end() -> None:
    assert best_number(ONE, Verdicts(0.9, 0.1), cost_of_wrong=1.0).n == MOST_SAMPLES
    assert best_number(ONE, Verdicts(0.9, 0.1), cost_of_wrong=10.0).n == 0
    assert best_number(ONE, Verdicts(0.9, 0.1), cost_of_wrong=0.0, price=0.3).n == 0


def test_best_number_with_a_perfect_verifier_is_where_a_sample_costs_more_than_it_brings() -> None:
    # Beta(1, 1), a right answer worth 1, a sample 0.1: 1 / (n + 1) (n + 2) sums up to n = 8.
    best = best_number(Skill(1, 1).nodes, Verdicts(1.0, 0.0), cost_of_wrong=0.0, price=0.1)
    assert best.n == 8


def test_best_number_is_that_of_the_values_of_all_numbers() -> None:
    nodes, verdicts = Skill(0.8, 1.0).nodes, Verdicts(0.85, 0.2)
    values = [0.0]
    for n in range(1, 40):
        one = resampled(nodes, verdicts, n)
        values.append(one.right - 1.5 * one.wrong - 0.01 * one.draws)
    best = best_number(nodes, verdicts, cost_of_wrong=1.5, price=0.01)
    assert best.n == int(np.argmax(values))
    assert best.value == pytest.approx(max(values))


def test_ceiling_is_where_more_samples_lead() -> None:
    verdicts = Verdicts(0.85, 0.2)
    for nodes in (ONE, EASY_AND_HARD, Skill(0.5, 2.0).nodes):
        last = resampled(nodes, verdicts, 10_000)
        assert last.right == pytest.approx(ceiling(nodes, verdicts), abs=1e-3)
    assert ceiling(ONE, Verdicts(1.0, 0.0)) == 1.0
    assert ceiling(ONE, Verdicts(0.4, 0.4)) == pytest.approx(0.3)
    assert ceiling(ONE, Verdicts(0.0, 0.0)) == 0.0
    assert ceiling(questions((0.0, 0.5), (1.0, 0.5)), verdicts) == 0.5


def test_ceiling_of_a_ranker_is_where_more_candidates_lead() -> None:
    weight = float(np.exp(1.5))
    assert multiplied(ONE, weight, 1.0) == pytest.approx(ranked_first(0.3, 1.5, 800), abs=1e-3)


def test_shares_are_those_of_the_simulated_worlds_verifier() -> None:
    for n in (1, 3, 6):
        found = resampled(ONE, Verdicts(0.85, 0.2), n)
        assert found.right_at_last == pytest.approx(verified(0.3, 0.85, 0.2, n))


def test_shares_are_those_of_samples_that_are_drawn() -> None:
    chance, n, verdicts = np.random.default_rng(0), 200_000, Verdicts(0.7, 0.3)
    p = chance.beta(0.6, 0.9, n)
    rights = chance.random((n, 4)) < p[:, None]
    passed = chance.random((n, 4)) < np.where(rights, 0.7, 0.3)
    first = passed.argmax(axis=1)
    any_passed = passed.any(axis=1)
    first_is_right = rights[np.arange(n), first]
    found = resampled(Skill(0.6, 0.9).nodes, verdicts, 4)
    assert found.right == pytest.approx((first_is_right & any_passed).mean(), abs=0.005)
    assert found.wrong == pytest.approx((~first_is_right & any_passed).mean(), abs=0.005)
    drawn = np.where(any_passed, first + 1, 4).mean()
    assert found.draws == pytest.approx(drawn, abs=0.02)
