from __future__ import annotations

from collections import Counter
from itertools import combinations

import pytest

from archon.components.canonical import canonical
from archon.components.rules import problems_of
from archon.core.architecture import Architecture
from archon.search.choices import Chance, Recording, from_json, to_json, walks
from archon.search.draw import draw
from archon.search.space import Fixed, Range, Repeat, Space
from tests.unit.search.spaces import (
    PICK,
    SAMPLES,
    ensemble,
    generate,
    longest,
    small_space,
    space,
)


def ids(found: list[Architecture]) -> set[str]:
    return {canonical(architecture).pipeline_id() for architecture in found}


def test_walks_meet_every_combination_once() -> None:
    found = [architecture for architecture, _ in walks(small_space())]
    assert len(found) == 4 * 3 * 2
    assert len(set(found)) == len(found)
    assert len(ids(found)) == 21  # three pairs end as the same single call


def test_walks_of_an_ensemble_are_all_subsets_within_the_sizes() -> None:
    models = ("a", "b", "c", "d")
    found = [architecture for architecture, _ in walks(space(ensemble(*models, low=2, high=4)))]
    subsets = Counter(tuple(spec.model for spec in one.layers[0]) for one in found)
    wanted = [some for size in (2, 3, 4) for some in combinations(models, size)]
    assert subsets == Counter(wanted)


def test_large_ensemble_is_drawn_with_the_chosen_size() -> None:
    models = tuple(f"m{i:02}" for i in range(16))
    sizes = set()
    for seed in range(20):
        drawn = draw(space(ensemble(*models, low=5, high=9)), Chance(seed))
        sizes.add(len(drawn.layers[0]))
        assert len({spec.model for spec in drawn.layers[0]}) == len(drawn.layers[0])
    assert sizes <= set(range(5, 10))
    assert len(sizes) > 1


@pytest.mark.parametrize(("low", "n_walks"), [(0, 1 + 4 + 16), (1, 4 + 16)])
def test_repeated_layers_choose_for_themselves_in_every_round(low: int, n_walks: int) -> None:
    repeated = Repeat(generate(samples=SAMPLES), low, 2)
    found = [one for one, _ in walks(space(generate(), repeated))]
    assert len(found) == n_walks
    assert max(len(one.layers) for one in found) == 3


def test_open_number_cannot_be_counted_and_says_so() -> None:
    open_space = space(generate(temperature=Range(0.0, 1.0, is_integer=False)))
    with pytest.raises(ValueError, match="open number"):
        next(walks(open_space))


def test_whole_numbers_are_walked_in_steps() -> None:
    steps = space(generate(samples=Range(2, 8, is_integer=True, step=3)))
    samples = [one.layers[0][0].param("samples") for one, _ in walks(steps)]
    assert samples == [2, 5, 8]


@pytest.mark.parametrize("log", [False, True], ids=["linear", "log"])
def test_chance_stays_within_the_range_and_reaches_its_ends(log: bool) -> None:
    wide = space(generate(samples=Range(1, 8, is_integer=True, log=log)))
    drawn = {draw(wide, Chance(seed)).layers[0][0].param("samples") for seed in range(300)}
    assert drawn == set(range(1, 9))


def test_recorded_answers_survive_the_database_as_text() -> None:
    mixed = space(
        ensemble("a", "b", "c", low=1, high=3),
        generate(
            temperature=Range(0.1, 2.0, is_integer=False, log=True),
            samples=SAMPLES,
            max_tokens=Range(16, 64, is_integer=True, step=16),
            prompt=Fixed("direct"),
        ),
        PICK,
    )
    for seed in range(20):
        recording = Recording(Chance(seed))
        draw(mixed, recording)
        assert from_json(to_json(recording.answers)) == tuple(recording.answers)


def test_same_seed_draws_the_same_pipeline() -> None:
    once, again, other = (draw(small_space(), Chance(seed)) for seed in (5, 5, 6))
    assert once == again
    assert len({draw(small_space(), Chance(seed)) for seed in range(50)}) > 10
    assert isinstance(other, Architecture)


def test_no_walk_of_a_checked_space_is_ill_typed() -> None:
    checked: Space = space(generate(samples=SAMPLES), PICK, longest())
    assert not [problems_of(one) for one, _ in walks(checked) if problems_of(one)]
