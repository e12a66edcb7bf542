"""What the methods behind the samplers are made of, each by itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from archon.components.estimate_calls import estimate_calls
from archon.core.architecture import Architecture, ComponentSpec
from archon.core.results import Completed
from archon.search.choices import Answered, Chance, Following, Plain, Recording
from archon.search.draw import draw, open_numbers
from archon.search.improvement import improvement
from archon.search.objectives import Objective
from archon.search.propose import Proposer
from archon.search.samplers.evolution import Evolution
from archon.search.samplers.features import features_of, matrix_of
from archon.search.samplers.gaussian import extended, fit
from archon.search.samplers.nsga import Kind, survivors
from archon.search.samplers.portfolio import Portfolio
from archon.search.samplers.table import Needs, build_sampler
from archon.search.samplers.walks import Tried
from archon.search.space import Chain, Choices, Fixed, OneOf, Options, Range, Repeat
from tests.unit.search.spaces import ensemble, generate, longest, small_space, space


def architecture(**params: int | float) -> Architecture:
    return Architecture(((ComponentSpec.of("generate", "small", **params),),))


def test_process_knows_what_it_saw_and_is_unsure_elsewhere() -> None:
    rows = np.linspace(0, 1, 9)[:, None]
    values = np.sin(6 * rows[:, 0])
    values = (values - values.mean()) / values.std()
    process = fit(rows, values)
    mean, deviation = process.at(rows)
    assert np.abs(mean - values).max() < 0.2
    assert process.at(np.array([[3.0]]))[1][0] > 3 * deviation.max()


def test_process_that_is_told_more_is_sure_there_and_keeps_the_rest() -> None:
    rows = np.linspace(0, 1, 6)[:, None]
    process = fit(rows, np.cos(3 * rows[:, 0]))
    more = extended(process, np.array([[1.5]]), np.array([-0.3]))
    assert more.at(np.array([[1.5]]))[0][0] == pytest.approx(-0.3, abs=0.1)
    assert more.at(np.array([[1.5]]))[1][0] < process.at(np.array([[1.5]]))[1][0] / 2
    assert more.at(rows)[0] == pytest.approx(process.at(rows)[0], abs=0.05)


def test_process_does_not_believe_noise() -> None:
    rows = np.repeat(np.linspace(0, 1, 5), 8)[:, None]
    noise = np.random.default_rng(0).standard_normal(40)
    mean, _ = fit(rows, (noise - noise.mean()) / noise.std()).at(rows)
    assert np.abs(mean).max() < 1.0 < np.abs(noise).max()


def test_expected_improvement_is_the_mean_of_what_is_gained() -> None:
    drawn = np.random.default_rng(0).normal(0.3, 0.5, 200_000)
    gained = np.maximum(drawn - 0.4, 0.0).mean()
    found = improvement(np.array([0.3]), np.array([0.5]), 0.4)
    assert found[0] == pytest.approx(gained, rel=0.02)


def test_features_tell_pipelines_apart_and_put_doublings_at_equal_distance() -> None:
    rows = [features_of(architecture(samples=n, temperature=0.3)) for n in (1, 3, 7)]
    matrix = matrix_of([*rows, features_of(architecture(samples=1, temperature=0.9))])
    assert matrix.min() == 0
    assert matrix.max() == 1
    first, second, third, warm = matrix
    assert np.linalg.norm(first - second) == pytest.approx(np.linalg.norm(second - third))
    assert np.abs(first - warm).sum() == pytest.approx(1.0)


def test_evolution_finds_the_end_of_a_narrow_valley_that_chance_does_not() -> None:
    target, widths = np.linspace(0.2, 0.8, 5), 10 ** np.linspace(0, 2, 5)

    def height(points: np.ndarray) -> np.ndarray:
        heights: np.ndarray = ((points - target) ** 2 * widths).sum(axis=-1)
        return heights

    for seed in range(3):
        chance, evolution = np.random.default_rng(seed), Evolution(5)
        lowest = np.inf
        for _ in range(300 // evolution.size):
            points = np.array([evolution.point(chance) for _ in range(evolution.size)])
            evolution.learn(points[np.argsort(height(points))])
            lowest = min(lowest, height(points).min())
        assert points.min() >= 0
        assert points.max() <= 1
        assert lowest < height(np.random.default_rng(seed).random((300, 5))).min() / 3


def test_open_numbers_are_the_questions_that_are_asked_for_numbers() -> None:
    warmth = Range(0.0, 1.0, is_integer=False)
    inner = OneOf((("nothing", Chain()), ("more", generate(temperature=warmth))))
    several = ensemble("a", "b", "c", low=1, high=2)
    found = space(several, Repeat(inner, 0, 2), generate(samples=Range(1, 4, is_integer=True)))
    names = dict(open_numbers(found.root))
    asked: set[str] = set()
    for seed in range(60):
        recording = Recording(Chance(seed))
        draw(found, recording)
        asked |= {a.name for a in recording.answers if a.name.endswith((".temperature", "samples"))}
    assert set(names) == asked
    assert len(names) == 3


@pytest.mark.parametrize("kind", ["nsga2", "nsga3"])
def test_survivors_are_the_front_and_its_ends(kind: Kind) -> None:
    def tried(number: int, *worth: float) -> Tried:
        return Tried(number, (), architecture(), "", worth)

    front = [tried(i, i / 10, 1 - i / 10) for i in range(11)]
    behind = [tried(20 + i, i / 10 - 0.3, 0.7 - i / 10) for i in range(11)]
    kept = survivors(kind, [*behind, *front], 6, seed=1)
    assert len(kept) == 6
    assert {one.number for one in kept} <= {one.number for one in front}
    assert {0, 10} <= {one.number for one in kept}


@pytest.mark.parametrize("kind", ["nsga2", "nsga3"])
def test_survivors_keep_to_the_ceilings_or_come_nearest_to_them(kind: Kind) -> None:
    def tried(number: int, worth: float, beyond: float) -> Tried:
        return Tried(number, (), architecture(), "", (worth, -worth), (beyond, -1.0))

    kept = [tried(i, 0.1 + i / 100, -0.5) for i in range(3)]
    over = [tried(10 + i, 0.9, 1.0 + i) for i in range(9)]
    chosen = survivors(kind, [*over[::-1], *kept], 5, seed=1)
    assert {one.number for one in chosen} == {0, 1, 2, 10, 11}


def climb(n: int, seed: int = 0) -> list[Architecture]:
    """Greedy trials in a space where two questions matter, each by itself."""
    samples, warmths = Options((1, 2, 4, 8)), Options((0.3, 0.5, 0.7, 1.0))
    found = space(
        generate(samples=samples, temperature=warmths),
        OneOf((("nothing", Chain()), ("longest", longest()))),
        OneOf((("nothing", Chain()), ("again", generate(samples=Fixed(2))))),
    )
    objectives: tuple[Objective, ...] = ("quality",)
    sampler = build_sampler("greedy", Needs(found, objectives, seed))
    asked = Proposer(found, sampler, seed=seed)
    trials = []
    for _ in range(n):
        row = asked.ask()
        assert row is not None
        trials.append(row.architecture)
        asked.tell(row.number, Completed((value_of(row.architecture),), 1))
    return trials


def value_of(found: Architecture) -> float:
    warmth = found.layers[0][0].param("temperature", 0.7)
    assert isinstance(warmth, float)
    return estimate_calls(found).calls.high - 5 * abs(warmth - 0.5)


@pytest.mark.parametrize("seed", range(3))
def test_greedy_is_at_the_top_after_one_round_of_all_questions(seed: int) -> None:
    n_alternatives = 3 + 3 + 1 + 1
    best = max(climb(1 + n_alternatives, seed), key=value_of)
    assert value_of(best) == 10  # 8 samples, 2 again, at 0.5


def test_greedy_begins_anew_once_no_change_is_left() -> None:
    trials = climb(40)
    assert len({one.pipeline_id() for one in trials}) == 40


def test_model_of_a_study_of_thousands_of_trials_sees_no_more_of_them() -> None:
    """An ask after many trials takes no longer than what the process is fitted to allows."""
    warmth = Range(0.0, 1.0, is_integer=False)
    found = space(generate(temperature=warmth))
    sampler = build_sampler("gp", Needs(found, ("quality",), n_startup=3))
    assert sampler is not None
    walks = []
    for seed in range(600):
        recording = Recording(Chance(seed))
        draw(found, recording)
        walks.append(tuple(recording.answers))
    for number, walk in enumerate(walks):
        sampler.restore(number, walk)
        value = walk[0].value
        assert isinstance(value, float)
        sampler.tell(number, [-abs(value - 0.4)])
    recording = Recording(sampler.begin(1))
    proposed = draw(found, recording).layers[0][0].param("temperature")
    assert isinstance(proposed, float)
    assert abs(proposed - 0.4) < 0.05


@pytest.mark.parametrize("seed", range(4))
def test_model_that_saw_nothing_near_the_ceiling_turns_to_what_comes_nearest(seed: int) -> None:
    warmths = tuple(i / 20 for i in range(21))
    left = (0.15, 0.35, 0.6, 0.85)
    found = space(generate(temperature=Options(warmths)))
    sampler = build_sampler("gp", Needs(found, ("quality",), seed, n_startup=3))
    assert sampler is not None
    tried = [warmth for warmth in warmths if warmth not in left]
    for number, warmth in enumerate(tried):
        recording = Recording(Following({"0.generate.temperature": warmth}, Plain()))
        draw(found, recording)
        sampler.restore(number, tuple(recording.answers))
        n_times = 3.6 - 0.6 * warmth  # the ceiling
        sampler.tell(number, [1.0 - warmth], [n_times - 1.0])
    assert draw(found, sampler.begin(seed)).layers[0][0].param("temperature") == max(left)


class Standing:
    """A sampler that proposes better temperatures each time, or always the same poor ones."""

    def __init__(self, *, is_good: bool) -> None:
        self.is_good = is_good
        self.n_begun = 0
        self.n_known = 0

    def begin(self, seed: int) -> Choices:
        self.n_begun += 1
        share = self.n_known / 1000
        return Following(
            {"0.generate.temperature": share if self.is_good else share / 1e6}, Plain()
        )

    def reject(self) -> None:
        raise AssertionError("nothing is proposed twice")

    def accept(self, number: int, answers: Sequence[Answered]) -> None:
        self.n_known += 1

    def restore(self, number: int, answers: Sequence[Answered], *, is_given: bool = False) -> None:
        self.n_known += 1

    def tell(
        self, number: int, values: Sequence[float] | None, beyond: Sequence[float] = ()
    ) -> None:
        pass


@pytest.mark.parametrize("seed", range(3))
def test_portfolio_asks_more_of_what_brings_more_and_never_forgets_the_other(seed: int) -> None:
    good, poor = Standing(is_good=True), Standing(is_good=False)
    both = Portfolio({"poor": poor, "good": good}, ["maximize"], seed=seed)
    found = space(generate(temperature=Range(0.0, 1.0, is_integer=False)))
    asked = Proposer(found, both, seed=seed)
    for _ in range(100):
        row = asked.ask()
        assert row is not None
        value = row.architecture.layers[0][0].param("temperature", 0.7)
        assert isinstance(value, float)
        asked.tell(row.number, Completed((value,), 1))
    assert good.n_begun + poor.n_begun == 100
    assert good.n_begun > 75
    assert poor.n_begun > 0
    assert good.n_known == poor.n_known == 100


def test_portfolio_gives_nobody_the_credit_for_a_users_pipeline() -> None:
    """A pipeline that was given is learnt from, and moves no odds."""

    def turns(*, is_given: bool) -> list[int]:
        members = [Standing(is_good=True) for _ in range(2)]
        both = Portfolio(dict(zip("ab", members, strict=True)), ["maximize"], seed=0)
        for number in range(40):
            both.restore(number, (), is_given=is_given)
            both.tell(number, [float(number)])
        for number in range(40, 140):
            both.begin(number)
            both.restore(number, (), is_given=True)
        return [one.n_begun for one in members]

    fair = turns(is_given=True)
    assert min(fair) > 35
    assert turns(is_given=False) != fair


def test_small_space_leaves_no_number_open() -> None:
    assert not dict(open_numbers(small_space().root))
