"""What layers said of all candidates that they got, read without what they dropped."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from archon.components.canonical import canonical
from archon.core.architecture import Architecture, ComponentSpec
from archon.explain.judging import judgings_of, verdicts_in
from archon.explain.rates import Verdict
from archon.runtime.clients import Routed
from archon.runtime.pipeline import Pipeline, PipelineResult
from archon.runtime.recorded import Recorded
from archon.world.worlds import default_world
from tests.unit.explain.shelf import Shelf

of = ComponentSpec.of
WORLD = default_world()
CARDS = {name: WORLD.card(name) for name in ("weak", "middle")}
BACKEND = Routed({name: WORLD.client(name) for name in CARDS})
DRAWN = (of("generate", "weak", samples=4, temperature=1.0),)

JUDGES: dict[str, Sequence[ComponentSpec]] = {
    "verify": (of("verify", "middle", mode="one_step"),),
    "check": (of("check", regex=("Answer: [0-4]",), mode="filter"),),
    "judge_tests": (of("write_tests", "middle", tests=2), of("judge_tests", "middle", keep=1)),
    "rank": (of("rank", "middle", keep=1),),
    "rank_pairs": (of("rank_pairs", "middle", keep=2),),
    "rank_scores": (of("rank_scores", "middle", keep=1),),
}


async def ran(architecture: Architecture, shelf: Shelf, number: int) -> PipelineResult:
    question = WORLD.questions.example(number).question
    return await Pipeline(architecture, shelf, CARDS).generate(question)


@pytest.mark.parametrize("kind", JUDGES)
async def test_layer_that_keeps_all_candidates_makes_the_same_calls(kind: str) -> None:
    whole = canonical(Architecture((DRAWN, *((spec,) for spec in JUDGES[kind]))))
    (judging,) = judgings_of(whole)
    assert (judging.layer, judging.component.kind) == (len(whole.layers) - 1, kind)
    for number in range(10):
        shelf = Shelf(BACKEND)
        closed = await ran(whole, shelf, number)
        replayed = Pipeline(judging.architecture, Recorded(shelf), CARDS)
        opened = await replayed.generate(WORLD.questions.example(number).question)
        assert len(opened.trace.states[-1].candidates) == 4, "nothing is dropped, nothing bought"
        assert opened.answer == closed.answer
        kept = closed.trace.states[-1].candidates
        assert set(kept) <= set(opened.trace.states[-1].candidates)


async def test_verdicts_are_those_that_decided_what_is_dropped() -> None:
    whole = canonical(Architecture((DRAWN, *((spec,) for spec in JUDGES["verify"]))))
    (judging,) = judgings_of(whole)
    n_passed = 0
    for number in range(20):
        shelf = Shelf(BACKEND)
        kept = (await ran(whole, shelf, number)).trace.states[-1].candidates
        state = (await ran(judging.architecture, shelf, number)).trace.states[-1]
        verdicts = verdicts_in(judging, state, [True] * 4)
        passed = [c.call for c, v in zip(state.candidates, verdicts, strict=True) if v.is_passed]
        assert not passed or passed == [c.call for c in kept]
        n_passed += len(passed)
    assert 0 < n_passed < 80


async def test_verdict_that_cannot_be_read_is_none() -> None:
    whole = Architecture((DRAWN, (of("verify", "middle", mode="one_step"),)))
    (judging,) = judgings_of(whole)
    state = (await ran(judging.architecture, Shelf(BACKEND), 1)).trace.states[-1]
    first = state.candidates[0].with_score("verify", 0.5)
    one = type(state)(state.question, (first,))
    assert verdicts_in(judging, one, [False]) == [Verdict(False, None)]


def test_layers_that_judge_nothing_are_left_out() -> None:
    single = Architecture(((of("generate", "weak"),), (of("rank", "middle"),)))
    assert judgings_of(canonical(single)) == ()
    voted = Architecture((DRAWN, (of("vote"),)))
    assert judgings_of(canonical(voted)) == ()
