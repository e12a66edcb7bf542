"""The verifier report agrees with the truth that made the data, within its intervals."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from archon.explain.choices import Choice, choices_of
from archon.explain.rates import Verdict, rates_of
from archon.explain.resampling import MOST_SAMPLES, Verdicts, best_number, ceiling, multiplied
from archon.explain.skill import Skill
from archon.explain.verifiers import ranker_report, verifier_report

TRUTH = Skill(0.8, 1.0)
T, F = 0.85, 0.2


def judged(chance: np.random.Generator, n_questions: int, n: int) -> list[list[Verdict]]:
    found = []
    for p in chance.beta(TRUTH.a, TRUTH.b, n_questions):
        rights = chance.random(n) < p
        passed = chance.random(n) < np.where(rights, T, F)
        found.append([Verdict(bool(r), bool(v)) for r, v in zip(rights, passed, strict=True)])
    return found


def ranked(chance: np.random.Generator, n_questions: int, beta: float) -> list[list[bool]]:
    found = []
    for p in chance.beta(TRUTH.a, TRUTH.b, n_questions):
        rights = chance.random(4) < p
        order = np.argsort(-(beta * rights + chance.gumbel(size=4)))
        found.append([bool(rights[i]) for i in order])
    return found


def test_rates_by_hand() -> None:
    right_passed, right_not = Verdict(True, True), Verdict(True, False)
    wrong_passed, unread = Verdict(False, True), Verdict(False, None)
    found = rates_of([[right_passed, right_not], [right_passed, wrong_passed], [unread, unread]])
    assert found.true_positive is not None
    assert found.false_positive is not None
    assert found.true_positive.value == pytest.approx(2 / 3)
    assert found.false_positive.value == pytest.approx(1 / 3)
    assert (found.n_right, found.n_wrong, found.n_unread) == (3, 3, 2)
    assert rates_of([[right_passed]]).false_positive is None


def test_verifier_report_holds_the_true_rates_ceiling_and_number() -> None:
    chance, kept = np.random.default_rng(5), []
    true_ceiling = ceiling(TRUTH.nodes, Verdicts(T, F))
    true_best = best_number(TRUTH.nodes, Verdicts(T, F), cost_of_wrong=1.0)
    for _ in range(25):
        found = verifier_report(judged(chance, 150, 4))
        rates, best = found.rates, found.best
        assert rates.true_positive is not None
        assert rates.false_positive is not None
        assert found.ceiling is not None
        assert best is not None
        kept.append(
            (
                rates.true_positive.low <= T <= rates.true_positive.high,
                rates.false_positive.low <= F <= rates.false_positive.high,
                found.ceiling.low <= true_ceiling <= found.ceiling.high,
                best.low <= true_best.n <= best.high,
            )
        )
        assert found.ceiling.high - found.ceiling.low < 0.2
    assert np.mean(kept, axis=0).min() >= 0.88, "3 of 25 outside would be chance"


def test_ranker_report_holds_the_true_weight_and_ceiling() -> None:
    chance, kept, weight = np.random.default_rng(6), [], math.exp(1.5)
    for _ in range(25):
        found = ranker_report(ranked(chance, 150, 1.5))
        assert found.choices is not None
        assert found.choices.weight is not None
        assert found.ceiling is not None
        true_ceiling = multiplied(TRUTH.nodes, weight, 1.0)
        kept.append(
            (
                found.choices.weight.low <= weight <= found.choices.weight.high,
                found.ceiling.low <= true_ceiling <= found.ceiling.high,
            )
        )
    assert np.mean(kept, axis=0).min() >= 0.88
    assert found.best is None


def test_choices_by_hand() -> None:
    # One right of two: w / (w + 1) is 3 / 4 where 3 of 4 choices are right, so w is 3.
    some = [Choice(2, 1, is_right=True)] * 30 + [Choice(2, 1, is_right=False)] * 10
    found = choices_of([*some, Choice(3, 3, is_right=True), Choice(3, 0, is_right=False)])
    assert found.weight is not None
    assert found.right is not None
    assert (found.n_questions, found.right.value, found.by_chance) == (40, 0.75, 0.5)
    assert found.weight.value == pytest.approx(3.0, rel=0.01)
    # The profile likelihood interval of 30 of 40: where the likelihood is e^-1.92 of the largest.
    share = found.weight.low / (1 + found.weight.low)
    drop = 30 * math.log(share / 0.75) + 10 * math.log((1 - share) / 0.25)
    assert drop == pytest.approx(-1.9207, abs=0.02)


def test_ranker_that_never_errs_has_a_weight_without_end() -> None:
    found = choices_of([Choice(2, 1, is_right=True)] * 20)
    assert found.weight is not None
    assert found.weight.high == math.inf
    assert found.weight.low > 3
    assert choices_of([Choice(2, 2, is_right=True)]).weight is None


def test_verifier_without_a_false_positive_is_not_taken_for_perfect() -> None:
    questions = [[Verdict(True, True), Verdict(False, False)]] * 12
    found = verifier_report(questions)
    assert found.ceiling is not None
    assert found.ceiling.value == pytest.approx(1.0)
    assert found.ceiling.low < 0.98


def test_verifier_of_single_candidates_has_rates_and_no_ceiling() -> None:
    found = verifier_report([[Verdict(True, True)], [Verdict(False, True)]] * 10)
    assert found.rates.false_positive is not None
    assert (found.ceiling, found.best, found.curve) == (None, None, ())


def test_dearer_mistakes_and_samples_mean_fewer_samples() -> None:
    questions = judged(np.random.default_rng(1), 200, 4)
    numbers = []
    for cost, price in ((0.0, 0.0), (1.0, 0.0), (4.0, 0.0), (4.0, 0.3)):
        best = verifier_report(questions, cost_of_wrong=cost, price=price).best
        assert best is not None
        numbers.append(best.n)
    assert numbers[0] == MOST_SAMPLES
    assert numbers == sorted(numbers, reverse=True)
    assert numbers[1] > numbers[2] >= numbers[3]


def test_report_is_the_same_every_time_and_is_json() -> None:
    questions = judged(np.random.default_rng(1), 40, 3)
    one, other = verifier_report(questions), verifier_report(questions)
    assert one == other
    json.dumps(one.to_data(), allow_nan=False)
    json.dumps(ranker_report([[True, False]] * 9).to_data(), allow_nan=False)
