"""The loop of a study: propose, evaluate block by block, record, tell. One tell for every ask.

Proposals are durable before they run, results before they count, ends before they are told; so a
study that is cut off anywhere goes on from its rows. Trials run in batches, and what a batch
found is told in the order of its numbers when all of it has ended: what is proposed next does
not depend on which trial was faster, or on where the study was cut off.

Once the budget has ended a search it stays ended: the trial that it interrupted says so in its
row. A study that is resumed in its held-out run proposes nothing further.

A search in order lets not even its bill depend on speed: trials of a batch that share a question
ask it one after the other, and where calls, tokens or money end it, a batch counts whole or not at
all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from archon.benchmarks.examples import Example
from archon.benchmarks.splits import blocks
from archon.core.records import SEARCH_SPLIT, ProposalRow, TrialLog, TrialRow
from archon.core.results import Completed, ExampleResult, Stopped, TrialOutcome
from archon.runtime.failures import first_cause
from archon.search.at_most import AtMost
from archon.search.evaluate import (
    N_CHANCES,
    RunsUnits,
    Unit,
    UnitEnd,
    outage_of,
    unanswered,
    usable,
    without_traces,
)
from archon.search.in_order import InOrder
from archon.search.objectives import Measured, Objective, values
from archon.search.propose import Proposer
from archon.search.racing import Beaten, Race
from archon.search.watch import Watcher
from archon.search.widths import Widths, batch_end

CUT_OFF = "the search was cut off"
TRIALS_DONE = "the budget's trials are done"
ALL_TRIED = "every pipeline of the space has been tried"
NOTHING_NEW = "no new pipeline was found in a space too large to go through whole"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a search does, without how."""

    examples: tuple[Example, ...]
    block_size: int
    objectives: tuple[Objective, ...]
    n_trials: int | None
    """Most trials, baselines and seeds included; None: the budget alone ends the search."""
    n_parallel: int
    """Trials in one batch."""
    is_racing: bool = False
    """Whether trials are stopped that will end behind another one."""
    is_in_order: bool = False
    """Whether trials of a batch ask a question that they share one after the other."""
    limit_passed: Callable[[], str] | None = None
    """Why what was bought so far is more than the search may take, "" while it is not. Asked when a
    batch has ended, which then counts for nothing; None: the budget stops trials one by one."""
    widths: Widths = ()
    """Trials in one batch, where that was changed on the way; then in place of ``n_parallel``."""
    at_most: AtMost = field(default_factory=AtMost)
    """What a pipeline may take: of what passes it the sampler is told by how much."""


