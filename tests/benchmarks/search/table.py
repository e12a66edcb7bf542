"""A bench space as a table: what each pipeline scores, takes and asks for, question by question.

With it a search is replayed without running anything: scores are looked up, and what a unit buys is
what it asks for less what was bought before. The table of a world is kept in the user's cache; its
name says of which world, space, questions and rules it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archon.benchmarks.examples import Example
from archon.service.settings import load_settings
from tests.benchmarks.search.build import Arrays, Runner, Tree, asked_all, built
from tests.benchmarks.search.spaces import BenchSpace, load_space
from tests.benchmarks.search.truth import N_QUESTIONS, Bulk

FORMAT = 1
"""Raised when tables are filled in another way, so that those in caches are made anew."""
PROBED, N_PROBED = 37, 2
"""So many-th of the pipelines, and so many questions, tell whether a table is still true."""
N_POOL = 720
"""Questions of a table. A study is on a part of them, another one for each seed."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What pipelines gave and took as deployed, arrays of shape (n_pipelines, n_questions)."""

    scores: NDArray[np.uint8]
    """0 or 1."""
    calls: NDArray[np.int32]
    prompt_tokens: NDArray[np.int32]
    completion_tokens: NDArray[np.int32]
    cost_nusd: NDArray[np.int64]
    latency_s: NDArray[np.float64]


@dataclass(frozen=True)
class Requests:
    """Who asks for what. Nodes are beginnings of pipelines; requests and calls have numbers."""

    starts: NDArray[np.int64]
    """Where the requests of (question, node) begin in ``of_nodes``; node changes fastest."""
    of_nodes: NDArray[np.int32]
    prompt_tokens: NDArray[np.int32]
    prompt_nusd: NDArray[np.int64]
    call_starts: NDArray[np.int64]
    """Where the calls of a request begin in ``calls``."""
    calls: NDArray[np.int32]
    call_tokens: NDArray[np.int32]
    call_nusd: NDArray[np.int64]


@dataclass(frozen=True)
class Table:
    """One world's bench space, known completely."""

    space: BenchSpace
    numbers: tuple[int, ...]
    """The questions' numbers in the world."""
    figures: Figures
    requests: Requests
    quality: NDArray[np.float64]
    """True share of right answers of each pipeline, shape (n_pipelines,)."""
    name: str = ""
    """Another one wherever anything in it is another."""

    @cached_property
    def paths(self) -> list[tuple[int, ...]]:
        """The nodes of each pipeline."""
        return Tree(self.space.pipelines).paths

    @property
    def n_nodes(self) -> int:
        """Different beginnings of pipelines."""
        return (len(self.requests.starts) - 1) // len(self.numbers)

    @cached_property
    def tokens(self) -> NDArray[np.int64]:
        """Tokens of each pipeline on each question where nothing is reused."""
        took = self.figures
        return took.prompt_tokens.astype(np.int64) + took.completion_tokens

    @cached_property
    def costs_usd(self) -> NDArray[np.float64]:
        """Mean cost of each pipeline a question as deployed."""
        return np.asarray(self.figures.cost_nusd.mean(axis=1) / 1e9)

    @cached_property
    def best(self) -> int:
        """The pipeline with the highest true quality."""
        return int(self.quality.argmax())

    def examples(self) -> tuple[Example, ...]:
        """The questions themselves, in the order of ``numbers``."""
        return self.space.world.questions.examples(self.numbers)


class Purse:
    """What one study has bought: each call once, at its price."""

    def __init__(self, table: Table) -> None:
        """Nothing is bought."""
        self._table = table
        asks = table.requests
        # Single numbers are read from views several times faster than from arrays.
        self._starts, self._of_nodes = asks.starts.data, asks.of_nodes.data
        self._prompt, self._prompt_nusd = asks.prompt_tokens.data, asks.prompt_nusd.data
        self._call_starts, self._calls = asks.call_starts.data, asks.calls.data
        self._tokens, self._nusd = asks.call_tokens.data, asks.call_nusd.data
        self._is_bought = bytearray(len(asks.call_tokens))
        self.tokens = 0
        """Bought so far, as billed."""
        self.nusd = 0
        self.n_calls = 0

    def price(self, pipeline: int, question: int) -> int:
        """Tokens that a pipeline would still have to buy for one question; buys nothing."""
        return sum(
            self._prompt[request] + sum(self._tokens[call] for call in missing)
            for request, missing in self._missing(pipeline, question)
        )

    def buy(self, pipeline: int, question: int) -> None:
        """Buy what a pipeline asks for on one question and is not there."""
        for request, missing in self._missing(pipeline, question):
            # However many samples of a request are missing, its prompt is sent once.
            self.tokens += self._prompt[request]
            self.nusd += self._prompt_nusd[request]
            for call in missing:
                self._is_bought[call] = 1
                self.tokens += self._tokens[call]
                self.nusd += self._nusd[call]
            self.n_calls += len(missing)

    def _missing(self, pipeline: int, question: int) -> list[tuple[int, list[int]]]:
        table, found = self._table, []
        first = question * table.n_nodes
        for node in table.paths[pipeline]:
            for i in range(self._starts[first + node], self._starts[first + node + 1]):
                request = self._of_nodes[i]
                calls = self._calls[self._call_starts[request] : self._call_starts[request + 1]]
                if missing := [call for call in calls if not self._is_bought[call]]:
                    found.append((request, missing))
        return found


