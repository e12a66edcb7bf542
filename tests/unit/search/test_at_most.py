from __future__ import annotations

import pytest

from archon.search.at_most import AtMost
from archon.search.objectives import Measured
from tests.unit.search.measured import pipeline

QUICK = pipeline("a" * 12, [1.0, 0.0], latency_s=0.5, tokens=100)
SLOW = pipeline("b" * 12, [1.0, 1.0], latency_s=2.5, tokens=900)
UNSEEN = pipeline("c" * 12, [None])


@pytest.mark.parametrize(
    ("at_most", "kept"),
    [
        (AtMost(), [QUICK, SLOW]),
        (AtMost(latency_s=2.5), [QUICK, SLOW]),
        (AtMost(latency_s=2.4), [QUICK]),
        (AtMost(latency_s=9.0, tokens=500), [QUICK]),
        (AtMost(tokens=99), []),
    ],
)
def test_what_passes_a_ceiling_is_no_finalist(at_most: AtMost, kept: list[Measured]) -> None:
    assert list(at_most.within([QUICK, SLOW])) == kept


def test_by_how_much_a_ceiling_is_passed_counts_in_ceilings() -> None:
    at_most = AtMost(latency_s=1.0, tokens=900)
    assert at_most.beyond(SLOW) == (1.5, 0.0)
    assert at_most.beyond(QUICK) == (-0.5, pytest.approx(-8 / 9))
    assert at_most.beyond(UNSEEN) == AtMost().beyond(SLOW) == ()


def test_why_there_is_no_finalist_is_said_with_the_nearest() -> None:
    (said,) = AtMost(latency_s=0.2).about([SLOW, QUICK], [])
    assert "none of 2 pipelines" in said
    assert f"{'a' * 12} takes 0.5 s a question, where 0.2 s are allowed" in said


@pytest.mark.parametrize(
    ("tried", "finalists", "said"),
    [
        ([SLOW], [QUICK], []),
        ([QUICK, UNSEEN], [], []),
        ([UNSEEN], [], []),
        ([SLOW, UNSEEN], [], ["none of 1 pipelines keeps to at_most"]),
        ([SLOW, QUICK], [], ["1 of 2 pipelines keep to at_most, and each of them failed or was"]),
    ],
    ids=["finalist", "no ceiling passed", "nothing scored", "none keeps", "what keeps was pruned"],
)
def test_a_lack_of_finalists_is_laid_to_the_ceilings_where_they_are_why(
    tried: list[Measured], finalists: list[Measured], said: list[str]
) -> None:
    about = list(AtMost(latency_s=1.0).about(tried, finalists))
    assert [one[: len(start)] for one, start in zip(about, said, strict=True)] == said


def test_a_finalist_that_passes_a_ceiling_after_all_is_named() -> None:
    assert list(AtMost(latency_s=1.0).about([QUICK], [QUICK])) == []
    (said,) = AtMost(latency_s=1.0).about([QUICK], [SLOW])
    assert said.startswith(f"on the held-out questions {'b' * 12} takes 2.5 s")


def test_single_calls_that_pass_a_ceiling_are_named_in_one_sentence() -> None:
    at_most = AtMost(latency_s=0.3)
    assert list(AtMost(latency_s=9.0).about([], [QUICK], [QUICK, SLOW, UNSEEN])) == []
    (said,) = at_most.about([], [], [QUICK, SLOW, UNSEEN])
    assert said == (
        f"single calls are not held to at_most: on the held-out questions {'a' * 12} takes 0.5 s a "
        f"question, where 0.3 s are allowed; {'b' * 12} takes 2.5 s a question, where 0.3 s are "
        "allowed."
    )
