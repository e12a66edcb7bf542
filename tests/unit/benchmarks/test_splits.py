from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archon.benchmarks.examples import Benchmark, Example
from archon.benchmarks.splits import blocks, split
from archon.core.errors import SpecError
from archon.core.messages import ask


def benchmark(n: int, *, start: int = 0) -> Benchmark:
    examples = [Example(f"row-{i}", ask(f"{i}?"), str(i)) for i in range(start, start + n)]
    return Benchmark.of("t", examples, source="t.jsonl")


def ids(examples: tuple[Example, ...]) -> list[str]:
    return [example.id for example in examples]


@given(n=st.integers(2, 200), share=st.floats(0.3, 0.7), seed=st.integers(0, 2**63 - 1))
def test_split_uses_every_example_once_in_the_exact_share(n: int, share: float, seed: int) -> None:
    parts = split(benchmark(n), seed=seed, held_out=share)
    assert len(parts.held_out) == int(n * share + 0.5)
    assert sorted(ids(parts.search) + ids(parts.held_out)) == sorted(ids(benchmark(n).examples))


def test_split_does_not_depend_on_the_order_of_rows() -> None:
    whole = benchmark(50)
    turned = Benchmark.of("t", whole.examples[::-1])
    assert split(whole, seed=1) == split(turned, seed=1)
    assert split(whole, seed=1) != split(whole, seed=2)


def test_split_moves_few_examples_when_rows_are_added() -> None:
    before = split(benchmark(200), seed=3)
    after = split(benchmark(220), seed=3)
    moved = set(ids(before.search)) & set(ids(after.held_out))
    moved |= set(ids(before.held_out)) & set(ids(after.search))
    assert len(moved) <= 20


def test_split_limit_keeps_the_beginning_of_the_shared_order() -> None:
    whole = split(benchmark(60), seed=4)
    limited = split(benchmark(60), seed=4, max_search=12, max_held_out=15)
    assert limited.search == whole.search[:12]
    assert limited.held_out == whole.held_out[:15]


@pytest.mark.parametrize("share", [0.0, 1.0, 1.5, -0.1, float("nan")])
def test_split_share_out_of_range_is_refused(share: float) -> None:
    with pytest.raises(SpecError, match="held_out: the share to hold out must lie between 0 and 1"):
        split(benchmark(50), seed=1, held_out=share)


def test_split_limit_below_1_is_refused() -> None:
    with pytest.raises(SpecError, match="max_search: must be at least 1, not 0"):
        split(benchmark(50), seed=1, max_search=0)


@pytest.mark.parametrize(("n", "share", "side"), [(1, 0.5, "search"), (3, 0.1, "held_out")])
def test_split_that_leaves_a_side_empty_is_refused(n: int, share: float, side: str) -> None:
    with pytest.raises(SpecError, match=f"t.jsonl: {side}: {n} examples leave none"):
        split(benchmark(n), seed=1, held_out=share)


def test_split_under_10_warns_with_the_width_of_the_interval() -> None:
    assert split(benchmark(40), seed=1).warnings == ()
    few, fewer = split(benchmark(12), seed=1, held_out=0.25).warnings
    assert few == "Only 9 examples to search on: a share of one half is known to ±0.33."
    assert "Only 3 examples held out" in fewer


def test_blocks_cut_in_order_and_the_last_may_be_smaller() -> None:
    examples = benchmark(10).examples
    parts = blocks(examples, 4)
    assert [len(part) for part in parts] == [4, 4, 2]
    assert sum(parts, ()) == examples


def test_blocks_of_no_size_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one example"):
        blocks(benchmark(3).examples, 0)


def test_split_warns_of_questions_that_stand_in_both_halves() -> None:
    copies = [replace(e, question=ask("Why?")) for e in benchmark(40).examples]
    (warning,) = split(Benchmark.of("t", copies), seed=1).warnings
    assert warning.startswith("20 held-out questions are asked in the search as well")
    one = [*benchmark(40).examples]
    side = split(benchmark(40), seed=1)
    twin = one.index(side.held_out[3])
    one[twin] = replace(one[twin], question=side.search[0].question)
    (warning,) = split(Benchmark.of("t", one), seed=1).warnings
    assert warning.startswith("1 held-out question is asked in the search as well")
    assert f"word for word (e.g. {side.held_out[3].id!r} is {side.search[0].id!r}" in warning
