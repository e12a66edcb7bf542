"""Watches a study for its forecast: what each trial took, and what the held-out run will take."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from archon.core.records import HELD_OUT_SPLIT, ProposalRow
from archon.core.results import Completed, ExampleResult, Spending, TrialOutcome
from archon.runtime.budget import Amount, Budget
from archon.search.baselines import N_SINGLE_CALLS
from archon.search.objectives import DIRECTIONS, Objective
from archon.search.watch import Watcher
from archon.service.forecast import QUANTITIES, Amounts, Quantity, Standing, forecast
from archon.service.progress import Progress
from archon.service.terms import Terms

_NUSD_PER_USD = 1_000_000_000


@dataclass(slots=True)
class Sums:
    """Calls, tokens and money of several questions."""

    calls: int = 0
    tokens: int = 0
    usd: float = 0.0
    n: int = 0

    def add(self, spending: Spending) -> None:
        """One more question."""
        self.calls += spending.calls
        self.tokens += spending.tokens
        self.usd += spending.cost_nusd / _NUSD_PER_USD
        self.n += 1

    def times(self, factor: float) -> dict[Quantity, float]:
        """So many times as much."""
        return {
            "calls": self.calls * factor,
            "tokens": self.tokens * factor,
            "usd": self.usd * factor,
        }


@dataclass(slots=True)
class _Trial:
    """A trial that was begun."""

    is_baseline: bool
    bought: Sums = field(default_factory=Sums)
    deployed: Sums = field(default_factory=Sums)
    first: float | None = None
    """Its value of the first objective, the larger the better; None unless it is complete."""


class Tracker:
    """A ``Watcher`` in front of another one. Reads the budget and the clock when it is asked.

    ``progress`` may be asked from another thread, as a display does: it goes through copies, each
    made in one step of the interpreter.
    """

    def __init__(
        self,
        watcher: Watcher,
        budget: Budget,
        *,
        terms: Terms,
        objectives: Sequence[Objective],
        finalists: int,
        n_held_out: int,
        n_recalled: int,
        is_by_units: bool = False,
        clock: Callable[[], float],
    ) -> None:
        """Nothing has begun.

        Args:
            watcher: Told of everything too.
            budget: The study's.
            terms: Its limits as they are now.
            objectives: The study's.
            finalists: Most of them.
            n_held_out: The held-out questions.
            n_recalled: Trials that ended in earlier runs.
            is_by_units: Whether trials stay open until the search ends by itself, which cannot be
                foretold.
            clock: Seconds that the study has run, over all its runs, without pauses.
        """
        self._inner = watcher
        self._budget = budget
        self._terms = terms
        self._objectives = objectives
        self._finalists = finalists
        self._n_held_out = n_held_out
        self._n_recalled = n_recalled
        self._is_by_units = is_by_units
        self._clock = clock
        self._recalled_s = clock() / n_recalled if n_recalled else 0.0
        self.n_held_out_recalled = 0
        """Held-out results of earlier runs, which cost no time in this one."""
        self._phase = "starting"
        self._n_ended = 0
        self._n_complete = 0
        self._came: dict[bool, set[tuple[str, str]]] = {False: set(), True: set()}
        self._of_questions: int | None = None
        self._n_examples = 0
        self._trials: dict[str, _Trial] = {}
        self._took: list[Amounts] = []
        self._open: set[str] = set()
        self._batch: list[str] = []
        self._batch_began_s = 0.0
        self._held_out_began_s = 0.0
        self._held_out = Sums()

    def search_begins(self, n_trials: int | None, n_examples: int) -> None:
        """See ``Watcher``."""
        self._phase, self._n_examples = "searching", n_examples
        self._inner.search_begins(n_trials, n_examples)

    def trial_begins(self, proposal: ProposalRow) -> None:
        """See ``Watcher``."""
        if not self._open:
            self._batch, self._batch_began_s = [], self._clock()
        self._open.add(proposal.pipeline_id)
        self._batch.append(proposal.pipeline_id)
        self._trials[proposal.pipeline_id] = _Trial(proposal.origin == "baseline")
        self._inner.trial_begins(proposal)

    def results_came(self, results: Sequence[ExampleResult]) -> None:
        """See ``Watcher``."""
        for result in results:
            is_held_out = result.split == HELD_OUT_SPLIT
            self._came[is_held_out].add((result.pipeline_id, result.example_id))
            if is_held_out:
                self._held_out.add(result.bought)
            elif (trial := self._trials.get(result.pipeline_id)) is not None:
                trial.bought.add(result.bought)
                trial.deployed.add(result.deployed)
        self._inner.results_came(results)

    def trial_ended(self, proposal: ProposalRow, outcome: TrialOutcome) -> None:
        """See ``Watcher``."""
        self._n_ended += 1
        trial = self._trials[proposal.pipeline_id]
        if isinstance(outcome, Completed):
            self._n_complete += 1
            sign = 1 if DIRECTIONS[self._objectives[0]] == "maximize" else -1
            trial.first = sign * outcome.objectives[0]
        self._open.discard(proposal.pipeline_id)
        if not self._open:
            self._end_batch()
        self._inner.trial_ended(proposal, outcome)

    def held_out_begins(self, n_pipelines: int, n_examples: int) -> None:
        """See ``Watcher``."""
        self._phase, self._of_questions = "held out", n_pipelines * n_examples
        self._held_out_began_s = self._clock()
        self._inner.held_out_begins(n_pipelines, n_examples)

    def set_terms(self, terms: Terms) -> None:
        """Other limits hold from now on."""
        self._terms = terms

    def progress(self) -> Progress:
        """How far the study is."""
        n_trials = self._terms.budget.trials
        limits = self._terms.limits
        is_held_out = self._phase == "held out"
        spent = {**_amounts(self._budget.spent), "seconds": self._clock()}
        left = None if n_trials is None else max(0, n_trials - len(self._took))
        now = Standing(
            spent=spent,
            limits=limits,
            held_out_share=self._terms.budget.held_out_share,
            trials=tuple(self._took),
            n_left=left,
            begun=self._begun(),
            held_out=self._rest() if is_held_out else self._expected_held_out(),
            is_search_over=is_held_out,
        )
        is_known = not is_held_out or self._n_new_held_out() > 0
        of_search: int | None = None
        if n_trials is not None and not self._is_by_units:
            of_search = n_trials * self._n_examples
        is_foretold = is_held_out or not self._is_by_units
        return Progress(
            phase=self._phase,
            is_paused=self._budget.is_paused,
            is_by_units=self._is_by_units,
            n_begun=len(self._trials),
            n_ended=self._n_ended,
            n_complete=self._n_complete,
            n_trials=n_trials,
            n_questions=len(self._came[is_held_out]),
            of_questions=self._of_questions if is_held_out else of_search,
            spent=spent,
            limits=limits,
            forecast=forecast(now)
            if is_known and is_foretold and self._phase != "starting"
            else None,
        )

    def _end_batch(self) -> None:
        """Note what each trial of a batch took; of its time, all of them the same share."""
        n = len(self._batch)
        is_recalled = self._n_ended <= self._n_recalled
        share_s = self._recalled_s if is_recalled else (self._clock() - self._batch_began_s) / n
        for one in self._batch:
            self._took.append({**self._trials[one].bought.times(1.0), "seconds": share_s})
        self._batch = []

    def _begun(self) -> dict[Quantity, float]:
        """What the trials of the batch that runs have taken."""
        batch = tuple(self._batch)
        if not batch:
            return {}
        trials = self._trials
        parts = [trials[one].bought.times(1.0) for one in batch if one in trials]
        sums = {q: sum(part.get(q, 0.0) for part in parts) for q in QUANTITIES}
        return sums | {"seconds": self._clock() - self._batch_began_s}

    def _expected_held_out(self) -> dict[Quantity, float]:
        """What the finalists and the single calls would take, as far as they are known."""
        complete = [trial for trial in tuple(self._trials.values()) if trial.first is not None]
        singles = [trial for trial in complete if trial.is_baseline][:N_SINGLE_CALLS]
        others = [trial for trial in complete if not trial.is_baseline]
        best = sorted(others, key=lambda trial: -(trial.first or 0.0))[: self._finalists]
        found: dict[Quantity, float] = dict.fromkeys(QUANTITIES, 0.0)
        for trial in (*singles, *best):
            if trial.deployed.n:
                for q, value in trial.deployed.times(self._n_held_out / trial.deployed.n).items():
                    found[q] += value
        took = tuple(self._took)
        if bought := sum(one["calls"] for one in took):
            each_s = sum(one["seconds"] for one in took) / bought
            found["seconds"] = found["calls"] * each_s
        return found

    def _n_new_held_out(self) -> int:
        return self._held_out.n - self.n_held_out_recalled

    def _rest(self) -> Mapping[Quantity, float]:
        """What the held-out questions that are left take, at the pace of those that are done."""
        done, n_new = self._held_out.n, self._n_new_held_out()
        left = max(0, (self._of_questions or 0) - done)
        if not done or not n_new:
            return {}
        pace_s = (self._clock() - self._held_out_began_s) / n_new
        return {**self._held_out.times(left / done), "seconds": pace_s * left}


def _amounts(spent: Amount) -> dict[Quantity, float]:
    return {
        "calls": spent.calls,
        "tokens": spent.tokens,
        "usd": spent.cost_nusd / _NUSD_PER_USD,
    }
