from __future__ import annotations

import random

from archon.core.architecture import Architecture, ComponentSpec
from archon.search.gain.chooser import Choice, Chooser
from archon.search.gain.features import Features
from archon.search.gain.prices import Prices


def made(model: str, samples: int, end: str) -> Architecture:
    first = ComponentSpec.of("generate", model, samples=samples)
    if end == "vote":
        return Architecture(((first,), (ComponentSpec.of("vote", answer="number"),)))
    return Architecture(((first,), (ComponentSpec.of("fuse", end),)))


POOL = [
    made(model, samples, end)
    for model in ("a", "b", "c")
    for samples in (2, 4, 8)
    for end in ("vote", "a", "b")
]
OWN = made("d", 31, "c")
N_BLOCKS = 6


def chooser(others: list[Architecture], n_amounts: int) -> Chooser:
    return Chooser(
        [*POOL, *others],
        Features(POOL),
        Prices([*POOL, *others], question_tokens=20, prices={}, unit="tokens"),
        blocks=[10] * N_BLOCKS,
        n_costs=n_amounts,
        n_hidden=len(others),
    )


def scores(place: int, turn: int) -> list[float]:
    drawn = random.Random(f"{place} {turn}")
    return [float(drawn.random() < 0.3 + 0.02 * place) for _ in range(10)]


def test_pipeline_of_a_users_own_changes_no_choice_before_it_was_seen() -> None:
    for n_amounts in (0, 1, 2):
        without, beside = chooser([], n_amounts), chooser([OWN], n_amounts)
        for turn in range(25):
            chosen = without.next(2)
            assert beside.next(2) == chosen
            for place in chosen:
                seen = scores(place, turn)
                for one in (without, beside):
                    one.observe(place, seen, 100.0 + place, [1.0 + place] * n_amounts)


def test_pipeline_of_a_users_own_can_be_named_once_it_was_seen() -> None:
    asked = chooser([OWN], 0)
    for place in asked.next(3):
        asked.observe(place, [0.0, 1.0] * 5, 100.0)
    for _ in range(N_BLOCKS):
        asked.observe(len(POOL), [1.0] * 10, 900.0)
    assert asked.best() == len(POOL)


def test_pipelines_chosen_together_do_not_tell_the_same() -> None:
    pool = [made("a", 8, "vote"), made("b", 8, "a"), made("b", 7, "a"), made("a", 8, "b")]
    asked = Chooser(
        pool,
        Features(pool),
        Prices(pool, question_tokens=20, prices={}, unit="tokens"),
        blocks=[60] * 2,
        choice=Choice(price_weight=0.0),
    )
    asked.observe(0, [1.0, 0.0] * 30, 100.0)
    # Either of the two that look alike is worth more than the last one ...
    assert asked.next(1, [1, 3]) == [1]
    assert asked.next(1, [2, 3]) == [2]
    # ... but not both at once.
    assert asked.next(3, [1, 2, 3]) == [2, 3, 1]


def test_what_is_likely_to_pass_a_ceiling_is_not_looked_at() -> None:
    most = 500.0
    asked = Chooser(
        POOL,
        Features(POOL),
        Prices(POOL, question_tokens=20, prices={}, unit="tokens"),
        blocks=[10] * N_BLOCKS,
        ceilings=[most],
    )
    seconds = [60.0 * one.layers[0][0].param("samples", 1) for one in POOL]
    for place in (0, 4, 8, 12, 16, 20, 26):
        asked.observe(place, scores(place, 0), 100.0, [seconds[place]])
    allowed = [place for place in range(len(POOL)) if asked.model.n_blocks(place) < N_BLOCKS]
    chosen = asked.next(len(POOL), allowed)
    assert chosen
    assert max(seconds[place] for place in chosen) <= most
    assert all(seconds[place] <= most for place in asked.by_reach()[: len(chosen)])
