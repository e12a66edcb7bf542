"""The loop of a study that goes by units: choose, see on one more block, learn.

Proposals are durable before they run, results before they count, as in ``archon.search.study``. No
trial is run to its end because it was begun: most are seen on a few blocks, and stay open until the
search ends. What is chosen depends on results alone, so a study that was cut off goes the way that
it went before, over what is recorded, and then on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from archon.components.estimate_calls import estimate_calls
from archon.core.records import TrialLog
from archon.core.results import ExampleResult
from archon.core.seeds import derive_seed
from archon.search.evaluate import RunsUnits
from archon.search.front import most_promising, non_dominated
from archon.search.gain.chooser import Chooser
from archon.search.gain.pool import Pool
from archon.search.gain.trial import Trial
from archon.search.gain.trials import Trials
from archon.search.objectives import DIRECTIONS, Measured, Objective
from archon.search.study import TRIALS_DONE, History, Plan, SearchEnd
from archon.search.watch import Watcher
from archon.search.widths import Widths, width_at

LEADER_EVERY = 4
"""After so many blocks for each unit of a step, the pipeline that leads is seen on one more,
whatever that is worth: what a user ships should have been seen on all questions."""
N_PARENTS, N_FRESH = 24, 200
"""When the pool of a large space changes: so many that look best, and so many near them."""
LEAST_GAIN = 1e-4
"""In score, and in volume under the front where there are several objectives: where no further look
at any pipeline is worth as much, a search is over, whatever is left of its budget."""
NOTHING_PROMISING = "no further question promises to improve the choice noticeably"


@dataclass(frozen=True, slots=True)
class Rules:
    """What a search by units does besides its plan."""

    n_finalists: int
    n_seeds: int
    """Pipelines known to be good elsewhere that are seen on a block before anything is chosen."""
    amounts: tuple[Objective, ...]
    """What the chooser is told besides quality: objectives, then what has a ceiling."""
    fits: Callable[[Measured], bool]
    """Whether what was seen of a pipeline keeps to the ceilings."""
    is_whole: bool
    """Whether the pool holds all of the space."""
    seed: int
    """Of the study."""
    amount: Callable[[ExampleResult], float]
    """What a question took as deployed, in the unit that the chooser's prices have."""


