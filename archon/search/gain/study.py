"""The loop of a study that goes by units: choose, see on one more block, learn.

Proposals are durable before they run, results before they count, as in ``archon.search.study``. No
trial is run to its end because it was begun: most are seen on a few blocks, and stay open until the
search ends. What is chosen depends on results alone, so a study that was cut off goes the way that
it went before, over what is recorded, and then on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from archon.benchmarks.examples import Example
from archon.benchmarks.splits import blocks
from archon.components.estimate_calls import estimate_calls
from archon.core.records import SEARCH_SPLIT, ProposalRow, TrialLog, TrialRow
from archon.core.results import Completed, ExampleResult, Stopped, TrialOutcome
from archon.runtime.failures import first_cause
from archon.search.choices import to_json
from archon.search.evaluate import N_CHANCES, RunsUnits, Unit, is_scored, unanswered, without_traces
from archon.search.front import most_promising, non_dominated
from archon.search.gain.chooser import Chooser
from archon.search.objectives import DIRECTIONS, Measured, mean_of, score_of, values
from archon.search.propose import Start
from archon.search.study import TRIALS_DONE, History, Plan, SearchEnd, outcome_of
from archon.search.watch import Watcher

LEADER_EVERY = 4
"""Every so many steps the pipeline that leads is seen on one more block, whatever that is worth:
what a user ships should have been seen on all questions."""
LEAST_GAIN = 3e-4
"""In score: where no further look at any pipeline is worth as much, a search is over, whatever is
left of its budget."""
NOTHING_PROMISING = "no further question promises to change the choice"


@dataclass(frozen=True, slots=True)
class Rules:
    """What a search by units does besides its plan."""

    n_finalists: int
    n_seeds: int
    """Pipelines known to be good elsewhere that are seen on a block before anything is chosen."""
    amount: Callable[[ExampleResult], float]
    """What a question took as deployed, in the unit that the chooser's prices have."""


@dataclass(slots=True)
class _Trial:
    """A pipeline that was begun."""

    proposal: ProposalRow
    place: int
    earlier: TrialRow | None = None
    """Its row, where an earlier run began it."""
    results: list[ExampleResult] = field(default_factory=list)
    n_blocks: int = 0
    n_faults: int = 0
    """How often a block was left with questions that have no score."""
    outcome: TrialOutcome | None = None
    is_shown: bool = False
    """Whether the watcher knows of it."""


@dataclass(frozen=True, slots=True)
class _Look:
    """What became of one block of one trial."""

    results: tuple[ExampleResult, ...] | None
    """None where a question has no score."""
    stopped: str = ""
    fault: str = ""