@dataclass(frozen=True, slots=True)
class History:
    """What earlier runs of the study left: trials by number, and results by pipeline."""

    trials: tuple[TrialRow, ...] = ()
    results: dict[str, tuple[ExampleResult, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SearchEnd:
    """How the search ended, and every pipeline that was evaluated on all of its examples."""

    reason: str
    is_budget_spent: bool
    measured: tuple[Measured, ...]
    finalists: tuple[Measured, ...] | None = None
    """What the search itself would run again; None: whoever judges chooses among ``measured``."""


class Search:
    """One search, from its history to its end."""

    def __init__(
        self,
        plan: Plan,
        proposer: Proposer,
        evaluator: RunsUnits,
        log: TrialLog,
        watcher: Watcher,
        history: History = History(),
    ) -> None:
        """Nothing runs before ``run``."""
        self._plan = plan
        self._proposer = proposer
        self._evaluator = evaluator
        self._log = log
        self._watcher = watcher
        self._history = history
        self._outcomes = {row.number: outcome_of(row) for row in history.trials if row.is_over}
        self._measured: dict[int, Measured] = {}
        self._race = (
            Race(plan.objectives, plan.examples, plan.block_size) if plan.is_racing else None
        )
        self._in_order: InOrder | None = None
        """Of the batch that runs."""
        self._ran: dict[int, tuple[TrialOutcome, list[ExampleResult]]] = {}
        """Of trials that end with their batch."""
        self._expected: dict[int, tuple[float, ...]] = {}
        """Of trials that were stopped: what they would have reached."""
        self._beyond: dict[int, tuple[float, ...]] = {}
        """By what part trials pass each ceiling, on the questions that they were asked."""
        self._spent = next((r.reason for r in history.trials if r.state == "interrupted"), "")
        """Why no further trial may begin; the budget or the user interrupts a trial for good."""
        self._told_to_end = ""
        """Why, where the user ended it."""
        self._n_trials = plan.n_trials
        self._widths = plan.widths or ((0, plan.n_parallel),)
        self._is_over = False

    @property
    def n_proposed(self) -> int:
        """Trials that there are, in this run or from earlier ones."""
        return max(self._proposer.n_proposed, len(self._history.trials))

    @property
    def is_over(self) -> bool:
        """Whether no further trial runs."""
        return self._is_over

    def change(self, *, n_trials: int | None, widths: Widths) -> None:
        """Set the most trials and the size of batches, while it runs; not below ``n_proposed``."""
        self._n_trials, self._widths = n_trials, widths

    def end(self, reason: str) -> None:
        """Begin no further trial; whoever calls has the budget refuse the calls of those that run.

        A trial that ends all the same counts.
        """
        self._told_to_end = self._told_to_end or reason
        self._spent = self._spent or reason

    async def run(self) -> SearchEnd:
        """Search until the trials are done, the space is exhausted or the budget is spent.

        Raises:
            ArchonError: The database, a key, a model or every endpoint failed. Trials that were
                running stay open, for a later run.
        """
        self._watcher.search_begins(self._n_trials, len(self._plan.examples))
        reason = ""
        recalled = [row.proposal for row in self._history.trials]
        while not reason:
            batch: list[ProposalRow] = []
            try:
                reason = await self._fill(batch, recalled)
                await self._run_batch(batch)
            finally:
                # Every ask is told on every path; a trial cut off here is told so, and stays open.
                for proposal in batch:
                    number, cut_off = proposal.number, Stopped("interrupted", CUT_OFF)
                    outcome = self._outcomes.get(number, cut_off)
                    expected, beyond = self._expected.get(number), self._beyond.get(number, ())
                    self._proposer.tell(number, outcome, expected, beyond)
            if self._race is not None:
                # What passes a ceiling cannot win, and must not stop what could.
                kept = [one.number for one in batch if self._keeps_to_ceilings(one.number)]
                self._race.admit(self._measured[n] for n in kept if n in self._measured)
            if self._spent and not recalled:
                reason = self._first_limit()
            elif reason == TRIALS_DONE and not self._is_full:
                reason = ""  # more of them are allowed than when the last batch began
        self._is_over = True
        measured = tuple(self._measured[number] for number in sorted(self._measured))
        return SearchEnd(reason, bool(self._spent), measured)

    def _keeps_to_ceilings(self, number: int) -> bool:
        return all(part <= 0 for part in self._beyond.get(number, ()))

    def _first_limit(self) -> str:
        """Why the first trial was interrupted, by number: side by side, several may be."""
        interrupted = (
            outcome.reason
            for _, outcome in sorted(self._outcomes.items())
            if isinstance(outcome, Stopped) and outcome.state == "interrupted"
        )
        return next(interrupted, self._spent)

    async def _fill(self, batch: list[ProposalRow], recalled: list[ProposalRow]) -> str:
        """Put proposals into a batch, recalled ones first, all before any of them is told.

        Returns:
            Why there will be no further batch; "" if there may be one.
        """
        first = self._proposer.n_proposed
        # Proposals are recorded one by one, and what a user changes meanwhile holds for the next.
        while not self._is_full and self._proposer.n_proposed < self._batch_end(first):
            if recalled:
                batch.append(recalled.pop(0))
                self._proposer.restore(batch[-1])
                continue
            if self._spent:
                return self._spent
            asked = self._proposer.ask()
            if asked is None:
                return ALL_TRIED if self._proposer.is_all_tried else NOTHING_NEW
            batch.append(asked)
            await self._log.propose(asked)
        return TRIALS_DONE if self._is_full else ""

    @property
    def _is_full(self) -> bool:
        """Whether there are as many proposals as the budget allows."""
        return self._n_trials is not None and self._proposer.n_proposed >= self._n_trials

    def _batch_end(self, first: int) -> int:
        """The trial behind the batch that begins with trial ``first``."""
        if first == 0 and self._plan.limit_passed is not None:
            return 1  # what the smallest budgets pay for is kept, though batches count whole
        return batch_end(first, self._widths)

    async def _run_batch(self, batch: Sequence[ProposalRow]) -> None:
        if self._plan.is_in_order:
            known = self._history.results
            answered = {
                one.pipeline_id: [result.example_id for result in known.get(one.pipeline_id, ())]
                for one in batch
            }
            self._in_order = InOrder(self._evaluator, answered)
        try:
            async with asyncio.TaskGroup() as group:
                for proposal in batch:
                    group.create_task(self._run_trial(proposal))
        except ExceptionGroup as failures:
            raise first_cause(failures) from failures
        if self._plan.limit_passed is not None:
            # A user's word takes nothing from what has ended; a limit takes the batch.
            is_limit = self._spent != self._told_to_end
            spent = self._spent if is_limit else ""
            await self._end_together(batch, self._plan.limit_passed() or spent)

    async def _end_together(self, batch: Sequence[ProposalRow], limit: str) -> None:
        """End the trials of a batch by number, each as it ran, or all by the limit."""
        for proposal in batch:
            if proposal.number in self._ran:
                outcome, results = self._ran.pop(proposal.number)
                if limit:
                    self._spent, outcome = limit, Stopped("interrupted", limit)
                await self._end(proposal, outcome, results)

    async def _run_trial(self, proposal: ProposalRow) -> None:
        number = proposal.number
        self._watcher.trial_begins(proposal)
        results = list(self._history.results.get(proposal.pipeline_id, ()))
        self._watcher.results_came(results)
        try:
            if number in self._outcomes:
                self._ended(proposal, self._outcomes[number], results)
                return
            await self._log.begin(number)
            outcome = await self._evaluated(proposal, results)
        finally:
            if self._in_order is not None:
                self._in_order.leave(proposal.pipeline_id)
        if self._plan.limit_passed is not None:
            self._ran[number] = outcome, results
        else:
            await self._end(proposal, outcome, results)

    async def _end(
        self, proposal: ProposalRow, outcome: TrialOutcome, results: list[ExampleResult]
    ) -> None:
        """Record how a trial ended."""
        await self._log.append(proposal.number, outcome)
        self._outcomes[proposal.number] = outcome
        self._ended(proposal, outcome, results)

    def _ended(
        self, proposal: ProposalRow, ended: TrialOutcome, results: list[ExampleResult]
    ) -> None:
        number = proposal.number
        if isinstance(ended, Completed) or ended.state == "pruned":
            measured = Measured(proposal.pipeline_id, proposal.architecture, tuple(results))
            self._beyond[number] = self._plan.at_most.beyond(measured)
        if isinstance(ended, Completed):
            self._measured[number] = measured
        elif ended.state == "pruned" and (lost := self._beaten(proposal, results)) is not None:
            self._expected[number] = lost.expected
        self._watcher.trial_ended(proposal, ended)

    async def _evaluated(self, proposal: ProposalRow, results: list[ExampleResult]) -> TrialOutcome:
        """Evaluate a pipeline on what is missing; ``results`` grows with what is recorded."""
        for chance in range(N_CHANCES):
            results[:] = usable(results)
            ends = await self._run_units(proposal, results, is_again=chance > 0)
            if chance == 0 and (lost := self._beaten(proposal, results)) is not None:
                return Stopped("pruned", self._why(lost))
            if stopped := next((end.stopped for end in ends if end.stopped), ""):
                self._spent = stopped
                return Stopped("interrupted", stopped)
            if (outage := outage_of(ends, results)) is not None:
                raise outage  # the trial stays open, as it does where an outage shows earlier
            if not unanswered(results):
                break
        order = {example.id: i for i, example in enumerate(self._plan.examples)}
        results.sort(key=lambda result: order[result.example_id])
        if reason := unanswered(results):
            return Stopped("failed", reason)
        measured = Measured(proposal.pipeline_id, proposal.architecture, tuple(results))
        return Completed(values(measured, self._plan.objectives), len(results))

    async def _run_units(
        self, proposal: ProposalRow, results: list[ExampleResult], *, is_again: bool
    ) -> list[UnitEnd]:
        """Run units until there are no more, or the budget stops one."""
        ends: list[UnitEnd] = []
        try:
            while units := self._next_units(proposal, results, is_again=is_again):
                async with asyncio.TaskGroup() as group:
                    tasks = [
                        group.create_task(self._run_unit(unit, results, is_again=is_again))
                        for unit in units
                    ]
                ends += [task.result() for task in tasks]
                if any(end.stopped for end in ends):
                    break
        except ExceptionGroup as failures:
            raise first_cause(failures) from failures
        return ends

    def _next_units(
        self, proposal: ProposalRow, results: Sequence[ExampleResult], *, is_again: bool
    ) -> tuple[Unit, ...]:
        """The units that this trial runs next, side by side; none where it is beaten.

        A trial is asked again after each set of units, so that it can grow while it is worth it.
        """
        done = {result.example_id for result in results}
        missing = [
            tuple(example for example in block if example.id not in done)
            for block in blocks(self._plan.examples, self._plan.block_size)
        ]
        n_next = len(missing)
        if self._race is not None and proposal.origin != "baseline" and not is_again:
            if self._race.beaten(proposal, results) is not None:
                return ()
            n_next = self._race.n_blocks(next((i for i, m in enumerate(missing) if m), n_next))
        return tuple(
            Unit(proposal.pipeline_id, proposal.architecture, SEARCH_SPLIT, examples)
            for examples in missing[:n_next]
            if examples
        )

    def _beaten(self, proposal: ProposalRow, results: Sequence[ExampleResult]) -> Beaten | None:
        return None if self._race is None else self._race.beaten(proposal, results)

    def _why(self, lost: Beaten) -> str:
        by = next(n for n, one in self._measured.items() if one.pipeline_id == lost.by)
        rest = ", and better in no other objective" if len(self._plan.objectives) > 1 else ""
        return (
            f"behind trial {by} on {lost.n_questions} of {len(self._plan.examples)} questions, "
            f"{lost.mean:.2f} against {lost.rival_mean:.2f}{rest}"
        )

    async def _run_unit(
        self, unit: Unit, results: list[ExampleResult], *, is_again: bool
    ) -> UnitEnd:
        """Run and record."""
        runner = self._in_order or self._evaluator
        end = await runner.evaluate(unit, is_again=is_again)
        await self._log.record(end.results)
        results += without_traces(end.results)
        self._watcher.results_came(end.results)
        return replace(end, results=())


def outcome_of(row: TrialRow) -> TrialOutcome:
    """How a trial ended, by its row; as interrupted where it has not."""
    if row.state == "complete" and row.objectives is not None:
        return Completed(row.objectives, row.n_examples)
    if row.state == "pruned" or row.state == "failed":
        return Stopped(row.state, row.reason)
    return Stopped("interrupted", row.reason)
