"""Pipelines that do the same are recognised; nothing else is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random
from typing import cast

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from archon.components.base import RunContext
from archon.components.canonical import canonical, simplify
from archon.components.estimate_calls import estimate_calls
from archon.components.rules import problems_of
from archon.components.table import COMPONENTS, build, parameters
from archon.core.architecture import Architecture, ComponentSpec, Layer, ParamValue
from archon.core.calls import CallKey, ModelReply, ModelRequest
from archon.core.candidates import Answer, LayerState
from archon.core.messages import ask
from archon.runtime.pipeline import merge
from archon.runtime.slots import SlotDealer
from tests.unit.components.architectures import (
    ARCHITECTURES,
    CALL_FREE_ARCHITECTURES,
    CRITIQUE_READERS,
    of,
)


def arch(*layers: ComponentSpec | Layer) -> Architecture:
    return Architecture(tuple((x,) if isinstance(x, ComponentSpec) else x for x in layers))


def gen(samples: int = 3, model: str = "m", **params: ParamValue) -> ComponentSpec:
    return of("generate", model, samples=samples, **params)


FUSE, CRITIQUE, VERIFY = of("fuse", "m"), of("critique", "m"), of("verify", "m")
WRITE, JUDGE, RANK = of("write_tests", "m"), of("judge_tests", "m"), of("rank", "m", keep=2)
VOTE, CHECK = of("vote"), of("check", contains=("a",))
BY_CHECK = of("select", order="score", by="check")

EQUAL = {
    "defaults": (arch(gen(1, temperature=0.7)), arch(of("generate", "m"))),
    "whole and decimal": (arch(gen(temperature=1)), arch(gen(temperature=1.0))),
    "whole for an optional": (arch(gen(top_p=1)), arch(gen(top_p=1.0))),
    "negative zero": (arch(gen(temperature=-0.0)), arch(gen(temperature=0))),
    "order in a layer": (
        arch((gen(model="b"), gen(model="a"))),
        arch((gen(model="a"), gen(model="b"))),
    ),
    "split samples": (arch((gen(2), gen(1))), arch(gen(3))),
    "split fusers": (arch(gen(), (FUSE, FUSE)), arch(gen(), of("fuse", "m", samples=2))),
    "split beyond the most of one": (
        arch(gen(), (of("fuse", "m", samples=4), of("fuse", "m", samples=3))),
        arch(gen(), (of("fuse", "m", samples=5), of("fuse", "m", samples=2))),
    ),
    "rank of one": (arch(gen(1), RANK), arch(gen(1))),
    "filter of one": (arch(gen(1), VERIFY, FUSE), arch(gen(1), FUSE)),
    "vote of a vote": (arch(gen(), VOTE, VOTE), arch(gen(), VOTE)),
    "dead critique at the end": (arch(gen(), CRITIQUE, VOTE), arch(gen(), VOTE)),
    "dead critique beside tests": (
        arch(gen(), (CRITIQUE, WRITE), JUDGE),
        arch(gen(), WRITE, JUDGE),
    ),
    "dead tests": (arch(gen(), WRITE, VOTE), arch(gen(), VOTE)),
    "tests of one candidate": (arch(gen(1), WRITE, JUDGE), arch(gen(1))),
    "check twice": (arch(gen(), CHECK, CHECK, VOTE), arch(gen(), CHECK, VOTE)),
    "select twice": (
        arch(gen(), of("select", keep=2, dedupe="text"), of("select", keep=2, dedupe="text")),
        arch(gen(), of("select", keep=2, dedupe="text")),
    ),
    "keep more than there are": (
        arch(gen(), of("rank", "m", keep=50)),
        arch(gen(), of("rank", "m", keep=3)),
    ),
    "keep all": (
        arch(gen(), of("select", keep=3, order="shortest")),
        arch(gen(), of("select", keep=None, order="shortest")),
    ),
    "select everything": (arch(gen(), of("select", keep=3)), arch(gen())),
    "idle sharpness": (arch(gen(), of("vote", beta=3.0)), arch(gen(), VOTE)),
    "idle kind of answer": (
        arch(gen(), of("select", answer="math")),
        arch(gen(), of("select")),
    ),
    "idle ways to compare": (
        arch(gen(), of("check", number=True, whole_words=True, ignore_case=False)),
        arch(gen(), of("check", number=True)),
    ),
    "score of one that nobody reads": (arch(gen(1), CHECK, FUSE), arch(gen(1), FUSE)),
}


@pytest.mark.parametrize(("one", "other"), EQUAL.values(), ids=list(EQUAL))
def test_canonical_form_of_equal_pipelines_is_one(one: Architecture, other: Architecture) -> None:
    assert problems_of(one) == []
    ids = {canonical(x).pipeline_id() for x in (one, other)}
    assert len(ids) == 1


USUAL_WORDINGS = [
    (kind, parameters(made)["prompt"].metadata["options"])
    for kind, made in COMPONENTS.items()
    if made.declares.needs_model
]


@pytest.mark.parametrize(("kind", "wordings"), USUAL_WORDINGS)
def test_usual_wording_makes_the_pipeline_that_names_none(kind: str, wordings: list[str]) -> None:
    def worded(**params: ParamValue) -> str:
        layers = [gen(), WRITE, of(kind, "m", **params), of("fuse", "m", samples=2), JUDGE]
        return canonical(arch(*layers)).pipeline_id()

    usual, *others = wordings
    assert worded(prompt=usual) == worded()
    assert worded() not in {worded(prompt=prompt) for prompt in others}


def test_pipeline_of_every_kind_has_the_id_that_files_of_the_first_version_give_it() -> None:
    kinds = [kind for kind, made in COMPONENTS.items() if made.declares.needs_model]
    rankers = [of("rank", "m", keep=5), of("rank_pairs", "m", keep=4), of("rank_scores", "m")]
    others = [WRITE, JUDGE, CRITIQUE, VERIFY, of("fuse", "m", samples=3), VOTE]
    whole = arch(gen(6), *rankers, *others)
    assert {spec.kind for (spec,) in whole.layers} >= {*kinds}
    assert canonical(whole).pipeline_id() == "cb465093595d"


DIFFERENT = {
    "samples": (arch(gen(2)), arch(gen(3))),
    "temperature": (arch((gen(1), gen(1, temperature=0.0))), arch(gen(2))),
    "sequence of layers": (arch(gen(), VERIFY, RANK), arch(gen(), RANK, VERIFY)),
    "generators in two layers": (arch(gen(2), gen(1)), arch(gen(3))),
    "critique that is read": (arch(gen(), CRITIQUE, FUSE), arch(gen(), FUSE)),
    "two critiques": (arch(gen(), (CRITIQUE, CRITIQUE), FUSE), arch(gen(), CRITIQUE, FUSE)),
    "rank twice": (arch(gen(), RANK, RANK), arch(gen(), RANK)),
    "vote of several, twice": (
        arch(gen(5), of("vote", keep=2), of("vote", keep=2)),
        arch(gen(5), of("vote", keep=2)),
    ),
    "score that is read later": (
        arch(gen(1), CHECK, gen(2), BY_CHECK),
        arch(gen(1), gen(2), BY_CHECK),
    ),
    "critique read after more samples": (
        arch(gen(), CRITIQUE, gen(1), FUSE),
        arch(gen(), gen(1), FUSE),
    ),
    "layer of fusers in two": (arch(gen(), FUSE, FUSE), arch(gen(), (FUSE, FUSE))),
}


@pytest.mark.parametrize(("one", "other"), DIFFERENT.values(), ids=list(DIFFERENT))
def test_canonical_forms_of_different_pipelines_differ(
    one: Architecture, other: Architecture
) -> None:
    assert canonical(one) != canonical(other)


def test_what_is_left_out_is_said_with_its_place() -> None:
    found = simplify(arch(gen(1), RANK, CRITIQUE, VOTE))
    assert found.architecture == arch(of("generate", "m"))
    assert sorted(found.removals) == [
        "layers[1]: rank gets one candidate at most and changes nothing: left out.",
        "layers[2]: nothing reads the critique that critique adds: left out.",
        "layers[3]: vote gets one candidate at most and changes nothing: left out.",
    ]
    assert simplify(arch((gen(2), gen(1)))).removals == ()


@given(ARCHITECTURES)
def test_canonical_form_is_its_own_and_well_typed(architecture: Architecture) -> None:
    found = simplify(architecture)
    again = simplify(found.architecture)
    assert again.architecture == found.architecture
    assert again.removals == ()
    assert problems_of(found.architecture) == []


@given(ARCHITECTURES)
def test_canonical_form_takes_fewer_calls_only_where_it_says_so(architecture: Architecture) -> None:
    found = simplify(architecture)
    before = estimate_calls(architecture)
    after = estimate_calls(found.architecture)
    assert after.after.candidates == before.after.candidates
    if found.removals:
        assert after.calls.high <= before.calls.high
        assert after.worst_case <= before.worst_case
    else:
        assert after == before


def _shuffled(layers: list[list[ComponentSpec]], random: Random) -> None:
    random.shuffle(random.choice(layers))


def _split(layers: list[list[ComponentSpec]], random: Random) -> None:
    layer = random.choice(layers)
    spec = random.choice(layer)
    n = cast(int, spec.param("samples", 1))
    if n > 1:
        first = random.randint(1, n - 1)
        rest = dict(spec.params) | {"samples": n - first}
        layer[layer.index(spec)] = of(spec.kind, spec.model, **rest)
        layer.append(of(spec.kind, spec.model, **rest | {"samples": first}))


def _with_defaults(layers: list[list[ComponentSpec]], random: Random) -> None:
    layer = random.choice(layers)
    i = random.randrange(len(layer))
    known = parameters(COMPONENTS[layer[i].kind])
    defaults = {name: cast(ParamValue, field.default) for name, field in known.items()}
    layer[i] = of(layer[i].kind, layer[i].model, **defaults | dict(layer[i].params))


def _with_dead_critic(layers: list[list[ComponentSpec]], random: Random) -> None:
    place = random.randint(1, len(layers))
    later = {spec.kind for layer in layers[place:] for spec in layer}
    if place < len(layers) and not later & CRITIQUE_READERS:
        layers.insert(place, [of("critique", "z")])


def _repeated(layers: list[list[ComponentSpec]], random: Random) -> None:
    place = random.randrange(len(layers))
    if layers[place][0].kind in ("check", "select"):
        layers.insert(place, layers[place])


def _closed_by_vote(layers: list[list[ComponentSpec]], random: Random) -> None:
    if layers[-1] == [of("vote")]:
        layers.append([random.choice([of("vote"), of("rank", "z"), of("verify", "z")])])


Rewrite = Callable[[list[list[ComponentSpec]], Random], None]
REWRITES: list[Rewrite] = [
    _shuffled,
    _split,
    _with_defaults,
    _with_dead_critic,
    _repeated,
    _closed_by_vote,
]


@given(ARCHITECTURES, st.lists(st.sampled_from(REWRITES), max_size=8), st.randoms())
def test_rewriting_a_pipeline_leads_back_to_its_id(
    architecture: Architecture, rewrites: list[Rewrite], random: Random
) -> None:
    layers = [list(layer) for layer in canonical(architecture).layers]
    for rewrite in rewrites:
        rewrite(layers, random)
    rewritten = Architecture(tuple(map(tuple, layers)))
    assert canonical(rewritten).pipeline_id() == canonical(architecture).pipeline_id()


REPLIES = ("1", "2", "Answer: 2.0", "It is 3, or 1 + 2 = 3", "no idea", "23")


class World:
    """Replies that depend on request and slot only, with slots dealt as in a real run."""

    path = "here"

    def __init__(self, seed: int) -> None:
        self.dealer, self.seed, self.calls = SlotDealer(), seed, set[CallKey]()

    async def sample(
        self, request: ModelRequest, n: int = 1, **_: object
    ) -> tuple[ModelReply, ...]:
        digest = request.digest(request.model)
        keys = [CallKey(digest, slot) for slot in self.dealer.take(digest, n)]
        self.calls.update(keys)
        return tuple(ModelReply(key, Random(f"{self.seed} {key}").choice(REPLIES)) for key in keys)

    def count(self, *_: object) -> None:
        """Degradations do not matter here."""


async def _run(architecture: Architecture, seed: int) -> tuple[Answer, set[CallKey]]:
    world, state = World(seed), LayerState(ask("How many?"))
    for layer in architecture.layers:
        context = cast(RunContext, world)
        results = [await build(spec).run(state, context) for spec in layer]
        state = merge(state, results) if len(results) > 1 else results[0]
    return Answer.first_of(state), world.calls


@given(CALL_FREE_ARCHITECTURES, st.integers(0, 5))
def test_canonical_form_answers_alike_from_the_same_calls(
    architecture: Architecture, seed: int
) -> None:
    # Sorted first: the order of a layer's components is by definition the canonical one.
    ordered = Architecture(tuple(tuple(sorted(layer, key=_json)) for layer in architecture.layers))
    assume(not _asks_again(ordered))
    answer, calls = asyncio.run(_run(ordered, seed))
    assert asyncio.run(_run(canonical(ordered), seed)) == (answer, calls)


def _json(spec: ComponentSpec) -> str:
    return canonical(Architecture(((spec,),))).canonical_json()


def _asks_again(architecture: Architecture) -> bool:
    """Whether one request occurs in two components: merging them then renumbers slots."""
    specs = [spec for layer in architecture.layers for spec in layer if spec.kind == "generate"]
    requests = {(s.model, float(cast(float, s.param("temperature")))) for s in specs}
    return len(requests) < len(specs)
