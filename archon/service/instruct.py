"""Asks something of a study from outside its process, and waits for what came of it.

Where no process runs the study, a change of its limits is made here and now, and the next run has
it. Nothing else is kept for later: no search waits for an `archon resume` of last week.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from typing import Literal

from archon.core.errors import ArchonError, Conflict, SpecError
from archon.core.records import StudyRow, Verb
from archon.runtime.budget import Amount
from archon.service.budgets import bought, spent_before
from archon.service.listing import state_of
from archon.service.prepare import check_priced
from archon.service.report import job_of
from archon.service.steering import amounts
from archon.service.terms import (
    FINISHED,
    TOO_EARLY,
    Change,
    Terms,
    no_room,
    recorded,
    refusal,
    terms_of,
)
from archon.store.opening import Store

LOOK_EVERY_S = 0.1
PATIENCE_S = 30.0
"""A process that runs a study answers within two seconds, unless its database is away."""

NOTHING = Change()
_MOST = {"usd": 1e7, "wall_s": 1e8}


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of an instruction."""

    study: StudyRow
    answer: str
    state: Literal["done", "refused"]
    is_running: bool
    """Whether a process follows it; else it holds for the next run."""


async def instruct(
    reference: str,
    verb: Verb,
    store: Store,
    *,
    change: Change = NOTHING,
    patience_s: float = PATIENCE_S,
) -> Answered:
    """Ask something of a study.

    Args:
        reference: Id, beginning of an id, or name of the study.
        verb: What to do.
        store: Where studies are.
        change: What to set, where that is the verb.
        patience_s: How long to wait for the process that runs the study.

    Raises:
        NotFound: There is no such study.
        SpecError: A limit is out of range, counts money that has no price, or counts time in a
            deterministic study.
        ArchonError: No process runs the study, and there is nothing to do without one.
        Conflict: The process does not answer.
    """
    study = store.reader().find_study(reference)
    if verb == "change":
        _check(change, study)
    deadline = time.monotonic() + patience_s
    while True:
        study = store.reader().find_study(study.study_id)
        if not study.has_live_owner:
            answer = await _at_rest(study, verb, store, change)
            if answer is not None:
                return answer
        elif (answer := await _asked(study, verb, store, change, deadline)) is not None:
            return answer
        # It was taken, or let go, in between: the other way, then.
        if time.monotonic() > deadline:
            raise Conflict(f"study {study.study_id} changes hands; try again. See: archon ls")
        await asyncio.sleep(LOOK_EVERY_S)


async def _asked(
    study: StudyRow, verb: Verb, store: Store, change: Change, deadline: float
) -> Answered | None:
    """Ask the process that runs a study; None where it ended before it could answer."""
    given, reader = store.instructions(study.study_id), store.reader()
    try:
        number = await given.give(verb, change.to_json())
    except Conflict:
        return None
    while True:
        one = reader.instructions(study.study_id)[number]
        if one.state == "done" or one.state == "refused":
            return Answered(study, one.answer, one.state, is_running=True)
        is_gone = not reader.find_study(study.study_id).has_live_owner
        if is_gone or one.state == "void" or time.monotonic() > deadline:
            if not await given.withdraw(number):
                continue  # it has answered just now
            if is_gone or one.state == "void":
                return None
            raise Conflict(
                f"the process that runs study {study.study_id} did not answer, and nothing was "
                f"asked of it any more. Where it runs: {study.owner.partition('/')[0]}"
            )
        await asyncio.sleep(LOOK_EVERY_S)


async def _at_rest(study: StudyRow, verb: Verb, store: Store, change: Change) -> Answered | None:
    """Do what can be done without a process; None where one has taken the study meanwhile."""
    job = job_of(study)
    terms = terms_of(job, store.reader().instructions(study.study_id))
    if verb == "change":
        # A search by units ends what it had no more use for: with more to spend it may.
        ends = ("interrupted", "pruned") if job.sampler == "gain" else ("interrupted",)
        return await _changed(study, store, change, terms, frozenset(ends))
    if verb == "finish" and study.state in ("running", "paused"):
        if not study.n_complete:
            return Answered(study, TOO_EARLY, "refused", is_running=False)
        try:
            await store.instructions(study.study_id).give("finish", at_rest=FINISHED)
        except Conflict:
            return None
        said = "its search is over; the next run goes to the finalists"
        return Answered(study, said, "done", is_running=False)
    done = "stop" if verb == "finish" else verb
    how = state_of(study) + (f": {study.stop_reason}" if study.stop_reason else "")
    raise ArchonError(
        f"no process runs study {study.study_id} ({study.name}), so there is nothing to {done}. "
        f"It is {how}. {how_to_run_on(study)}"
    )


def how_to_run_on(study: StudyRow) -> str:
    """Which command runs a study that rests."""
    if study.state in ("completed", "failed"):
        more = "archon change with a larger limit lets it search on."
        return f"Its report: archon show {study.name}; {more}"
    return f"Run: archon search with the job file that made it (name: {study.name})"


async def _changed(
    study: StudyRow, store: Store, change: Change, terms: Terms, ends: frozenset[str]
) -> Answered | None:
    """Change what the next run is held to; trials that ended as ``ends`` says may run on."""
    reader = store.reader()
    is_over, is_raised = study.state in ("completed", "failed"), terms.raised_by(change)
    totals = reader.spend(study.study_id)
    spent = amounts(spent_before(totals))
    spent |= {"trials": study.n_trials, "wall_s": study.elapsed_s}
    # Of a process that is gone: they count as spent from the next run on.
    flying = Amount(totals.n_in_flight, totals.reserved_tokens, totals.reserved_nusd)
    if reason := refusal(change, spent=spent, reserved=amounts(flying)):
        return Answered(study, reason, "refused", is_running=False)
    if is_over and not is_raised:
        raise ArchonError(
            f"study {study.study_id} ({study.name}) is {study.state}, and nothing further runs in "
            "it. A limit that is not lower than before, with room for the search, lets it search "
            "on."
        )
    from_trial = terms.begins_at(study.n_trials)
    new = terms.with_change(change, from_trial=from_trial)
    if job_of(study).is_deterministic:
        spent |= amounts(bought(totals))  # its search does not pay for what a kill lost
    narrow = no_room(new.budget, spent)
    if is_over and narrow:
        return Answered(study, f"It could not search on. {narrow}", "refused", is_running=False)
    was_judged = is_over and reader.report(study.study_id) is not None
    written = recorded(change, from_trial=from_trial, reopens=is_raised, was_judged=was_judged)
    said = terms.in_words(change)
    if narrow and change.limits():
        said += f"; this ends the search. {narrow}".removesuffix(".")
    try:
        await store.instructions(study.study_id).give(
            "change", written, at_rest=said, reopens=ends if is_raised else frozenset()
        )
    except Conflict:
        return None
    return Answered(reader.find_study(study.study_id), said, "done", is_running=False)


def _check(change: Change, study: StudyRow) -> None:
    for name, most in _MOST.items():
        value = getattr(change, name)
        if value is not None and not 0 < value <= most:
            option = {"usd": "--usd", "wall_s": "--seconds"}[name]
            raise SpecError(
                f"{option} {value:g} is out of range: more than 0, at most {most:,.0f}."
            )
    job = job_of(study)
    if change.wall_s is not None and job.is_deterministic:
        raise SpecError(
            f"--seconds cannot be: study {study.study_id} ({study.name}) is deterministic, and "
            "where a limit of time ends a search differs each time. Give --calls, --tokens or "
            "--usd."
        )
    if change.usd is not None:
        check_priced(replace(job, budget=replace(job.budget, usd=change.usd)))
