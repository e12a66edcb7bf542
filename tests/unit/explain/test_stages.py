"""Where right answers come up and are lost, on runs small enough to count by hand."""

from __future__ import annotations

import pytest

from archon.explain.stages import AMOUNTS, Stage, layer_reports, where_lost
from archon.search.intervals import mean_score, paired_difference
from archon.search.objectives import Objective

FREE: dict[Objective, float] = dict.fromkeys(AMOUNTS, 0.0)


def stage(*scores: float, cost: float = 0.0) -> Stage:
    return Stage(scores, {**FREE, "cost": cost})


RUNS = [
    # generate three, keep two, fuse them to one
    [stage(1, 0, 0, cost=3), stage(1, 0, cost=1), stage(1, cost=2)],
    [stage(0, 0, 1, cost=3), stage(1, 0, cost=1), stage(0, cost=2)],
    [stage(0, 1, 0, cost=3), stage(0, 0, cost=1), stage(1, cost=2)],
    [stage(0, 0, 0, cost=3), stage(0, 0, cost=1), stage(0, cost=2)],
]


def test_layers_say_where_right_answers_come_up_and_where_they_are_lost() -> None:
    first, second, third = layer_reports(RUNS, price="cost")
    assert [r.layer for r in (first, second, third)] == [0, 1, 2]
    assert first.best_in is None
    assert first.best_out == mean_score([1, 1, 1, 0])
    assert first.top_out == mean_score([1, 0, 0, 0])
    assert (first.n_found, first.n_lost, first.n_misplaced) == (3, 0, 2)
    assert (first.candidates_in, first.candidates_out) == (0, 3)
    assert second.best_in == first.best_out
    assert second.best_out == second.top_out == mean_score([1, 1, 0, 0])
    assert (second.n_found, second.n_lost, second.n_misplaced) == (0, 1, 0)
    assert (third.n_found, third.n_lost, third.n_misplaced) == (1, 1, 0)
    assert (third.candidates_in, third.candidates_out) == (2, 1)


def test_layers_say_what_each_adds_to_the_answer_and_what_for() -> None:
    first, second, third = layer_reports(RUNS, price="cost")
    assert first.effect is None
    assert first.took["cost"].value == 3
    assert second.effect is not None
    assert third.effect is not None
    # Two layers share what may go wrong.
    assert second.effect.quality == paired_difference([1, 1, 0, 0], [1, 0, 0, 0], coverage=0.975)
    assert (second.effect.n_wins, second.effect.n_losses) == (1, 0)
    assert second.effect.took["cost"].value == 1
    assert second.effect.per_price is not None
    assert second.effect.per_price.value == pytest.approx(0.25)
    assert third.effect.quality.value == 0.0
    assert (third.effect.n_wins, third.effect.n_losses) == (1, 1)


def test_layer_that_costs_nothing_has_no_quotient() -> None:
    runs = [[stage(0, 1), stage(1)], [stage(1, 1), stage(1)]]
    effect = layer_reports(runs, price="cost")[1].effect
    assert effect is not None
    assert effect.per_price is None


def test_graded_scores_are_means_of_the_best_and_of_the_one_on_top() -> None:
    runs = [[stage(0.25, 0.75), stage(0.5)], [stage(1.0, 0.5), stage(1.0)]]
    first, second = layer_reports(runs, price="cost")
    assert first.best_out.value == pytest.approx(0.875)
    assert first.top_out.value == pytest.approx(0.625)
    assert (second.n_lost, second.n_found) == (1, 0)


def test_question_is_lost_by_the_layer_after_which_no_right_answer_is_left() -> None:
    assert [where_lost(run, right_from=1.0) for run in RUNS] == [None, 2, None, None]
    assert where_lost([stage(0, 1), stage(0), stage(0)], right_from=1.0) == 1
    assert where_lost([stage(0, 1), stage(0, 1)], right_from=1.0) == 1
    assert where_lost([stage(0, 1)], right_from=1.0) == 0
    assert where_lost([stage(), stage()], right_from=1.0) is None


def test_layers_of_no_questions_are_refused() -> None:
    with pytest.raises(ValueError, match="no question"):
        layer_reports([], price="cost")
