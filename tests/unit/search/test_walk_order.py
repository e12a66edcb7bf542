from __future__ import annotations

import itertools
import time

import pytest

from archon.search import draw
from archon.search.choices import walks
from archon.search.size import count_walks
from archon.search.space import Chain, OneOf, Options, Range, Repeat, Space
from archon.search.walk_order import shuffled, walk_at
from tests.unit.search.spaces import PICK, ensemble, generate, longest, small_space, space

SPACES = {
    "small": small_space(),
    "one walk": space(longest()),
    "models": space(ensemble("a", "b", "c", "d", low=1, high=4), PICK),
    "two of four": space(ensemble("a", "b", "c", "d", low=2, high=2)),
    "rounds": space(generate(samples=Range(1, 7, True, step=3)), Repeat(PICK, 0, 3)),
    "always twice": space(generate(), Repeat(Chain((PICK, generate(keep=Options((1, 2))))), 2, 2)),
    "nested": space(OneOf((("a", PICK), ("b", Chain((PICK, PICK))), ("c", generate())))),
    "log": space(generate(max_tokens=Range(4, 9, True, log=True))),
}


@pytest.mark.parametrize("subsets", [1024, 1], ids=["sets", "one by one"])
@pytest.mark.parametrize("name", SPACES)
def test_walks_by_number_are_the_walks_in_the_order_of_the_file(
    name: str, subsets: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draw, "MOST_SUBSETS", subsets)
    monkeypatch.setattr("archon.search.walk_order.MOST_SUBSETS", subsets)
    found = SPACES[name]
    n = count_walks(found)
    assert n is not None
    assert [walk_at(found, i) for i in range(n)] == list(walks(found))


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 64, 65, 1000])
def test_every_number_comes_once_in_an_order_of_the_seed(n: int) -> None:
    assert sorted(shuffled(n, seed=1)) == list(range(n))
    assert list(shuffled(n, seed=1)) == list(shuffled(n, seed=1))
    if n > 60:
        assert list(shuffled(n, seed=1)) != list(shuffled(n, seed=2))


def test_first_walks_of_a_huge_space_are_there_at_once_and_differ() -> None:
    layers = [generate(samples=Range(1, 1000, True)) for _ in range(16)]
    huge: Space = space(*layers)
    n = count_walks(huge)
    assert n == 1000**16
    began = time.monotonic()
    first = [walk_at(huge, i)[0] for i in itertools.islice(shuffled(n, seed=0), 100)]
    assert len(set(first)) == 100
    assert time.monotonic() - began < 5
