"""Shares over candidates of questions, and differences of amounts, keep their coverage."""

from __future__ import annotations

import numpy as np
import pytest

from archon.search.intervals import Interval, clustered_share, mean_score, paired_amounts


@pytest.mark.parametrize("alike", [0.001, 0.3, 0.9], ids=["independent", "alike", "nearly-equal"])
@pytest.mark.parametrize("share", [0.03, 0.3, 0.9])
@pytest.mark.parametrize("n_questions", [20, 100])
def test_share_over_candidates_keeps_its_coverage_however_alike_they_are(
    n_questions: int, share: float, alike: float
) -> None:
    chance, spread = np.random.default_rng(7), 1 / alike - 1
    kept = []
    for _ in range(400):
        sizes = chance.integers(1, 6, n_questions)
        of_question = chance.beta(share * spread, (1 - share) * spread, n_questions)
        hits = chance.binomial(sizes, of_question)
        found = clustered_share(list(zip(hits.tolist(), sizes.tolist(), strict=True)))
        kept.append(found.low <= share <= found.high)
    assert np.mean(kept) > 0.925


def test_share_over_one_candidate_a_question_is_that_of_single_answers() -> None:
    groups = [(1, 1)] * 30 + [(0, 1)] * 30
    alone = mean_score([float(hit) for hit, _ in groups])
    found = clustered_share(groups)
    assert (found.value, found.low, found.high) == pytest.approx(
        (alone.value, alone.low, alone.high), abs=2e-3
    )


def test_share_counts_questions_where_candidates_repeat_each_other() -> None:
    alike = clustered_share([(4, 4)] * 50 + [(0, 4)] * 50)
    independent = clustered_share([(2, 4)] * 100)
    assert alike.value == independent.value == 0.5
    assert alike.high - alike.low > 1.9 * (independent.high - independent.low)


def test_share_that_all_or_none_have_is_not_taken_for_certain() -> None:
    none = clustered_share([(0, 5)] * 12)
    assert (none.value, none.low) == (0.0, 0.0)
    assert none.high == pytest.approx(mean_score([0.0] * 12).high, abs=0.06)
    assert clustered_share([(3, 3)]).low < 0.5
    with pytest.raises(ValueError, match="no question"):
        clustered_share([])


def test_difference_of_amounts_keeps_its_coverage_and_knows_both_signs() -> None:
    chance = np.random.default_rng(3)
    found = []
    for _ in range(300):
        base = chance.lognormal(0, 0.5, 60)
        found.append(paired_amounts((base + chance.exponential(0.2, 60)).tolist(), base.tolist()))
    assert np.mean([i.low <= 0.2 <= i.high for i in found]) > 0.91
    one = paired_amounts([2.0, 3.5, 1.0], [1.0, 1.0, 1.0])
    other = paired_amounts([1.0, 1.0, 1.0], [2.0, 3.5, 1.0])
    assert (one.value, one.low > -2) == (-other.value, True)


def test_difference_of_amounts_that_never_varies_is_a_point() -> None:
    assert paired_amounts([3.0, 4.0], [1.0, 2.0]) == Interval(2.0, 2.0, 2.0)
    assert paired_amounts([3.0], [1.0]).high == float("inf")
