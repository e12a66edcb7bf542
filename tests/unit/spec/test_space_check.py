from __future__ import annotations

from collections.abc import Callable

import pytest

from archon.core.architecture import Architecture
from archon.core.errors import Problem, SpecError
from archon.search.grammar import Step, grammar
from archon.search.space import (
    Chain,
    ComponentNode,
    EnsembleNode,
    Fixed,
    LayerNode,
    OneOf,
    Range,
    Repeat,
    Space,
)
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


def test_choices_that_make_no_difference_to_a_problem_are_not_named(refusal: Refusal) -> None:
    (problem,) = refusal((L0, "- vote"))
    assert "This happens" not in problem.hint
    found = refusal((L0, "- one_of: [vote, {generate: {model: small}}]"))
    assert [p.hint.split("This happens with ")[1] for p in found] == ["space.layers[0] = vote."]


def test_values_that_do_not_go_together_are_refused_though_each_is_allowed(
    refusal: Refusal,
) -> None:
    (problem,) = refusal((L1, "- select: {order: [given, score]}"))
    assert (problem.line, problem.path) == (15, "space.layers[1].select.by")


def test_every_structure_is_tried_with_both_ends_of_every_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried: list[list[tuple[str, object]]] = []

    def note(architecture: Architecture, table: object) -> list[Problem]:
        tried.append(
            [(s.model, s.param("samples")) for layer in architecture.layers for s in layer]
        )
        return []

    monkeypatch.setattr(space_check, "problems_of", note)

    def layer(model: str) -> LayerNode:
        samples = (("samples", Range(1, 9, True)),)
        return LayerNode((ComponentNode("generate", (model,), samples),))

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
    models = ["a", "ac", "acc", "ab", "abc", "abcc"]
    expected = [[(model, n) for model in text] for text in models for n in (1, 9)]
    assert sorted(map(repr, tried)) == sorted(map(repr, expected))


@pytest.mark.parametrize(
    ("by", "is_refused"),
    [("check", False), ("[check, rank]", True)],
    ids=["there", "one not there"],
)
def test_a_score_that_only_one_setting_reads_must_be_there(
    job: Read, refusal: Refusal, by: str, is_refused: bool
) -> None:
    layers = f"- check: {{min_words: 3}}\n    - select: {{order: score, by: {by}}}"
    if not is_refused:
        assert job((L1, layers)).space.root.nodes[2:]
        return
    (problem,) = refusal((L1, layers))
    assert (problem.line, problem.path) == (16, "space.layers[2]")
    assert "'rank'" in problem.message


def test_a_space_without_a_pipeline_that_is_small_enough_is_refused(refusal: Refusal) -> None:
    (problem,) = refusal(
        ("samples: {from: 1, to: 8}", "samples: [5, 4]"), ("  layers:", "  max_calls: 3\n  layers:")
    )
    assert (problem.line, problem.path) == (13, "space.max_calls")
    assert "the smallest takes 4" in problem.message


def test_a_space_of_nothing_but_huge_pipelines_is_refused(refusal: Refusal) -> None:
    layers = "- repeat: {times: 2, layers: [{generate: {model: big, samples: 900}}]}"
    (problem,) = refusal((L1, layers))
    assert (problem.line, problem.path) == (12, "space.max_calls")
    assert "the smallest takes 1801" in problem.message


@pytest.mark.parametrize(
    ("max_calls", "layers", "smallest"),
    [
        (4, "verify: {model: small, mode: [two_step, one_step]}", None),
        (4, "verify: {model: small, mode: [one_step, two_step]}", None),
        (3, "verify: {model: small, mode: [two_step, one_step]}", 4),
        (3, "critique: {model: small, scope: [each, batch]}\n    - fuse: {model: small}", 4),
        (4, "critique: {model: small, scope: [each, batch]}\n    - fuse: {model: small}", None),
        (2, "one_of: [{rank: {model: small}}, {rank: {model: small, permutations: 3}}]", 3),
        (3, "one_of: [{rank: {model: small, permutations: 3}}, {rank: {model: small}}]", None),
        # Of one candidate there is nothing to verify: as the search counts, that takes no call.
        (3, "rank: {model: small, keep: 1}\n    - verify: {model: small}", None),
    ],
)
def test_a_ceiling_that_some_setting_keeps_is_no_fault(
    job: Read, refusal: Refusal, max_calls: int, layers: str, smallest: int | None
) -> None:
    changes = [
        ("samples: {from: 1, to: 8}", "samples: 2"),
        ("  layers:", f"  max_calls: {max_calls}\n  layers:"),
        (L1, f"- {layers}"),
    ]
    if smallest is None:
        assert job(*changes).space.max_calls == max_calls
        return
    (problem,) = refusal(*changes)
    assert f"the smallest takes {smallest}" in problem.message


