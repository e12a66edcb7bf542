from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from archon.components.canonical import canonical
from archon.components.rules import problems_of
from archon.core.architecture import Architecture, ComponentSpec
from archon.search import fit_layer
from archon.search.baselines import single_calls
from archon.search.choices import Chance, Following, Plain, from_json
from archon.search.draw import draw
from archon.search.find_walk import find_walk
from archon.search.grammar import Step, grammar
from archon.search.propose import Proposer
from archon.search.samplers.tpe import tpe_sampler
from archon.search.space import (
    Chain,
    ComponentNode,
    EnsembleNode,
    Fixed,
    LayerNode,
    Node,
    OneOf,
    Options,
    Range,
    Repeat,
    Space,
)
from archon.spec.job import load_job
from tests.unit.search.spaces import PICK, ensemble, generate, longest, small_space, space

SPACES = Path(__file__).parents[3] / "search_spaces"


def one(**params: int | float) -> Architecture:
    return canonical(Architecture(((ComponentSpec.of("generate", "small", **params),),)))


@pytest.mark.parametrize(
    ("found", "wanted", "is_inside"),
    [
        (small_space(), one(), True),
        (small_space(), one(temperature=0.3), True),
        (small_space(), one(temperature=0.5), False),
        (space(generate(samples=Options((2, 4)))), one(), False),
        (space(OneOf((("a", Chain((generate(), longest()))), ("b", generate())))), one(), True),
        (space(generate(), Repeat(PICK, 0, 2)), one(), True),
        (space(ensemble("big", "small", low=1, high=2)), one(), True),
        (space(ensemble("big", "small", low=2, high=2)), one(), False),
    ],
)
def test_walk_to_a_single_call_is_found_where_there_is_one(
    found: Space, wanted: Architecture, is_inside: bool
) -> None:
    answers = find_walk(found, wanted)
    assert bool(answers) == is_inside


def test_baselines_of_the_shipped_spaces_are_in_the_sampler_s_history() -> None:
    for path in sorted(SPACES.glob("*.yaml")):
        job = load_job(path)
        is_inside = path.stem != "paper"  # every pipeline of the paper's ends in a fuser
        for start in single_calls(job.space):
            assert bool(find_walk(job.space, canonical(start.architecture))) == is_inside, path


def drawn_from(found: Space, n: int) -> list[Architecture]:
    """The different pipelines of so many walks by chance, in canonical form."""
    walks = (draw(found, Chance(seed)) for seed in range(n))
    kept = [canonical(drawn) for drawn in walks if not problems_of(drawn)]
    return list({one.pipeline_id(): one for one in kept}.values())


def leads_there(found: Space, wanted: Architecture) -> bool:
    answers = {answer.name: answer.value for answer in find_walk(found, wanted)}
    return canonical(draw(found, Following(answers, Plain()))) == wanted if answers else False


@pytest.mark.parametrize("path", sorted(SPACES.glob("*.yaml")), ids=lambda path: path.stem)
def test_walk_is_found_to_whatever_a_shipped_space_can_draw(path: Path) -> None:
    found = load_job(path).space
    wanted = drawn_from(found, 150)
    assert len(wanted) > 20
    assert [one for one in wanted if not leads_there(found, one)] == []


def part(kind: str, *models: str, **params: Fixed | Options | Range) -> ComponentNode:
    return ComponentNode(kind, models, tuple(sorted(params.items())))


def layer(kind: str, *models: str, **params: Fixed | Options | Range) -> LayerNode:
    return LayerNode((part(kind, *models, **params),))


def whole(low: int, high: int) -> Range:
    return Range(low, high, is_integer=True)


def one_of(*nodes: Node) -> OneOf:
    return OneOf(tuple((str(i), node) for i, node in enumerate(nodes)))


