"""Selecting passes candidates through unchanged, the best first."""

from __future__ import annotations

from collections import Counter
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archon.components.base import Interval, RunContext, Sizes
from archon.components.select import Select
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


def state_of(*texts: str, check: list[float | None] | None = None) -> LayerState:
    candidates = [Candidate(t, CallKey("d", i), "m", "a") for i, t in enumerate(texts)]
    for i, value in enumerate(check or []):
        if value is not None:
            candidates[i] = candidates[i].with_score("check", value)
    return LayerState(ask("?"), tuple(candidates))


async def run(select: Select, state: LayerState) -> tuple[list[str], Counter[str]]:
    context = Counting()
    after = await select.run(state, cast(RunContext, context))
    assert set(after.candidates) <= set(state.candidates)
    return [candidate.text for candidate in after.candidates], context.counted


CASES = {
    "first": (Select(keep=2), ["c", "aaa"]),
    "all": (Select(keep=None), ["c", "aaa", "bb", "c"]),
    "shortest": (Select(keep=2, order="shortest"), ["c", "c"]),
    "longest": (Select(order="longest"), ["aaa"]),
    "score": (Select(keep=2, order="score", by="check"), ["bb", "aaa"]),
    "different texts": (Select(keep=None, dedupe="text"), ["c", "aaa", "bb"]),
    "different, best first": (
        Select(keep=3, order="score", by="check", dedupe="text"),
        ["bb", "aaa", "c"],
    ),
}


@pytest.mark.parametrize(("select", "kept"), CASES.values(), ids=list(CASES))
async def test_select_keeps_the_best_in_order(select: Select, kept: list[str]) -> None:
    state = state_of("c", "aaa", "bb", "c", check=[None, 0.5, 0.9, 0.1])
    assert await run(select, state) == (kept, {})


async def test_select_keeps_one_text_per_answer() -> None:
    state = state_of("Answer: 0.5", "It is 1/2", "dunno", "dunno", "Answer: 3")
    select = Select(keep=None, dedupe="answer", answer="number")
    assert (await run(select, state))[0] == ["Answer: 0.5", "dunno", "Answer: 3"]


async def test_select_by_a_score_nobody_gave_keeps_the_order_and_says_so() -> None:
    select = Select(order="score", by="check")
    assert await run(select, state_of("a", "b")) == (["a"], {"fallback": 1})


async def test_select_from_nothing_gives_nothing() -> None:
    assert await run(Select(), state_of()) == ([], {"empty_input": 1})


@pytest.mark.parametrize(
    "parameters", [{"order": "score"}, {"by": "check"}], ids=["no name", "no order"]
)
def test_select_needs_order_and_name_together(parameters: dict[str, str]) -> None:
    with pytest.raises(SpecError) as caught:
        Select(**parameters)  # type: ignore[arg-type]
    assert caught.value.problems[0].path == "by"


SELECTS = st.builds(
    Select,
    keep=st.none() | st.integers(1, 5),
    order=st.sampled_from(["given", "shortest", "longest"]),
    dedupe=st.sampled_from(["none", "text", "answer"]),
)


@given(SELECTS, st.lists(st.sampled_from(["1", "1.0", "two", "two ", "x y"]), max_size=6))
async def test_select_leaves_as_many_as_its_bounds_say(select: Select, texts: list[str]) -> None:
    kept, _ = await run(select, state_of(*texts))
    bounds = select.bounds(Sizes(candidates=Interval(len(texts), len(texts))))
    assert bounds.calls == Interval(0, 0)
    assert bounds.after.candidates.low <= len(kept) <= bounds.after.candidates.high
