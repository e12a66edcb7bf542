from __future__ import annotations

import numpy as np
import pytest

from archon.search.intervals import paired_difference
from archon.search.power import shown_by, smallest_difference, smallest_difference_of_shares
from tests.unit.search.tables import all_tables, chance_of


@pytest.mark.parametrize(
    ("n", "discordance"), [(40, 0.3), (60, 0.2), (100, 0.5), (60, 0.1), (60, 0.0)]
)
def test_smallest_difference_of_shares_is_shown_four_times_in_five(
    n: int, discordance: float
) -> None:
    difference = smallest_difference_of_shares(n, discordance=discordance)
    both = max(discordance, difference)
    tables = all_tables(n, 0.95)
    p, q = (both + difference) / 2, (both - difference) / 2
    shown = chance_of(list(tables), n, p, q) @ [i.low > 0 for i in tables.values()]
    assert shown == pytest.approx(0.8, abs=0.07)


def test_smallest_difference_of_graded_scores_is_shown_four_times_in_five() -> None:
    chance, n, sd = np.random.default_rng(9), 200, 0.3
    difference = smallest_difference(n, sd=sd)
    drawn = np.clip(chance.normal(difference, sd, (500, n)), -1, 1)
    shown = [
        paired_difference(np.maximum(row, 0).tolist(), np.maximum(-row, 0).tolist()).low > 0
        for row in drawn
    ]
    assert np.mean(shown) == pytest.approx(0.8, abs=0.07)


def test_smallest_difference_falls_with_questions_and_rises_with_comparisons() -> None:
    by_n = [smallest_difference_of_shares(n, discordance=0.3) for n in (10, 30, 100, 1000)]
    assert by_n == sorted(by_n, reverse=True)
    one = smallest_difference_of_shares(60, discordance=0.3, coverage=0.95)
    assert smallest_difference_of_shares(60, discordance=0.3, coverage=0.99) > one
    assert smallest_difference(60, sd=0.3, coverage=0.99) > smallest_difference(60, sd=0.3)


def test_smallest_difference_of_one_question_is_everything() -> None:
    assert smallest_difference_of_shares(1, discordance=0.3) == pytest.approx(1.0)
    assert smallest_difference(1, sd=0.5) == 1.0


def test_shown_by_takes_agreement_for_no_precision() -> None:
    agreed = [1.0] * 60
    assert shown_by(agreed, agreed, coverage=0.95) == pytest.approx(0.090, abs=1e-3)
    assert shown_by([0.4] * 60, [0.5] * 60, coverage=0.95) > 0.05
