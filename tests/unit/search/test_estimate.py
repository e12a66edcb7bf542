from __future__ import annotations

from dataclasses import replace

import pytest

from archon.core.calls import Price
from archon.core.errors import SpecError
from archon.scoring.cost import RUBRIC_TOKENS, JudgeCost
from archon.search.estimate import Estimate, Plan, Spread, estimate
from archon.search.lengths import ANSWER, USUAL, Reply
from archon.search.power import smallest_difference_of_shares
from archon.search.space import Fixed, Range
from tests.unit.search.spaces import generate, small_space, space

PLAN = Plan(
    n_trials=5,
    n_search_questions=10,
    n_held_out_questions=40,
    n_finalists=2,
    question_tokens=36,
    prices={"small": Price(1.0, 2.0)},
)
ONE = 64 + 36 + 512
"""The most tokens of one call that draws an answer."""


def test_estimate_of_a_small_space_looks_at_every_pipeline_once() -> None:
    found = estimate(small_space(), PLAN)
    assert (found.n_walks, found.n_pipelines, found.n_looked_at) == (24, 21, 21)
    assert found.is_exact
    assert found.calls == Spread(1, 4, 8)
    assert found.max_repairs == 8
    assert found.tokens == Spread(ONE, 4 * ONE, 8 * ONE)
    assert found.cost_usd is not None
    assert found.cost_usd.high == pytest.approx(8 * (100 * 1 + 512 * 2) / 1e6)


def test_estimate_leaves_out_what_is_over_the_ceiling_of_calls() -> None:
    found = estimate(small_space(max_calls=4), PLAN)
    assert (found.n_walks, found.n_pipelines) == (24, 15)
    assert found.calls.high == 4


def test_estimate_of_the_job_adds_trials_and_the_held_out_run() -> None:
    found = estimate(small_space(), PLAN)
    assert found.most is not None
    assert found.typical is not None
    # Six pipelines take 8 calls; two finalists and three single calls are run again.
    assert found.most.calls == 5 * 8 * 10 + (2 * 8 + 3) * 40
    assert found.most.tokens == found.most.calls * ONE
    mean = (3 * 1 + 6 * 2 + 6 * 4 + 6 * 8) / 21
    assert found.typical.calls == pytest.approx(mean * (5 * 10 + 2 * 40) + 3 * 40)
    assert found.typical.calls < found.most.calls


def test_estimate_never_tries_more_pipelines_than_there_are() -> None:
    endless = estimate(small_space(), replace(PLAN, n_trials=None))
    assert endless.most is not None
    assert endless.most.calls == (3 * 1 + 6 * 2 + 6 * 4 + 6 * 8) * 10 + (2 * 8 + 3) * 40
    assert estimate(small_space(), replace(PLAN, n_trials=10_000)) == endless


def sampled(seed: int, most_walks: int = 0) -> Estimate:
    plan = replace(PLAN, seed=seed)
    return estimate(small_space(), plan, most_walks=most_walks, n_sample=12)


def test_estimate_of_a_large_space_is_from_a_sample_and_says_so() -> None:
    found = sampled(seed=1)
    assert (found.n_walks, found.n_pipelines, found.is_exact) == (24, None, False)
    assert 1 < found.n_looked_at <= 12
    assert sampled(seed=1) == found
    assert any(sampled(seed=seed).calls != found.calls for seed in range(2, 8))


def test_estimate_enumerates_up_to_its_limit() -> None:
    assert sampled(seed=1, most_walks=24).is_exact
    assert not sampled(seed=1, most_walks=23).is_exact


def test_estimate_of_a_space_without_end_has_totals_only_for_counted_trials() -> None:
    open_space = space(generate(temperature=Range(0.0, 1.0, is_integer=False)))
    found = estimate(open_space, PLAN)
    assert (found.n_walks, found.n_pipelines, found.n_looked_at) == (None, None, 1000)
    assert found.most is not None
    assert found.most.calls == 5 * 10 + (2 + 3) * 40
    unlimited = estimate(open_space, replace(PLAN, n_trials=None), n_sample=20)
    assert (unlimited.most, unlimited.typical) == (None, None)


def test_estimate_without_a_price_has_no_cost() -> None:
    found = estimate(small_space(), replace(PLAN, prices={}))
    assert found.cost_usd is None
    assert found.most is not None
    assert found.most.cost_usd is None


