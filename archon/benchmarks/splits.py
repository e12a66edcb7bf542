"""Which examples are searched on, which are held out, and in which order they come."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from archon.benchmarks.examples import FEW, Benchmark, Example
from archon.core.errors import Problem, SpecError
from archon.core.seeds import derive_seed


@dataclass(frozen=True, slots=True)
class Split:
    """Two disjoint sets of examples, each in the seeded order that all trials share."""

    search: tuple[Example, ...]
    held_out: tuple[Example, ...]
    warnings: tuple[str, ...] = ()


def split(
    benchmark: Benchmark,
    *,
    seed: int,
    held_out: float = 0.5,
    max_search: int | None = None,
    max_held_out: int | None = None,
) -> Split:
    """Divide a benchmark by a hash of each id and the seed.

    The order of rows in the file plays no part, and rows that are added move only as many old
    ones from one side to the other as the exact share demands.

    Args:
        benchmark: What to divide.
        seed: The job's seed.
        held_out: Share of the examples to hold out, in (0, 1).
        max_search: Keep at most this many to search on; >= 1.
        max_held_out: Keep at most this many held out; >= 1.

    Raises:
        SpecError: A number is out of range, or a side would be left without examples.
    """
    _check(held_out, max_search, max_held_out)
    ordered = sorted(benchmark.examples, key=lambda e: (derive_seed(seed, "split", e.id), e.id))
    n_held_out = int(len(ordered) * held_out + 0.5)
    # Both sides end far from the border, so that a limit keeps the same examples as rows are added.
    search = tuple(reversed(ordered[n_held_out:]))[:max_search]
    held = tuple(ordered[:n_held_out])[:max_held_out]
    for side, path in ((search, "search"), (held, "held_out")):
        if not side:
            message = f"{len(ordered)} examples leave none for this side of the split."
            hint = "Add examples or change the share."
            raise SpecError([Problem(message, benchmark.source, path=path, hint=hint)])
    doubts = (*_doubt(search, "to search on"), *_doubt(held, "held out"))
    return Split(search, held, (*doubts, *_repeated(search, held)))


def blocks(examples: Sequence[Example], size: int) -> tuple[tuple[Example, ...], ...]:
    """Cut examples into blocks of ``size`` (the last may be smaller), in their order.

    Raises:
        ValueError: ``size`` < 1.
    """
    if size < 1:
        raise ValueError(f"a block holds at least one example, not {size}")
    return tuple(tuple(examples[i : i + size]) for i in range(0, len(examples), size))


def _check(held_out: float, max_search: int | None, max_held_out: int | None) -> None:
    problems = []
    if not 0 < held_out < 1:
        message = f"the share to hold out must lie between 0 and 1, not {held_out}."
        problems.append(Problem(message, path="held_out", hint="0.5 is a good start."))
    for path, limit in (("max_search", max_search), ("max_held_out", max_held_out)):
        if limit is not None and limit < 1:
            problems.append(Problem(f"must be at least 1, not {limit}.", path=path))
    if problems:
        raise SpecError(problems)


def _repeated(search: Sequence[Example], held_out: Sequence[Example]) -> list[str]:
    """A question that was searched on says nothing new when it is held out as well."""
    asked = {example.question: example for example in search}
    both = [example for example in held_out if example.question in asked]
    if not both:
        return []
    first = both[0]
    n = "1 held-out question is" if len(both) == 1 else f"{len(both)} held-out questions are"
    return [
        f"{n} asked in the search as well, word for word (e.g. {first.id!r} is "
        f"{asked[first.question].id!r}): the check on held-out questions is too kind. "
        "Remove the copies."
    ]


def _doubt(side: Sequence[Example], what: str) -> list[str]:
    if len(side) >= FEW:
        return []
    half_width = 1.96 * math.sqrt(0.25 / len(side))
    return [f"Only {len(side)} examples {what}: a share of one half is known to ±{half_width:.2f}."]