def by_hand() -> Space:
    """A grammar in which layers may do nothing, as none of the profiles writes it."""
    rank = layer("rank", "small", keep=Options((1, 3)))
    check = layer("check", starts_with=Fixed("a"))
    vote = layer("vote", weight=Options(("none", "score")), by=Fixed("check"))
    steps = {
        "start": [Step("produce", "few", generate(samples=whole(1, 4)), "several")],
        "several": [
            Step("select", "rank", rank, "several"),
            Step("select", "check", check, "scored"),
            Step("annotate", "critique", layer("critique", "small"), "several"),
            Step("produce", "fuse", layer("fuse", "small", samples=whole(1, 3)), "several"),
        ],
        "scored": [
            Step("select", "again", check, "scored"),
            Step("select", "vote", vote, "several"),
        ],
    }
    found = grammar(steps, start="start", final=frozenset({"several", "scored"}), most=6)
    assert found is not None
    return Space(Chain((found,)))


FEW = generate(samples=whole(1, 4))
TWO = ("big", "small")
MERGED = {
    "numbers to keep that are too many": space(
        FEW, layer("rank", *TWO, keep=Options((1, 3))), layer("vote", keep=Options((2, 5)))
    ),
    "numbers to keep from a range": space(
        FEW, layer("select", keep=whole(2, 4), order=Options(("given", "longest")))
    ),
    "what has no effect": space(
        FEW,
        one_of(
            layer("vote", beta=Options((2.0, 3.0)), weight=Fixed("none")),
            layer("select", keep=Fixed(2), order=Fixed("longest"), answer=Fixed("number")),
            layer("check", starts_with=Fixed("a"), whole_words=Fixed(True)),
            Chain(
                (
                    layer("critique", "small", scope=Fixed("each"), order=Fixed("shuffled")),
                    layer("fuse", "small"),
                )
            ),
        ),
    ),
    "what does nothing": space(
        FEW,
        layer("select", keep=Options((2, None)), order=Options(("given", "shortest"))),
        layer("select", keep=Options((1, None)), dedupe=Options(("text", "none"))),
    ),
    "what repeats itself": space(
        FEW, Repeat(layer("select", keep=Options((1, 2, 3)), order=Fixed("longest")), 1, 3)
    ),
    "samples of equal parts": space(
        LayerNode(
            (
                part("generate", *TWO, samples=whole(1, 3)),
                part("generate", *TWO, samples=Options((1, 4))),
                EnsembleNode(part("generate", *TWO, samples=whole(1, 2)), 1, 2),
            )
        )
    ),
    "more samples than one fuser may have": space(
        FEW,
        LayerNode(
            (
                part("fuse", *TWO, samples=whole(2, 5), temperature=Options((0.3, 0.7))),
                part("fuse", "small", samples=Options((1, 4))),
            )
        ),
    ),
    "models that are dealt round again": space(
        FEW,
        LayerNode(
            (EnsembleNode(part("fuse", *TWO, samples=Options((1, 2, 3))), 1, 5, is_in_order=True),)
        ),
    ),
    "annotators of which one is read": space(
        FEW,
        LayerNode(
            (
                EnsembleNode(part("critique", *TWO, temperature=Options((0.1, 0.7))), 1, 2),
                part("write_tests", "small", tests=whole(1, 3)),
            )
        ),
        one_of(
            layer("fuse", "small"),
            layer("judge_tests", "small", keep=Options((1, 4))),
            layer("vote"),
        ),
    ),
    "lists": space(
        FEW, layer("check", contains=Options((("a",), ("a", "b"))), max_words=Options((0, 9)))
    ),
    "one kind in several alternatives": space(
        FEW,
        one_of(
            layer("rank", "small", keep=Options((1, 2))),
            layer("rank", "small", keep=Fixed(3), window=Fixed(4)),
            layer("rank", "small", window=Fixed(4)),
            layer("rank", "big", keep=Options((4, 5))),
        ),
    ),
    "a grammar": by_hand(),
}


@pytest.mark.parametrize("found", MERGED.values(), ids=MERGED)
def test_walk_is_found_where_the_canonical_form_is_shorter_than_what_was_drawn(
    found: Space,
) -> None:
    wanted = drawn_from(found, 300)
    assert len(wanted) > 4
    assert [one for one in wanted if not leads_there(found, one)] == []


