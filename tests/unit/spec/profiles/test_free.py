"""The profile ``free``: everything well typed, and nothing in it that could be left out."""

from __future__ import annotations

from itertools import pairwise, product

import pytest

from archon.components.canonical import canonical, simplify
from archon.components.estimate_calls import estimate_calls
from archon.components.rules import problems_of
from archon.core.architecture import Architecture, ComponentSpec
from archon.core.errors import SpecError
from archon.search.choices import Chance, walks
from archon.search.draw import draw, open_numbers
from archon.search.find_walk import find_walk
from archon.search.known_good import known_good
from archon.search.size import count_walks
from archon.search.walk_order import walk_at
from tests.unit.spec.profiles.jobs import profile_space

SMALL = """
profile: free
most_layers: 3
components: [generate, fuse, rank, vote, critique]
generate: {samples: [1, 3], prompt: [direct, step_by_step]}
fuse: {samples: {from: 1, to: 2}}
"""
WITH_ALL = """
profile: free
check: {contains: [a], mode: [score, filter]}
select: {dedupe: [none, text], keep: [1, 3]}
rank: {keep: [1, 5], temperature: {from: 0.0, to: 1.0}}
verify: {drop: [true, false], mode: [one_step, two_step]}
fuse: {keep_inputs: [true, false], top_p: [0.5, 0.9]}
generate: {samples: [1, 2, 4, 16], temperature: {from: 0.2, to: 1.2}, top_p: [0.5, 0.9]}
"""


def wrong(architecture: Architecture) -> list[str]:
    """Problems but that of too many calls, which put a pipeline outside the space."""
    return [str(p) for p in problems_of(architecture) if p.path != "layers"]


@pytest.mark.parametrize("options", ["profile: free", WITH_ALL, SMALL], ids=["usual", "all", "few"])
@pytest.mark.parametrize("n_models", [1, 3])
def test_no_ill_typed_pipeline_can_be_drawn(options: str, n_models: int) -> None:
    space = profile_space(options, n_models=n_models)
    for seed in range(400):
        drawn = draw(space, Chance(seed))
        assert wrong(drawn) == []
        again = canonical(drawn)
        assert wrong(again) == []
        assert canonical(again) == again


@pytest.mark.parametrize("n_models", [1, 3])
def test_nothing_in_a_pipeline_could_be_left_out(n_models: int) -> None:
    space = profile_space("profile: free", n_models=n_models)
    for seed in range(400):
        assert simplify(draw(space, Chance(seed))).removals == ()


def test_every_walk_is_another_pipeline_and_their_number_is_exact() -> None:
    space = profile_space(SMALL, n_models=2)
    found = list(walks(space))
    n = count_walks(space)
    assert n == len(found) == len({canonical(drawn).pipeline_id() for drawn, _ in found})
    for number in range(0, n, 37):
        assert walk_at(space, number) == found[number]


def test_a_small_space_is_what_one_can_count_by_hand() -> None:
    # A call; 2 or 3 samples, ordered or put to the vote; and a vote by the order's score.
    space = profile_space(
        "profile: free\ncomponents: [generate, rank, vote]\nmost_layers: 3\n"
        "generate: {samples: {from: 1, to: 3}}",
        n_models=1,
    )
    kinds = [" > ".join(layer[0].kind for layer in drawn.layers) for drawn, _ in walks(space)]
    # rank > rank is another pipeline: the second pass starts from the first one's order.
    assert sorted(set(kinds)) == [
        "generate",
        "generate > rank",
        "generate > rank > rank",
        "generate > rank > vote",
        "generate > vote",
    ]
    assert count_walks(space) == 1 + 2 * (1 + 1 + 1 + 2)


ONE_MODEL = """
profile: free
most_layers: 4
components: [generate, fuse, critique, rank, verify, write_tests, judge_tests, vote]
generate: {samples: [1, 3]}
fuse: {samples: [1, 3]}
"""
FORMS = [
    ComponentSpec.of("generate", "m0"),
    ComponentSpec.of("generate", "m0", samples=3),
    ComponentSpec.of("fuse", "m0"),
    ComponentSpec.of("fuse", "m0", samples=3),
    *(ComponentSpec.of(kind, "m0") for kind in ("critique", "rank", "verify")),
    *(ComponentSpec.of(kind, "m0") for kind in ("write_tests", "judge_tests")),
    ComponentSpec.of("vote"),
]


