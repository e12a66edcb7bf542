"""Fills a table: real components on the real world, every pipeline on every question.

Pipelines that begin alike are the branches of one tree. For each question the tree is walked once:
a layer runs once for all pipelines that share it, on a copy of the run so far, with the slots that
it would have by itself. What comes out is what ``Pipeline.generate`` gives (a test holds that), for
a fraction of the time.
"""

from __future__ import annotations

import asyncio
import copy
import multiprocessing
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from archon.benchmarks.examples import Example
from archon.components import vote
from archon.components.answers import answer_key
from archon.components.base import Component
from archon.components.table import build
from archon.core.architecture import Architecture, ComponentSpec
from archon.core.calls import CallBatch, CallKey, ModelCard, ModelClient, ModelReply, Price
from archon.core.candidates import Answer, LayerState
from archon.runtime.clients import Routed, parts_of
from archon.runtime.context import ComponentContext, Run
from archon.runtime.pipeline import merge
from archon.runtime.slots import SEARCH_SLOT, SlotDealer
from archon.runtime.trace import Trace
from archon.scoring.table import build_scorer
from tests.benchmarks.search.spaces import BenchSpace, load_space

CHUNK = 10
"""Questions that a process takes at once."""

_TAG = re.compile(r"\[ref:[A-Z2-7]*\]")

Arrays = dict[str, NDArray[Any]]


@dataclass
class Node:
    """One layer after a certain beginning: a branch of the tree of pipelines."""

    number: int
    depth: int
    components: tuple[tuple[str, Component], ...]
    children: dict[tuple[ComponentSpec, ...], Node] = field(default_factory=dict)
    pipeline: int | None = None
    """The pipeline that ends here."""


class Tree:
    """All pipelines of a space by what they begin with."""

    def __init__(self, pipelines: Sequence[Architecture]) -> None:
        self.root = Node(-1, -1, ())
        self.n_nodes = 0
        self.paths = [self._add(i, one) for i, one in enumerate(pipelines)]
        """For each pipeline the numbers of its nodes, in the order of its layers."""

    def _add(self, pipeline: int, architecture: Architecture) -> tuple[int, ...]:
        node, path = self.root, []
        for depth, layer in enumerate(architecture.layers):
            if layer not in node.children:
                named = tuple(
                    (f"layers[{depth}].{spec.kind}[{i}]", build(spec))
                    for i, spec in enumerate(layer)
                )
                node.children[layer] = Node(self.n_nodes, depth, named)
                self.n_nodes += 1
            node = node.children[layer]
            path.append(node.number)
        node.pipeline = pipeline
        return tuple(path)


class Dealer(SlotDealer):
    """Deals slots, and can be copied where pipelines part."""

    def copied(self) -> Dealer:
        other = copy.copy(self)
        other._next, other._kept = dict(self._next), set(self._kept)
        return other


@dataclass
class Overheard:
    """The reuse of one question, in memory; notes what the node that runs asks for."""

    inner: ModelClient
    cards: dict[str, ModelCard]
    replies: dict[CallKey, ModelReply] = field(default_factory=dict)
    asked: list[CallBatch] = field(default_factory=list)

    async def complete(self, batch: CallBatch) -> tuple[ModelReply, ...]:
        # Requests are noted as an endpoint gets them: at temperature 0 one for each sample.
        self.asked += parts_of(batch, self.cards[batch.request.model], ())
        keys = batch.keys()
        if missing := tuple(key.slot for key in keys if key not in self.replies):
            bought = await self.inner.complete(CallBatch(batch.request, batch.digest, missing))
            self.replies |= {reply.key: reply for reply in bought}
        return tuple(self.replies[key] for key in keys)


@dataclass
class Asked:
    """What one question gave: figures for each pipeline, requests for each node."""

    figures: NDArray[np.float64]
    """Shape (n_pipelines, 6): score, calls, prompt tokens, completion tokens, cost, latency."""
    node_requests: list[list[int]]
    requests: list[tuple[int, int, list[int]]] = field(default_factory=list)
    """Tokens and cost of the prompt, and the calls that it is for."""
    calls: list[tuple[int, int]] = field(default_factory=list)
    """Tokens and cost of each completion."""


class Runner:
    """Runs the tree of one space on one question after the other."""

    def __init__(self, space: BenchSpace) -> None:
        self.space, self.tree = space, Tree(space.pipelines)
        world, names = space.world, space.model_names()
        self.client = Routed({name: world.client(name) for name in names})
        self.cards = {name: world.card(name) for name in names}
        self.scorer = build_scorer(space.job.benchmark.scorer.to_data())

    async def ask(self, number: int, first_slot: int = SEARCH_SLOT) -> Asked:
        """Every pipeline on one question."""
        example = self.space.world.questions.example(number)
        found = Asked(
            np.zeros((len(self.space.pipelines), 6)), [[] for _ in range(self.tree.n_nodes)]
        )
        walk = _Walk(self, example, Overheard(self.client, self.cards), found)
        run = Run(example.question, walk.client, self.cards, Dealer(first_slot))
        for child in self.tree.root.children.values():
            await walk.down(child, LayerState(example.question), run)
        return found


