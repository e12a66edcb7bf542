"""What missing calls would take, and which questions may be compared while some are missing."""

from __future__ import annotations

from collections import Counter

import pytest

from archon.components.canonical import canonical
from archon.core.architecture import Architecture, ComponentSpec
from archon.core.errors import NotRecorded
from archon.explain.gaps import Amounts, calls_left, leading, mean_calls, priced
from archon.runtime.clients import Routed
from archon.runtime.pipeline import Pipeline
from archon.runtime.recorded import Recorded
from archon.runtime.trace import Trace
from archon.world.worlds import default_world
from tests.unit.explain.shelf import Shelf

of = ComponentSpec.of
WORLD = default_world()
NAMES = ("weak", "middle", "strong")
CARDS = {name: WORLD.card(name) for name in NAMES}
BACKEND = Routed({name: WORLD.client(name) for name in NAMES})
QUESTION = WORLD.questions.example(3).question
WHOLE = canonical(
    Architecture(
        (
            (of("generate", "weak", samples=3), of("generate", "middle")),
            (of("verify", "strong", drop=False),),
            (of("fuse", "middle"),),
        )
    )
)


async def left(shelf: Shelf) -> Counter[tuple[str, str]]:
    trace = Trace()
    with pytest.raises(NotRecorded):
        await Pipeline(WHOLE, Recorded(shelf), CARDS).generate(QUESTION, trace=trace)
    return calls_left(WHOLE, trace)


async def test_calls_left_are_those_that_a_run_then_makes() -> None:
    shelf = Shelf(BACKEND)
    everything = {
        ("generate", "weak"): 3,
        ("generate", "middle"): 1,
        ("verify", "strong"): 8,
        ("fuse", "middle"): 1,
    }
    assert await left(shelf) == everything
    await Pipeline(WHOLE.prefix(1), shelf, CARDS).generate(QUESTION)
    del everything["generate", "weak"], everything["generate", "middle"]
    assert await left(shelf) == everything
    await Pipeline(WHOLE.prefix(2), shelf, CARDS).generate(QUESTION)
    assert await left(shelf) == {("fuse", "middle"): 1}


async def test_calls_of_a_layer_that_are_there_are_not_counted_again() -> None:
    shelf = Shelf(BACKEND)
    one = Architecture(((of("generate", "weak", samples=3),),))
    await Pipeline(one, shelf, CARDS).generate(QUESTION)
    found = await left(shelf)
    assert found["generate", "middle"] == 1
    assert found["generate", "weak"] == 0


async def test_price_of_calls_is_what_such_calls_took() -> None:
    shelf = Shelf(BACKEND)
    ran = await Pipeline(WHOLE, shelf, CARDS).generate(QUESTION)
    means = mean_calls([ran.trace], CARDS)
    total = priced({key: 1 for key in means}, means, Amounts())
    assert total.calls == len(means) == 4
    whole = priced(
        {("generate", "weak"): 3, ("generate", "middle"): 1, ("verify", "strong"): 8}
        | {("fuse", "middle"): 1},
        means,
        Amounts(),
    )
    assert whole.cost_usd == pytest.approx(ran.deployed.cost_nusd / 1e9)
    assert whole.tokens == pytest.approx(ran.deployed.tokens)
    usual = Amounts(1, 100, 0.5)
    assert priced({("rank", "strong"): 2}, means, usual) == Amounts(2, 200, 1.0)


def test_only_leading_blocks_that_are_settled_as_a_whole_may_be_compared() -> None:
    blocks = [["a", "b"], ["c", "d"], ["e", "f"]]
    assert leading(blocks, {"a", "b", "c", "e", "f"}) == ("a", "b")
    assert leading(blocks, {"b", "c", "d", "e", "f"}) == ()
    assert leading(blocks, set("abcdef")) == tuple("abcdef")
