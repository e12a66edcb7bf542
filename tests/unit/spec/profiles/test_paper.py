"""The profile ``paper``: its counts, and that it holds what the paper's rules allow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import pairwise

import pytest

from archon.components.base import Bounds, Sizes
from archon.components.canonical import canonical
from archon.components.estimate_calls import layer_bounds
from archon.components.rules import problems_of
from archon.components.table import build
from archon.core.architecture import Architecture, ComponentSpec, Layer
from archon.core.errors import SpecError
from archon.search.choices import Chance, walks
from archon.search.draw import draw
from archon.search.find_walk import find_walk
from archon.search.known_good import known_good
from archon.search.size import count_walks
from archon.search.space import Space
from archon.spec import space_check
from tests.unit.spec.profiles.jobs import paper_space, profile_space

ONE_CALL_A_RANKER = "rank: {window: 24}"
"""As the paper's counts have it; by default more than 20 candidates are ranked in windows."""


@pytest.fixture(scope="module")
def whole() -> Space:
    return paper_space(ONE_CALL_A_RANKER, n_models=10)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("", 38 * 156 * 3),
        ("critics: both", 2 * 38 * 156 * 3),
        ("critics: never", 38 * 156 * 3),
        ("funnel: true", 38 * 56 * 3),
        ("fusion_layers: 1", 38 * 3),
        ("checks: [nothing]", 38 * 156),
        ("generators: 1\nfusers: 4", 5 * 4 * 3),
        ("candidates: 10\nfusion_layers: 1\nchecks: [verify]", 5 + 5 + 3 + 2 + 2 + 5),
        (
            "generate: {samples: [1, 4], temperature: [0.2, 0.7]}\nfusion_layers: 1",
            (10 + 6) * 2 * 3,
        ),
        ("fuse: {temperature: [0.2, 0.7], max_tokens: [256, 512]}\nfusion_layers: 1", 38 * 4 * 3),
    ],
)
def test_its_axes_multiply_to_the_exact_counts(options: str, expected: int) -> None:
    assert count_walks(paper_space(options, n_models=10)) == expected


@cache
def after(layer: Layer, arriving: Sizes) -> Bounds:
    return layer_bounds([build(spec) for spec in layer], arriving)


def most_calls(architecture: Architecture) -> int:
    """As ``estimate_calls``, but what layers of many pipelines take is worked out once."""
    n, arriving = 0, Sizes()
    for layer in architecture.layers:
        bounds = after(layer, arriving)
        n, arriving = n + bounds.calls.high, bounds.after
    return n


def test_it_has_as_many_points_under_each_number_of_calls_as_its_axes_say(whole: Space) -> None:
    calls = Counter(most_calls(drawn) for drawn, _ in walks(whole))
    under = [sum(n for k, n in calls.items() if k <= most) for most in (20, 30, 40, 50)]
    assert under == [393, 2_834, 8_262, 13_578]


def test_two_of_its_points_are_equal_to_a_third_and_no_others() -> None:
    # With one candidate and one layer of fusers there is nothing to check. All equal points have
    # one layer of fusers, since with more the widths tell them apart.
    few = paper_space("fusion_layers: {from: 1, to: 2}\nfusers: 2", n_models=10)
    ids = {canonical(drawn).pipeline_id() for drawn, _ in walks(few)}
    assert count_walks(few) == 38 * 2 * 3
    assert len(ids) == 38 * 2 * 3 - 2


def follows_the_rules(architecture: Architecture) -> bool:
    """Rules 1 to 6 of section 3.2, on adjacent layers."""
    kinds = [{spec.kind for spec in layer} for layer in architecture.layers]
    names = [next(iter(kind)) for kind in kinds]
    later = {"fuse", "rank", "critique", "verify", "write_tests", "judge_tests"}
    pairs = list(pairwise(names))
    return (
        all(len(kind) == 1 for kind in kinds)
        and names[0] == "generate"
        and set(names[1:]) <= later
        and all(len(layer) == 1 for layer, name in zip(architecture.layers, names, strict=True)
                if name not in ("generate", "fuse"))
        and all((a == "write_tests") == (b == "judge_tests") for a, b in pairs)
        and all(b in ("rank", "fuse") for a, b in pairs if a == "critique")
        and names[-1] not in ("critique", "write_tests")
    )  # fmt: skip


@pytest.mark.parametrize("options", ["", "critics: both", "funnel: true\nfusion_layers: 4"])
def test_every_pipeline_of_it_keeps_to_the_rules(options: str) -> None:
    space = paper_space(options, n_models=10)
    for seed in range(200):
        drawn = draw(space, Chance(seed))
        assert follows_the_rules(drawn)
        assert problems_of(drawn) == []
        assert problems_of(canonical(drawn)) == []
        assert sum(int(str(s.param("samples", 1))) for s in drawn.layers[0]) <= 24


def widths(architecture: Architecture) -> list[int]:
    """Fusers in each layer of them, equal ones counted."""
    layers = [layer for layer in architecture.layers if layer[0].kind == "fuse"]
    return [len(layer) for layer in layers]


