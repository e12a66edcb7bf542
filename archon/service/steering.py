"""Follows what users ask of a running study from outside: pause, resume, stop, finish, change.

Once a second the process that runs the study looks for instructions in the database, and answers
each in its row. What allows more is durable before anything is bought with it, and what allows less
holds before it is said: a study passes neither its old limits nor its new ones.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace

from archon.core.errors import ArchonError, StoreError
from archon.core.records import Instruction
from archon.runtime.budget import Amount, Budget, Caps, StudyClock
from archon.search.evaluate import Evaluator
from archon.search.steered import Steered
from archon.service.budgets import caps_of
from archon.service.ownership import OwnedStudy
from archon.service.terms import (
    FINISHED,
    TOO_EARLY,
    Change,
    Terms,
    lower_of,
    no_room,
    recorded,
    refusal,
    terms_of,
)
from archon.service.units import counted
from archon.spec.job import BudgetSpec, JobSpec
from archon.store.opening import Store

LOOK_EVERY_S = 1.0
DRAIN_S = 10.0
"""So long `archon stop` waits for calls in flight: they are paid for."""

_NUSD_PER_USD = 1_000_000_000


class StoppedFromOutside(ArchonError):
    """Somebody gave `archon stop`. The study rests, and can be run on."""

    exit_code = 130


class Steering:
    """What holds for one run of a study, and who changes it."""

    def __init__(
        self,
        job: JobSpec,
        store: Store,
        owned: OwnedStudy,
        clock: StudyClock,
        spent: Amount,
        say: Callable[[str], None],
        *,
        lost: Amount,
    ) -> None:
        """Read what was changed in earlier runs.

        Args:
            job: The study's, as it is in its file.
            store: Where instructions come from.
            owned: The study, which this process has.
            clock: Stands still while the study is paused; the one that ``owned`` counts with.
            spent: What earlier runs took.
            say: Told what was done, a line at a time.
            lost: Of ``spent``, what was lost when runs were cut off.
        """
        self._job = job
        self._study_id = owned.study_id
        self._instructions = store.instructions(owned.study_id)
        self._studies = store.studies()
        self._reader = store.reader()
        self._owned = owned
        self._clock = clock
        self._say = say
        self.terms: Terms = terms_of(job, self._reader.instructions(owned.study_id))
        self._share = 1.0
        self._lost = lost
        self.counts_whole = job.is_deterministic
        """Whether steps of the search count whole or not at all, so that where its share of the
        limits ends it does not depend on which call came first; also where there is no limit, since
        one may be set on the way."""
        self._n_begun = len(self._reader.trials(owned.study_id, limit=None))
        self._search: Steered | None = None
        self._evaluator: Evaluator | None = None
        self._is_unsure = False
        """Whether an answer met a fault: it may have been stored, or not."""
        self.budget = Budget(self._caps(self.terms.budget), clock, spent)
        self.on_terms: Callable[[Terms], None] = lambda terms: None
        """Told of new terms."""

    def give_share(self, share: float) -> None:
        """Let only this share of the limits be spent from now on."""
        self._share = share
        self._set_caps()

    @property
    def share_caps(self) -> Caps:
        """The limits that hold for what is done now."""
        return self._caps(self.terms.budget)

    @property
    def spent_at_most(self) -> Amount:
        """No less than what was bought: what calls of this run may have taken counts as taken."""
        return self.budget.spent - self._lost

    def _set_caps(self) -> None:
        if self.counts_whole and self._share < 1.0:
            self.budget.caps = self._caps(self.terms.budget, share=1.0)
            # What was lost when a run was cut off is taken from what is kept back.
            self.budget.share = self.share_caps.plus(self._lost)
        else:
            self.budget.caps, self.budget.share = self.share_caps, None

    def search_begins(self, search: Steered, evaluator: Evaluator) -> None:
        """Steer this search from now on."""
        self._search, self._evaluator = search, evaluator
        self._hold_to(self.terms)  # it was set up with the terms of some seconds ago
        if self.terms.finish:
            self._say(f"The search was {self.terms.finish}: the finalists come next.")
            self._end_search()

    def search_ended(self) -> None:
        """The finalists run: calls that were refused since the search was to end are allowed."""
        self.budget.close("")

    async def answer_old(self) -> None:
        """Follow or discard what was asked of an earlier run that did not hear it."""
        for one in self._reader.instructions(self._study_id, is_waiting=True):
            if one.verb in ("change", "finish"):
                await self._follow(one)
            else:
                answer = "the process that it was for had ended"
                await self._instructions.answer(one.number, "void", answer)
                self._say(f"`archon {one.verb}` of an earlier run is void: {answer}.")

    async def listen(self) -> None:
        """Follow instructions until this is cancelled.

        Raises:
            StoppedFromOutside: One of them says so.
        """
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            # A database that is away for a while is met by those who write; here it only delays.
            with contextlib.suppress(StoreError):
                if self._is_unsure:
                    await self._hold_to_what_is_stored()
                for one in await asyncio.to_thread(self._waiting):
                    # Those before it may have taken long, and who gave it has given up.
                    if one.number in {other.number for other in self._waiting()}:
                        await self._follow(one)

    def _waiting(self) -> tuple[Instruction, ...]:
        return tuple(self._reader.instructions(self._study_id, is_waiting=True))

    async def _hold_to_what_is_stored(self) -> None:
        """An answer met a fault: whether it was stored, and so what holds, the database says."""
        rows = await asyncio.to_thread(self._reader.instructions, self._study_id)
        self._hold_to(terms_of(self._job, rows))
        if self.terms.finish:
            self._end_search()
            await self._go_on()
        self._is_unsure = False

    async def _follow(self, one: Instruction) -> None:
        match one.verb:
            case "pause":
                await self._pause(one)
            case "resume":
                await self._resume(one)
            case "finish":
                await self._finish(one)
            case "change":
                await self._change(one)
            case "stop":
                await self._stop(one)
        await self._owned.beat()  # what readers see of the study is what was answered

    async def _pause(self, one: Instruction) -> None:
        if self.budget.is_paused:
            await self._instructions.answer(one.number, "done", "it is paused already")
            return
        self.budget.pause()
        self._clock.stop()
        await self._hold(is_held=True)
        await self._done(one, f"paused{self._in_flight()}")

    async def _resume(self, one: Instruction) -> None:
        if not self.budget.is_paused:
            await self._instructions.answer(one.number, "done", "it is not paused, and goes on")
            return
        await self._go_on()
        await self._done(one, "goes on")

    async def _go_on(self) -> None:
        if self.budget.is_paused:
            await self._hold(is_held=False)
            self._clock.go_on()
            self.budget.go_on()

    async def _hold(self, *, is_held: bool) -> None:
        """Note it while the clock stands still, and where: the process may be killed in a pause."""
        elapsed_s = self._owned.elapsed_s
        await self._studies.hold(self._study_id, is_held=is_held, elapsed_s=elapsed_s)

    async def _stop(self, one: Instruction) -> None:
        self.budget.pause()
        self._clock.stop()
        await self._done(one, f"stops{self._in_flight()}")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.budget.settled(), DRAIN_S)
        raise StoppedFromOutside(f"stopped by `archon stop` from {one.given_from}")

    async def _finish(self, one: Instruction) -> None:
        if self._search is not None and self._search.is_over:
            await self._instructions.answer(one.number, "done", "the finalists run already")
            return
        if not (await asyncio.to_thread(self._reader.find_study, self._study_id)).n_complete:
            await self._refuse(one, TOO_EARLY)
            return
        self.terms = replace(self.terms, finish=FINISHED)
        await self._done(one, f"ends the search{self._in_flight()}; the finalists come next")
        self._end_search()
        await self._go_on()

    async def _refuse(self, one: Instruction, reason: str) -> None:
        await self._instructions.answer(one.number, "refused", reason)
        self._say(f"`archon {_name_of(one)}` from {one.given_from} was refused: {reason}")

    def _end_search(self) -> None:
        if self._search is not None and not self._search.is_over:
            self._search.end(FINISHED)
            self.budget.close(FINISHED)

    async def _change(self, one: Instruction) -> None:
        change = Change.from_json(one.arguments_json)
        n_begun = self._n_begun if self._search is None else self._search.n_proposed
        # From here to the caps nothing else runs: what is spent and in flight stays as it is.
        spent = amounts(self.budget.spent) | {"trials": n_begun, "wall_s": self._owned.elapsed_s}
        if reason := refusal(change, spent=spent, reserved=amounts(self.budget.reserved)):
            await self._refuse(one, reason)
            return
        said, from_trial = self.terms.in_words(change), self.terms.begins_at(n_begun)
        new = self.terms.with_change(change, from_trial=from_trial)
        self._hold_to(replace(new, budget=lower_of(self.terms.budget, new.budget)))
        written = recorded(change, from_trial=from_trial, reopens=False, was_judged=False)
        if change.limits():
            said += self._consequence(new, spent)
        await self._done(one, said, arguments=written)
        self._hold_to(new)

    def _consequence(self, new: Terms, spent: dict[str, float]) -> str:
        """What other limits mean for the search, as the end of a sentence."""
        if self._search is not None and self._search.is_over:
            return "; the search is over and its finalists run, for which it holds"
        if self.counts_whole:
            spent = spent | amounts(self.spent_at_most)
        narrow = no_room(new.budget, spent)
        return f"; this ends the search. {narrow}".removesuffix(".") if narrow else ""

    def _hold_to(self, terms: Terms) -> None:
        self.terms = terms
        self._set_caps()
        if self._search is not None:
            self._search.change(n_trials=terms.budget.trials, widths=terms.widths)
        if self._evaluator is not None:
            self._evaluator.questions_in_flight = terms.questions_in_flight
        self.on_terms(terms)

    def _caps(self, budget: BudgetSpec, *, share: float | None = None) -> Caps:
        share = self._share if share is None else share
        return caps_of(budget, began_s=self._owned.began_s, share=share)

    async def _done(self, one: Instruction, answer: str, *, arguments: str | None = None) -> None:
        try:
            await self._instructions.answer(one.number, "done", answer, arguments=arguments)
        except StoreError:
            self._is_unsure = True
            raise
        self._say(f"`archon {_name_of(one)}` from {one.given_from}: {answer}.")

    def _in_flight(self) -> str:
        n = self.budget.reserved.calls
        return f"; {counted(n, 'call')} in flight {'is' if n == 1 else 'are'} finished" if n else ""


def _name_of(one: Instruction) -> str:
    """The command that gives it."""
    return "stop --finish" if one.verb == "finish" else one.verb


def amounts(given: Amount) -> dict[str, float]:
    """An amount by the names of limits."""
    usd = given.cost_nusd / _NUSD_PER_USD
    return {"calls": given.calls, "tokens": given.tokens, "usd": usd}