def belongs(architecture: Architecture) -> bool:
    """What the profile promises, looked at by itself in a pipeline of single components."""
    if problems_of(architecture) or simplify(architecture).removals:
        return False
    kinds = [layer[0].kind for layer in architecture.layers]
    readers = {"critique": {"rank", "verify", "fuse"}, "write_tests": {"judge_tests"}}
    after = estimate_calls(architecture).after.candidates.high
    return (
        ("generate", "generate") not in pairwise(kinds)
        and all(b in readers.get(a, {b}) for a, b in pairwise(kinds))
        and (after == 1 or kinds[-1] in ("rank", "verify", "judge_tests"))
    )


def test_it_holds_whatever_is_well_typed_and_has_no_idle_part() -> None:
    sequences = (
        Architecture(tuple((spec,) for spec in specs))
        for n in range(1, 5)
        for specs in product(FORMS, repeat=n)
        if specs[0].kind == "generate"
    )
    expected = {canonical(one) for one in sequences if belongs(one)}
    found = [canonical(drawn) for drawn, _ in walks(profile_space(ONE_MODEL, n_models=1))]
    # A vote that a score weighs is one more form, which the sequences above leave out.
    plain = [one for one in found if not any(s.param("by") for layer in one.layers for s in layer)]
    assert len(set(found)) == len(found)
    assert set(plain) == expected


def test_a_space_with_an_open_number_has_no_end() -> None:
    assert count_walks(profile_space(WITH_ALL, n_models=1)) is None


def shape(*kinds: str, **first: int) -> Architecture:
    models = {"vote": ""}
    layers = [(ComponentSpec.of("generate", "m0", **first),)]
    layers += [(ComponentSpec.of(kind, models.get(kind, "m1")),) for kind in kinds]
    return canonical(Architecture(tuple(layers)))


@pytest.mark.parametrize(
    "wanted",
    [
        shape(),
        shape("vote", samples=9),
        shape("critique", "rank", "fuse", samples=4),
        shape("write_tests", "judge_tests", samples=4),
        shape("verify", "critique", "fuse", "critique", "fuse", samples=16),
    ],
    ids=lambda one: "-".join(layer[0].kind for layer in one.layers),
)
def test_known_shapes_lie_in_it_and_samplers_learn_from_them(wanted: Architecture) -> None:
    assert find_walk(profile_space("profile: free"), wanted)


def test_each_technique_is_tried_by_itself_before_chance() -> None:
    found = known_good(profile_space("profile: free\nmax_calls: 40"), most=14)
    kinds = {tuple(layer[0].kind for layer in start.architecture.layers) for start in found}
    alone = ["rank", "rank_pairs", "rank_scores", "verify", "vote", "fuse"]
    assert {("generate", kind) for kind in alone} <= kinds


def test_an_open_number_has_the_name_of_its_question_in_every_walk() -> None:
    space = profile_space(WITH_ALL, n_models=2)
    names = dict(open_numbers(space.root))
    for seed in range(50):
        asked: list[str] = []

        class Asking(Chance):
            def number(
                self,
                name: str,
                low: float,
                high: float,
                *,
                log: bool = False,
                noted: list[str] = asked,
            ) -> float:
                noted.append(name)
                return super().number(name, low, high, log=log)

        draw(space, Asking(seed))
        assert set(asked) <= set(names)


@pytest.mark.parametrize(
    ("options", "line", "key", "said"),
    [
        ("most_layer: 2", 3, "space.most_layer", "Did you mean 'most_layers'"),
        ("components: [generate, votes]", 3, "space.components[1]", "Did you mean 'vote'"),
        ("components: [rank]", 3, "space.components", "no pipeline of at most 7 layers"),
        ("components: [generate]\nrank: {}", 4, "space.rank", "not among the components"),
        ("ensemble: {from: 2, to: 4}", 3, "space.ensemble", "2 <= from <= to <= 3"),
        ("vote: {by: rank}", 3, "space.vote.by", "the profile itself sets by"),
        ("generate:\n  samples: [1, 9999]", 4, "space.generate.samples[1]", "outside 1 to 1000"),
        ("generate: {samples: 4}\nmax_calls: 3", 4, "space.max_calls", "the smallest takes 4"),
    ],
)
def test_what_is_wrong_is_said_with_line_and_key(
    options: str, line: int, key: str, said: str
) -> None:
    with pytest.raises(SpecError) as refused:
        profile_space(f"profile: free\n{options}")
    found = [p for p in refused.value.problems if p.path == key]
    assert [p.line for p in found] == [line], str(refused.value)
    assert said in f"{found[0].message} {found[0].hint}"
