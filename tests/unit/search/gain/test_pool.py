from __future__ import annotations

from pathlib import Path

from archon.components.canonical import canonical
from archon.search.baselines import single_calls
from archon.search.choices import Chance, Following
from archon.search.draw import draw
from archon.search.gain.pool import Pool, is_whole, pool_of
from archon.search.known_good import known_good
from archon.service.gain_run import MOST_SEEDS
from archon.spec.job import load_job
from tests.unit.search.spaces import small_space

LARGE = load_job(Path("search_spaces/hosted.yaml")).space


def drawn(most: int) -> Pool:
    starts = (*single_calls(LARGE), *known_good(LARGE, most=MOST_SEEDS))
    return Pool(LARGE, pool_of(LARGE, starts, seed=3, most=most))


def test_what_is_near_a_pipeline_differs_in_one_or_two_answers_and_is_new() -> None:
    pool = drawn(60)
    (parent,) = [i for i in range(60) if pool[i].origin == "search"][:1]
    found = pool.near([parent], 25, seed=1)
    assert len({one.architecture.pipeline_id() for one in found}) == len(found) > 10
    assert all(pool.place(one.architecture.pipeline_id()) is None for one in found)
    before = {one.name: one.value for one in pool[parent].answers}
    kept = [
        sum(before.get(one.name) == one.value for one in new.answers) / len(before) for new in found
    ]
    assert sum(share >= 0.5 for share in kept) > 0.7 * len(found)
    assert pool.near([parent], 25, seed=1) == found
    assert pool.near([parent], 25, seed=2) != found


def test_pipeline_that_is_replaced_is_there_no_more() -> None:
    pool = drawn(60)
    old = pool[50].architecture.pipeline_id()
    (new,) = pool.near([40], 1, seed=1)
    pool.replace({50: new})
    assert pool.place(old) is None
    assert pool.place(new.architecture.pipeline_id()) == 50
    assert len(pool) == 60


def test_space_that_is_not_gone_through_whole_is_not_taken_for_whole() -> None:
    huge = load_job(Path("search_spaces/free.yaml")).space
    assert not is_whole(huge, pool_of(huge, seed=0, most=20), most=50)
    small = small_space()
    assert is_whole(small, pool_of(small, seed=0, most=50), most=50)
    assert not is_whole(small, pool_of(small, seed=0, most=9), most=9)


def test_start_that_the_space_holds_has_its_walk() -> None:
    space = small_space()
    single = next(one for one in single_calls(space))
    pool = pool_of(space, [single], seed=0, most=50)
    wanted = {one.name: one.value for one in pool[0].answers}
    assert pool[0].origin == "baseline"
    assert canonical(draw(space, Following(wanted, Chance(0)))) == pool[0].architecture
    assert len(wanted) == 3
