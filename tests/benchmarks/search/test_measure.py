"""Figures of trails: what is near, what never is, what a front is worth."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from tests.benchmarks.search.arena import (
    Arena,
    Named,
    Spent,
    Trail,
    Unit,
    by_proposals,
    study_questions,
)
from tests.benchmarks.search.baselines import greedy
from tests.benchmarks.search.build import Runner, asked_all
from tests.benchmarks.search.gp import features, improvement
from tests.benchmarks.search.measure import (
    Volume,
    ratio,
    regret,
    tokens_until_near,
    tokens_until_near_for_good,
)
from tests.benchmarks.search.spaces import load_space
from tests.benchmarks.search.table import Table, joined, table_of


@pytest.fixture(scope="module")
def table() -> Table:
    """A tenth of the pipelines of "easy" on four questions, with made-up true qualities."""
    whole = load_space("easy")
    kept = sorted({*range(0, len(whole.pipelines), 10), *whole.singles})
    space = replace(
        whole,
        pipelines=tuple(whole.pipelines[i] for i in kept),
        answers=tuple(whole.answers[i] for i in kept),
    )
    arrays = joined(asked_all(Runner(space), range(4)))
    arrays["quality"] = np.linspace(0.2, 0.8, len(kept))
    return table_of(space, range(4), arrays)


def trail(*names: tuple[int, int], tokens: int = 1_000) -> Trail:
    return Trail(tuple(Named(at, (pipeline,)) for at, pipeline in names), tokens, len(names))


def test_regret_is_of_what_would_be_named_at_that_time(table: Table) -> None:
    found = trail((100, 0), (200, table.best))
    assert regret(table, found, 99) == pytest.approx(100 * (0.8 - table.quality.mean()))
    assert regret(table, found, 100) == pytest.approx(60.0)
    assert regret(table, found, 10_000) == 0.0


def test_tokens_until_near_are_those_of_the_first_name_within_a_point(table: Table) -> None:
    near, far = table.best - 1, table.best - 3
    assert table.quality[table.best] - table.quality[near] < 0.01
    assert tokens_until_near(table, trail((10, far), (30, near), (50, table.best))) == 30
    assert math.isinf(tokens_until_near(table, trail((10, far))))
    left = trail((10, far), (30, near), (40, far), (50, table.best), (60, near))
    assert tokens_until_near_for_good(table, left) == 50
    assert math.isinf(tokens_until_near_for_good(table, trail((30, near), (40, far))))


def test_ratio_counts_who_never_gets_there(table: Table) -> None:
    soon, late, never = trail((10, table.best)), trail((90, table.best)), trail((10, 0))
    assert ratio(late, soon, table) == 9.0
    assert ratio(never, soon, table) == 100.0, "all that it bought"
    assert ratio(soon, never, table) == 0.0
    assert ratio(never, never, table) == 1.0


def test_volume_of_the_true_front_is_whole_and_of_a_part_less(table: Table) -> None:
    volume = Volume(table)
    assert volume.share(volume.front) == pytest.approx(1.0)
    assert volume.share(range(len(table.quality))) == pytest.approx(1.0)
    parts = [volume.share(volume.front[:n]) for n in range(len(volume.front) + 1)]
    assert parts[0] == 0.0
    assert parts == sorted(parts)
    assert 0.0 < volume.share(volume.front[-2:]) < 1.0


def test_greedy_and_proposals_stop_at_the_limit_and_name_what_they_saw(table: Table) -> None:
    arena = Arena(table, (0, 1, 2, 3), ("quality",), reuses=False, limit=20_000)
    with pytest.raises(Spent):
        greedy(arena, 1)
    assert 20_000 <= arena.tokens < 20_000 + table.tokens.sum(axis=1).max()
    means = table.figures.scores.mean(axis=1)
    reached = [means[name.pipelines[0]] for name in arena.names]
    assert reached == sorted(reached)

    class Two:
        """Proposes two units, then none."""

        def __init__(self) -> None:
            self.left = [Unit(3, (0, 1)), Unit(5, (0,))]
            self.seen: list[int] = []

        def propose(self) -> list[Unit]:
            return [self.left.pop(0)] if self.left else []

        def tell(self, unit: Unit, scores: np.ndarray) -> None:
            assert len(scores) == len(unit.questions)
            self.seen.append(unit.pipeline)

        def incumbent(self) -> tuple[int, ...]:
            return tuple(self.seen[-1:])

    fresh = Arena(table, (0, 1, 2, 3), ("quality",), reuses=False)
    by_proposals(lambda arena, seed: Two())(fresh, 0)
    assert [name.pipelines for name in fresh.names] == [(3,), (5,)]
    assert fresh.tokens == table.tokens[3, :2].sum() + table.tokens[5, 0]


def test_improvement_is_expected_near_what_was_good(table: Table) -> None:
    points = features(table.space.pipelines)
    assert len({tuple(point) for point in points.tolist()}) == len(points)
    apart = np.linalg.norm(points[:, None] - points[None], axis=2)
    seen = list(range(0, len(points), 4))
    scores = 1.0 - apart[seen, seen[3]] / apart.max()  # the nearer to one of them, the better
    gains = improvement(apart, seen, scores)
    gains[seen] = 0.0
    others = [i for i in range(len(points)) if i not in seen]
    assert apart[gains.argmax(), seen[3]] < np.median(apart[others, seen[3]])


def test_studies_of_a_seed_have_their_own_questions(table: Table) -> None:
    wide = replace(table, numbers=tuple(range(720)))
    one, other = study_questions(wide, 0), study_questions(wide, 1)
    assert one == study_questions(wide, 0)
    assert len(set(one)) == 240
    assert 40 < len(set(one) & set(other)) < 160
