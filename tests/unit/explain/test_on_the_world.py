"""Real components on the simulated world: the reports agree with the skills that made the answers.

Intervals have a coverage of 99.9 %, so that a miss is a fault and no chance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean

import pytest

from archon.components.canonical import canonical
from archon.core.architecture import Architecture, ComponentSpec
from archon.core.candidates import LayerState
from archon.explain.judging import judgings_of, verdicts_in
from archon.explain.stages import AMOUNTS, Stage, layer_reports
from archon.explain.verifiers import VerifierReport, ranker_report, verifier_report
from archon.runtime.clients import Routed
from archon.runtime.pipeline import Pipeline
from archon.search.intervals import Interval
from archon.world.cast import JudgeSkills, SimulatedModel
from archon.world.laws import ranked_first, verified
from archon.world.questions import QuestionRules
from archon.world.world import World

of = ComponentSpec.of
SURE = 0.999
QUESTIONS = range(300)
MANY = range(6_000)
FAIR = JudgeSkills(stubbornness=0.0, place_bias=0.0)
LIAR = JudgeSkills(true_positive=0.7, false_positive=0.55, stubbornness=0.0)
N = 5


@dataclass(frozen=True)
class Case:
    judge: JudgeSkills
    layers: tuple[ComponentSpec, ...]
    true_positive: float
    false_positive: float


def world_of(judge: JudgeSkills) -> World:
    model = SimulatedModel("m", 0.0, "f", judge=judge)
    return World("explained", (model,), QuestionRules(concentration=2.0), seed=3)


def chances(world: World) -> list[float]:
    model = world.models[0]
    return [
        world.questions.chance(number, model="m", skill=model.skill, family="f") for number in MANY
    ]


def pipeline(world: World, *layers: ComponentSpec) -> Architecture:
    drawn = of("generate", "m", samples=N, temperature=1.0)
    return canonical(Architecture(((drawn,), *((spec,) for spec in layers))))


async def states_of(world: World, architecture: Architecture) -> list[list[LayerState]]:
    running = Pipeline(architecture, Routed({"m": world.client("m")}), {"m": world.card("m")})
    questions = [world.questions.example(number).question for number in QUESTIONS]
    return [(await running.generate(question)).trace.states for question in questions]


def rights_in(world: World, state: LayerState) -> list[bool]:
    marks = [world.mark_of(candidate.text) for candidate in state.candidates]
    return [mark is not None and mark.is_right for mark in marks]


async def judged(world: World, *layers: ComponentSpec) -> VerifierReport:
    (judging,) = judgings_of(pipeline(world, *layers))
    last = [states[-1] for states in await states_of(world, judging.architecture)]
    rights = [rights_in(world, state) for state in last]
    if judging.sort == "ranker":
        return ranker_report(rights, coverage=SURE)
    verdicts = [verdicts_in(judging, s, r) for s, r in zip(last, rights, strict=True)]
    return verifier_report(verdicts, coverage=SURE)


def holds(interval: Interval | None, truth: float, *, within: float) -> bool:
    """Whether an interval holds the truth, and is narrow enough to say something."""
    assert interval is not None
    return interval.low <= truth <= interval.high and interval.high - interval.low < 2 * within


TESTS = (of("write_tests", "m", tests=2), of("judge_tests", "m"))
VERIFIERS = {
    "verifier": Case(FAIR, (of("verify", "m", mode="one_step"),), 0.85, 0.2),
    "verifier in two steps": Case(FAIR, (of("verify", "m"),), 0.85, 0.2),
    "verifier that lies": Case(LIAR, (of("verify", "m", mode="one_step"),), 0.7, 0.55),
    "unit tests": Case(FAIR, TESTS, 0.9**2, 0.4**2),
}


@pytest.mark.parametrize("name", VERIFIERS)
async def test_verifier_is_found_to_be_as_good_as_it_is(name: str) -> None:
    case = VERIFIERS[name]
    world = world_of(case.judge)
    found = await judged(world, *case.layers)
    t, f = case.true_positive, case.false_positive
    assert holds(found.rates.true_positive, t, within=0.08)
    assert holds(found.rates.false_positive, f, within=0.08)
    chance = chances(world)
    endless = fmean(p * t / (p * t + (1 - p) * f) for p in chance)
    assert holds(found.ceiling, endless, within=0.12)
    assert found.skill is not None
    assert found.skill.mean == pytest.approx(fmean(chance), abs=0.06)
    for one in found.curve:
        law = fmean(verified(p, t, f, one.n) for p in chance)
        assert one.right_at_last == pytest.approx(law, abs=0.07)


async def test_best_number_of_samples_is_that_of_the_worlds_own_questions() -> None:
    world = world_of(FAIR)
    best = (await judged(world, of("verify", "m", mode="one_step"))).best
    assert best is not None
    t, f = 0.85, 0.2

    def value(n: int) -> float:
        """What up to n samples are worth, where a wrong answer costs a right one."""
        gains = [p * t - (1 - p) * f for p in chances(world)]
        passing = [p * t + (1 - p) * f for p in chances(world)]
        return fmean(g * (1 - (1 - a) ** n) / a for g, a in zip(gains, passing, strict=True))

    values = {n: value(n) for n in range(1, 12)}
    true_best = max(values, key=lambda n: values[n])
    assert best.low <= true_best <= best.high
    assert best.high < 20
    assert best.value == pytest.approx(values[true_best], abs=0.08)


async def test_ranker_is_found_to_be_as_good_as_it_is() -> None:
    world = world_of(FAIR)
    found = await judged(world, of("rank", "m"))
    weight = 2.718281828**1.5
    assert found.choices is not None
    assert holds(found.choices.weight, weight, within=4.0)
    endless = fmean(p * weight / (p * weight + 1 - p) for p in chances(world))
    assert holds(found.ceiling, endless, within=0.12)


LAWS: dict[str, tuple[ComponentSpec, Callable[[float], float]]] = {
    "verify": (of("verify", "m", mode="one_step"), lambda p: verified(p, 0.85, 0.2, N)),
    "rank": (of("rank", "m", keep=1), lambda p: ranked_first(p, 1.5, N)),
}


@pytest.mark.parametrize("name", LAWS)
async def test_layers_find_and_lose_right_answers_as_the_laws_say(name: str) -> None:
    spec, law = LAWS[name]
    world = world_of(FAIR)
    runs = [
        [
            Stage(tuple(map(float, rights_in(world, state))), dict.fromkeys(AMOUNTS, 1.0))
            for state in states
        ]
        for states in await states_of(world, pipeline(world, spec))
    ]
    first, second = layer_reports(runs, price="calls", coverage=SURE)
    chance = chances(world)
    covered = fmean(1 - (1 - p) ** N for p in chance)
    assert holds(first.best_out, covered, within=0.1)
    assert holds(first.top_out, fmean(chance), within=0.1)
    assert holds(second.top_out, fmean(map(law, chance)), within=0.1)
    assert second.effect is not None
    assert holds(second.effect.quality, fmean(law(p) - p for p in chance), within=0.12)
    lost = covered - fmean(law(p) for p in chance)
    if name == "rank":  # what it does not put on top is gone
        assert second.n_lost / second.n_questions == pytest.approx(lost, abs=0.08)
