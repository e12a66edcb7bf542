"""The trials of a search by units: begun, seen block by block, recorded, ended.

Proposals are durable before they run, results before they count. What an earlier run recorded is
not asked again, and what it ended stays ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence

from archon.benchmarks.examples import Example
from archon.benchmarks.splits import blocks
from archon.core.records import SEARCH_SPLIT, ProposalRow, TrialLog, TrialRow
from archon.core.results import Completed, ExampleResult, Stopped, TrialOutcome
from archon.runtime.failures import first_cause
from archon.search.choices import to_json
from archon.search.evaluate import N_CHANCES, RunsUnits, Unit, is_scored, unanswered, without_traces
from archon.search.gain.chooser import Chooser
from archon.search.gain.pool import Pool
from archon.search.gain.recorded import Recorded
from archon.search.gain.trial import Look, Trial
from archon.search.in_order import InOrder
from archon.search.objectives import Measured, Objective, mean_of, score_of, values
from archon.search.propose import Start
from archon.search.study import History, Plan, outcome_of
from archon.search.watch import Watcher


class Trials:
    """The trials of one search, by place in its pool."""

    def __init__(
        self,
        plan: Plan,
        pool: Pool,
        chooser: Chooser,
        evaluator: RunsUnits,
        log: TrialLog,
        watcher: Watcher,
        history: History,
        *,
        amount: Callable[[ExampleResult], float],
        amounts: Sequence[Objective],
    ) -> None:
        """Those of ``history`` are there, with nothing seen; see ``GainSearch``.

        Args:
            plan: What to do.
            pool: All pipelines that can be tried.
            chooser: Told of every block.
            evaluator: Runs units.
            log: Where everything is recorded.
            watcher: Told of everything.
            history: What earlier runs left.
            amount: What a question took as deployed, in the unit of the chooser's prices.
            amounts: What the chooser is told of besides.
        """
        self._plan, self._pool, self._chooser = plan, pool, chooser
        self._evaluator, self._log, self._watcher = evaluator, log, watcher
        self._amount, self._amounts = amount, tuple(amounts)
        self.blocks = blocks(plan.examples, plan.block_size)
        self._recorded = Recorded(history.results)
        self._by_place: dict[int, Trial] = {}
        self._waiting: dict[str, TrialRow] = {}
        """By pipeline, those of an earlier run that are not in the pool yet: what was near to what
        looked best comes into it again when that looks best again."""
        self._n_numbers = len(history.trials)
        for row in history.trials:
            place = pool.place(row.proposal.pipeline_id)
            if place is None:
                self._waiting[row.proposal.pipeline_id] = row
            else:
                self._by_place[place] = Trial(row.proposal, place, row)
        self.n_trials = plan.n_trials
        """Most of them; may change while the search runs."""
        self.limit = _first_limit(history.trials)
        """Why nothing more may be bought; what is recorded is gone through all the same."""
        self._is_at_limit = False

    def all(self) -> tuple[Trial, ...]:
        """In the order of their numbers; those of an earlier run as far as the pool has them."""
        return tuple(sorted(self._by_place.values(), key=lambda one: one.proposal.number))

    def begun(self) -> tuple[Trial, ...]:
        """Those of them that this run has come to, in the order of their numbers."""
        return tuple(trial for trial in self.all() if trial.is_shown)

    @property
    def is_full(self) -> bool:
        """Whether this run has begun as many as the budget allows."""
        return self.n_trials is not None and len(self.begun()) >= self.n_trials

    @property
    def n_numbers(self) -> int:
        """How many there are, those of earlier runs included."""
        return self._n_numbers

    def has_come_to(self, number: int) -> bool:
        """Whether every trial with a lower number was looked at."""
        return not any(row.proposal.number < number for row in self._waiting.values()) and all(
            trial.n_blocks > 0 or trial.outcome is not None
            for trial in self.all()
            if trial.proposal.number < number and trial.proposal.origin != "user"
        )

    @property
    def spent(self) -> str:
        """Why the budget allows nothing more: of several trials that it stopped, the first's."""
        ended = (trial.outcome for trial in self.all())
        stopped = (one for one in ended if isinstance(one, Stopped))
        interrupted = (one.reason for one in stopped if one.state == "interrupted")
        return next(interrupted, self.limit if self._is_at_limit else "")

    def is_open(self, place: int) -> bool:
        """Whether a pipeline can be seen on a further block."""
        trial = self._by_place.get(place)
        return trial is None or (trial.outcome is None and trial.n_blocks < len(self.blocks))

    def rests(self, place: int) -> bool:
        """Whether a pipeline has just met a fault, and others should be seen first."""
        trial = self._by_place.get(place)
        return trial is not None and trial.rests_until > self._chooser.model.n_learnt

    def retries(self) -> list[int]:
        """Pipelines that have met a fault, and may be asked again."""
        return [
            trial.place
            for trial in self.all()
            if trial.faults[trial.n_blocks]
            and self.is_open(trial.place)
            and not self.rests(trial.place)
        ]

    def leave(self, places: Iterable[int]) -> None:
        """Other pipelines come to these places: what an earlier run recorded there waits."""
        for place in places:
            trial = self._by_place.pop(place, None)
            if trial is not None and trial.earlier is not None:
                self._waiting[trial.proposal.pipeline_id] = trial.earlier

    def catch_up(self, besides: Collection[int]) -> list[tuple[int, int]]:
        """What earlier runs recorded and this one has not come to, as steps for ``see``.

        A run that goes the way of the earlier ones comes to all of it by itself. After a change of
        limits, or with another version, it may not; nothing that was paid is left out.

        Args:
            besides: Places whose turn it is anyway.
        """
        for row in sorted(self._waiting.values(), key=lambda row: row.proposal.number):
            place = self._pool.place(row.proposal.pipeline_id)
            if place in besides:
                continue
            if place is None and (place := self._free_place(besides)) is not None:
                one = Start(row.proposal.architecture, row.proposal.origin)
                self._pool.replace({place: one})
                self._chooser.replace({place: one.architecture})
            if place is None:
                break
            del self._waiting[row.proposal.pipeline_id]
            self._by_place[place] = Trial(row.proposal, place, row)
        return [
            (trial.place, self._recorded.n_blocks(trial.proposal.pipeline_id, self.blocks))
            for trial in self.all()
            if not trial.is_shown and trial.place not in besides
        ]

    def is_recorded(self, place: int) -> bool:
        """Whether the next block of a pipeline takes no new answer."""
        trial = self._by_place.get(place)
        if trial is None:
            return False
        block = self.blocks[trial.n_blocks]
        return trial.is_settled or not self._recorded.missing(trial.proposal.pipeline_id, block)

    def _free_place(self, besides: Collection[int]) -> int | None:
        """The place that promises least, of those that nothing is known of."""
        order = self._chooser.by_reach() if self._chooser.model.n_seen else range(len(self._pool))
        free = (i for i in reversed(order) if i not in self._by_place and i not in besides)
        return next(free, None)

    def n_done(self, place: int) -> int:
        """On how many blocks a pipeline was seen."""
        return self._by_place[place].n_blocks if place in self._by_place else 0

    async def see(self, steps: Sequence[tuple[int, int]]) -> bool:
        """See pipelines on their blocks up to a number, side by side, and learn from all.

        Returns:
            Whether there was any that could be seen.
        """
        begun: dict[int, tuple[Trial, int]] = {}
        for place, n_blocks in steps:
            trial = self._by_place.get(place) or await self._begin(place)
            if trial is not None and trial.outcome is None:
                await self._show(trial)
                begun[trial.proposal.number] = (trial, n_blocks)
        wanted = [
            (trial, block)
            for trial, n_blocks in begun.values()
            for block in self.blocks[trial.n_blocks : n_blocks]
        ]
        runner = self._in_order(wanted) if self._plan.is_in_order else self._evaluator
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._look(runner, trial, block)) for trial, block in wanted
                ]
        except ExceptionGroup as failures:
            raise first_cause(failures) from failures
        looks: dict[int, list[Look]] = {number: [] for number in begun}
        for (trial, _), task in zip(wanted, tasks, strict=True):
            looks[trial.proposal.number].append(task.result())
        if self._plan.limit_passed is not None:
            looks = await self._whole(looks, self._plan.limit_passed)
        for number in sorted(looks):
            await self._take(begun[number][0], looks[number])
        return bool(begun)

    def _in_order(self, wanted: Sequence[tuple[Trial, Sequence[Example]]]) -> RunsUnits:
        """The evaluator, where trials ask a question that they share by their numbers."""
        by_number = sorted(wanted, key=lambda pair: pair[0].proposal.number)
        asks: dict[str, set[str]] = {}
        for trial, block in by_number:
            pipeline_id = trial.proposal.pipeline_id
            # One that an earlier run ended asks nothing more.
            missing = () if trial.is_settled else self._recorded.missing(pipeline_id, block)
            asks.setdefault(pipeline_id, set()).update(example.id for example in missing)
        every = {example.id for example in self._plan.examples}
        return InOrder(self._evaluator, {one: every - ids for one, ids in asks.items()})

    async def _whole(
        self, looks: dict[int, list[Look]], limit_passed: Callable[[], str]
    ) -> dict[int, list[Look]]:
        """Looks of one step as they are, recorded together; or all of them ended by the limit."""
        each = [look for several in looks.values() for look in several]
        fresh = [result for look in each for result in look.fresh]
        stopped = next((look.stopped for look in each if look.stopped), "")
        # What an earlier run recorded was within the limit, though more was bought since.
        if limit := (limit_passed() if fresh or stopped else "") or stopped:
            return {number: [Look(None, limit)] for number in looks}
        await self._log.record(fresh)
        return looks

    async def _begin(self, place: int) -> Trial | None:
        """A new trial, where the budget has room for one."""
        one = self._pool[place]
        pipeline_id = one.architecture.pipeline_id()
        if (row := self._waiting.pop(pipeline_id, None)) is not None:
            self._by_place[place] = Trial(row.proposal, place, row)
            return self._by_place[place]
        number = self._n_numbers
        if self.n_trials is not None and number >= self.n_trials:
            return None
        if self.limit:
            self._is_at_limit = True
            return None
        self._n_numbers += 1
        answers = to_json(one.answers)
        proposal = ProposalRow(number, pipeline_id, one.architecture, answers, one.origin)
        await self._log.propose(proposal)
        trial = self._by_place[place] = Trial(proposal, place)
        return trial

    async def _show(self, trial: Trial) -> None:
        """Tell that a trial runs, once."""
        if trial.is_shown:
            return
        trial.is_shown = True
        self._watcher.trial_begins(trial.proposal)
        if not trial.is_settled:
            await self._log.begin(trial.proposal.number)

    async def _look(self, runner: RunsUnits, trial: Trial, block: Sequence[Example]) -> Look:
        """One block of one trial: what is recorded, and what can be had of the rest."""
        pipeline_id = trial.proposal.pipeline_id
        found = self._recorded.of(pipeline_id, block)
        missing = self._recorded.missing(pipeline_id, block)
        self._watcher.results_came(tuple(found.values()))
        fresh: tuple[ExampleResult, ...] = ()
        if missing and trial.is_settled:
            # An earlier run ended it before it had these.
            return Look(None)
        if missing and self.limit:
            return Look(None, stopped=self.limit)
        if missing:
            unit = Unit(pipeline_id, trial.proposal.architecture, SEARCH_SPLIT, missing)
            end = await runner.evaluate(unit, is_again=trial.faults[trial.n_blocks] > 0)
            fresh = end.results if self._plan.limit_passed is not None else ()
            if not fresh:
                await self._log.record(end.results)
            light = without_traces(end.results)
            self._watcher.results_came(light)
            scored = [one for one in light if is_scored(one)]
            self._recorded.add(scored)
            found |= {one.example_id: one for one in scored}
            if not trial.results and not found and end.outage is not None:
                raise end.outage  # the trial stays open
            if end.stopped or len(found) < len(block):
                return Look(None, end.stopped, unanswered(light), fresh)
        return Look(tuple(found[example.id] for example in block), fresh=fresh)

    async def _take(self, trial: Trial, looks: Sequence[Look]) -> None:
        """Take over what was seen, block by block up to the first that is not whole."""
        for look in looks:
            if look.results is None:
                break
            trial.results += look.results
            trial.n_blocks += 1
        self._learn(trial)
        broken = [look for look in looks if look.results is None]
        if trial.n_blocks == len(self.blocks):
            reached = values(trial.measured, self._plan.objectives)
            await self._end(trial, Completed(reached, len(trial.results)))
        elif broken and trial.is_settled and trial.earlier is not None:
            await self._end(trial, outcome_of(trial.earlier))
        elif stopped := next((look.stopped for look in broken if look.stopped), ""):
            await self._end(trial, Stopped("interrupted", stopped))
        elif broken:
            # What has passed by the time other pipelines were seen is no fault of this one.
            trial.faults[trial.n_blocks] += 1
            trial.rests_until = self._chooser.model.n_learnt + 1
            if trial.faults[trial.n_blocks] >= N_CHANCES:
                await self._end(trial, Stopped("failed", broken[0].fault))

    def _learn(self, trial: Trial) -> None:
        """Tell the chooser of blocks that it does not know of."""
        for i in range(self._chooser.model.n_blocks(trial.place), trial.n_blocks):
            size = len(self.blocks[i])
            start = sum(len(block) for block in self.blocks[:i])
            came = tuple(trial.results[start : start + size])
            scores = [score_of(result) or 0.0 for result in came]
            taken = mean_of([self._amount(result) for result in came])
            block = Measured(trial.proposal.pipeline_id, trial.proposal.architecture, came)
            amounts = [block.mean(one) for one in self._amounts]
            self._chooser.observe(trial.place, scores, taken, amounts)

    async def _end(self, trial: Trial, outcome: TrialOutcome) -> None:
        if trial.is_settled and trial.earlier is not None:
            outcome = outcome_of(trial.earlier)
        trial.outcome = outcome
        if trial.has_failed:
            self._chooser.drop(trial.place)
        await self._log.append(trial.proposal.number, outcome)
        self._watcher.trial_ended(trial.proposal, outcome)

    async def close(self, why: str) -> None:
        """End the trials that are open; ``why`` the search did."""
        n_all = len(self._plan.examples)
        for trial in self.all():
            if trial.outcome is None:
                seen = len(trial.results)
                reason = f"seen on {seen} of {n_all} questions; the search ended: {why}"
                await self._show(trial)
                await self._end(trial, Stopped("pruned", reason))

    def complete(self) -> tuple[Measured, ...]:
        """Those that were seen on all questions."""
        return tuple(one.measured for one in self.all() if isinstance(one.outcome, Completed))


def _first_limit(rows: Iterable[TrialRow]) -> str:
    """Why the budget ended an earlier run: only it interrupts a trial for good."""
    return next((row.reason for row in rows if row.state == "interrupted"), "")