def test_estimate_says_what_the_held_out_questions_can_show_of_all_finalists() -> None:
    found = estimate(small_space(), PLAN)
    expected = smallest_difference_of_shares(40, discordance=0.5, coverage=1 - 0.05 / 2)
    assert found.smallest_difference == expected
    more = estimate(small_space(), replace(PLAN, n_held_out_questions=400))
    assert more.smallest_difference < found.smallest_difference / 2


USUAL_ONE = USUAL.overhead + 36 + 200
"""The same with a reply of the usual length."""


def test_estimate_says_what_is_likely_beside_what_is_possible() -> None:
    found = estimate(small_space(), PLAN)
    assert found.likely_tokens == Spread(USUAL_ONE, 4 * USUAL_ONE, 8 * USUAL_ONE)
    assert found.likely_cost_usd is not None
    assert found.likely_cost_usd.low == pytest.approx(((USUAL_ONE - 200) * 1 + 200 * 2) / 1e6)
    mean = (3 * 1 + 6 * 2 + 6 * 4 + 6 * 8) / 21
    assert found.likely_trial.calls == pytest.approx(mean * 10)
    assert found.likely_trial.tokens == pytest.approx(mean * 10 * USUAL_ONE)


def test_likely_calls_of_a_job_are_bought_once() -> None:
    plan = replace(PLAN, n_trials=None, n_finalists=1, n_held_out_questions=1)
    every = estimate(small_space(), plan).likely
    assert every is not None
    # Eight samples at each of three temperatures hold all others; three single calls and a
    # finalist of one to eight calls are held out.
    assert 3 * 8 * 10 + 3 + 1 <= every.calls <= 3 * 8 * 10 + 3 + 8
    some = estimate(small_space(), replace(plan, n_trials=5)).likely
    assert some is not None
    assert some.calls < every.calls
    assert estimate(small_space(), replace(plan, n_trials=5)).likely == some


def test_recorded_replies_and_prompts_that_are_read_once_make_it_less() -> None:
    lengths = replace(USUAL, recorded={("small", ANSWER): Reply(5.0, 5.0)})
    found = estimate(small_space(), replace(PLAN, lengths=lengths))
    assert found.likely_tokens.low == USUAL_ONE - 195
    once = replace(lengths, reads_once=frozenset({"small"}))
    found = estimate(small_space(), replace(PLAN, lengths=once))
    assert found.likely_tokens.high == USUAL_ONE - 200 + 8 * 5
    assert found.tokens.high == 8 * ONE


def test_calls_of_a_judge_are_in_the_sums_and_in_no_pipeline() -> None:
    judge = JudgeCost("strong", calls=2, max_tokens=100, n_answers=2)
    prices = {"small": Price(1.0, 2.0), "strong": Price(10.0, 20.0)}
    plain = estimate(small_space(), replace(PLAN, prices=prices))
    found = estimate(small_space(), replace(PLAN, prices=prices, judge=judge))
    assert (found.calls, found.tokens, found.cost_usd) == (
        plain.calls, plain.tokens, plain.cost_usd,
    )  # fmt: skip
    assert found.judge_calls == 2
    assert found.most is not None and plain.most is not None
    n_answers = 5 * 10 + (2 + 3) * 40
    assert found.most.calls == plain.most.calls + 2 * n_answers
    prompt = 64 + RUBRIC_TOKENS + 36 + 2 * 512
    assert found.most.tokens == plain.most.tokens + 2 * n_answers * (prompt + 100)
    assert found.most.cost_usd is not None and plain.most.cost_usd is not None
    more = 2 * n_answers * (prompt * 10 + 100 * 20) / 1e6
    assert found.most.cost_usd == pytest.approx(plain.most.cost_usd + more)
    assert found.likely_trial.calls == pytest.approx(plain.likely_trial.calls + 2 * 10)


def test_judge_without_a_price_leaves_the_cost_of_the_job_unknown() -> None:
    found = estimate(small_space(), replace(PLAN, judge=JudgeCost("strong", 1, 100)))
    assert found.cost_usd is not None
    assert found.most is not None
    assert found.most.cost_usd is None


def test_estimate_of_a_space_without_pipelines_says_what_to_change() -> None:
    too_large = space(generate(samples=Fixed(9)), max_calls=4)
    with pytest.raises(SpecError, match=r"space: .* Raise max_calls, or offer less\."):
        estimate(too_large, PLAN)
