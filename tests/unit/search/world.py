"""A scripted model, and a study on it with the real runtime and a real database."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from archon.benchmarks.examples import Example
from archon.core.calls import CallBatch, ModelCard, ModelReply, ModelRequest, Price, Usage
from archon.core.errors import ArchonError
from archon.core.messages import ask, last_question
from archon.core.records import SEARCH_SPLIT, ExampleRow, NewStudy, ProposalRow, TrialLog
from archon.core.results import ExampleResult, TrialOutcome
from archon.core.seeds import derive_seed
from archon.runtime.budget import Budget, Caps
from archon.runtime.clients import Budgeted, Reusing, Routed
from archon.scoring.table import build_scorer
from archon.search.baselines import single_calls
from archon.search.evaluate import Evaluator, usable
from archon.search.propose import Proposer
from archon.search.samplers.tpe import tpe_sampler
from archon.search.space import Space
from archon.search.study import History, Plan, Search, SearchEnd
from archon.store.opening import Store, open_store

STUDY = "s1"
TOKENS_A_CALL = 10
CARD = ModelCard("small", "scripted/small", Price(1.0, 1.0), has_many_samples=True)


def examples(n: int) -> tuple[Example, ...]:
    return tuple(Example(f"q{i}", ask(f"question {i}"), target="right") for i in range(n))


@dataclass
class ScriptedModel:
    """Is right in a third of its samples, or never (``hopeless``); ``fails`` before it is paid."""

    fails: Callable[[str, int], ArchonError | None] = lambda question, slot: None
    hopeless: Callable[[ModelRequest], bool] = lambda request: False
    bought: Counter[tuple[str, int]] = field(default_factory=Counter)
    latency_s: float = 0.0

    async def complete(self, batch: CallBatch) -> tuple[ModelReply, ...]:
        await asyncio.sleep(self.latency_s)
        question = last_question(batch.request.messages)
        replies = []
        keys = batch.keys()
        for key in keys:
            if (error := self.fails(question, key.slot)) is not None:
                raise error
            self.bought[key.digest, key.slot] += 1
            is_right = derive_seed(key.digest, key.slot) % 3 == 0
            is_right = is_right and not self.hopeless(batch.request)
            text = "right" if is_right else "wrong" + "!" * (key.slot % 5)
            replies.append(ModelReply(key, text, usage=Usage(6, 4, 6)))
        return tuple(replies)


@dataclass
class Log:
    """What a watcher saw."""

    seen: list[str] = field(default_factory=list)
    outcomes: dict[int, TrialOutcome] = field(default_factory=dict)
    n_results: int = 0

    def search_begins(self, n_trials: int | None, n_examples: int) -> None:
        self.seen.append(f"search {n_trials} x {n_examples}")

    def trial_begins(self, proposal: ProposalRow) -> None:
        self.seen.append(f"begin {proposal.number}")

    def results_came(self, results: Sequence[ExampleResult]) -> None:
        self.n_results += len(results)

    def trial_ended(self, proposal: ProposalRow, outcome: TrialOutcome) -> None:
        self.outcomes[proposal.number] = outcome

    def held_out_begins(self, n_pipelines: int, n_examples: int) -> None:
        self.seen.append(f"held out {n_pipelines} x {n_examples}")


@dataclass
class World:
    """One study in one database file; ``search`` may be called again, as after a restart."""

    folder: Path
    space: Space
    model: ScriptedModel = field(default_factory=ScriptedModel)
    caps: Caps = field(default_factory=Caps)
    n_trials: int | None = 8
    n_parallel: int = 1
    n_examples: int = 6
    seed: int = 0
    block_size: int = 2
    is_racing: bool = False
    is_in_order: bool = False
    watcher: Log = field(default_factory=Log)
    budget: Budget | None = None

    def open(self) -> Store:
        return open_store(f"sqlite:///{self.folder / 'archon.db'}")

    async def search(self) -> SearchEnd:
        with self.open() as store:
            asked = examples(self.n_examples)
            rows = [ExampleRow(e.id, SEARCH_SPLIT, i, "{}") for i, e in enumerate(asked)]
            await store.studies().create(NewStudy(STUDY, "test", "{}", "f", self.seed), rows)
            await store.studies().take(STUDY)
            return await self._search(store, asked)

    async def _search(self, store: Store, asked: tuple[Example, ...]) -> SearchEnd:
        cards = {"small": CARD}
        self.budget = Budget(self.caps, time.monotonic)
        client = Reusing(
            Budgeted(Routed({"small": self.model}), self.budget, cards), store.calls(STUDY), cards
        )
        reader = store.reader()
        trials = tuple(reader.trials(STUDY, limit=None))
        ids = [row.proposal.pipeline_id for row in trials]
        plan = Plan(
            asked,
            self.block_size,
            ("quality", "tokens"),
            self.n_trials,
            self.n_parallel,
            self.is_racing,
            self.is_in_order,
        )
        scorer = build_scorer({"kind": "exact"})
        evaluator = Evaluator(client, cards, scorer, questions_in_flight=4)
        history = History(trials, {one: usable(reader.results(STUDY, one)) for one in ids})
        return await self.made(plan, evaluator, store.trials(STUDY), history)

    async def made(
        self, plan: Plan, evaluator: Evaluator, log: TrialLog, history: History
    ) -> SearchEnd:
        """Make the search and run it."""
        proposer = Proposer(
            self.space,
            tpe_sampler(["maximize", "minimize"], n_startup=3),
            seed=self.seed,
            starts=single_calls(self.space),
        )
        return await Search(plan, proposer, evaluator, log, self.watcher, history).run()