class GainSearch:
    """One search by units, from its history to its end."""

    def __init__(
        self,
        plan: Plan,
        rules: Rules,
        pool: Pool,
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
            pool: The pipelines that can be tried at first.
            chooser: Over this pool, with nothing seen.
            evaluator: Runs units.
            log: Where everything is recorded.
            watcher: Told of everything.
            history: What earlier runs left.
        """
        self._plan, self._rules = plan, rules
        self._pool, self._chooser, self._watcher = pool, chooser, watcher
        self._n_grown, self._leader_due = 0, 0
        self._widths = plan.widths or ((0, plan.n_parallel),)
        self._is_over = False
        self._trials = Trials(
            plan,
            self._pool,
            chooser,
            evaluator,
            log,
            watcher,
            history,
            amount=rules.amount,
            amounts=rules.amounts,
        )

    @property
    def n_proposed(self) -> int:
        """See ``Steered``."""
        return self._trials.n_numbers

    @property
    def is_over(self) -> bool:
        """See ``Steered``."""
        return self._is_over

    def change(self, *, n_trials: int | None, widths: Widths) -> None:
        """See ``Steered``: widths are units at a step, by the trials that were begun before."""
        self._trials.n_trials, self._widths = n_trials, widths

    def end(self, reason: str) -> None:
        """See ``Steered``."""
        self._trials.limit = self._trials.limit or reason

    async def run(self) -> SearchEnd:
        """Search until no further look promises to improve the choice, or the budget is spent.

        Raises:
            ArchonError: The database, a key, a model or every endpoint failed. Trials stay open,
                for a later run.
        """
        self._watcher.search_begins(self._trials.n_trials, len(self._plan.examples))
        await self._open_with_starts()
        reason = self._trials.spent
        is_live = False
        while not reason:
            # Choosing takes a while where much was seen; calls in flight must not wait for it.
            chosen = await asyncio.to_thread(self._next)
            if not is_live and not all(map(self._trials.is_recorded, chosen)):
                # What follows is new. What is recorded and was not come to is taken first.
                is_live = True
                if await self._catch_up(chosen):
                    continue
            steps = [(place, self._trials.n_done(place) + 1) for place in chosen]
            if steps and await self._trials.see(steps):
                reason = self._trials.spent
            else:
                reason = self._trials.spent or await self._finish()
        await self._catch_up(())
        self._is_over = True
        await self._trials.close(reason)
        finalists = await asyncio.to_thread(self._finalists)
        return SearchEnd(reason, bool(self._trials.spent), self._trials.complete(), finalists)

    async def _catch_up(self, chosen: Sequence[int]) -> bool:
        """Take what earlier runs recorded, besides what is chosen anyway; whether there was any."""
        steps = self._trials.catch_up(chosen)
        for i in range(0, len(steps), self._width):
            await self._trials.see(steps[i : i + self._width])
        return bool(steps)

    async def _finish(self) -> str:
        """See on all questions what runs again in the end, and what a user asked for.

        What met a fault gets its second chance.

        Returns:
            Why the search ended.
        """
        if not self._trials.spent:
            finalists = await asyncio.to_thread(self._finalists)
            chosen = {one.pipeline_id for one in finalists}
            open_ones = [
                trial.place
                for trial in self._trials.all()
                if self._trials.is_open(trial.place)
                and (
                    trial.proposal.pipeline_id in chosen
                    or trial.proposal.origin == "user"
                    or trial.faults[trial.n_blocks] > 0
                )
            ]
            if not open_ones:
                return self._ended()
            now = open_ones[: self._width]
            await self._trials.see([(place, self._trials.n_done(place) + 1) for place in now])
        return self._trials.spent

    def _ended(self) -> str:
        return TRIALS_DONE if self._trials.is_full else NOTHING_PROMISING

    @property
    def leader(self) -> str:
        """Id of the pipeline that would be named now; "" before anything was seen."""
        if not self._chooser.model.n_seen:
            return ""
        return self._pool[self._leading()].architecture.pipeline_id()

    def front(self) -> tuple[str, ...]:
        """Ids of the pipelines that are believed to be on the front, of those that were seen."""
        if not self._chooser.model.n_seen:
            return ()
        means = self._chooser.model.belief.means
        seen = {
            trial.proposal.pipeline_id: self._values(trial, float(means[trial.place]))
            for trial in self._trials.all()
            if trial.n_blocks
        }
        names = list(seen)
        kept = non_dominated(dict(enumerate(seen.values())))
        return tuple(names[i] for i in kept)

    def _grow(self) -> None:
        """Pipelines near those that look best take the places of the least promising, whenever the
        model was fitted anew.
        """
        if self._rules.is_whole or self._chooser.model.n_fits == self._n_grown:
            return
        self._n_grown = self._chooser.model.n_fits
        order = self._chooser.by_reach()
        begun = {trial.place for trial in self._trials.begun()}
        free = [i for i in order if self._pool[i].origin == "search" and i not in begun]
        seed = derive_seed(self._rules.seed, "grow", self._n_grown)
        fresh = self._pool.near(order[:N_PARENTS], min(N_FRESH, len(free) // 2), seed)
        changes = dict(zip(reversed(free), fresh, strict=False))
        self._trials.leave(changes)
        self._pool.replace(changes)
        self._chooser.replace({place: one.architecture for place, one in changes.items()})

    async def _open_with_starts(self) -> None:
        """Single calls on all questions, then the pipelines known to be good on a block."""
        places = range(len(self._pool))
        singles = [i for i in places if self._pool[i].origin == "baseline"]
        seeds = [i for i in places if self._pool[i].origin == "seed"]
        steps = [(i, len(self._trials.blocks)) for i in singles]
        steps += [(i, 1) for i in seeds[: self._rules.n_seeds]]
        # What the smallest budgets pay for is kept, though steps may count whole or not at all.
        n = self._width
        first = 1 if self._plan.limit_passed is not None else n
        for i in (0, *range(first, len(steps), n)):
            if not self._trials.spent:
                await self._trials.see(steps[i : i + n if i else first])

    def _next(self) -> list[int]:
        """Pipelines that are seen on one more block each; none where that is worth too little."""
        if waiting := list(dict.fromkeys((*self._trials.retries(), *self._asked_for()))):
            return waiting[: self._width]
        self._chooser.model.fit()
        self._grow()
        begun = [trial.place for trial in self._trials.begun()]
        among = begun if self._trials.is_full else range(len(self._pool))
        left = [place for place in among if self._trials.is_open(place)]
        allowed = [place for place in left if not self._trials.rests(place)] or left
        chosen = self._chooser.next(self._width, allowed, least=LEAST_GAIN)
        if not chosen and self._chooser.model.fit(now=True):
            # The last word is that of a model that knows everything.
            chosen = self._chooser.next(self._width, allowed, least=LEAST_GAIN)
        if (
            chosen
            and self._chooser.model.n_seen
            and self._chooser.model.n_learnt >= self._leader_due
        ):
            self._leader_due = self._chooser.model.n_learnt + LEADER_EVERY * self._width
            leader = self._leading()
            if leader in allowed:
                chosen = [leader, *(place for place in chosen if place != leader)]
        return chosen[: self._width]

    @property
    def _width(self) -> int:
        """Units at a step."""
        return width_at(len(self._trials.begun()), self._widths)

    def _asked_for(self) -> list[int]:
        """A user's own pipelines that are not seen on all questions, once their turn has come.

        Their turn comes when every trial that was begun before them was looked at.
        """
        return [
            trial.place
            for trial in self._trials.all()
            if trial.proposal.origin == "user"
            and self._trials.is_open(trial.place)
            and self._trials.has_come_to(trial.proposal.number)
        ]

    def _leading(self) -> int:
        """The pipeline to name now; of those that failed or pass a ceiling, none."""
        unfit = [
            trial.place
            for trial in self._trials.all()
            if trial.n_blocks and (trial.has_failed or not self._rules.fits(trial.measured))
        ]
        return self._chooser.best(without=unfit)

    def _finalists(self) -> tuple[Measured, ...]:
        """What is believed best, whether or not it was seen on all questions."""
        if not self._chooser.model.n_seen:
            return ()
        quality = self._chooser.lower_bounds()
        candidates = [
            trial
            for trial in self._trials.all()
            if trial.n_blocks
            and _is_pipeline(trial)
            and not trial.has_failed
            and self._rules.fits(trial.measured)
        ]
        valued = [
            (self._values(trial, quality[trial.place]), trial.measured) for trial in candidates
        ]
        return most_promising(valued, self._plan.objectives, self._rules.n_finalists)

    def _values(self, trial: Trial, quality: float) -> tuple[float, ...]:
        """Objectives, more being better: what is believed of quality, what was seen of amounts."""
        measured = trial.measured
        return tuple(
            float(quality)
            if objective == "quality"
            else measured.mean(objective) * (1 if DIRECTIONS[objective] == "maximize" else -1)
            for objective in self._plan.objectives
        )


def _is_pipeline(trial: Trial) -> bool:
    """Whether a trial is more than a single call, which runs in the end as what is to be beaten."""
    return estimate_calls(trial.proposal.architecture).calls.high > 1
