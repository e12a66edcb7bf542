from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from archon.components.canonical import canonical
from archon.components.estimate_calls import estimate_calls
from archon.core.architecture import Architecture, ComponentSpec
from archon.search.draw import draw
from archon.search.grammar import Step, grammar
from archon.search.known_good import known_good
from archon.search.space import Chain, ComponentNode, Fixed, LayerNode, OneOf, Repeat, Scalar, Space
from archon.spec.job import load_job
from tests.unit.search.spaces import PICK, SAMPLES, TEMPERATURES, generate, longest, space

SHIPPED = sorted((Path(__file__).parents[3] / "search_spaces").glob("*.yaml"))


def judged(kind: str) -> LayerNode:
    return LayerNode((ComponentNode(kind, ("judge",)),))


def fused() -> OneOf:
    return OneOf((("nothing", Chain()), ("fuse", judged("fuse"))))


@dataclass
class Given:
    """Answers as they were recorded."""

    answers: dict[str, Scalar]

    def category(self, name: str, options: Sequence[Scalar]) -> Scalar:
        assert self.answers[name] in options
        return self.answers[name]

    def integer(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        value = self.answers[name]
        assert isinstance(value, int)
        return value

    def number(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        value = self.answers[name]
        assert isinstance(value, float)
        return value


def kinds(space: Space, most: int = 20) -> list[list[str]]:
    found = known_good(space, most=most)
    return [[layer[0].kind for layer in start.architecture.layers] for start in found]


def test_each_way_to_improve_is_there_once_by_itself_the_cheapest_first() -> None:
    ways = OneOf(
        (("nothing", Chain()), ("rank", judged("rank_pairs")), ("longest", longest())),
    )
    found = space(generate(samples=SAMPLES, temperature=TEMPERATURES), ways, fused())
    assert kinds(found) == [
        ["generate", "select"],
        ["generate", "fuse"],
        ["generate", "rank_pairs"],
    ]
    assert kinds(found, most=1) == [["generate", "select"]]
    for start in known_good(found, most=20):
        assert start.origin == "seed"
        drawn = dict(start.architecture.layers[0][0].params)
        assert drawn["samples"] == 8
        assert drawn.get("temperature", 0.7) == 0.7


def test_samples_are_as_many_as_the_calls_of_the_space_allow() -> None:
    found = space(generate(samples=SAMPLES), fused(), max_calls=6)
    (start,) = known_good(found, most=20)
    assert estimate_calls(start.architecture).calls.high == 5


def test_alternative_inside_an_alternative_is_reached() -> None:
    inner = Chain((judged("critique"), fused()))
    found = space(generate(samples=SAMPLES), OneOf((("nothing", Chain()), ("more", inner))))
    assert ["generate", "critique", "fuse"] in kinds(found)


def test_alternatives_may_have_numbers_for_names() -> None:
    by_number = (("1", judged("fuse")), ("2", judged("rank")), ("3", longest()))
    steps = {
        "start": [Step("produce", "0", generate(samples=SAMPLES), "several")],
        "several": [Step("select", label, node, "several") for label, node in by_number],
    }
    some = grammar(steps, start="start", final=frozenset({"several"}), most=2)
    assert some is not None
    ways = [["generate", "fuse"], ["generate", "rank"], ["generate", "select"]]
    assert sorted(kinds(space(generate(samples=SAMPLES), OneOf(by_number)))) == ways
    assert [one for one in ways if one not in kinds(Space(Chain((some,))))] == []


def test_few_are_those_with_the_fewest_layers() -> None:
    pairs = Chain((judged("rank"), judged("critique"), judged("fuse")))
    ways = OneOf((("nothing", Chain()), ("long", pairs), ("pairs", judged("rank_pairs"))))
    found = space(generate(samples=SAMPLES), ways)
    assert kinds(found) == [["generate", "rank", "critique", "fuse"], ["generate", "rank_pairs"]]
    assert kinds(found, most=1) == [["generate", "rank_pairs"]]


def test_chain_that_may_be_left_out_is_gone_through_once() -> None:
    found = space(generate(samples=SAMPLES), Repeat(judged("fuse"), 0, 3))
    assert kinds(found) == [["generate", "fuse"]]


def test_technique_that_is_in_every_pipeline_is_tried_at_its_plainest() -> None:
    assert kinds(space(generate(samples=SAMPLES), longest())) == [["generate", "select"]]


def test_space_of_samples_alone_has_none() -> None:
    assert known_good(space(generate(samples=SAMPLES)), most=20) == ()
    assert known_good(space(generate(samples=Fixed(1)), PICK), most=20) == ()


@pytest.mark.parametrize("path", SHIPPED, ids=[path.stem for path in SHIPPED])
def test_shipped_spaces_have_some_and_the_walks_that_lead_to_them(path: Path) -> None:
    found = load_job(path).space
    starts = known_good(found, most=20)
    assert len(starts) >= 2
    for start in starts:
        answers = {answer.name: answer.value for answer in start.answers}
        assert canonical(draw(found, Given(answers))) == start.architecture


def test_quickstart_tries_every_way_to_pick_before_chance_does() -> None:
    (path,) = (path for path in SHIPPED if path.stem == "quickstart")
    job = load_job(path)
    assert job.budget.trials is not None
    starts = known_good(job.space, most=job.budget.trials // 3)
    tried = {start.architecture.layers[-1][0].kind for start in starts}
    assert tried == {"check", "select", "fuse"}
    single: Architecture = Architecture(((ComponentSpec.of("generate", "small"),),))
    assert single not in [start.architecture for start in starts]