class GainSearch:
    """One search by units, from its history to its end."""

    def __init__(
        self,
        plan: Plan,
        rules: Rules,
        pool: Sequence[Start],
        chooser: Chooser,
        evaluator: RunsUnits,
        log: TrialLog,
        watcher: Watcher,
        history: History,
    ) -> None:
        """Nothing runs before ``run``.

        Args:
            plan: What to do; ``quality`` is among its objectives.
            rules: How.
            pool: All pipelines that can be tried, those of ``history`` among them.
            chooser: Over this pool, with nothing seen.
            evaluator: Runs units.
            log: Where everything is recorded.
            watcher: Told of everything.
            history: What earlier runs left.
        """
        self._plan, self._rules = plan, rules
        self._pool, self._chooser = tuple(pool), chooser
        self._evaluator, self._log, self._watcher = evaluator, log, watcher
        self._blocks = blocks(plan.examples, plan.block_size)
        self._recorded = {
            (pipeline_id, result.example_id): result
            for pipeline_id, came in history.results.items()
            for result in came
        }
        self._places = {one.architecture.pipeline_id(): i for i, one in enumerate(pool)}
        self._trials: dict[int, _Trial] = {}
        """By place in the pool, in the order of their numbers."""
        for row in history.trials:
            place = self._places[row.proposal.pipeline_id]
            self._trials[place] = _Trial(row.proposal, place, row)
        self._was_spent = _first_limit(history.trials)

    async def run(self) -> SearchEnd:
        """Search until nothing more is worth its price or the budget is spent.

        Raises:
            ArchonError: The database, a key, a model or every endpoint failed. Trials stay open,
                for a later run.
        """
        self._watcher.search_begins(self._plan.n_trials, len(self._plan.examples))
        await self._open_with_starts()
        reason = self._spent()
        step = 0
        while not reason:
            step += 1
            # Choosing takes a while where much was seen; calls in flight must not wait for it.
            if chosen := await asyncio.to_thread(self._next, step):
                await self._see([(place, self._done(place) + 1) for place in chosen])
                reason = self._spent()
            else:
                reason = await self._finish()
        await self._close()
        return SearchEnd(reason, bool(self._spent()), self._complete(), self._finalists())

    def _spent(self) -> str:
        """Why the budget allows nothing more: of several trials that it stopped, the first's."""
        ended = (trial.outcome for trial in self._trials.values())
        stopped = (one for one in ended if isinstance(one, Stopped))
        return next((one.reason for one in stopped if one.state == "interrupted"), "")

    async def _finish(self) -> str:
        """See what is run again in the end on all questions; why the search ended."""
        while not self._spent():
            chosen = {one.pipeline_id for one in self._finalists()}
            open_ones = [
                trial.place
                for trial in self._trials.values()
                if trial.proposal.pipeline_id in chosen and self._is_open(trial.place)
            ]
            if not open_ones:
                return self._ended()
            await self._see([(place, self._done(place) + 1) for place in open_ones])
        return self._spent()

    def _ended(self) -> str:
        is_full = self._plan.n_trials is not None and len(self._trials) >= self._plan.n_trials
        return TRIALS_DONE if is_full else NOTHING_PROMISING

    @property
    def leader(self) -> str:
        """Id of the pipeline that would be named now; "" before anything was seen."""
        if not self._chooser.n_seen:
            return ""
        return self._pool[self._leading()].architecture.pipeline_id()

    def front(self) -> tuple[str, ...]:
        """Ids of the pipelines that are believed to be on the front, of those that were seen."""
        if not self._chooser.n_seen:
            return ()
        means = self._chooser.means()
        seen = {
            trial.proposal.pipeline_id: self._values(trial, float(means[trial.place]))
            for trial in self._trials.values()
            if trial.n_blocks
        }
        names = list(seen)
        kept = non_dominated(dict(enumerate(seen.values())))
        return tuple(names[i] for i in kept)

    async def _open_with_starts(self) -> None:
        """Single calls on all questions, then the pipelines known to be good on a block."""
        places = range(len(self._pool))
        singles = [i for i in places if self._pool[i].origin == "baseline"]
        seeds = [i for i in places if self._pool[i].origin == "seed"]
        steps = [(i, len(self._blocks)) for i in singles]
        steps += [(i, 1) for i in seeds[: self._rules.n_seeds]]
        n = self._plan.n_parallel
        for start in range(0, len(steps), n):
            if not self._spent():
                await self._see(steps[start : start + n])

    def _next(self, step: int) -> list[int]:
        """Pipelines that are seen on one more block each; none where that is worth too little."""
        if waiting := self._asked_for():
            return waiting[: self._plan.n_parallel]
        is_full = self._plan.n_trials is not None and len(self._trials) >= self._plan.n_trials
        among = self._trials if is_full else range(len(self._pool))
        allowed = [place for place in among if self._is_open(place)]
        chosen = self._chooser.next(self._plan.n_parallel, allowed, least=LEAST_GAIN)
        if chosen and step % LEADER_EVERY == 0 and self._is_open(leader := self._leading()):
            chosen = [leader, *(place for place in chosen if place != leader)]
        return chosen[: self._plan.n_parallel]

    def _asked_for(self) -> list[int]:
        """A user's own pipelines that are not seen on all questions, once their turn has come.

        Their turn comes when every trial that was begun before them was looked at.
        """
        waiting: list[int] = []
        for trial in self._trials.values():
            if trial.proposal.origin == "user" and self._is_open(trial.place):
                waiting.append(trial.place)
            elif trial.n_blocks == 0 and trial.outcome is None and not waiting:
                return []
        return waiting

    def _leading(self) -> int:
        """The pipeline to name now; of those that failed, none."""
        failed = [i for i, trial in self._trials.items() if _is(trial.outcome, "failed")]
        return self._chooser.best(without=failed)

    def _is_open(self, place: int) -> bool:
        trial = self._trials.get(place)
        return trial is None or (trial.outcome is None and trial.n_blocks < len(self._blocks))

    def _done(self, place: int) -> int:
        return self._trials[place].n_blocks if place in self._trials else 0

    async def _see(self, steps: Sequence[tuple[int, int]]) -> None:
        """See pipelines on their blocks up to a number, side by side, and learn from all."""
        begun: dict[int, tuple[_Trial, int]] = {}
        for place, n_blocks in steps:
            trial = self._trials.get(place) or await self._begin(place)
            if trial is not None and trial.outcome is None:
                await self._show(trial)
                begun[trial.proposal.number] = (trial, n_blocks)
        wanted = [
            (trial, block)
            for trial, n_blocks in begun.values()
            for block in self._blocks[trial.n_blocks : n_blocks]
        ]
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._look(trial, block)) for trial, block in wanted]
        except ExceptionGroup as failures:
            raise first_cause(failures) from failures
        looks: dict[int, list[_Look]] = {number: [] for number in begun}
        for (trial, _), task in zip(wanted, tasks, strict=True):
            looks[trial.proposal.number].append(task.result())
        for number in sorted(looks):
            await self._take(begun[number][0], looks[number])

    async def _begin(self, place: int) -> _Trial | None:
        """A new trial, where the budget has room for one."""
        number = len(self._trials)
        if self._plan.n_trials is not None and number >= self._plan.n_trials:
            return None
        one = self._pool[place]
        pipeline_id = one.architecture.pipeline_id()
        answers = to_json(one.answers)
        proposal = ProposalRow(number, pipeline_id, one.architecture, answers, one.origin)
        await self._log.propose(proposal)
        trial = self._trials[place] = _Trial(proposal, place)
        return trial

    async def _show(self, trial: _Trial) -> None:
        """Tell that a trial runs, once."""
        if trial.is_shown:
            return
        trial.is_shown = True
        self._watcher.trial_begins(trial.proposal)
        if trial.earlier is None or not trial.earlier.is_over:
            await self._log.begin(trial.proposal.number)

    async def _look(self, trial: _Trial, block: Sequence[Example]) -> _Look:
        """One block of one trial: what is recorded, and what can be had of the rest."""
        pipeline_id = trial.proposal.pipeline_id
        known = [self._recorded.get((pipeline_id, example.id)) for example in block]
        found = {one.example_id: one for one in known if one is not None}
        self._watcher.results_came(tuple(found.values()))
        missing = tuple(example for example in block if example.id not in found)
        if missing and trial.earlier is not None and trial.earlier.is_over:
            # An earlier run ended it before it had these.
            return _Look(None)
        if missing and self._was_spent:
            return _Look(None, stopped=self._was_spent)
        if missing:
            unit = Unit(pipeline_id, trial.proposal.architecture, SEARCH_SPLIT, missing)
            end = await self._evaluator.evaluate(unit, is_again=trial.n_faults > 0)
            await self._log.record(end.results)
            light = without_traces(end.results)
            self._watcher.results_came(light)
            scored = {one.example_id: one for one in light if is_scored(one)}
            self._recorded |= {(pipeline_id, i): one for i, one in scored.items()}
            found |= scored
            if not trial.results and not found and end.outage is not None:
                raise end.outage  # the trial stays open
            if end.stopped or len(found) < len(block):
                return _Look(None, end.stopped, unanswered(light))
        return _Look(tuple(found[example.id] for example in block))

    async def _take(self, trial: _Trial, looks: Sequence[_Look]) -> None:
        """Take over what was seen, block by block up to the first that is not whole."""
        for look in looks:
            if look.results is None:
                break
            trial.results += look.results
            trial.n_blocks += 1
        self._learn(trial)
        broken = [look for look in looks if look.results is None]
        if trial.n_blocks == len(self._blocks):
            measured = self._measured(trial)
            outcome = Completed(values(measured, self._plan.objectives), len(trial.results))
            await self._end(trial, outcome)
        elif broken and trial.earlier is not None and trial.earlier.is_over:
            await self._end(trial, outcome_of(trial.earlier))
        elif stopped := next((look.stopped for look in broken if look.stopped), ""):
            await self._end(trial, Stopped("interrupted", stopped))
        elif broken:
            # What has passed by the time other pipelines were seen is no fault of this one.
            trial.n_faults += 1
            if trial.n_faults >= N_CHANCES:
                await self._end(trial, Stopped("failed", broken[0].fault))

    def _learn(self, trial: _Trial) -> None:
        """Tell the chooser of blocks that it does not know of."""
        for i in range(self._chooser.n_blocks(trial.place), trial.n_blocks):
            size = len(self._blocks[i])
            start = sum(len(block) for block in self._blocks[:i])
            came = trial.results[start : start + size]
            scores = [score_of(result) or 0.0 for result in came]
            taken = mean_of([self._rules.amount(result) for result in came])
            self._chooser.observe(trial.place, scores, taken)

    async def _end(self, trial: _Trial, outcome: TrialOutcome) -> None:
        if trial.earlier is not None and trial.earlier.is_over:
            outcome = outcome_of(trial.earlier)
        trial.outcome = outcome
        await self._log.append(trial.proposal.number, outcome)
        self._watcher.trial_ended(trial.proposal, outcome)

    async def _close(self) -> None:
        """End the trials that are open."""
        n_all = len(self._plan.examples)
        for trial in self._trials.values():
            if trial.outcome is None:
                seen = len(trial.results)
                reason = f"seen on {seen} of {n_all} questions; more of them promised too little"
                await self._show(trial)
                await self._end(trial, Stopped("pruned", reason))

    def _measured(self, trial: _Trial) -> Measured:
        proposal = trial.proposal
        return Measured(proposal.pipeline_id, proposal.architecture, tuple(trial.results))

    def _complete(self) -> tuple[Measured, ...]:
        return tuple(
            self._measured(trial)
            for trial in self._trials.values()
            if isinstance(trial.outcome, Completed)
        )

    def _finalists(self) -> tuple[Measured, ...]:
        """What is believed best, whether or not it was seen on all questions."""
        if not self._chooser.n_seen:
            return ()
        quality = self._chooser.lower_bounds()
        candidates = [
            trial
            for trial in self._trials.values()
            if trial.n_blocks and _is_pipeline(trial) and not _is(trial.outcome, "failed")
        ]
        valued = [
            (self._values(trial, quality[trial.place]), self._measured(trial))
            for trial in candidates
        ]
        return most_promising(valued, self._plan.objectives, self._rules.n_finalists)

    def _values(self, trial: _Trial, quality: float) -> tuple[float, ...]:
        """Objectives, more being better: what is believed of quality, what was seen of amounts."""
        measured = self._measured(trial)
        return tuple(
            float(quality)
            if objective == "quality"
            else measured.mean(objective) * (1 if DIRECTIONS[objective] == "maximize" else -1)
            for objective in self._plan.objectives
        )


def _is(outcome: TrialOutcome | None, state: str) -> bool:
    return isinstance(outcome, Stopped) and outcome.state == state


def _is_pipeline(trial: _Trial) -> bool:
    """Whether a trial is more than a single call, which runs in the end as what is to be beaten."""
    return estimate_calls(trial.proposal.architecture).calls.high > 1


def _first_limit(rows: Iterable[TrialRow]) -> str:
    """Why the budget ended an earlier run: only it interrupts a trial for good."""
    return next((row.reason for row in rows if row.state == "interrupted"), "")
