"""What can be left out of a pipeline: each part once, and never so that it is no pipeline."""

from __future__ import annotations

from archon.components.canonical import canonical
from archon.components.rules import problems_of
from archon.core.architecture import Architecture, ComponentSpec
from archon.explain.variants import Variant, variants_of

of = ComponentSpec.of
WRITERS = (of("generate", "a", samples=4), of("generate", "b", samples=2))


def layers_of(variant: Variant) -> list[list[tuple[str, str, object]]]:
    return [
        [(s.kind, s.model, s.param("samples", 1)) for s in layer]
        for layer in variant.architecture.layers
    ]


def test_variants_lack_one_layer_model_or_some_samples() -> None:
    whole = Architecture((WRITERS, (of("rank", "a"),), (of("fuse", "c"),)))
    found = variants_of(whole)
    a4, b2 = ("generate", "a", 4), ("generate", "b", 2)
    rank, fuse = ("rank", "a", 1), ("fuse", "c", 1)
    assert [(v.part, v.layer, v.model, v.n, layers_of(v)) for v in found] == [
        ("layer", 1, "", None, [[a4, b2], [fuse]]),
        ("layer", 2, "", None, [[a4, b2], [rank]]),
        ("model", None, "a", None, [[b2], [fuse]]),
        ("model", None, "b", None, [[a4], [rank], [fuse]]),
        ("component", 0, "", None, [[b2], [rank], [fuse]]),
        ("samples", 0, "", 2, [[("generate", "a", 2), b2], [rank], [fuse]]),
        ("samples", 0, "", 1, [[("generate", "a", 1), b2], [rank], [fuse]]),
        ("samples", 0, "", 1, [[a4, ("generate", "b", 1)], [rank], [fuse]]),
    ]


def test_variants_are_pipelines_in_canonical_form_and_no_two_are_equal() -> None:
    whole = Architecture(
        (
            WRITERS,
            (of("critique", "a"),),
            (of("rank_scores", "b", votes=5),),
            (of("rank", "a", permutations=3, keep=2),),
            (of("write_tests", "a"),),
            (of("judge_tests", "b"),),
        )
    )
    found = variants_of(whole)
    for variant in found:
        assert not problems_of(variant.architecture)
        assert canonical(variant.architecture) == variant.architecture
    assert len({v.pipeline_id for v in found} | {canonical(whole).pipeline_id()}) == len(found) + 1
    assert {(v.count, v.n) for v in found if v.part == "samples"} >= {
        ("votes", 2),
        ("votes", 1),
        ("permutations", 1),
    }


def test_what_only_the_left_out_part_reads_goes_with_it() -> None:
    whole = Architecture((WRITERS, (of("write_tests", "b"),), (of("judge_tests", "b"),)))
    without_judging = next(v for v in variants_of(whole) if v.layer == 2)
    assert without_judging.architecture == Architecture((WRITERS,))
    assert not [v for v in variants_of(whole) if v.layer == 1], "tests are needed by who judges"


def test_single_call_has_no_variants() -> None:
    assert variants_of(Architecture(((of("generate", "a"),),))) == ()