def numbers(low: int, high: int) -> str:
    return f"[{', '.join(map(str, range(low, high)))}]"


def test_combinations_of_numbers_are_checked_however_many_there_are(
    job: Read, refusal: Refusal
) -> None:
    limits = "min_words: {}, max_words: {}, min_chars: {}, max_chars: {}"
    many = (numbers(1, 12), numbers(20, 40), numbers(1, 12), numbers(300, 330))
    assert job((L1, f"- check: {{{limits.format(*many)}}}"))
    with_a_hole = (*many[:3], numbers(300, 330)[:-1] + ", 5]")
    found = refusal((L1, f"- check: {{{limits.format(*with_a_hole)}}}"))
    assert any("chars" in problem.path for problem in found), found


def test_more_combinations_than_can_be_checked_are_refused_with_their_number(
    refusal: Refusal,
) -> None:
    texts = f"[{', '.join(f't{i}' for i in range(70))}]"
    (problem,) = refusal((L1, f"- check: {{starts_with: {texts}, ends_with: {texts}}}"))
    assert (problem.line, problem.path) == (15, "space.layers[1].check")
    assert "too many combinations to check: 4,900" in problem.message


def test_large_pipelines_are_outside_the_space_and_no_fault_of_it(job: Read) -> None:
    space = job(("samples: {from: 1, to: 8}", "samples: {from: 1, to: 1000}")).space
    assert space.max_calls == 1000


def test_of_many_bad_combinations_a_few_are_shown_and_the_rest_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        space_check,
        "problems_of",
        lambda architecture, table: [Problem(f"{len(architecture.layers)} are too many.")],
    )
    space = Space(Chain((Repeat(Chain((LayerNode((ComponentNode("generate", ("a",)),)),)), 1, 9),)))
    findings = Findings(parse_document(b"space:\n  layers: []", "f"))
    check_pipelines(space, findings)
    with pytest.raises(SpecError, match="and 4 more combinations that cannot run") as refused:
        findings.raise_if_any()
    assert str(refused.value).count("are too many") == 5


def said_of(space: Space) -> str:
    """What is wrong with it; "" where nothing is."""
    findings = Findings(parse_document(b"space:\n  layers: []", "f"))
    check_pipelines(space, findings)
    try:
        findings.raise_if_any()
    except SpecError as refused:
        return str(refused)
    return ""


@pytest.mark.parametrize("is_well_typed", [True, False])
def test_what_may_follow_on_many_side_by_side_alone_is_looked_at(is_well_typed: bool) -> None:
    def writers(n: int) -> LayerNode:
        return LayerNode((EnsembleNode(ComponentNode("generate", ("a", "b")), n, n),))

    def one(kind: str, **params: str) -> LayerNode:
        fixed = tuple((name, Fixed(value)) for name, value in sorted(params.items()))
        return LayerNode((ComponentNode(kind, (), fixed),))

    by_score = {} if is_well_typed else {"weight": "score", "by": "check"}
    steps = {
        "start": [Step("produce", "1", writers(1), "one"), Step("produce", "2", writers(2), "two")],
        "one": [Step("select", "longest", one("select", order="longest"), "end")],
        "two": [Step("select", "vote", one("vote", **by_score), "end")],
        "end": [],
    }
    found = grammar(steps, start="start", final=frozenset({"end"}), most=2)
    assert found is not None
    assert ("check" in said_of(Space(Chain((found,))))) == (not is_well_typed)
