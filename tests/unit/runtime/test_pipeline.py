"""Whole pipelines against the stub server: exactly the calls of their formulas, and no more."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from archon.components.estimate_calls import estimate_calls
from archon.core.architecture import Architecture, ComponentSpec
from archon.core.calls import CallBatch, ModelCard, ModelReply, Price, Usage
from archon.core.errors import BudgetExceeded, SetupError, SpecError, Unreachable
from archon.models.openai_endpoint import OpenAIEndpoint
from archon.runtime.clients import Filling, Reusing, Routed
from archon.runtime.pipeline import Pipeline
from archon.store.opening import open_store
from tests.stub.server import Stub, running_stub
from tests.stub.texts import Turn, respond

spec = ComponentSpec.of
WRITERS = tuple(spec("generate", f"writer{i}") for i in range(8))
TEN = (spec("generate", "writer0", samples=10),)
FIVE = (spec("generate", "writer0", samples=5),)


def respond_by_role(model: str, messages: list[Turn], slot: int) -> str:
    """What each component can read: no call of a repair is to be counted."""
    if model == "ranker":
        return " > ".join(str(i + 1) for i in range(8))
    if model == "critic":
        return json.dumps([{"id": i + 1, "good": "clear", "bad": "short"} for i in range(5)])
    if model == "verifier":
        return "It holds.\nVerdict: correct"
    if model == "tester":
        return json.dumps([f"Test {i}." for i in range(8)])
    if model == "judge":
        return json.dumps({str(i + 1): "pass" for i in range(8)})
    return respond(model, messages, slot)


FORMULAS: Mapping[str, tuple[tuple[tuple[ComponentSpec, ...], ...], int]] = {
    "one call": ((WRITERS[:1],), 1),
    "ensemble, rank, critique, fuse": (
        (
            WRITERS,
            (spec("rank", "ranker", keep=5),),
            (spec("critique", "critic"),),
            (spec("fuse", "fuser"),),
        ),
        11,
    ),
    "samples, verify in two steps, fuse": (
        (TEN, (spec("verify", "verifier", mode="two_step"),), (spec("fuse", "fuser"),)),
        31,
    ),
    "samples, verify in one step": ((TEN, (spec("verify", "verifier", mode="one_step"),)), 20),
    "samples, tests": (
        (TEN, (spec("write_tests", "tester"),), (spec("judge_tests", "judge"),)),
        21,
    ),
    "samples, vote": ((TEN, (spec("vote"),)), 10),
    "two fusers with two samples": (
        (FIVE, (spec("fuse", "fuser", samples=2), spec("fuse", "writer1", samples=2))),
        9,
    ),
}


@dataclass
class Rig:
    """The stub and clients to it, with nothing stored."""

    stub: Stub
    client: Filling
    cards: dict[str, ModelCard]

    def pipeline(self, *layers: tuple[ComponentSpec, ...]) -> Pipeline:
        return Pipeline(Architecture(layers), self.client, self.cards)


ROLES = (
    *(f"writer{i}" for i in range(8)),
    *("ranker", "critic", "verifier", "tester", "judge", "fuser"),
)


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with running_stub(Stub(responder=respond_by_role)) as stub:
        ends = {role: OpenAIEndpoint(stub.base_url, role) for role in ROLES}
        cards = {
            role: ModelCard(role, f"stub/{role}", Price(1.0, 2.0), has_many_samples=True)
            for role in ROLES
        }
        yield Rig(stub, Filling(Routed(ends), cards), cards)
        for end in ends.values():
            await end.aclose()


@pytest.mark.parametrize("name", FORMULAS)
async def test_pipeline_makes_exactly_the_calls_of_its_formula(rig: Rig, name: str) -> None:
    layers, n_calls = FORMULAS[name]
    pipeline = rig.pipeline(*layers)
    ran = await pipeline.generate("What is 17 + 25?")
    assert rig.stub.ledger.completions == n_calls
    assert ran.deployed.calls == ran.bought.calls == n_calls
    assert estimate_calls(pipeline.architecture).calls.high == n_calls
    assert not ran.trace.degradations
    assert ran.answer.text
    assert ran.deployed.prompt_tokens == rig.stub.ledger.billed_prompt_tokens
    assert ran.deployed.completion_tokens == rig.stub.ledger.billed_completion_tokens


async def test_samples_of_one_request_go_out_as_one_request(rig: Rig) -> None:
    await rig.pipeline(TEN, (spec("vote"),)).generate("What is 17 + 25?")
    assert (rig.stub.ledger.requests, rig.stub.ledger.completions) == (1, 10)


async def test_endpoint_that_gives_fewer_samples_is_asked_for_the_rest(rig: Rig) -> None:
    rig.stub.max_n = 4
    ran = await rig.pipeline(TEN, (spec("vote"),)).generate("What is 17 + 25?")
    assert (rig.stub.ledger.requests, rig.stub.ledger.completions) == (3, 10)
    assert ran.deployed.calls == 10


async def test_endpoint_that_ignores_n_charges_each_sample_its_prompt_deployed_too(
    rig: Rig,
) -> None:
    rig.stub.max_n = 1
    pipeline = rig.pipeline(TEN, (spec("vote"),))
    for question in ("What is 17 + 25?", "What is 18 + 25?"):
        before = rig.stub.ledger.billed_prompt_tokens
        ran = await pipeline.generate(question)
        assert ran.deployed.prompt_tokens == rig.stub.ledger.billed_prompt_tokens - before


async def test_samples_added_to_stored_ones_pay_their_prompt_once_deployed(
    rig: Rig, tmp_path: Path
) -> None:
    with open_store(f"sqlite:///{tmp_path / 'archon.db'}") as store:
        client = Reusing(rig.client.inner, store.calls("s"), rig.cards)
        five = Pipeline(Architecture((FIVE, (spec("vote"),))), client, rig.cards)
        ten = Pipeline(Architecture((TEN, (spec("vote"),))), client, rig.cards)
        before = await five.generate("What is 17 + 25?")
        ran = await ten.generate("What is 17 + 25?")
    assert ran.bought.calls == 5
    assert ran.deployed.prompt_tokens == before.deployed.prompt_tokens


async def test_components_of_a_layer_run_at_the_same_time(rig: Rig) -> None:
    rig.stub.latency_s = 0.1
    await rig.pipeline(WRITERS).generate("What is 17 + 25?")
    assert rig.stub.ledger.max_in_flight == len(WRITERS)


async def test_questions_run_at_the_same_time_and_do_not_mix(rig: Rig) -> None:
    rig.stub.latency_s = 0.05
    rig.stub.responder = lambda model, turns, slot: turns[-1]["content"]
    pipeline = rig.pipeline(WRITERS[:1])
    questions = [f"What is {i} + {i}?" for i in range(20)]
    answers = await asyncio.gather(*(pipeline.generate(question) for question in questions))
    assert rig.stub.ledger.max_in_flight > 10
    assert [ran.answer.text for ran in answers] == questions


async def test_what_was_stored_changes_what_is_bought_and_not_what_it_takes_deployed(
    rig: Rig, tmp_path: Path
) -> None:
    layers, n_calls = FORMULAS["samples, verify in two steps, fuse"]
    with open_store(f"sqlite:///{tmp_path / 'archon.db'}") as store:
        client = Reusing(rig.client.inner, store.calls("s"), rig.cards)
        pipeline = Pipeline(Architecture(layers), client, rig.cards)
        first = await pipeline.generate("What is 17 + 25?")
        again = await pipeline.generate("What is 17 + 25?")
        shorter = await Pipeline(Architecture(layers[:2]), client, rig.cards).generate(
            "What is 17 + 25?"
        )
    assert first.bought.calls == n_calls
    assert (again.bought.calls, shorter.bought.calls) == (0, 0)
    assert rig.stub.ledger.completions == n_calls
    assert again.deployed == first.deployed
    assert again.answer == first.answer
    assert shorter.deployed.calls == n_calls - 1


async def test_runs_with_another_first_slot_draw_fresh_samples(rig: Rig, tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path / 'archon.db'}") as store:
        client = Reusing(rig.client.inner, store.calls("s"), rig.cards)
        pipeline = Pipeline(Architecture((FIVE, (spec("vote"),))), client, rig.cards)
        for first_slot in (0, 1000, 0):
            await pipeline.generate("What is 17 + 25?", first_slot=first_slot)
    assert rig.stub.ledger.completions == 10


@dataclass
class Timed:
    """Replies with a set latency by model, at once."""

    seconds: Mapping[str, float]
    asked: list[str] = field(default_factory=list)

    async def complete(self, batch: CallBatch) -> tuple[ModelReply, ...]:
        model = batch.request.model
        self.asked.append(model)
        keys, latency_s = batch.keys(), self.seconds[model]
        usage = Usage(10, 5, 10)
        return tuple(
            ModelReply(key, "Verdict: correct", usage=usage, latency_s=latency_s) for key in keys
        )


def cards(*aliases: str) -> dict[str, ModelCard]:
    return {alias: ModelCard(alias, alias, Price(1.0, 2.0)) for alias in aliases}


async def test_deployed_latency_is_the_slowest_way_through_the_layers() -> None:
    seconds = {"quick": 1.0, "slow": 4.0, "fuser": 2.0}
    layers = ((spec("generate", "quick"), spec("generate", "slow")), (spec("fuse", "fuser"),))
    ran = await Pipeline(Architecture(layers), Timed(seconds), cards(*seconds)).generate("Why?")
    assert ran.deployed.latency_s == pytest.approx(6.0)


async def test_deployed_latency_of_a_chain_inside_a_layer_is_that_of_its_longest_chain() -> None:
    seconds = {"writer": 1.0, "verifier": 3.0}
    layers = (
        (spec("generate", "writer", samples=3),),
        (spec("verify", "verifier", mode="two_step"),),
    )
    ran = await Pipeline(Architecture(layers), Timed(seconds), cards(*seconds)).generate("Why?")
    assert ran.deployed.latency_s == pytest.approx(1.0 + 3.0 + 3.0)


async def test_deployed_cost_is_of_every_call_at_its_models_price() -> None:
    seconds = {"writer": 1.0, "fuser": 1.0}
    layers = ((spec("generate", "writer", samples=3),), (spec("fuse", "fuser"),))
    ran = await Pipeline(Architecture(layers), Timed(seconds), cards(*seconds)).generate("Why?")
    assert ran.deployed.tokens == 4 * 15
    assert ran.deployed.cost_nusd == 4 * (10 * 1000 + 5 * 2000)


@dataclass
class Failing:
    """Fails in a way by model; the others never answer and note that they were called off."""

    errors: Mapping[str, Exception]
    called_off: list[str] = field(default_factory=list)

    async def complete(self, batch: CallBatch) -> tuple[ModelReply, ...]:
        await asyncio.sleep(0)
        if error := self.errors.get(batch.request.model):
            raise error
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            self.called_off.append(batch.request.model)
            raise
        raise AssertionError("nobody stopped it")


async def test_failing_call_ends_the_question_and_stops_its_siblings() -> None:
    client = Failing({"a": Unreachable("a is away")})
    layers = (tuple(spec("generate", name) for name in "abc"),)
    with pytest.raises(Unreachable, match="a is away"):
        await Pipeline(Architecture(layers), client, cards(*"abc")).generate("Why?")
    assert sorted(client.called_off) == ["b", "c"]


async def test_reached_budget_is_heard_before_other_failures() -> None:
    errors = {"a": Unreachable("a is away"), "b": BudgetExceeded("calls", "used up")}
    layers = (tuple(spec("generate", name) for name in "ab"),)
    with pytest.raises(BudgetExceeded):
        await Pipeline(Architecture(layers), Failing(errors), cards(*"ab")).generate("Why?")


def test_pipeline_of_wrong_order_is_refused_before_any_call() -> None:
    with pytest.raises(SpecError, match="fuse"):
        Pipeline(Architecture(((spec("fuse", "m"),),)), Timed({}), cards("m"))


async def test_unknown_model_is_named_with_those_there_are() -> None:
    pipeline = Pipeline(Architecture(((spec("generate", "gpt"),),)), Timed({}), cards("small"))
    with pytest.raises(SetupError, match=r"'gpt'.*small"):
        await pipeline.generate("Why?")
