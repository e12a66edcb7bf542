from __future__ import annotations

import json
import math
import random
from collections.abc import Sequence

import pytest

from archon.search.judgement import Judgement
from archon.search.objectives import Measured, Objective
from archon.search.winner import compare, judge
from tests.unit.search.measured import pipeline

QUALITY: tuple[Objective, ...] = ("quality",)
BOTH: tuple[Objective, ...] = ("quality", "tokens")

SINGLE = [1.0] * 24 + [0.0] * 36
"""A single call that is right on 24 of 60 questions."""


def improved(n_won: int, n_lost: int = 0) -> list[float]:
    return [0.0] * n_lost + SINGLE[n_lost : 60 - n_won] + [1.0] * n_won


BASE = pipeline("base", SINGLE, tokens=50)
TOP = pipeline("top", improved(20, 2), tokens=900)
FRUGAL = pipeline("frugal", improved(17, 1), tokens=200)
LUCKY = pipeline("lucky", improved(4, 2), tokens=150)


def ids(judgement: Judgement) -> list[str]:
    return [one.pipeline_id for one in judgement.finalists]


def test_judge_names_the_best_finalist_that_beats_the_single_call() -> None:
    found = judge([BASE], [FRUGAL, LUCKY, TOP], QUALITY)
    assert found.winner_id == "top"
    assert ids(found) == ["top", "frugal", "lucky"]
    assert [one.pipeline_id for one in found.proven] == ["top", "frugal"]
    versus = found.finalists[0].versus_baseline
    assert versus is not None
    assert (versus.n_wins, versus.n_losses, versus.n_ties) == (20, 2, 38)
    assert versus.difference.value == pytest.approx(0.3)
    assert "top is better than the best single call: 0.70 against 0.40 on 60" in found.verdict
    assert "for 3 finalists together" in found.verdict
    assert "wins 20, loses 2 and ties 38" in found.verdict
    assert "900 tokens a question, the best single call 50 tokens" in found.verdict


def test_judge_of_several_objectives_also_names_the_cheapest_that_is_no_worse() -> None:
    found = judge([BASE], [TOP, FRUGAL, LUCKY], BOTH)
    assert found.winner_id == "top"
    assert found.frugal is not None
    assert (found.frugal.pipeline_id, found.frugal.other_id) == ("frugal", "top")
    assert found.frugal.is_open
    assert "frugal is better than the single call too, cannot be told apart" in found.verdict


def test_judge_never_names_a_cheap_pipeline_that_may_be_no_better_than_the_single_call() -> None:
    found = judge([BASE], [TOP, pipeline("cheap", improved(12, 8), tokens=60)], BOTH)
    assert (found.winner_id, found.frugal) == ("top", None)


def test_judge_of_quality_alone_says_when_the_next_cheaper_is_indistinguishable() -> None:
    found = judge([BASE], [TOP, FRUGAL], QUALITY)
    assert found.frugal is None
    assert "indistinguishable from the next cheaper finalist, frugal" in found.verdict
    versus = found.finalists[0].versus_cheaper
    assert versus is not None
    assert versus.is_open


def test_judge_is_silent_on_the_next_cheaper_one_where_the_winner_is_better() -> None:
    poor = pipeline("poor", [0.0] * 60, tokens=60)
    found = judge([BASE], [TOP, poor], BOTH)
    versus = found.finalists[0].versus_cheaper
    assert versus is not None
    assert versus.is_better
    assert "indistinguishable" not in found.verdict
    assert "told apart" not in found.verdict


def test_judge_refuses_a_winner_that_may_be_luck_and_says_what_could_be_shown() -> None:
    found = judge([BASE], [LUCKY], BOTH)
    assert found.winner_id is None
    assert found.verdict.startswith("No winner: no finalist is shown to be better")
    assert "may be chance" in found.verdict
    versus = found.finalists[0].versus_baseline
    assert versus is not None
    assert versus.is_open
    assert f"show a difference of {versus.smallest_difference:.2f} or more" in found.verdict


def test_judge_asks_more_of_each_finalist_the_more_there_are() -> None:
    close = pipeline("close", improved(5), tokens=100)
    assert judge([BASE], [close], QUALITY).winner_id == "close"
    crowd = [pipeline(f"p{i}", SINGLE) for i in range(9)]
    found = judge([BASE], [close, *crowd], QUALITY)
    assert found.winner_id is None
    versus = found.finalists[0].versus_baseline
    assert versus is not None
    assert versus.coverage == pytest.approx(0.995)


