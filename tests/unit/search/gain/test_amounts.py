from __future__ import annotations

import numpy as np
import pytest

from archon.search.gain.amounts import Amounts


def test_what_was_seen_stands_and_the_rest_follows_what_pipelines_are_made_of() -> None:
    random = np.random.default_rng(0)
    points = random.random((60, 3))
    priced = np.exp(random.normal(size=60))
    seconds = 0.2 * priced**0.5 * np.exp(points @ np.array([1.0, 0.0, -2.0]))
    asked = Amounts(points, 2)
    for place in range(25):
        asked.learn(place, [seconds[place], 1.0], 15)
    found = asked.predicted(priced)
    assert list(found[:25, 0]) == pytest.approx(list(np.log(seconds[:25])))
    off = np.abs(found[25:, 0] - np.log(seconds[25:]))
    assert off.mean() < 0.1 * np.ptp(np.log(seconds))
    assert list(found[:, 1]) == pytest.approx([0.0] * 60, abs=1e-9)


def test_amount_of_a_pipeline_is_the_mean_over_all_questions_that_it_was_seen_on() -> None:
    asked = Amounts(np.zeros((2, 0)), 1)
    asked.learn(0, [10.0], 3)
    asked.learn(0, [30.0], 1)
    assert asked.predicted(np.array([1.0, 1.0]))[0, 0] == pytest.approx(np.log(15.0))


def test_before_anything_is_seen_amounts_go_with_prices() -> None:
    priced = np.array([1.0, 4.0, 2.0])
    assert list(Amounts(np.zeros((3, 0)), 1).predicted(priced)[:, 0]) == list(np.log(priced))