@dataclass
class _Walk:
    """One question's way through the tree."""

    runner: Runner
    example: Example
    client: Overheard
    found: Asked
    scores: dict[str, float] = field(default_factory=dict)
    call_ids: dict[CallKey, int] = field(default_factory=dict)
    request_ids: dict[tuple[str, tuple[int, ...]], int] = field(default_factory=dict)

    async def down(self, node: Node, arrived: LayerState, before: Run) -> None:
        """Run a node's layer on a copy of what came before, then its children."""
        trace = Trace(list(before.trace.calls))
        assert isinstance(before.dealer, Dealer)
        run = Run(before.question, self.client, before.cards, before.dealer.copied(), trace)
        self.client.asked = []
        results = [
            await component.run(arrived, ComponentContext(run, node.depth, path, component.kind))
            for path, component in node.components
        ]
        state = results[0] if len(results) == 1 else merge(arrived, results)
        self.found.node_requests[node.number] = [self._noted(batch) for batch in self.client.asked]
        if node.pipeline is not None:
            took = trace.deployed(self.runner.cards)
            self.found.figures[node.pipeline] = (
                await self._score(Answer.first_of(state)),
                took.calls,
                took.prompt_tokens,
                took.completion_tokens,
                took.cost_nusd,
                took.latency_s,
            )
        for child in node.children.values():
            await self.down(child, state, run)

    async def _score(self, answer: Answer) -> float:
        said = without_tag(answer.text)
        if said not in self.scores:
            self.scores[said] = (await self.runner.scorer.score(self.example, answer)).value
        return self.scores[said]

    def _noted(self, batch: CallBatch) -> int:
        """The number of a request, which gets one when it is first met."""
        name = (batch.digest, batch.slots)
        if name not in self.request_ids:
            self.request_ids[name] = len(self.found.requests)
            price = self.runner.cards[batch.request.model].price
            replies = [self.client.replies[key] for key in batch.keys()]  # noqa: SIM118
            prompt = replies[0].usage.prompt_tokens
            calls = [self._call(reply, price) for reply in replies]
            cost = price.cost_nusd(prompt, 0, of_prompt=prompt)
            self.found.requests.append((prompt, cost, calls))
        return self.request_ids[name]

    def _call(self, reply: ModelReply, price: Price) -> int:
        if reply.key not in self.call_ids:
            self.call_ids[reply.key] = len(self.found.calls)
            usage = reply.usage
            cost = price.cost_nusd(0, usage.completion_tokens, of_prompt=usage.prompt_tokens)
            self.found.calls.append((usage.completion_tokens, cost))
        return self.call_ids[reply.key]


def built(name: str, numbers: Sequence[int], n_processes: int) -> Iterator[Arrays]:
    """The arrays of all questions of a bench space, in their order."""
    chunks = [numbers[i : i + CHUNK] for i in range(0, len(numbers), CHUNK)]
    if n_processes == 1:
        _open(name)
        for chunk in chunks:
            yield from _ask_all(chunk)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(n_processes, context, _open, (name,)) as pool:
        for part in pool.map(_ask_all, chunks):
            yield from part


_runner: Runner | None = None
"""Of this process: components and prompts are built once."""


def _open(name: str) -> None:
    global _runner
    _runner = Runner(load_space(name))


def _ask_all(numbers: Sequence[int]) -> list[Arrays]:
    assert _runner is not None
    return asked_all(_runner, numbers)


def asked_all(runner: Runner, numbers: Sequence[int]) -> list[Arrays]:
    """The arrays of some questions."""

    async def ask() -> list[Arrays]:
        return [arrays_of(await runner.ask(number)) for number in numbers]

    # Reading an answer takes a vote longer than all else: what differs in its tag is read once.
    read = lru_cache(maxsize=4096)(answer_key)
    with patch.object(vote, "answer_key", lambda text, *rest: read(without_tag(text), *rest)):
        return asyncio.run(ask())


def without_tag(text: str) -> str:
    """What an answer says, without the mark that makes every sample another text."""
    return _TAG.sub("", text)


def arrays_of(asked: Asked) -> Arrays:
    """What one question gave, as arrays."""
    sizes = [len(one) for one in asked.node_requests]
    return {
        "figures": asked.figures,
        "node_sizes": np.array(sizes, np.int32),
        "node_requests": np.array([i for one in asked.node_requests for i in one], np.int32),
        "request_prompt": np.array([one[0] for one in asked.requests], np.int32),
        "request_cost": np.array([one[1] for one in asked.requests], np.int64),
        "request_sizes": np.array([len(one[2]) for one in asked.requests], np.int32),
        "request_calls": np.array([i for one in asked.requests for i in one[2]], np.int32),
        "call_tokens": np.array([one[0] for one in asked.calls], np.int32),
        "call_cost": np.array([one[1] for one in asked.calls], np.int64),
    }
