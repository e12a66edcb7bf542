"""Real components on the simulated world: what they reach is what the world's laws say."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from archon.components.table import COMPONENTS, parameters
from archon.core.architecture import Architecture, ComponentSpec, ParamValue
from archon.core.candidates import Answer
from archon.core.messages import ask
from archon.runtime.clients import Routed
from archon.runtime.pipeline import Pipeline
from archon.scoring.table import build_scorer
from archon.world.cast import FuserSkills, JudgeSkills, SimulatedModel
from archon.world.laws import fused, plurality, ranked_first, verified
from archon.world.questions import QuestionRules, asked
from archon.world.truth import true_value
from archon.world.world import World
from archon.world.worlds import default_world

of = ComponentSpec.of
QUESTIONS = range(1_500)
FAIR = JudgeSkills(stubbornness=0.0, place_bias=0.0)
FUSER = FuserSkills(copies=0.7, discernment=0.8, distraction=0.5)
WORLD = World(
    "test",
    (SimulatedModel("m", 0.0, "f", judge=FAIR, fuser=FUSER),),
    QuestionRules(concentration=2.0),
    seed=3,
)


def drawn(n: int) -> tuple[ComponentSpec, ...]:
    return (of("generate", "m", samples=n, temperature=1.0),)


def chance(number: int) -> float:
    return WORLD.questions.chance(number, model="m", skill=0.0, family="f")


def voted(number: int, n: int) -> float:
    p = chance(number)
    wrong = [(1 - p) * share for share in WORLD.questions.wrong(number, family="f")]
    return plurality(p, wrong, n)


def fused_by_m(p: float, n: int) -> float:
    return fused(p, n, copies=0.7, discernment=0.8, own=p, distraction=0.5)


LAWS: dict[str, tuple[Architecture, Callable[[int], float]]] = {
    "single": (Architecture((drawn(1),)), chance),
    "vote": (Architecture((drawn(7), (of("vote", answer="number"),))), lambda q: voted(q, 7)),
    "verify": (
        Architecture((drawn(6), (of("verify", "m", mode="one_step"),))),
        lambda q: verified(chance(q), 0.85, 0.2, 6),
    ),
    "verify in two steps": (
        Architecture((drawn(3), (of("verify", "m", mode="two_step"),))),
        lambda q: verified(chance(q), 0.85, 0.2, 3),
    ),
    "rank": (
        Architecture((drawn(5), (of("rank", "m"),))),
        lambda q: ranked_first(chance(q), 1.5, 5),
    ),
    "fuse": (Architecture((drawn(6), (of("fuse", "m"),))), lambda q: fused_by_m(chance(q), 6)),
}


@pytest.mark.parametrize("name", LAWS)
async def test_pipeline_reaches_what_the_laws_say(name: str) -> None:
    architecture, law = LAWS[name]
    expected = [law(number) for number in QUESTIONS]
    truth = await true_value(architecture, WORLD, QUESTIONS)
    n = len(expected)
    bound = 4.5 * math.sqrt(sum(v * (1 - v) for v in expected)) / n
    assert abs(truth.quality - sum(expected) / n) < bound
    if name != "single":
        gain = sum(expected) / n - sum(map(chance, QUESTIONS)) / n
        assert abs(gain) > bound / 2, "the law says more than that nothing changes"


def every_kind(**wordings: str) -> Architecture:
    """All components that ask a model, one after the other, with some of their wordings."""

    def of(kind: str, model: str = "", **params: ParamValue) -> ComponentSpec:
        worded: dict[str, ParamValue] = {"prompt": wordings[kind]} if kind in wordings else {}
        return ComponentSpec.of(kind, model, **worded, **params)

    return Architecture(
        (
            (of("generate", "m", samples=6), of("generate", "m", samples=2, temperature=1.2)),
            (of("rank", "m"),),
            (of("rank_pairs", "m", keep=4),),
            (of("rank_scores", "m"),),
            (of("write_tests", "m"),),
            (of("judge_tests", "m"),),
            (of("critique", "m"),),
            (of("verify", "m"),),
            (of("fuse", "m", samples=3),),
            (of("vote", answer="number"),),
        )
    )


def pipeline(world: World, architecture: Architecture) -> Pipeline:
    names = [model.name for model in world.models]
    return Pipeline(
        architecture,
        Routed({name: world.client(name) for name in names}),
        {name: world.card(name) for name in names},
    )


ASKS = [kind for kind, made in COMPONENTS.items() if made.declares.needs_model]


@pytest.mark.parametrize("place", [0, 1, 2], ids=["usual", "second", "last"])
async def test_every_component_reads_what_the_world_says_in_all_its_wordings(place: int) -> None:
    options = {kind: parameters(COMPONENTS[kind])["prompt"].metadata["options"] for kind in ASKS}
    assert max(map(len, options.values())) == 3, "or no wording is left out"
    architecture = every_kind(**{kind: words[: place + 1][-1] for kind, words in options.items()})
    assert {*ASKS} <= {spec.kind for layer in architecture.layers for spec in layer}
    for number in range(20):
        question = WORLD.questions.example(number).question
        ran = await pipeline(WORLD, architecture).generate(question)
        assert not {name for name in ran.trace.degradations if "none_passed" not in name}
        assert WORLD.mark_of(ran.answer.text) is not None


async def test_critic_of_faults_alone_speaks_of_nothing_else() -> None:
    critic = of("critique", "m", prompt="faults_only")
    layers = (drawn(3), (critic,), (of("fuse", "m"),))
    question = WORLD.questions.example(0).question
    ran = await pipeline(WORLD, Architecture(layers)).generate(question)
    said = {candidate.critique for candidate in ran.trace.states[1].candidates}
    assert said <= {"Faults: it is wrong", "Faults: none that I see"}


async def test_what_is_said_depends_neither_on_order_nor_on_company() -> None:
    questions = [WORLD.questions.example(number).question for number in range(12)]
    running = pipeline(WORLD, every_kind())
    alone = [(await running.generate(question)).answer for question in questions]
    together = await asyncio.gather(*(running.generate(q) for q in reversed(questions)))
    assert [ran.answer for ran in reversed(together)] == alone
    other = pipeline(replace(WORLD, seed=4), every_kind())
    assert (await other.generate(questions[0])).answer != alone[0]


async def test_garbled_judgements_are_met_by_the_rules_of_faults() -> None:
    model = replace(WORLD.models[0], garbled=1.0)
    broken = replace(WORLD, models=(model,))
    architecture = Architecture((drawn(3), (of("rank", "m"),)))
    ran = await pipeline(broken, architecture).generate(broken.questions.example(0).question)
    assert any(name.endswith(":fallback") for name in ran.trace.degradations)
    assert broken.mark_of(ran.answer.text) is not None


async def test_answer_that_is_cut_is_lost_and_costs_what_it_took() -> None:
    cut = Architecture(((of("generate", "m", max_tokens=5),),))
    ran = await pipeline(WORLD, cut).generate(WORLD.questions.example(0).question)
    assert ran.deployed.completion_tokens == 5
    assert WORLD.mark_of(ran.answer.text) is None


async def test_question_of_no_world_is_not_answered() -> None:
    ran = await pipeline(WORLD, Architecture((drawn(1),))).generate(ask("What is 2 + 2?"))
    assert WORLD.mark_of(ran.answer.text) is None


async def test_scorer_of_numbers_says_what_the_marks_say() -> None:
    scorer = build_scorer({"kind": "numeric"})
    running = pipeline(WORLD, Architecture((drawn(1),)))
    n_right = 0
    for number in range(60):
        example = WORLD.questions.example(number)
        ran = await running.generate(example.question)
        mark = WORLD.mark_of(ran.answer.text)
        assert mark is not None
        score = await scorer.score(example, Answer(ran.answer.text))
        assert score.value == float(mark.is_right)
        n_right += mark.is_right
    assert 0 < n_right < 60


async def test_default_world_has_prices_and_a_gap_to_find() -> None:
    world = default_world()
    values = {
        model.name: await true_value(
            Architecture(((of("generate", model.name, temperature=1.0),),)), world, 400
        )
        for model in world.models
    }
    assert values["weak"].quality < values["middle"].quality < values["strong"].quality
    assert values["strong"].cost_usd > 25 * values["weak"].cost_usd
    assert values["strong"].latency_s > values["weak"].latency_s
    best_of = Architecture(
        (
            (of("generate", "weak", samples=8, temperature=1.0),),
            (of("verify", "strong", mode="one_step"),),
        )
    )
    assert (await true_value(best_of, world, 400)).quality > values["weak"].quality + 0.1


def test_worlds_that_say_other_things_share_no_calls() -> None:
    other_skill = replace(WORLD, models=(replace(WORLD.models[0], skill=1.0),))
    worlds = [WORLD, other_skill, replace(WORLD, seed=4), replace(WORLD, rules=QuestionRules())]
    assert len({world.card("m").identity for world in worlds}) == len(worlds)
    assert WORLD.card("m").identity == replace(WORLD).card("m", "alias").identity


def test_model_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(KeyError, match=r"no simulated model is called 'other'; there is: m"):
        WORLD.client("other")


@pytest.mark.parametrize(
    ("prompt", "number"),
    [
        ("This is simulated question 7. Which number is the answer to it?", 7),
        ("Simulated question 7", 7),
        ("please answer SIMULATED  Question no. 7!", 7),
        ("simulated question #7?", 7),
        ("What is 7 + 7?", None),
        ("Question 7", None),
    ],
)
def test_question_of_the_world_is_known_however_it_is_put(prompt: str, number: int | None) -> None:
    assert asked(prompt) == number
