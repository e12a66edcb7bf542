"""What ``archon export`` says of the file that it wrote."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from archon.cli.export import over_ceiling, why
from archon.core.architecture import Architecture, ComponentSpec
from archon.search.at_most import AtMost
from archon.search.objectives import Measured
from archon.search.winner import judge
from archon.service.export import cheapest_within
from archon.spec.pipeline_file import PipelineFile
from archon.spec.provenance import Provenance
from tests.unit.search.measured import pipeline

N = 60


def drawn(samples: int) -> Architecture:
    return Architecture(((ComponentSpec.of("generate", "small", samples=samples),),))


def measured(samples: int, n_right: int, tokens: int) -> Measured:
    scores = [1.0] * n_right + [0.0] * (N - n_right)
    return pipeline(drawn(samples).pipeline_id(), scores, calls=samples, tokens=tokens)


SINGLE = measured(1, 20, 100)
DEAR, CHEAP = measured(8, 50, 800), measured(4, 50, 400)
EQUAL, EQUAL_AND_CHEAPER = measured(3, 21, 300), measured(2, 20, 50)


@pytest.mark.parametrize(
    ("finalists", "exported", "rule", "says"),
    [
        ([DEAR], 8, "best", ", the winner."),
        ([measured(8, 51, 800), CHEAP], 4, "cheapest", ", cheaper than the winner and not"),
        ([EQUAL], 1, "best", "better than the best single call; this is it."),
        (
            [EQUAL_AND_CHEAPER],
            2,
            "cheapest",
            "; this is cheaper than that and not shown to be worse",
        ),
        ([DEAR], 1, "baseline", ", the best single call."),
        ([DEAR], 8, "", ", as you named it."),
    ],
    ids=["winner", "frugal", "no-winner", "no-winner-frugal", "baseline", "trial"],
)
def test_export_says_what_the_file_is(
    finalists: Sequence[Measured], exported: int, rule: str, says: str
) -> None:
    judgement = judge([SINGLE], finalists, ("quality", "tokens"))
    if rule == "cheapest":
        assert judgement.frugal is not None
        assert judgement.frugal.pipeline_id == drawn(exported).pipeline_id()
    provenance = Provenance("sums", 3, "f", N, 0.95, (), "0")
    made = PipelineFile(drawn(exported), (), provenance=provenance)
    said = why(judgement, made, rule)
    assert said.startswith("Trial 3: small")
    assert says in said


@pytest.mark.parametrize(
    ("within", "tokens"),
    [(0.0, 800), (0.005, 800), (1 / N, 400), (0.5, 400), (0.52, 50)],
)
def test_within_takes_the_cheapest_that_is_so_close_to_the_best(within: float, tokens: int) -> None:
    best, close = measured(8, 51, 800), measured(4, 50, 400)
    judgement = judge([SINGLE], [best, close, EQUAL_AND_CHEAPER], ("quality", "tokens"))
    found = cheapest_within(judgement, within)
    assert found is not None
    assert found.tokens.value == tokens


def test_within_takes_nothing_that_passes_a_ceiling_and_measures_against_nothing_that_does() -> (
    None
):
    best, close = measured(8, 51, 800), measured(4, 50, 400)
    judgement = judge([SINGLE], [best, close], ("quality", "tokens"))
    found = cheapest_within(judgement, 0.0, AtMost(tokens=500))
    assert found is not None
    assert found.tokens.value == 400
    assert cheapest_within(judgement, 1.0, AtMost(tokens=99)) is None


def test_export_says_that_what_it_writes_passes_a_ceiling() -> None:
    judgement = judge([SINGLE], [EQUAL], ("quality", "tokens"))
    made = PipelineFile(drawn(1), (), provenance=Provenance("sums", 3, "f", N, 0.95, (), "0"))
    (said,) = over_ceiling(judgement, made, AtMost(tokens=50))
    assert said == (
        "It does not keep to at_most: on the held-out questions it takes 100 tokens a question, "
        "where 50 tokens are allowed."
    )
    assert not list(over_ceiling(judgement, made, AtMost(tokens=100)))
    assert not list(over_ceiling(None, made, AtMost(tokens=50)))


def test_within_says_what_the_file_is() -> None:
    judgement = judge([SINGLE], [DEAR, CHEAP], ("quality", "tokens"))
    provenance = Provenance("sums", 3, "f", N, 0.95, (), "0")
    made = PipelineFile(drawn(4), (), provenance=provenance)
    said = why(judgement, made, "cheapest", 0.01)
    assert said.endswith("the cheapest whose score is within 0.01 of the best one's.")
