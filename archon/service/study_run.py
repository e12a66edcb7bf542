"""Runs one study, or runs it on: the search, then the finalists on held-out questions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from archon.components.estimate_calls import estimate_calls
from archon.core.errors import ArchonError, NotFound
from archon.core.records import HELD_OUT_SPLIT, SEARCH_SPLIT, StudyState
from archon.core.results import ExampleResult
from archon.runtime.budget import StudyClock
from archon.search.baselines import N_SINGLE_CALLS, single_calls
from archon.search.evaluate import Evaluator, RunsUnits, usable
from archon.search.front import finalists
from archon.search.gain.study import GainSearch
from archon.search.held_out import run_held_out
from archon.search.in_order import InOrder
from archon.search.judgement import Judgement
from archon.search.known_good import known_good
from archon.search.objectives import Measured
from archon.search.propose import Proposer
from archon.search.samplers.table import Needs, build_sampler
from archon.search.study import History, Plan, Search, SearchEnd
from archon.search.watch import Watcher
from archon.search.winner import judge
from archon.service.assemble import SharedEngine, open_evaluator
from archon.service.budgets import bought, spent_before
from archon.service.gain_run import GainNeeds, gain_search
from archon.service.needs import check_keys, model_reports
from archon.service.ownership import OwnedStudy
from archon.service.prepare import PreparedJob
from archon.service.progress import Dials, Progress
from archon.service.questions import question_tokens
from archon.service.report import FinalReport
from archon.service.settings import Settings
from archon.service.steering import Steering
from archon.service.tracker import Tracker
from archon.spec.job import JobSpec
from archon.spec.model_spec import ModelSpec
from archon.store.opening import Store

STARTUP_SHARE, FEWEST_STARTUP, MOST_STARTUP = 0.25, 3, 10
"""Before a sampler's model is used, trials are drawn by chance: this share of all, within these
limits (Optuna's own default is the upper one, which would leave a study of a dozen trials to
chance)."""
SEED_SHARE = 1 / 3
"""At most this share of the trials are pipelines that are known to be good elsewhere."""

Say = Callable[[str], None]


async def run_job(
    prepared: PreparedJob,
    store: Store,
    settings: Settings,
    *,
    watcher: Watcher,
    say: Say,
    shared: SharedEngine | None = None,
    dials: Dials | None = None,
) -> None:
    """Run a study to its end, or on from where it stopped. Nothing happens to a completed one.

    A study in which no pipeline could be measured ends as failed, and its reason says why.

    Args:
        prepared: The job with its questions.
        store: Where everything is kept.
        settings: Where keys and folders are.
        watcher: Told how the study goes.
        say: Told what happens besides, a line at a time.
        shared: An embedded engine that outlives the run.
        dials: Gets how far the study is, for whoever shows it.

    Raises:
        SetupError: A model's key is missing. A study that is new is not made.
        StoppedFromOutside: Somebody gave `archon stop`. It rests as paused, and can be resumed.
        ArchonError: The study cannot go on now. It rests as paused, and can be resumed.
        asyncio.CancelledError: It was stopped; likewise.
    """
    if not await _taken(prepared, store, settings):
        return
    clock = StudyClock()
    owned = OwnedStudy(prepared.study_id, store, clock=clock)
    try:
        steering = _steering(prepared.job, store, owned, clock, say)
        await steering.answer_old()
        run = StudyRun(
            prepared,
            store,
            settings,
            owned=owned,
            steering=steering,
            watcher=watcher,
            say=say,
            shared=shared,
        )
        if dials is not None:
            dials.read = run.progress
        state, reason = await owned.keep_during(run.run(), beside=steering.listen())
    except asyncio.CancelledError:
        await owned.pause("stopped by the user")
        raise
    except ArchonError as error:
        await owned.pause(str(error))
        raise
    await owned.rest(state, reason)


async def _taken(prepared: PreparedJob, store: Store, settings: Settings) -> bool:
    """Make the study, where it is new, and take it; False for one that is completed."""
    studies, study_id = store.studies(), prepared.study_id
    try:
        if store.reader().find_study(study_id).state == "completed":
            return False
    except NotFound:
        # An empty study would take over the name of one that ran.
        check_keys(prepared.job.used_models, settings)
        await studies.create(prepared.new_study(), prepared.questions.rows())
    # Also one that is new: another process may have made it in the same moment, and run it.
    await studies.take(study_id)
    return True


def _steering(
    job: JobSpec, store: Store, owned: OwnedStudy, clock: StudyClock, say: Say
) -> Steering:
    """What holds for this run, after what earlier ones spent."""
    totals = store.reader().spend(owned.study_id)
    spent = spent_before(totals)
    return Steering(job, store, owned, clock, spent, say, lost=spent - bought(totals))


class StudyRun:
    """One run of one study, which this process owns."""

    def __init__(
        self,
        prepared: PreparedJob,
        store: Store,
        settings: Settings,
        *,
        owned: OwnedStudy,
        steering: Steering,
        watcher: Watcher,
        say: Say,
        shared: SharedEngine | None,
    ) -> None:
        """Read what earlier runs left; nothing runs yet."""
        self._job = prepared.job
        self._questions = prepared.questions
        self._warnings = prepared.warnings
        self._study_id = prepared.study_id
        self._store = store
        self._settings = settings
        self._owned = owned
        self._steering = steering
        self._say = say
        self._shared = shared
        self._trials = tuple(store.reader().trials(self._study_id, limit=None))
        self._watcher = Tracker(
            watcher,
            steering.budget,
            terms=steering.terms,
            objectives=self._job.objectives,
            finalists=self._job.finalists,
            n_held_out=len(self._questions.split.held_out),
            n_recalled=sum(row.is_over for row in self._trials),
            is_by_units=self._job.sampler == "gain",
            clock=lambda: owned.elapsed_s,
        )
        steering.on_terms = self._watcher.set_terms
        owned.progress = lambda: self.progress().to_json()

    def progress(self) -> Progress:
        """How far the study is."""
        return self._watcher.progress()

    async def run(self) -> tuple[StudyState, str]:
        """Search, judge, keep the report; the state to rest in, and why the search ended."""
        calls, steering = self._store.calls(self._study_id), self._steering
        async with open_evaluator(
            self._models(),
            self._job.benchmark.scorer,
            self._settings,
            calls=calls,
            budget=steering.budget,
            questions_in_flight=steering.terms.questions_in_flight,
            say=self._say,
            shared=self._shared,
        ) as evaluator:
            steering.give_share(1.0 - self._job.budget.held_out_share)
            end = await self._search(evaluator)
            steering.search_ended()
            steering.give_share(1.0)
            judgement, missing = await self._judge(evaluator, end)
        final = FinalReport(
            judgement=judgement,
            held_out_stopped=missing,
            elapsed_s=self._owned.elapsed_s,
            warnings=(*self._warnings, *second_looks(steering.terms.n_reopened)),
        )
        await self._store.studies().save_report(self._study_id, final.to_json())
        return ("completed", end.reason) if end.measured else ("failed", self._why_nothing(end))

    def _why_nothing(self, end: SearchEnd) -> str:
        """Why a search measured nothing at all."""
        trials = self._store.reader().trials(self._study_id, limit=None)
        if end.is_budget_spent:
            return f"the search ended before one pipeline was measured: {end.reason}"
        first = next((f"; trial {row.number}: {row.reason}" for row in trials if row.reason), "")
        return f"not one of {len(trials)} trials could be measured{first}"

    def _models(self) -> tuple[ModelSpec, ...]:
        """Those of the job, and those that only a pipeline of a user's own asks."""
        used = {model.alias for model in self._job.used_models}
        used.update(*(row.proposal.architecture.models() for row in self._trials))
        return tuple(model for model in self._job.models if model.alias in used)

    async def _search(self, evaluator: Evaluator) -> SearchEnd:
        job, terms = self._job, self._steering.terms
        plan = Plan(
            examples=self._questions.split.search,
            block_size=job.block_size,
            objectives=job.objectives,
            n_trials=terms.budget.trials,
            n_parallel=terms.parallel_trials,
            is_racing=job.is_racing,
            widths=terms.widths,
            is_in_order=job.is_deterministic,
            limit_passed=self._limit_passed if self._steering.counts_whole else None,
            at_most=job.at_most,
        )
        log = self._store.trials(self._study_id)
        history = History(self._trials, self._stored(self._pipelines(), SEARCH_SPLIT))
        # What proposes is made of the job as it was: with other limits it would propose others.
        search: Search | GainSearch
        if job.sampler == "gain":
            # Setting it up takes seconds where the space is large.
            search = await asyncio.to_thread(
                gain_search, self._gain_needs(), plan, evaluator, log, self._watcher, history
            )
        else:
            search = Search(plan, proposer_of(job), evaluator, log, self._watcher, history)
        self._steering.search_begins(search, evaluator)
        return await search.run()

    def _gain_needs(self) -> GainNeeds:
        reports = model_reports(self._job.used_models, self._settings)
        return GainNeeds(
            self._job,
            question_tokens(self._questions.benchmark),
            {report.alias: report.price for report in reports if report.price is not None},
        )

    def _limit_passed(self) -> str:
        """Why the study has bought more than the search may take; "" where it has not."""
        caps = self._steering.share_caps
        # The budget counts no less than was bought: far from the limit nobody asks the database.
        if not caps.exceeded_by(self._steering.spent_at_most):
            return ""
        totals = self._store.reader().spend(self._study_id)
        if not caps.exceeded_by(bought(totals)):
            return ""
        return (
            f"the budget of the search, {caps.in_words()}, ended in this batch of trials, and a "
            "deterministic search counts whole batches"
        )

    async def _judge(self, evaluator: Evaluator, end: SearchEnd) -> tuple[Judgement, str]:
        singles = best_single_calls(end.measured)
        if end.measured:
            singles += self._unmeasured_singles(end.measured)
        chosen = chosen_finalists(end, self._job)
        tried = () if chosen else self._tried()
        ids = [one.pipeline_id for one in (*singles, *chosen)]
        done = self._stored(ids, HELD_OUT_SPLIT)
        runner: RunsUnits = evaluator
        if self._job.is_deterministic:
            answered = {one: [result.example_id for result in done[one]] for one in ids}
            runner = InOrder(evaluator, answered)
        self._watcher.n_held_out_recalled = sum(map(len, done.values()))
        measured, missing = await run_held_out(
            (*singles, *chosen),
            self._questions.split.held_out,
            block_size=self._job.block_size,
            evaluator=runner,
            log=self._store.trials(self._study_id),
            watcher=self._watcher,
            done=done,
        )
        n = len(singles)
        self._warnings += tuple(self._job.at_most.about(tried, measured[n:], measured[:n]))
        return judge(measured[:n], measured[n:], self._job.objectives), missing

    def _unmeasured_singles(self, measured: Sequence[Measured]) -> tuple[Measured, ...]:
        """The single calls without a complete trial: a fault must not cost a study its baseline."""
        known = {one.pipeline_id for one in measured}
        rows = self._store.reader().trials(self._study_id, limit=None)
        begun = [row.proposal for row in rows if row.proposal.origin == "baseline"]
        return tuple(
            Measured(proposal.pipeline_id, proposal.architecture, ())
            for proposal in begun
            if proposal.pipeline_id not in known
        )

    def _tried(self) -> tuple[Measured, ...]:
        """What might have become a finalist, as far as the search saw it."""
        if not self._job.at_most.ceilings():
            return ()
        rows = self._store.reader().trials(self._study_id, limit=None)
        begun = {row.proposal.pipeline_id: row.proposal.architecture for row in rows}
        stored = self._stored(list(begun), SEARCH_SPLIT)
        seen = (Measured(one, begun[one], results) for one, results in stored.items())
        return tuple(one for one in seen if not is_single_call(one))

    def _pipelines(self) -> list[str]:
        return [row.proposal.pipeline_id for row in self._trials]

    def _stored(
        self, pipeline_ids: Sequence[str], split: str
    ) -> dict[str, tuple[ExampleResult, ...]]:
        reader = self._store.reader()
        return {
            pipeline_id: usable(reader.results(self._study_id, pipeline_id, split=split))
            for pipeline_id in pipeline_ids
        }


