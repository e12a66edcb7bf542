"""Batches of trials whose size changes on the way."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from archon.search.widths import Widths, batch_end, next_batch, widened


def test_width_holds_from_the_next_batch_on() -> None:
    widths: Widths = ((0, 3),)
    changed = widened(widths, next_batch(4, widths), 2)
    assert changed == ((0, 3), (6, 2))
    assert [batch_end(n, changed) for n in (0, 2, 3, 5, 6, 7, 8)] == [3, 3, 6, 6, 8, 8, 10]


def test_width_of_a_batch_that_was_cut_short_begins_where_it_was_cut() -> None:
    assert batch_end(9, ((0, 3), (10, 4))) == 10
    assert batch_end(10, ((0, 3), (10, 4))) == 14


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 6)), max_size=6), st.integers(1, 9))
def test_batches_seen_while_it_runs_are_those_of_a_search_that_is_resumed(
    changes: list[tuple[int, int]], size: int
) -> None:
    widths: Widths = ((0, size),)
    seen: list[int] = []
    for n_batches, other in changes:
        for _ in range(n_batches):
            seen.append(batch_end(seen[-1] if seen else 0, widths))
        widths = widened(widths, next_batch(seen[-1], widths), other)
    again: list[int] = []
    for _ in seen:
        again.append(batch_end(again[-1] if again else 0, widths))
    assert again == seen
