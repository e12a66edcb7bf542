"""The report of a study on a page: its sentences."""

from __future__ import annotations

import pytest

from archon.cli.report import spend_lines, trials_in_words
from archon.core.records import SpendTotals


@pytest.mark.parametrize(
    ("spend", "said"),
    [
        (
            SpendTotals(n_uncertain=26, uncertain_tokens=10_092),
            "26 calls without a reply may have run, at most 10,092 tokens; the budget counts them",
        ),
        (
            SpendTotals(n_uncertain=1, uncertain_tokens=90, uncertain_nusd=2_000_000),
            "1 call without a reply may have been charged, at most 90 tokens or $0.0020; "
            "the budget counts it",
        ),
    ],
    ids=["free", "priced"],
)
def test_lost_calls_are_charged_only_where_calls_have_a_price(
    spend: SpendTotals, said: str
) -> None:
    assert [line.strip() for line in spend_lines(spend)][1:] == [said]


def test_trials_are_named_in_words() -> None:
    assert trials_in_words([7]) == "trial 7"
    assert trials_in_words([0, 2]) == "trials 0, 2"
