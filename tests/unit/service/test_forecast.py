"""The forecast stays within the limits, and comes to be the truth."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archon.service.forecast import QUANTITIES, Amounts, Standing, forecast

AMOUNT = st.floats(0, 1e6, allow_nan=False)
AMOUNTS = st.fixed_dictionaries(dict.fromkeys(QUANTITIES, AMOUNT))


@given(
    spent_shares=st.fixed_dictionaries(dict.fromkeys(QUANTITIES, st.floats(0, 1))),
    limits=st.dictionaries(st.sampled_from(QUANTITIES), st.floats(1, 1e6)),
    share=st.floats(0.01, 0.9),
    trials=st.lists(AMOUNTS, max_size=20),
    n_left=st.none() | st.integers(0, 1000),
    begun=AMOUNTS,
    held_out=AMOUNTS,
    is_search_over=st.booleans(),
)
def test_forecast_is_never_over_a_limit_nor_below_what_is_spent(
    spent_shares: Amounts,
    limits: Amounts,
    share: float,
    trials: list[Amounts],
    n_left: int | None,
    begun: Amounts,
    held_out: Amounts,
    is_search_over: bool,
) -> None:
    spent = {name: part * limits.get(name, 1e5) for name, part in spent_shares.items()}
    now = Standing(spent, limits, share, trials, n_left, begun, held_out, is_search_over)
    found = forecast(now)
    if found is None:
        assert not is_search_over
        assert not trials or n_left is None
        return
    for name, span in found.total.items():
        assert spent[name] <= span.low <= span.likely <= span.high
        assert span.high <= limits.get(name, float("inf"))
    left = found.seconds_left
    assert 0 <= left.low <= left.likely <= left.high


def synthetic(n_trials: int, seed: int) -> list[Amounts]:
    """Trials of which the first are dear, as without reuse, and every third is stopped early."""
    chance = random.Random(seed)
    trials = []
    for i in range(n_trials):
        calls = chance.uniform(80, 120) * (3.0 if i < 4 else 1.0) * (0.2 if i % 3 == 2 else 1.0)
        trials.append({"calls": calls, "tokens": calls * 50, "usd": calls / 1e4, "seconds": calls})
    return trials


def standing(trials: list[Amounts], n_done: int, **changes: object) -> Standing:
    done = trials[:n_done]
    spent = {name: sum(trial.get(name, 0.0) for trial in done) for name in QUANTITIES}
    now = Standing(spent, {}, 0.25, done, len(trials) - n_done)
    return replace(now, **changes)  # type: ignore[arg-type]


def test_forecast_comes_to_the_truth_and_its_range_holds_it_as_often_as_it_says() -> None:
    n_held, n_looks = 0, 0
    for seed in range(40):
        trials = synthetic(40, seed)
        truth = sum(trial["calls"] for trial in trials)
        errors = []
        for n_done in (12, 20, 30, 38, 40):
            found = forecast(standing(trials, n_done))
            assert found is not None
            span = found.total["calls"]
            errors.append(abs(span.likely - truth) / truth)
            n_held += span.low <= truth <= span.high
            n_looks += 1
        assert errors[-1] == pytest.approx(0.0)
        assert errors[0] < 0.35
        assert errors[-2] < 0.05
    assert n_held / n_looks >= 0.75


def test_nothing_is_said_before_the_first_trial_ends_or_where_nothing_ends_the_search() -> None:
    trials = synthetic(10, 0)
    assert forecast(standing(trials, 0)) is None
    assert forecast(standing(trials, 5, n_left=None)) is None


def test_limit_that_is_reached_first_is_named_and_leaves_the_held_out_share() -> None:
    trials: list[Amounts] = [{"calls": 100.0, "tokens": 10.0, "seconds": 1.0}] * 100
    limits = {"calls": 2000.0, "tokens": 1e6, "seconds": 9999.0}
    found = forecast(standing(trials, 5, limits=limits, held_out={"calls": 300.0}))
    assert found is not None
    assert (found.ends_by, found.n_trials_left) == ("calls", 10.0)
    assert found.total["calls"].likely == pytest.approx(1500 + 300)
    assert found.seconds_left.likely == pytest.approx(10.0)


def test_what_the_running_trial_took_is_not_expected_again() -> None:
    trials: list[Amounts] = [{"calls": 100.0}] * 10
    now = standing(trials, 5, begun={"calls": 60.0})
    now = replace(now, spent={**now.spent, "calls": 560.0})
    found = forecast(now)
    assert found is not None
    assert found.total["calls"].likely == pytest.approx(1000.0)
