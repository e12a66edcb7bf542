"""Games between two decide; the place in which an answer is shown decides nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archon.components.base import Interval, Sizes
from archon.components.rank_pairs import RankPairs, drawn
from tests.unit.components.scripted import Said, Script, answers_shown, in_turn, ran, state_of

TEXTS = ("c", "a", "e", "b", "d")
SCHEDULES = ("round_robin", "knockout")


def judge(prompt: str) -> str:
    """Prefers what comes first in the alphabet."""
    first, second = answers_shown(prompt)
    return f"Better: answer {1 if first < second else 2}" if first != second else "Better: tie"


@pytest.mark.parametrize("swap", [True, False])
async def test_rank_pairs_puts_the_best_first_with_falling_scores(swap: bool) -> None:
    result = await ran(RankPairs("m", swap=swap), state_of(*TEXTS), judge)
    assert result.texts == sorted(TEXTS)
    scores = [c.score("rank_pairs") or 0.0 for c in result.state.candidates]
    assert scores == sorted(set(scores), reverse=True)
    assert all(0 < score < 1 for score in scores)
    assert len(result.client.prompts) == (20 if swap else 10)


async def test_rank_pairs_reads_the_verdict_after_a_solution_of_the_models_own() -> None:
    def script(prompt: str) -> str:
        return f"My own solution:\nAnswer 2\nAnswer 1 comes to the same.\n{judge(prompt)}"

    result = await ran(RankPairs("m", prompt="solve_first"), state_of(*TEXTS), script)
    assert result.texts == sorted(TEXTS)
    assert not result.counted


@pytest.mark.parametrize("n", range(2, 10))
async def test_knockout_finds_the_best_in_one_game_less_than_candidates(n: int) -> None:
    texts = [str((i * 7 + 3) % n) for i in range(n)]
    result = await ran(RankPairs("m", schedule="knockout", swap=False), state_of(*texts), judge)
    assert result.texts[0] == min(texts)
    assert result.state.candidates[0].score("rank_pairs") == 1.0
    assert len(result.client.prompts) == n - 1


def test_knockout_gives_byes_to_the_first_and_pairs_the_first_with_the_last() -> None:
    assert drawn(range(8)) == ([], [(0, 7), (1, 6), (2, 5), (3, 4)])
    assert drawn(range(5)) == ([0, 1, 2], [(3, 4)])


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("place", [1, 2])
async def test_rank_pairs_by_a_model_that_likes_a_place_changes_nothing(
    schedule: str, place: int
) -> None:
    rank = RankPairs("m", schedule=schedule)
    result = await ran(rank, state_of(*TEXTS), in_turn(f"Better: answer {place}"))
    assert result.texts[0] == "c"
    if schedule == "round_robin":
        assert result.texts == list(TEXTS)
        assert {c.score("rank_pairs") for c in result.state.candidates} == {0.5}


@pytest.mark.parametrize("schedule", SCHEDULES)
async def test_rank_pairs_keeps_the_first_and_is_the_same_again(schedule: str) -> None:
    rank = RankPairs("m", keep=2, schedule=schedule, swap=False)
    runs = [await ran(rank, state_of(*TEXTS), judge) for _ in range(2)]
    assert runs[0].texts == runs[1].texts
    assert runs[0].texts[0] == "a" and len(runs[0].texts) == 2
    assert runs[0].client.keys == runs[1].client.keys


async def test_rank_pairs_leaves_out_a_game_that_cannot_be_read() -> None:
    def script(prompt: str) -> Said:
        return "they are both fine" if "e" in answers_shown(prompt) else judge(prompt)

    result = await ran(RankPairs("m"), state_of(*"ea"), script)
    assert result.texts == ["e", "a"]
    assert result.counted == {"parse_failed": 4, "fallback": 1}
    result = await ran(RankPairs("m"), state_of(*"eba"), script)
    assert result.texts == ["a", "e", "b"]


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("said", ["hm", ("", "refused"), ("", "context")], ids=str)
async def test_rank_pairs_without_any_game_keeps_the_order(schedule: str, said: Said) -> None:
    result = await ran(RankPairs("m", schedule=schedule), state_of(*TEXTS), in_turn(said))
    assert result.texts == list(TEXTS)
    assert result.state.candidates[0].scores == ()
    assert result.counted["fallback"] == 1


@pytest.mark.parametrize("schedule", SCHEDULES)
async def test_rank_pairs_of_one_or_none_asks_nothing(schedule: str) -> None:
    rank = RankPairs("m", schedule=schedule)
    one, none = await ran(rank, state_of("a"), judge), await ran(rank, state_of(), judge)
    assert one.client.prompts == none.client.prompts == []
    assert one.state.candidates[0].score("rank_pairs") == 1.0
    assert none.counted == {"empty_input": 1}


@pytest.mark.parametrize(
    ("schedule", "swap", "calls"),
    [
        ("round_robin", True, 30),
        ("round_robin", False, 15),
        ("knockout", True, 10),
        ("knockout", False, 5),
    ],
)
async def test_rank_pairs_calls(schedule: str, swap: bool, calls: int) -> None:
    rank = RankPairs("m", schedule=schedule, swap=swap)
    bounds = rank.bounds(Sizes(Interval(0, 6)))
    assert (bounds.calls, bounds.max_repairs) == (Interval(0, calls), calls)
    result = await ran(rank, state_of(*"abcdef"), judge)
    assert len(result.client.prompts) == calls


SCRIPTS: st.SearchStrategy[Script] = st.lists(
    st.sampled_from(["Better: answer 1", "Better: answer 2", "Better: tie", "x", ""]), min_size=1
).map(lambda said: in_turn(*said))


@given(st.integers(1, 5), st.sampled_from(SCHEDULES), st.booleans(), SCRIPTS)
async def test_rank_pairs_loses_and_doubles_nothing_whatever_is_replied(
    n: int, schedule: str, swap: bool, script: Script
) -> None:
    rank = RankPairs("m", schedule=schedule, swap=swap)
    result = await ran(rank, state_of(*map(str, range(n))), script)
    assert sorted(result.texts) == [str(i) for i in range(n)]
    bounds = rank.bounds(Sizes(Interval(n, n)))
    assert bounds.calls.low <= len(result.client.prompts) <= bounds.calls.high + bounds.max_repairs


async def test_rank_pairs_in_one_order_shows_neither_place_by_rule() -> None:
    texts = [f"t{i}" for i in range(12)]
    result = await ran(RankPairs("m", swap=False), state_of(*texts), in_turn("Better: tie"))
    shown = [answers_shown(prompt) for prompt in result.client.prompts]
    n_first_come = sum(texts.index(a) < texts.index(b) for a, b in shown)
    assert 20 < n_first_come < 46  # of 66 pairs


async def test_knockout_rounds_follow_each_other_on_the_critical_path() -> None:
    rank = RankPairs("m", schedule="knockout", swap=False)
    result = await ran(rank, state_of(*"abcd"), judge)
    first, second, final = result.trace.calls
    assert (first.after, second.after) == ((), ())
    assert set(final.after) == {first.key, second.key}


async def test_equal_strengths_keep_the_order_of_arrival() -> None:
    # All win as often as they lose, against players of the same kind.
    def cycle(prompt: str) -> str:
        first, second = (int(text) for text in answers_shown(prompt))
        return f"Better: answer {1 if (second - first) % 5 in (1, 2) else 2}"

    result = await ran(RankPairs("m"), state_of(*"02413"), cycle)
    assert result.texts == [*"02413"]
