"""Samplers that do not fit a job are refused at their line."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from archon.core.errors import Problem
from archon.spec.job import JobSpec

Read = Callable[..., JobSpec]
Refusal = Callable[..., tuple[Problem, ...]]

B = "budget: {trials: 12}"
O = "[quality, tokens]"  # noqa: E741
G = "samples: {from: 1, to: 8}"
A = "{generate: {model: big}}"


@pytest.mark.parametrize(
    ("old", "new", "line", "path"),
    [
        (G, "temperature: {from: 0.1, to: 1}", 14, "space.layers[0].generate.temperature"),
        (A, "{generate: {model: big, temperature: {from: 0.1, to: 1}}}", 15,
         "space.layers[1].one_of[1].generate.temperature"),
        (A, "[repeat: {times: 2, layers: [side_by_side: [generate: {model: big}, "
         "generate: {model: small, temperature: {from: 0.1, to: 1}}]]}]", 15,
         "space.layers[1].one_of[1][0].repeat.layers[0].side_by_side[1].generate.temperature"),
    ],
    ids=["layer", "alternative", "deep"],
)  # fmt: skip
def test_exhaustive_search_over_an_open_number_is_refused_where_the_number_stands(
    refusal: Refusal, old: str, new: str, line: int, path: str
) -> None:
    (problem,) = refusal((B, "sampler: {kind: exhaustive}\nbudget: {trials: 5}"), (old, new))
    assert (problem.line, problem.path) == (line + 1, path)
    assert "cannot be enumerated" in problem.message
    assert "Write a list" in problem.hint


def test_evolution_is_refused_for_several_objectives_and_without_an_open_number(
    refusal: Refusal, job: Read
) -> None:
    evolution, one = ("seed: 7", "sampler: {kind: cmaes}"), (O, "[quality]")
    (several,) = refusal(evolution)
    assert (several.line, several.path) == (11, "sampler.kind")
    assert "one objective, and the job has 2" in several.message
    (nothing_to_move,) = refusal(evolution, one, (G, "samples: [1, 8]"))
    assert (nothing_to_move.line, nothing_to_move.path) == (11, "sampler.kind")
    assert "moves open numbers, and the space has none" in nothing_to_move.message
    assert job(evolution, one).sampler == "cmaes"


def test_exhaustive_search_over_more_than_it_goes_through_is_refused_with_the_count(
    refusal: Refusal, job: Read
) -> None:
    exhaustive = ("seed: 7", "sampler: {kind: exhaustive}")
    many = "samples: {{from: 1, to: 1000}}, max_tokens: {{from: 1, to: {}}}"
    (problem,) = refusal(exhaustive, (G, many.format(101)))
    assert (problem.line, problem.path) == (11, "sampler.kind")
    assert "202,000 combinations" in problem.message
    assert job(exhaustive, (G, many.format(100))).sampler == "exhaustive"


@pytest.mark.parametrize(
    ("objectives", "sampler"),
    [("[quality]", "gain"), ("[quality, tokens]", "gain"), ("[tokens]", "tpe")],
)
def test_sampler_left_out_is_the_one_that_serves_the_objectives(
    job: Read, objectives: str, sampler: str
) -> None:
    assert job((O, objectives)).sampler == sampler