@pytest.mark.parametrize(
    "options",
    [
        "fusers: {from: 1, to: 5, step: 2}",
        "fusers: {from: 2, to: 4}\nfusion_layers: {from: 1, to: 3}\ncritics: both",
        "fusers: {from: 1, to: 4}\nfusion_layers: {from: 2, to: 4}\ncritics: never",
        "fusers: {from: 1, to: 3}\nfusion_layers: 4\nfuse: {temperature: [0.2, 0.7]}",
        "fusers: 3\nfusion_layers: {from: 1, to: 2}",
    ],
)
def test_funnel_holds_what_narrows_of_the_whole_and_nothing_else(options: str) -> None:
    rest = f"{options}\ngenerators: 2\nchecks: [nothing, unit_tests]\ngenerate: {{samples: [1, 3]}}"
    whole = (drawn for drawn, _ in walks(paper_space(rest)))
    narrowing = Counter(drawn for drawn in whole if widths(drawn) == sorted(widths(drawn))[::-1])
    funnel = paper_space(f"{rest}\nfunnel: true")
    assert Counter(drawn for drawn, _ in walks(funnel)) == narrowing
    assert count_walks(funnel) == narrowing.total()


@pytest.mark.parametrize("layers", ["{from: 1, to: 4}", "4"])
def test_widest_funnel_is_checked_without_going_through_its_sequences(
    layers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(space_check, "MAX_STRUCTURES", 20)
    options = f"funnel: true\nfusers: {{from: 1, to: 16}}\nfusion_layers: {layers}\ncritics: both"
    n_sequences = 816 if layers == "4" else 1 + 16 + 136 + 816
    assert count_walks(paper_space(options, n_models=10)) == 38 * n_sequences * 3 * 2


def fused(n: int, n_models: int = 10) -> tuple[ComponentSpec, ...]:
    return tuple(ComponentSpec.of("fuse", f"m{i % n_models}") for i in range(n))


def stages(*widths: int, n_models: int = 10) -> Iterator[tuple[ComponentSpec, ...]]:
    for width in widths:
        yield (ComponentSpec.of("critique", "m0"),)
        yield (ComponentSpec.of("rank", "m0", keep=5),)
        yield fused(width, n_models)


@pytest.mark.parametrize("n_models", [10, 3])
def test_the_papers_funnel_lies_in_it_and_samplers_learn_from_it(n_models: int) -> None:
    n = min(10, n_models)
    first = tuple(ComponentSpec.of("generate", f"m{i}") for i in range(n))
    funnel = canonical(Architecture((first, *stages(8, 6, 4, 1, n_models=n_models))))
    space = paper_space(n_models=n_models)
    answers = {answer.name: answer.value for answer in find_walk(space, funnel)}
    assert answers["0.generate.models.n"] == n
    assert [answers[f"1.round{i}.2.fuse.models.n"] for i in range(3)] == [8, 6, 4]


@pytest.mark.parametrize(
    ("options", "more"),
    [("", 1), ("funnel: true", 3), ("funnel: true\nfusers: {from: 1, to: 16}", 3)],
)
def test_its_known_good_shapes_are_its_plain_one_each_check_and_more_layers(
    options: str, more: int
) -> None:
    found = known_good(paper_space(options, n_models=4), most=20)
    kinds = sorted([layer[0].kind for layer in start.architecture.layers] for start in found)
    stage = ["critique", "rank", "fuse"]
    assert kinds == [
        *(["generate", *stage, *stage * n] for n in range(more + 1)),
        ["generate", "verify", *stage],
        ["generate", "write_tests", "judge_tests", *stage],
    ]


@pytest.mark.parametrize(
    ("options", "line", "key", "said"),
    [
        ("fusion_layer: 2", 4, "space.fusion_layer", "Did you mean 'fusion_layers'"),
        ("critics: sometimes", 4, "space.critics", "not one of always, never, both"),
        ("checks: [verifier]", 4, "space.checks[0]", "Did you mean 'verify'"),
        ("fusers: [2, 4]", 4, "space.fusers", "Write a number, or {from: 1, to: 4}"),
        ("fusers:\n  from: 2\n  to: 9\n  step: 2", 4, "space.fusers", "do not reach 9"),
        ("generators: {from: 1, to: 9}", 4, "space.generators", "1 <= from <= to <= 3"),
        ("candidates: 2\ngenerators: 3", 4, "space.candidates", "more than 2 candidates"),
        ("fuse: {samples: 3}", 4, "space.fuse.samples", "Write fusers:"),
        ("generate: {model: m0}", 4, "space.generate.model", "Write models:"),
        ("rank:\n  temprature: [0.1, 0.2]", 5, "space.rank.temprature", "mean 'temperature'"),
        ("rank: {models: [m0, m1]}", 4, "space.rank.models", "Write model:"),
        ("vote: {}", 4, "space.vote", "unknown key 'vote'"),
        ("layers: []", 4, "space.layers", "writes the layers itself"),
        ("max_calls: 2", 4, "space.max_calls", "the smallest takes"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_line_and_key(
    options: str, line: int, key: str, said: str
) -> None:
    with pytest.raises(SpecError) as refused:
        paper_space(options)
    found = [p for p in refused.value.problems if p.path == key]
    assert [p.line for p in found] == [line], str(refused.value)
    assert said in f"{found[0].message} {found[0].hint}"


def test_the_order_of_models_has_to_be_said() -> None:
    with pytest.raises(SpecError, match=r"space.models: which model is the best.*m0, m1, m2"):
        profile_space("profile: paper")
    with pytest.raises(SpecError, match=r"job.yaml:3: space.models\[1\]: there is no model 'm9'"):
        profile_space("profile: paper\nmodels: [m0, m9]")
    assert count_walks(profile_space("profile: paper", n_models=1)) == 5 * 156 * 3


def test_a_misspelt_profile_is_said_with_what_was_meant() -> None:
    with pytest.raises(SpecError, match=r"no profile.*Did you mean 'paper'"):
        profile_space("profile: papper")
