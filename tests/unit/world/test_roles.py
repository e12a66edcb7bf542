"""A prompt's role is known by the template that it is made of, whatever the wording."""

from __future__ import annotations

import pytest

from archon.components.table import COMPONENTS, build, parameters
from archon.world.roles import Role, role_of
from tests.unit.components.architectures import of
from tests.unit.components.scripted import in_turn, ran, state_of

ROLES: dict[str, Role] = {
    "generate": "write",
    "fuse": "write",
    "rank": "rank",
    "rank_pairs": "compare",
    "rank_scores": "grade",
    "critique": "criticise",
    "write_tests": "make_tests",
    "judge_tests": "judge_tests",
}
"""Of the components with one role; a verifier has two."""


@pytest.mark.parametrize("kind", ROLES)
async def test_role_of_a_component_is_the_same_in_all_its_wordings(kind: str) -> None:
    for prompt in parameters(COMPONENTS[kind])["prompt"].metadata["options"]:
        asked = await prompts_of(kind, prompt=prompt)
        assert {role_of(text) for text in asked} == {ROLES[kind]}, prompt


@pytest.mark.parametrize("prompt", parameters(COMPONENTS["verify"])["prompt"].metadata["options"])
async def test_verifier_reasons_and_judges_in_all_its_wordings(prompt: str) -> None:
    two_steps = await prompts_of("verify", prompt=prompt, mode="two_step")
    assert {role_of(text) for text in two_steps} == {"reason", "verify"}
    one_step = await prompts_of("verify", prompt=prompt, mode="one_step")
    assert {role_of(text) for text in one_step} == {"verify"}


async def prompts_of(kind: str, **params: str) -> list[str]:
    """What a component asks, second asks included."""
    state = state_of("red", "blue", tests=("It is short.",))
    return (await ran(build(of(kind, "m", **params)), state, in_turn("x"))).client.prompts