def load_table(name: str, *, n_processes: int = 1, say: Callable[[str], None] = print) -> Table:
    """The table of a world from the user's cache, where it is put if it is not there."""
    space, numbers = load_space(name), range(N_POOL)
    file = load_settings().cache_dir / "bench-search" / f"{name}-{_key(space)}.npz"
    if not file.exists():
        say(f"{name}: {len(space.pipelines)} pipelines on {N_POOL} questions, once ...")
        arrays = joined(list(built(name, numbers, n_processes)))
        arrays["quality"] = true_qualities(space)
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_suffix(".part.npz")
        np.savez_compressed(partial, **arrays)  # type: ignore[arg-type]
        partial.replace(file)
    with np.load(file) as stored:
        return table_of(space, numbers, dict(stored), name=file.stem)


def true_qualities(space: BenchSpace) -> NDArray[np.float64]:
    """What every pipeline is truly worth."""
    bulk = Bulk(space.simulated)
    return np.array([bulk.rightness(one).mean() for one in space.pipelines])


def table_of(space: BenchSpace, numbers: Sequence[int], arrays: Arrays, *, name: str = "") -> Table:
    """A table of the arrays that ``joined`` gives, with the true qualities among them."""
    figures = Figures(
        arrays["scores"],
        arrays["n_calls"],
        arrays["prompt_tokens"],
        arrays["completion_tokens"],
        arrays["cost_nusd"],
        arrays["latency_s"],
    )
    requests = Requests(
        _starts(arrays["node_sizes"]),
        arrays["node_requests"],
        arrays["request_prompt"],
        arrays["request_cost"],
        _starts(arrays["request_sizes"]),
        arrays["request_calls"],
        arrays["call_tokens"],
        arrays["call_cost"],
    )
    return Table(space, tuple(numbers), figures, requests, arrays["quality"], name)


def joined(each: Sequence[Arrays]) -> Arrays:
    """The arrays of all questions as one set, in which requests and calls are counted through."""
    requests = _before([len(one["request_prompt"]) for one in each])
    calls = _before([len(one["call_tokens"]) for one in each])
    arrays = {
        name: np.concatenate([one[name] for one in each])
        for name in each[0]
        if name not in ("figures", "node_requests", "request_calls")
    }
    arrays["node_requests"] = _shifted(each, "node_requests", requests)
    arrays["request_calls"] = _shifted(each, "request_calls", calls)
    figures = np.stack([one["figures"] for one in each], axis=1)
    types = (np.uint8, np.int32, np.int32, np.int32, np.int64, np.float64)
    names = ("scores", "n_calls", "prompt_tokens", "completion_tokens", "cost_nusd", "latency_s")
    for i, (name, kind) in enumerate(zip(names, types, strict=True)):
        arrays[name] = np.ascontiguousarray(figures[:, :, i]).astype(kind)
    return arrays


def _before(sizes: Sequence[int]) -> list[int]:
    return [0, *np.cumsum(sizes)[:-1].tolist()]


def _shifted(each: Sequence[Arrays], name: str, by: Sequence[int]) -> NDArray[np.int32]:
    moved: NDArray[np.int64] = np.concatenate(
        [one[name] + shift for one, shift in zip(each, by, strict=True)], dtype=np.int64
    )
    return moved.astype(np.int32)


def _starts(sizes: NDArray[Any]) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes, dtype=np.int64)])


def _key(space: BenchSpace) -> str:
    """Of everything that decides what stands in a table.

    Whether components and world still say the same is seen by asking them: some pipelines run on
    some questions. So what only reads differently now keeps the tables that there are.
    """
    some = replace(space, pipelines=space.pipelines[::PROBED], answers=space.answers[::PROBED])
    parts = (FORMAT, space.world.identity, N_POOL, N_QUESTIONS, list(space.places))
    digest = hashlib.sha256(repr(parts).encode())
    for arrays in asked_all(Runner(some), range(N_PROBED)):
        for array in arrays.values():
            digest.update(array.tobytes())
    return digest.hexdigest()[:12]
