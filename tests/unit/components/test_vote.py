"""The vote counts answers, not texts."""

from __future__ import annotations

import math
from collections import Counter
from math import comb
from random import Random
from typing import cast

import pytest

from archon.components.base import Interval, RunContext, Sizes
from archon.components.select import Select
from archon.components.vote import Vote
from archon.core.calls import CallKey
from archon.core.candidates import Candidate, LayerState
from archon.core.errors import SpecError
from archon.core.messages import ask


class Counting:
    """Counts degradations; a call would fail, as there is nothing to answer it."""

    def __init__(self) -> None:
        self.counted: Counter[str] = Counter()

    def count(self, what: str, n: int = 1) -> None:
        self.counted[what] += n


def state_of(*texts: str, question: str = "How many?", **scores: list[float | None]) -> LayerState:
    candidates = [
        Candidate(text, CallKey("d", i), model="m", author="layers[0].generate[0]")
        for i, text in enumerate(texts)
    ]
    for source, values in scores.items():
        candidates = [
            candidate if value is None else candidate.with_score(source, value)
            for candidate, value in zip(candidates, values, strict=True)
        ]
    return LayerState(ask(question), tuple(candidates))


async def run(component: Vote | Select, state: LayerState) -> tuple[list[str], Counter[str]]:
    context = Counting()
    after = await component.run(state, cast(RunContext, context))
    return [candidate.text for candidate in after.candidates], context.counted


async def test_vote_gives_the_commonest_answer_whatever_its_writing() -> None:
    texts, counted = await run(Vote(), state_of("It is 3.", "Answer: 1/2", "Answer: 0.5", "#### 7"))
    assert texts == ["Answer: 1/2"]
    assert not counted


async def test_vote_writes_the_share_of_the_weight() -> None:
    after = await Vote(keep=2).run(state_of("1", "2", "2", "x"), cast(RunContext, Counting()))
    shares = [candidate.score("vote") for candidate in after.candidates]
    assert shares == pytest.approx([1 / 2, 1 / 4])


async def test_vote_tie_goes_to_the_answer_reached_first() -> None:
    assert (await run(Vote(), state_of("2", "1", "1", "2")))[0] == ["2"]


async def test_vote_tie_goes_to_the_higher_secondary_score_before_that() -> None:
    state = state_of("2", "1", "1", "2", rank=[0.1, 0.2, 0.9, 0.3])
    assert (await run(Vote(by="rank"), state))[0] == ["1"]


async def test_vote_shows_the_best_scored_then_shortest_whole_text_of_the_winner() -> None:
    long, short = "The long way round.\nAnswer: 5", "Answer: 5"
    assert (await run(Vote(), state_of(long, short)))[0] == [short]
    state = state_of(long, short, rank=[0.9, 0.1])
    assert (await run(Vote(by="rank"), state))[0] == [long]


async def test_vote_without_any_answer_keeps_the_first_whole_text_and_says_so() -> None:
    texts, counted = await run(Vote(answer="number"), state_of("none", "of", "these"))
    assert texts == ["none"]
    assert counted == {"no_answer": 3, "fallback": 1}


async def test_vote_counts_candidates_without_an_answer() -> None:
    texts, counted = await run(Vote(answer="number"), state_of("none", "Answer: 4"))
    assert texts == ["Answer: 4"]
    assert counted == {"no_answer": 1}


async def test_vote_on_nothing_makes_nothing_of_it() -> None:
    assert await run(Vote(), state_of()) == ([], {"empty_input": 1})


async def test_vote_by_score_outweighs_the_majority() -> None:
    state = state_of("1", "1", "2", check=[0.0, 0.0, 1.0])
    weighted = Vote(weight="score", by="check", beta=3.0)
    assert (await run(weighted, state))[0] == ["2"]
    assert (await run(Vote(weight="score", by="check", beta=0.0), state))[0] == ["1"]


async def test_vote_by_huge_scores_does_not_overflow() -> None:
    state = state_of("1", "2", "2", reward=[1e6, 1e6 - 1, 1e6 - 1])
    after = await Vote(weight="score", by="reward").run(state, cast(RunContext, Counting()))
    assert after.candidates[0].score("vote") == pytest.approx(math.e / (math.e + 2))


async def test_vote_by_a_score_nobody_gave_is_a_plain_majority_and_says_so() -> None:
    texts, counted = await run(Vote(weight="score", by="check"), state_of("1", "2", "2"))
    assert texts == ["2"]
    assert counted == {"fallback": 1}


async def test_vote_weighs_an_unscored_candidate_like_the_worst_scored() -> None:
    state = state_of("1", "2", "3", check=[None, 0.5, float("nan")])
    after = await Vote(weight="score", by="check", keep=3).run(state, cast(RunContext, Counting()))
    assert [c.score("vote") for c in after.candidates] == pytest.approx([1 / 3] * 3)


async def test_vote_reads_the_options_of_the_question() -> None:
    question = "Where?\nA) Rome\nB) Paris"
    state = state_of("Answer: Rome", "Answer: B", "It is Paris", question=question)
    assert (await run(Vote(answer="choice"), state))[0] == ["Answer: B"]


async def test_vote_accuracy_follows_the_binomial_law() -> None:
    # Two answers, 5 independent draws, each right with p = 0.6.
    p, draws, worlds, random = 0.6, 5, 4000, Random(1)
    wanted = sum(comb(draws, j) * p**j * (1 - p) ** (draws - j) for j in range(3, 6))
    right = 0
    for _ in range(worlds):
        texts = ["1" if random.random() < p else "2" for _ in range(draws)]
        right += (await run(Vote(), state_of(*texts)))[0] == ["1"]
    assert right / worlds == pytest.approx(wanted, abs=0.025)


def test_vote_by_score_needs_the_scores_name() -> None:
    with pytest.raises(SpecError) as caught:
        Vote(weight="score")
    assert caught.value.problems[0].path == "by"


@pytest.mark.parametrize(
    ("arriving", "after"),
    [((0, 0), (0, 0)), ((0, 9), (0, 2)), ((3, 9), (1, 2)), ((1, 1), (1, 1))],
    ids=str,
)
def test_vote_leaves_at_most_what_it_keeps(
    arriving: tuple[int, int], after: tuple[int, int]
) -> None:
    bounds = Vote(keep=2).bounds(Sizes(candidates=Interval(*arriving)))
    assert bounds.calls == Interval(0, 0)
    assert bounds.max_repairs == 0
    assert bounds.after.candidates == Interval(*after)
