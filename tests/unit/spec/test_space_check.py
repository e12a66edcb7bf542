from __future__ import annotations

from collections.abc import Callable

import pytest

from archon.core.architecture import Architecture
from archon.core.errors import Problem, SpecError
from archon.search.space import Chain, ComponentNode, LayerNode, OneOf, Range, Repeat, Space
from archon.spec import space_check
from archon.spec.findings import Findings
from archon.spec.job import JobSpec
from archon.spec.space_check import check_pipelines
from archon.spec.yaml_source import parse_document

Read = Callable[..., JobSpec]
Refusal = Callable[..., tuple[Problem, ...]]

L0 = "- generate: {model: small, samples: {from: 1, to: 8}}"
L1 = "- one_of: [nothing, {generate: {model: big}}]"


@pytest.mark.parametrize(
    ("old", "new", "path", "combination"),
    [
        (L0, "- vote", "space.layers[0]", ""),
        (L0, "- one_of: [vote, {generate: {model: small}}]", "space.layers[0].one_of[0]",
         "This happens with space.layers[0] = vote"),
        (L0, "- repeat: {times: {from: 0, to: 1}, layers: [{generate: {model: small}}]}",
         "space.layers", "space.layers[0] = 0 times, space.layers[1] = nothing"),
        (L1, "- side_by_side: [vote, {generate: {model: big}}]", "space.layers[1]", ""),
    ],
    ids=["vote first", "vote may be first", "may be empty", "vote beside a generator"],
)  # fmt: skip
def test_a_space_that_could_express_an_ill_typed_pipeline_is_refused(
    refusal: Refusal, old: str, new: str, path: str, combination: str
) -> None:
    found = refusal((old, new))
    assert path in [p.path for p in found], found
    assert any(combination in p.hint for p in found), found


def test_values_that_do_not_go_together_are_refused_though_each_is_allowed(
    refusal: Refusal,
) -> None:
    (problem,) = refusal((L1, "- select: {order: [given, score]}"))
    assert (problem.line, problem.path) == (15, "space.layers[1].select.by")


def test_every_structure_is_tried_with_both_ends_of_every_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried: list[list[tuple[str, object]]] = []

    def note(architecture: Architecture) -> list[Problem]:
        tried.append([(s.kind, s.param("n")) for layer in architecture.layers for s in layer])
        return []

    monkeypatch.setattr(space_check, "problems_of", note)

    def layer(kind: str) -> LayerNode:
        return LayerNode((ComponentNode(kind, (), (("n", Range(1, 9, True)),)),))

    space = Space(
        Chain(
            (
                layer("a"),
                OneOf((("nothing", Chain()), ("b", layer("b")))),
                Repeat(Chain((layer("c"),)), 0, 2),
            )
        )
    )
    check_pipelines(space, Findings(parse_document(b"space: {}", "f")))
    kinds = ["a", "ac", "acc", "ab", "abc", "abcc"]
    assert tried == [[(kind, n) for kind in text] for text in kinds for n in (1, 9)]


def test_of_many_bad_combinations_a_few_are_shown_and_the_rest_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        space_check,
        "problems_of",
        lambda architecture: [Problem(f"{len(architecture.layers)} are too many.", path="layers")],
    )
    space = Space(Chain((Repeat(Chain((LayerNode((ComponentNode("a"),)),)), 1, 9),)))
    findings = Findings(parse_document(b"space:\n  layers: []", "f"))
    check_pipelines(space, findings)
    with pytest.raises(SpecError, match="and 4 more combinations that cannot run") as refused:
        findings.raise_if_any()
    assert str(refused.value).count("are too many") == 5