def test_judge_says_that_the_single_call_is_best_where_it_is() -> None:
    found = judge([TOP], [BASE, FRUGAL], BOTH)
    assert found.winner_id is None
    assert "the best single call itself is not beaten by any finalist" in found.verdict
    assert "Nearest is frugal" in found.verdict


def test_winner_is_better_than_every_single_call_not_than_one_that_looked_best() -> None:
    strong = pipeline("strong", improved(20, 1), tokens=90)
    assert judge([BASE], [TOP], QUALITY).winner_id == "top"
    found = judge([BASE, strong], [TOP], QUALITY)
    assert found.baseline is not None
    assert (found.baseline.pipeline_id, found.winner_id) == ("strong", None)
    assert judge([strong, BASE], [TOP], QUALITY) == found


def test_verdict_says_whose_figures_it_gives_where_another_single_call_is_beaten_less_surely() -> (
    None
):
    top = pipeline("top", improved(20), tokens=900)
    elsewhere = [1.0] * 9 + [0.0] * 15 + [1.0] * 12 + [0.0] * 24
    other = pipeline("other", elsewhere, tokens=50)
    found = judge([BASE, other], [top], QUALITY)
    assert found.baseline is not None
    assert (found.baseline.pipeline_id, found.winner_id) == ("base", "top")
    assert "least surely than other: 0.73 against 0.35 on 60" in found.verdict
    assert "the best single call 50 tokens" in found.verdict
    unsure = pipeline("unsure", improved(4), tokens=900)
    lost = judge([BASE, other], [unsure], QUALITY)
    assert lost.winner_id is None
    assert "0.47 against 0.35 of other on 60" in lost.verdict


def test_single_call_is_no_finalist_against_another_one() -> None:
    better = pipeline("better", improved(18, 0), tokens=90)
    found = judge([BASE, better], [better], QUALITY)
    assert found.winner_id is None
    assert "no finalist besides the best single call" in found.verdict


def test_cheaper_one_that_is_as_good_as_the_single_call_is_named_without_a_winner() -> None:
    dear = pipeline("dear", SINGLE, tokens=5000)
    found = judge([dear], [pipeline("cheap", improved(2, 2), tokens=80)], BOTH)
    assert found.winner_id is None
    assert found.frugal is not None
    assert "cheap takes 80 tokens a question where the single call takes 5,000" in found.verdict
    assert "cannot be told apart from it" in found.verdict


def test_bound_that_decides_is_not_rounded_to_zero() -> None:
    found = judge([BASE], [pipeline("p", improved(4, 0))], QUALITY)
    assert found.winner_id == "p"
    assert "+0.07 [+0.0025, +0.16]" in found.verdict


def test_judge_says_that_all_scores_are_equal() -> None:
    found = judge([BASE], [pipeline("same", SINGLE)], QUALITY)
    assert found.winner_id is None
    assert "same score as the best single call on each question" in found.verdict


@pytest.mark.parametrize(
    ("baseline", "finalists", "says"),
    [
        (None, [TOP], "no scored single call to compare with. top scored highest, 0.70"),
        (pipeline("base", [None]), [TOP], "no scored single call to compare with"),
        (BASE, [], "no finalist besides the best single call, which scored 0.40"),
        (BASE, [BASE], "no finalist besides the best single call, which scored 0.40"),
        (None, [], "no pipeline was evaluated to the end"),
        (BASE, [pipeline("dead", [None, None])], "no question of dead has a score"),
    ],
    ids=["no-baseline", "dead-baseline", "none", "only-baseline", "nothing", "all-dead"],
)
def test_judge_names_nobody_without_somebody_to_compare(
    baseline: Measured | None, finalists: Sequence[Measured], says: str
) -> None:
    found = judge([baseline] if baseline else [], finalists, QUALITY)
    assert found.winner_id is None
    assert found.verdict.startswith("No winner: ")
    assert says in found.verdict


def test_judge_names_finalists_without_scores_beside_the_others() -> None:
    found = judge([BASE], [TOP, pipeline("dead", [None] * 60)], QUALITY)
    assert (found.winner_id, found.unscored) == ("top", ("dead",))
    assert found.verdict.endswith("Without any score, so not compared: dead.")


