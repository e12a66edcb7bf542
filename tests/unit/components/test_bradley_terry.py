"""Strengths are those that the definition of the fit asks for."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archon.components.bradley_terry import log_strengths

TABLES = st.integers(2, 6).flatmap(
    lambda n: st.lists(
        st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0, 30.0]), min_size=n, max_size=n),
        min_size=n,
        max_size=n,
    )
)


@given(TABLES, st.sampled_from([0.1, 0.5, 2.0]))
def test_strengths_expect_as_many_wins_as_there_were(wins: list[list[float]], alpha: float) -> None:
    strengths = [math.exp(theta) for theta in log_strengths(wins, alpha=alpha)]
    for i, own in enumerate(strengths):
        others = [(j, other) for j, other in enumerate(strengths) if j != i]
        won = sum(wins[i][j] for j, _ in others) + alpha
        games = [(wins[i][j] + wins[j][i], other) for j, other in others]
        expected = sum(n * own / (own + other) for n, other in [*games, (2 * alpha, 1.0)])
        assert won == pytest.approx(expected, abs=1e-6)


def test_strengths_of_two_are_the_log_odds_of_their_games() -> None:
    one, other = log_strengths([[0, 7], [3, 0]], alpha=1e-6)
    assert one - other == pytest.approx(math.log(7 / 3), abs=1e-4)


def test_strengths_without_games_are_even() -> None:
    assert log_strengths([[0.0] * 3] * 3) == [0.0, 0.0, 0.0]


def test_strengths_of_who_never_lost_are_finite() -> None:
    best, worst = log_strengths([[0, 1000], [0, 0]])
    assert math.isfinite(best) and math.isfinite(worst) and best > worst


@given(st.permutations(range(5)))
def test_strengths_of_a_full_round_are_in_the_order_of_wins(order: list[int]) -> None:
    wins = [[float(order[i] > order[j]) for j in range(5)] for i in range(5)]
    strengths = log_strengths(wins)
    assert sorted(range(5), key=lambda i: strengths[i]) == sorted(range(5), key=lambda i: order[i])