def test_no_walk_is_found_to_what_a_layer_of_the_space_would_change() -> None:
    cuts = layer("select", keep=Options((1, 2)), order=Fixed("longest"))
    four = canonical(Architecture(((ComponentSpec.of("generate", "small", samples=4),),)))
    assert not find_walk(space(FEW, cuts), four)
    assert find_walk(space(FEW, one_of(Chain(), cuts)), four)


def test_ensemble_is_found_in_whatever_order_its_models_are_offered() -> None:
    specs = tuple(ComponentSpec.of("generate", alias) for alias in ("a", "b"))
    wanted = canonical(Architecture((specs,)))
    for models in (("a", "b", "c"), ("c", "b", "a"), ("b", "c", "a")):
        answers = find_walk(space(ensemble(*models, low=1, high=3)), wanted)
        assert [answer.value for answer in answers] in ([2, "a+b"], [2, "b+a"])


MANY = tuple(f"m{i}" for i in range(24))


def of_many(low: int, high: int, samples: Fixed | Options) -> EnsembleNode:
    return EnsembleNode(part("generate", *MANY, samples=samples), low, high)


def asked(*samples: int) -> Architecture:
    """Of each of the many models so many samples."""
    pairs = zip(MANY, samples, strict=True)
    return canonical(
        Architecture((tuple(ComponentSpec.of("generate", m, samples=n) for m, n in pairs),))
    )


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The sets of models that are looked at; more than 10,000 fail the test."""
    choices, seen = fit_layer._choices, list[tuple[str, ...]]()

    def noted(*given: object) -> Iterator[tuple[str, ...]]:
        for models in choices(*given):  # type: ignore[arg-type]
            seen.append(models)
            assert len(seen) <= 10_000
            yield models

    monkeypatch.setattr(fit_layer, "_choices", noted)
    return seen


@pytest.mark.parametrize(
    ("node", "wanted", "is_inside"),
    [
        (LayerNode((of_many(12, 12, Fixed(2)), of_many(1, 24, Fixed(3)))), [2, 3] * 12, True),
        (LayerNode((of_many(1, 24, Fixed(2)), of_many(1, 24, Fixed(3)))), [5] * 7 + [2] * 17, True),
        (LayerNode((of_many(1, 24, Fixed(2)), of_many(1, 24, Fixed(3)))), [4] * 24, False),
        (LayerNode((of_many(1, 24, Fixed(1)), of_many(12, 12, Fixed(1)))), [1] * 24, True),
    ],
    ids=["taken in turn", "both ask some", "none", "shared out"],
)
def test_ensembles_of_many_models_are_shared_out_with_few_looks(
    node: LayerNode, wanted: list[int], is_inside: bool, looked_at: list[tuple[str, ...]]
) -> None:
    found, there = space(node), asked(*wanted)
    assert leads_there(found, there) == is_inside
    assert 0 < len(looked_at) < 1_000


def test_search_for_a_walk_ends_where_no_two_models_are_alike(
    looked_at: list[tuple[str, ...]],
) -> None:
    node = LayerNode((of_many(1, 24, Fixed(2)), of_many(1, 24, Fixed(3))))
    assert not find_walk(space(node), asked(*range(4, 28)))
    assert looked_at


def test_walk_that_is_found_draws_the_pipeline() -> None:
    job = load_job(SPACES / "hosted.yaml")
    for seed in range(30):
        wanted = canonical(draw(job.space, Chance(seed)))
        answers = {answer.name: answer.value for answer in find_walk(job.space, wanted)}
        assert canonical(draw(job.space, Following(answers, Plain()))) == wanted


def test_sampler_learns_what_the_baseline_is_worth() -> None:
    sampler = tpe_sampler(["maximize", "minimize"])
    asked = Proposer(small_space(), sampler, seed=0, starts=single_calls(small_space()))
    row = asked.ask()
    assert row is not None
    assert row.origin == "baseline"
    learned = {trial.params["0.generate.samples"] for trial in sampler._study.get_trials()}
    assert learned == {1}
    assert {a.name for a in from_json(row.choices_json)} >= {"0.generate.samples", "1.one_of"}
