"""The product's own search, replayed: all of its code but the runtime, which a table stands for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from archon.core.candidates import Answer
from archon.core.records import ProposalRow
from archon.core.results import (
    Completed,
    ExampleResult,
    Score,
    Spending,
    TrialOutcome,
)
from archon.search.evaluate import Unit, UnitEnd
from archon.search.front import front
from archon.search.gain.study import GainSearch
from archon.search.objectives import Measured
from archon.search.samplers.table import SamplerKind
from archon.search.study import History, Plan, Search, SearchEnd
from archon.service.gain_run import GainNeeds, gain_search
from archon.service.study_run import proposer_of
from archon.spec.job import JobSpec
from tests.benchmarks.search.arena import BLOCK_SIZE, Arena, Spent

N_OURS = 100
"""Trials of the product's study. They end before the tokens: as many cost a tenth."""
QUESTION_TOKENS = 30.0
"""About the length of a question of a world."""
OUT_OF_TOKENS = "the tokens of the budget are spent"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a job file says about how to search."""

    n_trials: int | None = N_OURS
    is_racing: bool = True
    sampler: SamplerKind = "gain"

    @property
    def is_by_units(self) -> bool:
        """Whether a search goes not by trials but by units (archon/search/gain)."""
        return self.sampler == "gain"


@dataclass
class Replay:
    """Runs units from a table."""

    arena: Arena

    @cached_property
    def _questions(self) -> dict[str, int]:
        pairs = zip(self.arena.examples(), self.arena.questions, strict=True)
        return {example.id: question for example, question in pairs}

    async def evaluate(self, unit: Unit, *, is_again: bool = False) -> UnitEnd:
        """See ``RunsUnits``; the budget ends between two questions."""
        pipeline = self.arena.table.space.places[unit.pipeline_id]
        results: list[ExampleResult] = []
        for example in unit.examples:
            question = self._questions[example.id]
            try:
                (score,) = self.arena.evaluate(pipeline, (question,))
            except Spent:
                return UnitEnd(tuple(results), OUT_OF_TOKENS)
            results.append(self._result(unit, example.id, pipeline, question, float(score)))
        return UnitEnd(tuple(results), "")

    def _result(
        self, unit: Unit, example_id: str, pipeline: int, question: int, score: float
    ) -> ExampleResult:
        took = self.arena.table.figures
        return ExampleResult(
            pipeline_id=unit.pipeline_id,
            example_id=example_id,
            split=unit.split,
            status="ok",
            answer=Answer("an answer"),
            score=Score(score),
            deployed=Spending(
                calls=int(took.calls[pipeline, question]),
                prompt_tokens=int(took.prompt_tokens[pipeline, question]),
                completion_tokens=int(took.completion_tokens[pipeline, question]),
                cost_nusd=int(took.cost_nusd[pipeline, question]),
                latency_s=float(took.latency_s[pipeline, question]),
            ),
            bought=Spending(),
        )


class NamingReplay(Replay):
    """Says before each unit what the search would name."""

    search: GainSearch | None = None

    async def evaluate(self, unit: Unit, *, is_again: bool = False) -> UnitEnd:
        """See ``RunsUnits``."""
        self.name()
        return await super().evaluate(unit, is_again=is_again)

    def name(self) -> None:
        """Name what leads; of two objectives, the front of what is believed."""
        if self.search is None:
            return
        places = self.arena.table.space.places
        if len(self.arena.objectives) > 1:
            self.arena.name(*(places[one] for one in self.search.front()))
        elif leader := self.search.leader:
            self.arena.name(places[leader])


class NoLog:
    """A trial log that keeps nothing."""

    async def propose(self, proposal: ProposalRow) -> None:
        """See ``TrialLog``."""

    async def begin(self, number: int) -> None:
        """See ``TrialLog``."""

    async def append(self, number: int, outcome: TrialOutcome) -> None:
        """See ``TrialLog``."""

    async def record(self, results: Sequence[ExampleResult]) -> None:
        """See ``TrialLog``."""


@dataclass
class Follower:
    """A watcher that names what is best of all complete trials, as the product does at the end."""

    arena: Arena
    results: list[ExampleResult] = field(default_factory=list)
    """Of the trial that runs."""
    front: tuple[Measured, ...] = ()
    ended: list[tuple[ProposalRow, TrialOutcome]] = field(default_factory=list)
    is_silent: bool = False
    """Whether somebody else names."""

    def search_begins(self, n_trials: int | None, n_examples: int) -> None:
        """See ``Watcher``."""

    def trial_begins(self, proposal: ProposalRow) -> None:
        """See ``Watcher``."""
        self.results = []

    def results_came(self, results: Sequence[ExampleResult]) -> None:
        """See ``Watcher``."""
        self.results += results

    def trial_ended(self, proposal: ProposalRow, outcome: TrialOutcome) -> None:
        """See ``Watcher``."""
        self.arena.n_trials += 1
        self.ended.append((proposal, outcome))
        if not isinstance(outcome, Completed) or self.is_silent:
            return
        measured = Measured(proposal.pipeline_id, proposal.architecture, tuple(self.results))
        self.front = front((*self.front, measured), self.arena.objectives)
        places = [self.arena.table.space.places[one.pipeline_id] for one in self.front]
        self.arena.name(*(places if len(self.arena.objectives) > 1 else places[:1]))

    def held_out_begins(self, n_pipelines: int, n_examples: int) -> None:
        """See ``Watcher``."""


def job_of(arena: Arena, seed: int, settings: Settings) -> JobSpec:
    """The bench job as a user would write it for this study."""
    space, job = arena.table.space, arena.table.space.job
    return replace(
        job,
        seed=seed,
        objectives=arena.objectives,
        # A recorded task has few questions, and a file of its own that says how to ask them.
        block_size=BLOCK_SIZE if space.is_simulated else job.block_size,
        parallel_trials=1,
        is_racing=settings.is_racing,
        sampler=settings.sampler,
        budget=replace(job.budget, trials=settings.n_trials),
    )


def search(arena: Arena, seed: int, settings: Settings) -> tuple[SearchEnd, Follower]:
    """Run the product's search to its end, with trials one at a time."""
    job = job_of(arena, seed, settings)
    follower = Follower(arena, is_silent=settings.is_by_units)
    plan = Plan(
        examples=arena.examples(),
        block_size=job.block_size,
        objectives=job.objectives,
        n_trials=job.budget.trials,
        n_parallel=job.parallel_trials,
        is_racing=job.is_racing,
    )
    if settings.is_by_units:
        return asyncio.run(_by_units(arena, job, plan, follower)), follower
    running = Search(plan, proposer_of(job), Replay(arena), NoLog(), follower)
    return asyncio.run(running.run()), follower


async def _by_units(arena: Arena, job: JobSpec, plan: Plan, follower: Follower) -> SearchEnd:
    """A search by units, which would name something else after each of them."""
    replay = NamingReplay(arena)
    prices = {model.name: model.price for model in arena.table.space.world.models}
    needs = GainNeeds(job, QUESTION_TOKENS, prices, saves="tokens")
    running = gain_search(needs, plan, replay, NoLog(), follower, History())
    replay.search = running
    end = await running.run()
    replay.name()
    return end
