"""Buys calls that an explanation lacks, block by block and within a budget of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from archon.benchmarks.examples import Example
from archon.benchmarks.splits import blocks
from archon.core.architecture import Architecture
from archon.core.candidates import Answer
from archon.core.errors import BudgetExceeded, CallError, ScoringError
from archon.core.records import HELD_OUT_SPLIT
from archon.runtime.failures import first_cause
from archon.search.evaluate import Evaluator, Unit
from archon.service.replay import Replay
from archon.service.survey import CANDIDATES, Gap, Runs, Survey

Say = Callable[[str], None]


@dataclass(slots=True)
class Buyer:
    """Runs what is missing, so that it is recorded; nobody looks at the results here."""

    evaluator: Evaluator
    block_size: int
    say: Say
    tried: dict[str, set[str]] = field(default_factory=dict)
    """By pipeline id (or ``CANDIDATES``), the questions that were run to their end."""
    stopped: str = ""
    """Which limit was reached; nothing is bought after that."""

    async def subject(self, found: Survey) -> None:
        """What is missing of the pipeline itself.

        Raises:
            ArchonError: As ``Evaluator.evaluate``.
        """
        gap = found.base.gap
        if gap is not None:
            self.say(f"Running the pipeline on {len(gap.questions)} questions")
            await self._runs(found.base.architecture, found.base.replays, gap.questions)

    async def rest(self, found: Survey) -> None:
        """Everything else, what takes least first: so most becomes known before money ends.

        Raises:
            ArchonError: As ``Evaluator.evaluate``.
        """
        gaps: list[tuple[Gap, Runs | None]] = [
            (runs.gap, runs) for runs in found.others if runs.gap is not None
        ]
        if found.candidates_gap is not None:
            gaps.append((found.candidates_gap, None))
        gaps.sort(key=lambda one: (one[0].about.cost_usd, one[0].about.calls))
        for i, (gap, runs) in enumerate(gaps, start=1):
            if self.stopped:
                return
            self.say(f"Gap {i} of {len(gaps)}, on {len(gap.questions)} questions")
            if runs is None:
                await self._candidates(found.base.replays, gap.questions)
            else:
                await self._runs(runs.architecture, runs.replays, gap.questions)

    async def _runs(
        self, architecture: Architecture, replays: Mapping[str, Replay], missing: Collection[str]
    ) -> None:
        pipeline_id = architecture.pipeline_id()
        for block in self._blocks(replays, missing):
            unit = Unit(pipeline_id, architecture, HELD_OUT_SPLIT, tuple(block))
            end = await self.evaluator.evaluate(unit)
            self.tried.setdefault(pipeline_id, set()).update(r.example_id for r in end.results)
            self.stopped = self.stopped or end.stopped
            if self.stopped:
                return

    async def _candidates(self, replays: Mapping[str, Replay], missing: Collection[str]) -> None:
        for block in self._blocks(replays, missing):
            try:
                async with asyncio.TaskGroup() as group:
                    for example in block:
                        group.create_task(self._score(replays[example.id]))
            except ExceptionGroup as failures:
                cause = first_cause(failures)
                if not isinstance(cause, BudgetExceeded):
                    raise cause from failures
                self.stopped = str(cause)
                return

    async def _score(self, replay: Replay) -> None:
        texts = {c.text for state in replay.trace.states for c in state.candidates}
        for text in sorted(texts):
            try:
                await self.evaluator.scorer.score(replay.example, Answer(text))
            except (ScoringError, CallError):
                continue  # this candidate stays without a score
        self.tried.setdefault(CANDIDATES, set()).add(replay.example.id)

    def _blocks(
        self, replays: Mapping[str, Replay], missing: Collection[str]
    ) -> Iterable[Sequence[Example]]:
        """What is missing of each block, in the order in which questions are run."""
        examples = [replay.example for replay in replays.values()]
        for block in blocks(examples, self.block_size):
            if part := [example for example in block if example.id in missing]:
                yield part