def proposer_of(job: JobSpec) -> Proposer:
    """The proposer of a job, with an empty history."""
    starts = single_calls(job.space)
    n_trials = job.budget.trials or int(MOST_STARTUP / STARTUP_SHARE)
    n_startup = min(MOST_STARTUP, max(FEWEST_STARTUP, int(n_trials * STARTUP_SHARE)))
    if job.sampler != "exhaustive":
        seeds = known_good(job.space, most=int(n_trials * SEED_SHARE))
        # Chance keeps its share: what is known to be good is no draw.
        starts, n_startup = (*starts, *seeds), n_startup + len(seeds)
    needs = Needs(
        job.space, job.objectives, job.seed, n_startup=n_startup, n_trials=job.budget.trials
    )
    return Proposer(job.space, build_sampler(job.sampler, needs), seed=job.seed, starts=starts)


def chosen_finalists(end: SearchEnd, job: JobSpec) -> tuple[Measured, ...]:
    """The pipelines that run again on held-out questions, beside the single calls."""
    if end.finalists is not None:
        return end.finalists
    others = [one for one in end.measured if not is_single_call(one)]
    return finalists(job.at_most.within(others), job.objectives, job.finalists)


def second_looks(n_reopened: int) -> tuple[str, ...]:
    """What is to be said of a verdict that is not the study's first."""
    if not n_reopened:
        return ()
    times = "once" if n_reopened == 1 else f"{n_reopened} times"
    return (
        f"the search ran on after its held-out questions had been judged {times}: whoever goes on "
        "until a winner comes up finds one by chance more often than the intervals say",
    )


def is_single_call(one: Measured) -> bool:
    """Whether a pipeline makes one call a question: what somebody without Archon does."""
    return estimate_calls(one.architecture).calls.high == 1


def best_single_calls(measured: Sequence[Measured]) -> tuple[Measured, ...]:
    """The single calls that a winner has to beat: the best in quality, the cheaper where equal.

    Several, since the one that looks best on few questions often is not.
    """
    singles = [one for one in measured if is_single_call(one)]
    best_first = sorted(
        singles, key=lambda one: (-one.mean("quality"), one.mean("tokens"), one.pipeline_id)
    )
    return tuple(best_first[:N_SINGLE_CALLS])