def test_nothing_wins_while_a_single_call_without_scores_might_be_the_best() -> None:
    found = judge([BASE, pipeline("dead", [None] * 60)], [TOP], QUALITY)
    assert (found.winner_id, found.uncompared, found.proven) == (None, ("dead",), ())
    assert found.verdict.startswith("No winner: the single call dead has no score on the questions")
    assert "Against the others top does best: 0.70 against 0.40 on 60 questions" in found.verdict
    assert Judgement.from_data(found.to_data()) == found


def test_judge_pairs_only_questions_that_both_have_and_counts_the_others() -> None:
    holes: list[float | None] = [None, *improved(20)[1:]]
    base_holes: list[float | None] = [*SINGLE[:-1], None]
    found = judge([pipeline("base", base_holes)], [pipeline("top", holes)], QUALITY)
    versus = found.finalists[0].versus_baseline
    assert versus is not None
    assert (versus.n_pairs, versus.n_left_out) == (58, 2)
    assert (found.finalists[0].n_scored, found.finalists[0].n_missing) == (59, 1)
    assert "Left out: 2 questions without a score for both." in found.verdict


def test_judge_compares_nobody_who_shares_no_question() -> None:
    found = judge([pipeline("base", [1.0, None])], [pipeline("p", [None, 1.0])], QUALITY)
    assert found.winner_id is None
    assert "no finalist shares a scored question" in found.verdict


@pytest.mark.parametrize(("base", "other"), [(0.0, 1.0), (1.0, 1.0), (0.2, 0.9)])
def test_judge_draws_no_conclusion_from_one_question(base: float, other: float) -> None:
    found = judge([pipeline("base", [base])], [pipeline("p", [other])], BOTH)
    assert found.winner_id is None
    assert "1 question cannot show any difference" in found.verdict
    assert found.finalists[0].tokens.high == math.inf


@pytest.mark.parametrize(
    ("objectives", "cost_nusd", "price", "says"),
    [
        (QUALITY, 0, "tokens", "takes 100 tokens a question"),
        (QUALITY, 2_500_000, "cost", "takes $0.0025 a question"),
        (("latency", "quality"), 0, "latency", "takes 1 s a question"),
        (("quality", "calls"), 0, "calls", "takes 1 calls a question"),
    ],
    ids=["free", "paid", "latency", "calls"],
)
def test_judge_speaks_of_the_price_that_the_job_counts(
    objectives: tuple[Objective, ...], cost_nusd: int, price: str, says: str
) -> None:
    top = pipeline("top", improved(20), cost_nusd=cost_nusd)
    found = judge([BASE], [top], objectives)
    assert found.price == price
    assert says in found.verdict


def test_judgement_survives_json_to_the_last_digit() -> None:
    for found in (
        judge([BASE], [TOP, FRUGAL, LUCKY, pipeline("dead", [None])], BOTH),
        judge([pipeline("base", [0.1 + 0.2])], [pipeline("p", [1 / 3])], QUALITY),
        judge([], [], QUALITY),
    ):
        text = json.dumps(found.to_data(), allow_nan=False)
        assert Judgement.from_data(json.loads(text)) == found


def test_compare_is_the_same_whatever_the_order_of_the_results() -> None:
    shuffled = random.Random(4).sample(TOP.results, len(TOP.results))
    again = Measured("top", TOP.architecture, tuple(shuffled))
    assert compare(again, BASE) == compare(TOP, BASE)


def right_with(shares: Sequence[float], n: int, chance: random.Random) -> list[list[float]]:
    """Scores of pipelines that find the same questions hard, shape (n_pipelines, n)."""
    hard = [chance.gauss(0, 0.25) for _ in range(n)]
    return [[float(chance.random() < share - h) for h in hard] for share in shares]


def judged(shares: Sequence[float], chance: random.Random) -> Judgement:
    base, *others = right_with(shares, 40, chance)
    finalists = [pipeline(f"{i}", scores) for i, scores in enumerate(others)]
    return judge([pipeline("base", base)], finalists, QUALITY)


def test_judge_names_a_winner_in_at_most_one_of_twenty_studies_where_none_is_better() -> None:
    chance = random.Random(8)
    named = [judged([0.5] * 5, chance).winner_id is not None for _ in range(600)]
    assert sum(named) / len(named) < 0.05


def test_judge_names_winners_that_are_truly_better() -> None:
    chance = random.Random(6)
    winners = [judged([0.45, 0.45, 0.40, 0.70], chance).winner_id for _ in range(300)]
    named = [winner for winner in winners if winner is not None]
    assert len(named) > 100, "a quarter of the questions must often be seen"
    assert named.count("2") / len(named) > 0.95
