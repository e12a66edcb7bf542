"""The worlds that ship: what pays in each is what they say of themselves."""

from __future__ import annotations

import pytest

from archon.core.architecture import Architecture, ComponentSpec
from archon.world.truth import true_value
from archon.world.worlds import HELD_BACK, WORLDS

of = ComponentSpec.of
N = 600
CLEARLY = 0.04
"""Twice the standard error of a difference of two pipelines on so many questions, or more."""


def drawn(model: str, n: int = 1) -> ComponentSpec:
    return of("generate", model, samples=n)


async def quality(world: str, *layers: tuple[ComponentSpec, ...]) -> float:
    return (await true_value(Architecture(layers), WORLDS[world], N)).quality


@pytest.mark.parametrize(
    ("world", "model", "then"),
    [
        pytest.param("easy", "medium", of("verify", "large", mode="one_step"), id="verify"),
        pytest.param("easy", "medium", of("rank", "large"), id="rank"),
        pytest.param("easy", "medium", of("fuse", "large"), id="fuse"),
        pytest.param("fusion-hurts", "master", of("rank", "clerk"), id="rank where fusion hurts"),
        pytest.param("misled", "ben", of("verify", "bob", mode="one_step"), id="strict verifier"),
        pytest.param(
            "upside-down", "penny", of("verify", "gold", mode="one_step"), id="dear verifier"
        ),
    ],
)
async def test_technique_pays_where_the_world_says_so(
    world: str, model: str, then: ComponentSpec
) -> None:
    alone = await quality(world, (drawn(model),))
    assert await quality(world, (drawn(model, 5),), (then,)) > alone + CLEARLY


@pytest.mark.parametrize(
    ("world", "model", "then"),
    [
        pytest.param("fusion-hurts", "master", of("fuse", "clerk"), id="fuse"),
        pytest.param("verifiers-lie", "four", of("verify", "three", mode="one_step"), id="verify"),
        pytest.param("verifiers-lie", "four", of("rank", "four"), id="rank"),
        pytest.param("dominant", "elephant", of("fuse", "dog"), id="fuse by a lesser model"),
    ],
)
async def test_technique_hurts_where_the_world_says_so(
    world: str, model: str, then: ComponentSpec
) -> None:
    alone = await quality(world, (drawn(model),))
    assert await quality(world, (drawn(model, 5),), (then,)) < alone - CLEARLY


async def test_votes_pay_where_verifiers_lie() -> None:
    several = (drawn("four", 5), drawn("three", 5))
    alone = await quality("verifiers-lie", (drawn("four"),))
    voted = await quality("verifiers-lie", several, (of("vote", answer="number"),))
    assert voted > alone + CLEARLY


async def test_others_dilute_what_dominates() -> None:
    vote = (of("vote", answer="number"),)
    alone = await quality("dominant", (drawn("elephant", 3),), vote)
    together = (drawn("ant", 3), drawn("bee", 3), drawn("elephant", 3))
    assert await quality("dominant", together, vote) < alone - CLEARLY


async def test_price_says_nothing_of_skill_where_all_is_upside_down() -> None:
    models = sorted(WORLDS["upside-down"].models, key=lambda one: one.price.output_usd_per_mtok)
    reached = [await quality("upside-down", (drawn(one.name),)) for one in models]
    assert reached == sorted(reached, reverse=True)


def test_each_world_says_other_things() -> None:
    assert set(HELD_BACK) < WORLDS.keys()
    assert len({world.seed for world in WORLDS.values()}) == len(WORLDS)
    assert all(4 <= len(world.models) <= 6 for world in WORLDS.values())
    assert all(name == world.name for name, world in WORLDS.items())
