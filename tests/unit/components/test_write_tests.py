"""Tests in words, written once for a question."""

from __future__ import annotations

import json

import pytest

from archon.components.base import Bounds, Interval, Sizes
from archon.components.write_tests import WriteTests
from tests.unit.components.scripted import Said, answers_shown, in_turn, ran, state_of

TESTS = ("It is short.", "It names a colour.")


async def test_write_tests_adds_tests_to_those_there_are() -> None:
    script = in_turn('["It rhymes.", "It is short."]')
    result = await ran(WriteTests("m"), state_of("a", tests=TESTS), script)
    assert result.state.unit_tests == (*TESTS, "It rhymes.")
    assert result.texts == ["a"]
    (prompt,) = result.client.prompts
    assert "Write 5 tests" in prompt and "Which is it?" in prompt
    assert answers_shown(prompt) == []


async def test_write_tests_keeps_no_more_than_asked_for() -> None:
    listed = json.dumps([f"test {i}" for i in range(500)])
    result = await ran(WriteTests("m", tests=3), state_of("a"), in_turn(listed))
    assert result.state.unit_tests == ("test 0", "test 1", "test 2")


async def test_tests_against_mistakes_are_those_after_the_mistakes() -> None:
    said = in_turn('Likely mistakes: ["miles", "a sum", "no unit"]\n["It names a unit."]')
    result = await ran(WriteTests("m", prompt="mistakes_first"), state_of("a"), said)
    assert result.state.unit_tests == ("It names a unit.",)


async def test_mistakes_are_never_taken_for_tests() -> None:
    said = in_turn("Likely mistakes:\n- It is in miles.\n- It has no unit.", '["It is in km."]')
    result = await ran(WriteTests("m", prompt="mistakes_first"), state_of("a"), said)
    assert result.state.unit_tests == ("It is in km.",)
    assert result.counted == {"parse_failed": 1, "repaired": 1}


NO_TESTS: dict[str, tuple[list[Said], dict[str, int], int]] = {
    "never read": (["Sure!"], {"parse_failed": 2, "fallback": 1}, 2),
    "refused": ([("", "refused")], {"refused": 1, "fallback": 1}, 1),
    "cut off": ([('["a", "b', "length")], {"truncated": 2, "parse_failed": 2, "fallback": 1}, 2),
}


@pytest.mark.parametrize(("said", "counted", "n_calls"), NO_TESTS.values(), ids=list(NO_TESTS))
async def test_write_tests_that_cannot_be_read_are_none(
    said: list[Said], counted: dict[str, int], n_calls: int
) -> None:
    result = await ran(WriteTests("m"), state_of("a"), in_turn(*said))
    assert result.state.unit_tests == ()
    assert result.counted == counted
    assert len(result.client.prompts) == n_calls


def test_write_tests_calls() -> None:
    arriving = Sizes(Interval(2, 3), Interval(1, 2))
    after = Sizes(Interval(2, 3), Interval(1, 7))
    assert WriteTests("m").bounds(arriving) == Bounds(Interval(1, 1), 1, after)
