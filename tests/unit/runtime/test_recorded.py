"""A pipeline from recorded calls is the one that ran, and nothing is bought for it."""

from __future__ import annotations

import pytest

from archon.core.architecture import Architecture, ComponentSpec
from archon.core.errors import NotRecorded
from archon.runtime.clients import Routed
from archon.runtime.pipeline import Pipeline
from archon.runtime.recorded import Recorded
from archon.runtime.trace import Trace
from archon.world.worlds import default_world
from tests.unit.explain.shelf import Shelf

of = ComponentSpec.of
WORLD = default_world()
CARDS = {name: WORLD.card(name) for name in ("weak", "strong")}
BACKEND = Routed({name: WORLD.client(name) for name in CARDS})
QUESTION = WORLD.questions.example(5).question


def drawn(n: int, *more: ComponentSpec) -> Architecture:
    return Architecture(((of("generate", "weak", samples=n),), *((spec,) for spec in more)))


async def test_pipeline_from_recorded_calls_is_as_it_was_to_the_last_figure() -> None:
    shelf = Shelf(BACKEND)
    architecture = drawn(4, of("verify", "strong"), of("fuse", "weak"))
    ran = await Pipeline(architecture, shelf, CARDS).generate(QUESTION)
    again = await Pipeline(architecture, Recorded(shelf), CARDS).generate(QUESTION)
    assert again.answer == ran.answer
    assert again.deployed == ran.deployed
    assert again.trace.states == ran.trace.states


async def test_part_of_a_pipeline_needs_no_calls_but_its_own() -> None:
    shelf = Shelf(BACKEND)
    await Pipeline(drawn(4, of("verify", "strong")), shelf, CARDS).generate(QUESTION)
    fewer = await Pipeline(drawn(2, of("verify", "strong")), Recorded(shelf), CARDS).generate(
        QUESTION
    )
    assert len(fewer.trace.calls) == 2 * 3


async def test_call_that_nobody_bought_is_refused_and_the_trace_says_how_far_it_came() -> None:
    shelf, trace = Shelf(BACKEND), Trace()
    await Pipeline(drawn(2), shelf, CARDS).generate(QUESTION)
    longer = Pipeline(drawn(2, of("verify", "strong")), Recorded(shelf), CARDS)
    with pytest.raises(NotRecorded, match="'strong' were never bought"):
        await longer.generate(QUESTION, trace=trace)
    assert len(trace.states) == 1
    assert len(trace.calls) == 2
    with pytest.raises(NotRecorded, match="1 of 3 completions"):
        await Pipeline(drawn(3), Recorded(shelf), CARDS).generate(QUESTION)
