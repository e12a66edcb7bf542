"""What is not well typed is refused before any call, with the place and what to do."""

from __future__ import annotations

import pytest
from hypothesis import given

from archon.components.rules import problems_of
from archon.core.architecture import Architecture, Layer
from tests.unit.components.architectures import ARCHITECTURES, of

GENERATE: Layer = (of("generate", "m", samples=3),)
FUSE: Layer = (of("fuse", "m"),)
CRITIQUE: Layer = (of("critique", "m"),)
WRITE: Layer = (of("write_tests", "m"),)
JUDGE: Layer = (of("judge_tests", "m"),)
VOTE: Layer = (of("vote"),)
CHECK: Layer = (of("check", number=True),)
BY_CHECK: Layer = (of("select", order="score", by="check"),)

ACCEPTED = {
    "one call": (GENERATE,),
    "several candidates at the end": (GENERATE, GENERATE),
    "fuser at the end": (GENERATE, FUSE),
    "selector at the end": (GENERATE, VOTE),
    "annotators side by side": (GENERATE, (*CRITIQUE, *WRITE), JUDGE),
    "tests outlive new texts": (GENERATE, WRITE, FUSE, JUDGE),
    "score read later": (GENERATE, CHECK, GENERATE, BY_CHECK),
    "producers side by side": (GENERATE, (*FUSE, *GENERATE)),
    "32 layers": (GENERATE,) * 32,
    "1000 calls": ((of("generate", "m", samples=1000),),),
}


@pytest.mark.parametrize("layers", ACCEPTED.values(), ids=list(ACCEPTED))
def test_architecture_is_accepted(layers: tuple[Layer, ...]) -> None:
    assert problems_of(Architecture(layers)) == []


REFUSED: dict[str, tuple[tuple[Layer, ...], str, str]] = {
    "no layers": ((), "layers", "generate"),
    "empty layer": ((GENERATE, (), VOTE), "layers[1]", "empty"),
    "unknown kind": (
        (GENERATE, (of("rankr", "m"),)),
        "layers[1][0].kind",
        "Did you mean 'rank'",
    ),
    "unknown parameter": (((of("generate", "m", sample=3),),), "layers[0][0].sample", "'samples'"),
    "value out of range": ((GENERATE, (of("fuse", "m", samples=0),)), "layers[1][0].samples", "0"),
    "keep 0": ((GENERATE, (of("rank", "m", keep=0),)), "layers[1][0].keep", "0"),
    "not a number": (
        ((of("generate", "m", temperature="hot"),),),
        "layers[0][0].temperature",
        "hot",
    ),
    "bad pattern": ((GENERATE, (of("check", regex=("(",)),)), "layers[1][0].regex[0]", "RE2"),
    "no constraint": ((GENERATE, (of("check"),)), "layers[1][0]", "constraint"),
    "no model": (((of("generate"),),), "layers[0][0].model", "model"),
    "first layer selects": ((VOTE,), "layers[0][0].kind", "generate"),
    "first layer fuses": ((FUSE,), "layers[0][0].kind", "generate"),
    "first layer fuses, too": (((*GENERATE, *FUSE),), "layers[0][1].kind", "generate"),
    "tests before candidates": ((WRITE, GENERATE, JUDGE), "layers[0][0].kind", "candidates"),
    "verifier after nothing": (((of("verify", "m"),),), "layers[0][0].kind", "candidates"),
    "judge without tests": ((GENERATE, JUDGE), "layers[1][0].kind", "write_tests"),
    "judge beside tests": ((GENERATE, CRITIQUE, (*WRITE, *JUDGE)), "layers[2]", "share"),
    "score that nobody gives": ((GENERATE, BY_CHECK), "layers[1][0].by", "'check'"),
    "score misspelt": (
        (GENERATE, CHECK, (of("vote", weight="score", by="chek"),)),
        "layers[2][0].by",
        "Did you mean 'check'",
    ),
    "score of texts that are gone": (
        (GENERATE, CHECK, FUSE, BY_CHECK),
        "layers[3][0].by",
        "candidates that arrive",
    ),
    "two selectors": ((GENERATE, (*CHECK, *VOTE)), "layers[1]", "check, vote"),
    "producer and annotator": ((GENERATE, (*CRITIQUE, *FUSE)), "layers[1]", "critique, fuse"),
    "annotator at the end": ((GENERATE, CRITIQUE), "layers[1]", "critique"),
    "33 layers": ((GENERATE,) * 33, "layers", "33"),
    "too many calls": ((GENERATE, *((of("generate", "m", samples=999),),)), "layers", "1002"),
}


@pytest.mark.parametrize(("layers", "path", "says"), REFUSED.values(), ids=list(REFUSED))
def test_architecture_is_refused_with_place_and_advice(
    layers: tuple[Layer, ...], path: str, says: str
) -> None:
    problems = problems_of(Architecture(layers))
    assert [problem.path for problem in problems] == [path]
    assert says in str(problems[0])


def test_all_problems_of_single_components_are_named_at_once() -> None:
    layers = ((of("generate", "m", sample=1), of("generate", "")), (), (of("x"), *VOTE, *CHECK))
    paths = [problem.path for problem in problems_of(Architecture(layers))]
    assert sorted(paths) == [
        "layers[0][0].sample",
        "layers[0][1].model",
        "layers[1]",
        "layers[2]",
        "layers[2][0].kind",
    ]


@given(ARCHITECTURES)
def test_architecture_without_its_first_layer_is_never_accepted(architecture: Architecture) -> None:
    rest = Architecture(architecture.layers[1:])
    begins_anew = rest.layers and all(s.kind == "generate" for s in rest.layers[0])
    if not begins_anew:
        assert problems_of(rest)
