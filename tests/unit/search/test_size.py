from __future__ import annotations

import pytest

from archon.search.choices import walks
from archon.search.size import count_walks
from archon.search.space import Chain, ComponentNode, Fixed, LayerNode, OneOf, Range, Repeat, Space
from tests.unit.search.spaces import (
    PICK,
    SAMPLES,
    TEMPERATURES,
    ensemble,
    generate,
    longest,
    small_space,
    space,
)

WHOLE = Range(1, 9, is_integer=True, step=2)
TWO_IN_A_LAYER = LayerNode(
    (
        ComponentNode("generate", ("small", "large"), (("samples", WHOLE),)),
        ComponentNode("generate", ("small",), (("temperature", TEMPERATURES),)),
    )
)


@pytest.mark.parametrize(
    ("counted", "n"),
    [
        (space(), 1),
        (space(generate(samples=Fixed(3))), 1),
        (small_space(), 24),
        (space(generate(samples=WHOLE)), 5),
        (space(TWO_IN_A_LAYER, PICK), 60),
        (space(ensemble("a", "b", "c", "d", low=1, high=3)), 14),
        (space(generate(), Repeat(PICK, 0, 3)), 15),
        (space(generate(samples=SAMPLES), OneOf((("a", Chain()), ("b", PICK)))), 12),
    ],
    ids=["empty", "fixed", "small", "steps", "side-by-side", "ensemble", "repeat", "nested"],
)
def test_size_is_the_number_of_walks(counted: Space, n: int) -> None:
    assert count_walks(counted) == n
    assert len(list(walks(counted))) == n


def test_size_of_a_space_with_an_open_number_has_no_end() -> None:
    assert count_walks(space(generate(temperature=Range(0.0, 1.0, is_integer=False)))) is None


def test_size_of_a_space_beyond_enumeration_is_still_exact() -> None:
    many = ensemble(*(f"m{i}" for i in range(40)), low=1, high=40)
    assert count_walks(space(many, Repeat(longest(), 0, 9))) == (2**40 - 1) * 10
