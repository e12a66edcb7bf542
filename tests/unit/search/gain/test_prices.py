from __future__ import annotations

import pytest

from archon.core.architecture import Architecture, ComponentSpec
from archon.core.calls import Price
from archon.scoring.cost import NO_JUDGE, JudgeCost
from archon.search.gain.prices import Prices

CHEAP, DEAR = Price(1.0, 1.0), Price(10.0, 10.0)


def generate(model: str, samples: int = 1) -> ComponentSpec:
    return ComponentSpec.of("generate", model, **({"samples": samples} if samples > 1 else {}))


FOUR = Architecture(((generate("a", 4),),))
EIGHT = Architecture(((generate("a", 8),),))
FUSED = Architecture(((generate("a", 4),), (ComponentSpec.of("fuse", "b"),)))
VOTED = Architecture(((generate("a", 4),), (ComponentSpec.of("vote", answer="number"),)))
POOL = [FOUR, EIGHT, FUSED, VOTED]


def prices(unit: str = "tokens") -> Prices:
    return Prices(POOL, question_tokens=20.0, prices={"a": CHEAP, "b": DEAR}, unit=unit)  # type: ignore[arg-type]


def test_what_is_bought_already_is_not_paid_again() -> None:
    asked = prices()
    before = asked.of_next([0, 0, 0, 0])
    asked.buy(0, block=0)
    after = asked.of_next([0, 0, 0, 0])
    assert after[1] == pytest.approx(before[1] / 2)  # four of eight samples are there
    assert after[2] == pytest.approx(before[2] - before[0])  # the fuser is not
    assert after[3] == 0.0  # a vote over what is there takes no call
    elsewhere = asked.of_next([1, 1, 1, 1])
    assert list(elsewhere) == pytest.approx(list(before))


def test_lengths_are_learnt_from_what_pipelines_took() -> None:
    asked = prices()
    assumed = asked.deployed()
    asked.learn(0, assumed[0] / 4)
    corrected = asked.deployed()
    assert corrected[0] < assumed[0] / 2
    assert corrected[1] == pytest.approx(2 * corrected[0])
    for _ in range(20):
        asked.learn(0, assumed[0] / 4)
        asked.learn(1, assumed[1] / 4)
        asked.learn(2, assumed[2])
    assert asked.deployed()[2] > 2 * asked.deployed()[0]


def test_money_is_counted_by_each_models_price() -> None:
    tokens, usd = prices("tokens").deployed(), prices("usd").deployed()
    assert tokens[2] < 3 * tokens[0]
    assert usd[2] > 3 * usd[0]


def test_what_a_pipeline_takes_is_the_mean_over_all_that_was_seen() -> None:
    one_by_one, at_once = prices(), prices()
    one_by_one.learn(0, 100.0, 3)
    one_by_one.learn(0, 300.0, 1)
    at_once.learn(0, 150.0, 4)
    assert list(one_by_one.deployed()) == pytest.approx(list(at_once.deployed()))


def test_judge_is_paid_whenever_a_pipeline_is_seen_and_is_no_part_of_what_it_takes() -> None:
    def judged(judge: JudgeCost) -> Prices:
        return Prices(POOL, question_tokens=20, prices={}, unit="tokens", judge=judge)

    without, asked = judged(NO_JUDGE), judged(JudgeCost("b", calls=2, max_tokens=100))
    more = asked.of_next([0] * 4) - without.of_next([0] * 4)
    assert more[0] > 200
    assert list(more) == pytest.approx([more[0]] * 4)
    asked.buy(0, block=0)
    assert asked.of_next([0] * 4)[0] == pytest.approx(more[0])
    assert list(asked.deployed()) == list(without.deployed())


def test_what_is_bought_at_the_same_time_is_not_paid_twice_and_not_bought_yet() -> None:
    asked = prices()
    before = asked.of_next([0, 0, 0, 1])
    beside = asked.of_next([0, 0, 0, 1], [(0, 0)])
    assert beside[1] == pytest.approx(before[1] / 2)
    assert beside[2] == pytest.approx(before[2] - before[0])
    assert beside[3] == before[3]  # its next block is another one
    assert list(asked.of_next([0, 0, 0, 1])) == list(before)
