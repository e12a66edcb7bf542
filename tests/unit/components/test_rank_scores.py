"""Each candidate is graded alone; what has no grade is last, and is not graded 0."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archon.components.base import Interval, Sizes
from archon.components.rank_scores import RankScores
from tests.unit.components.scripted import Said, Script, answers_shown, in_turn, ran, state_of


def grader(grades: dict[str, Said]) -> Script:
    return lambda prompt: grades[answers_shown(prompt)[0]]


async def test_rank_scores_puts_the_best_first_with_scores() -> None:
    script = grader({"a": "Grade: 1", "b": "Fine.\nGrade: 10/10", "c": "**Grade: 5.5**"})
    result = await ran(RankScores("m", keep=2), state_of(*"abc"), script)
    assert result.texts == ["b", "c"]
    assert [c.score("rank_scores") for c in result.state.candidates] == [1.0, 0.5]
    assert not result.counted


async def test_rank_scores_reads_a_grade_that_stands_alone() -> None:
    script = grader({"a": "Grade: 2", "b": "Grade: 9"})
    result = await ran(RankScores("m", prompt="grade_only"), state_of(*"ab"), script)
    assert result.texts == ["b", "a"]
    assert all("nothing before or after it" in prompt for prompt in result.client.prompts)
    assert not result.counted


async def test_rank_scores_keeps_the_order_of_equals() -> None:
    result = await ran(RankScores("m"), state_of(*"cab"), in_turn("Grade: 7"))
    assert result.texts == ["c", "a", "b"]


async def test_rank_scores_takes_the_mean_of_the_votes_that_it_can_read() -> None:
    script = in_turn("Grade: 1", "Grade: 3", "hm", "hm")
    result = await ran(RankScores("m", votes=3, scale=5), state_of("a"), script)
    assert result.state.candidates[0].score("rank_scores") == 0.25
    assert result.counted == {"parse_failed": 2}


async def test_rank_scores_without_a_grade_is_last_and_has_no_score() -> None:
    script = grader({"a": "Grade: 11", "b": "Grade: 1"})
    result = await ran(RankScores("m"), state_of(*"ab"), script)
    assert result.texts == ["b", "a"]
    assert [c.score("rank_scores") for c in result.state.candidates] == [0.0, None]
    assert result.counted == {"parse_failed": 2, "unknown_verdict": 1}


@pytest.mark.parametrize("said", ["hm", ("Grade: 3", "length"), ("", "empty"), ("", "context")])
async def test_rank_scores_without_any_grade_keeps_the_order(said: Said) -> None:
    result = await ran(RankScores("m"), state_of(*"ba"), in_turn(said))
    assert result.texts == ["b", "a"]
    assert result.counted["fallback"] == 1


async def test_rank_scores_of_one_is_still_a_score() -> None:
    result = await ran(RankScores("m"), state_of("a"), in_turn("Grade: 10"))
    assert result.state.candidates[0].score("rank_scores") == 1.0


async def test_rank_scores_of_nothing_asks_nothing() -> None:
    result = await ran(RankScores("m"), state_of(), in_turn("Grade: 10"))
    assert (result.client.prompts, result.counted) == ([], {"empty_input": 1})


@given(
    st.integers(1, 4),
    st.integers(1, 3),
    st.lists(st.sampled_from(["Grade: 1", "Grade: 9", "Grade: 99", "x", ""]), min_size=1),
)
async def test_rank_scores_loses_nothing_and_asks_within_its_bounds(
    n: int, votes: int, replies: list[str]
) -> None:
    rank = RankScores("m", votes=votes)
    result = await ran(rank, state_of(*map(str, range(n))), in_turn(*replies))
    assert sorted(result.texts) == [str(i) for i in range(n)]
    bounds = rank.bounds(Sizes(Interval(n, n)))
    assert bounds.calls == Interval(n * votes, n * votes)
    assert bounds.calls.low <= len(result.client.prompts) <= bounds.calls.high + bounds.max_repairs
