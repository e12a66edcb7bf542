from __future__ import annotations

from pathlib import Path

import pytest

from archon.components.canonical import canonical
from archon.components.rules import problems_of
from archon.core.architecture import Architecture, ComponentSpec
from archon.search.baselines import single_calls
from archon.search.choices import Chance, Following, Plain, from_json
from archon.search.draw import draw
from archon.search.find_walk import find_walk
from archon.search.propose import Proposer
from archon.search.samplers.tpe import tpe_sampler
from archon.search.space import Chain, OneOf, Options, Repeat, Space
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


@pytest.mark.parametrize("path", sorted(SPACES.glob("*.yaml")), ids=lambda path: path.stem)
def test_walk_is_found_to_whatever_the_space_can_draw(path: Path) -> None:
    job = load_job(path)
    wanted = {}
    for seed in range(150):
        drawn = draw(job.space, Chance(seed))
        if not problems_of(drawn):
            wanted[canonical(drawn).pipeline_id()] = canonical(drawn)
    lost = [one for one in wanted.values() if not find_walk(job.space, one)]
    assert len(wanted) > 20
    assert lost == []


def test_ensemble_is_found_in_whatever_order_its_models_are_offered() -> None:
    specs = tuple(ComponentSpec.of("generate", alias) for alias in ("a", "b"))
    wanted = canonical(Architecture((specs,)))
    for models in (("a", "b", "c"), ("c", "b", "a"), ("b", "c", "a")):
        answers = find_walk(space(ensemble(*models, low=1, high=3)), wanted)
        assert [answer.value for answer in answers] in ([2, "a+b"], [2, "b+a"])


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
