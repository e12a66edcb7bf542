"""What users ask of a study from outside its process: asked by one, followed by another.

An instruction waits for the process that runs the study, or is done at once where none does. Which
of both is decided with the study's row locked, as when a process takes the study.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from archon.core.errors import Conflict, NotFound, StoreError
from archon.core.records import InstructionState, Verb
from archon.store.owners import LEASE_S, is_alive
from archon.store.schema import instructions, studies, trials
from archon.store.writer import Step, Writer


@dataclass(frozen=True, slots=True)
class Given:
    """One instruction."""

    study_id: str
    token: str
    """Who gave it, and which of theirs it is: asked once more, it is the same one."""
    verb: Verb
    arguments: str
    at_rest: str | None
    """What is done with it now, by who gives it; None: it waits for the study's process."""
    reopens: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one."""

    study_id: str
    number: int
    state: InstructionState
    answer: str
    arguments: str | None = None


@dataclass(frozen=True)
class InstructionSteps:
    """The work on the table of instructions. Runs in the writer's thread."""

    owner: str

    def give(self, connection: sa.Connection, given: Sequence[Given]) -> list[int | StoreError]:
        """Keep instructions; gives their numbers."""
        return [self._give(connection, one) for one in given]

    def answer(self, connection: sa.Connection, answers: Sequence[Answer]) -> list[None]:
        """Say what became of some; what is done is said also of one that was withdrawn."""
        for one in answers:
            values = {"state": one.state, "answer": one.answer, "answered_at": time.time()}
            if one.arguments is not None:
                values["arguments"] = one.arguments
            is_open = instructions.c.state.in_(("waiting", "void"))
            this = sa.and_(_is(one.study_id, one.number), is_open)
            connection.execute(sa.update(instructions).where(this).values(**values))
        return [None] * len(answers)

    def withdraw(self, connection: sa.Connection, keys: Sequence[tuple[str, int]]) -> list[bool]:
        """Take back what nobody has answered; says of each whether that was so."""
        done: list[bool] = []
        for study_id, number in keys:
            this = sa.and_(_is(study_id, number), instructions.c.state == "waiting")
            values = {"state": "void", "answered_at": time.time()}
            update = sa.update(instructions).where(this).values(**values)
            connection.execute(update)
            state = sa.select(instructions.c.state).where(_is(study_id, number))
            done.append(connection.scalar(state) == "void")
        return done

    def _give(self, connection: sa.Connection, one: Given) -> int | StoreError:
        locked = sa.select(studies).where(studies.c.id == one.study_id).with_for_update()
        study = connection.execute(locked).mappings().one_or_none()
        if study is None:
            return NotFound(f"there is no study {one.study_id}")
        mine = sa.and_(
            instructions.c.study_id == one.study_id, instructions.c.given_by == one.token
        )
        before: int | None = connection.scalar(sa.select(instructions.c.number).where(mine))
        if before is not None:
            return before  # once more, after a connection that was lost
        silent_s = time.time() - study["heartbeat_at"]
        is_run = is_alive(study["owner"], silent_s=silent_s, forgotten_after_s=LEASE_S)
        if is_run and one.at_rest is not None:
            return Conflict(f"study {one.study_id} is run by a process now")
        if not is_run and one.at_rest is None:
            return Conflict(f"no process runs study {one.study_id}")
        last = sa.select(sa.func.max(instructions.c.number))
        highest = connection.scalar(last.where(instructions.c.study_id == one.study_id))
        number, now = (0 if highest is None else highest + 1), time.time()
        row = {
            "study_id": one.study_id,
            "number": number,
            "verb": one.verb,
            "arguments": one.arguments,
            "given_by": one.token,
            "given_at": now,
            "state": "waiting" if one.at_rest is None else "done",
            "answer": one.at_rest or "",
            "answered_at": None if one.at_rest is None else now,
        }
        connection.execute(sa.insert(instructions), row)
        if one.reopens:
            _reopen(connection, one.study_id, one.reopens)
        return number


class StoredInstructions:
    """Instructions to one study. Durable when a method returns."""

    def __init__(self, writer: Writer, steps: InstructionSteps, study_id: str) -> None:
        self._writer = writer
        self._owner = steps.owner
        self._study_id = study_id
        self._give = Step(13, steps.give)
        self._answer = Step(14, steps.answer)
        self._withdraw = Step(15, steps.withdraw)

    async def give(
        self,
        verb: Verb,
        arguments: str = "{}",
        *,
        at_rest: str | None = None,
        reopens: frozenset[str] = frozenset(),
    ) -> int:
        """Keep an instruction; gives its number.

        Args:
            verb: What to do.
            arguments: JSON text.
            at_rest: What is done with it, where no process runs the study; None where one does,
                which will answer.
            reopens: States, "interrupted" among them: trials that ended so run on from now, and
                with them a study that had ended.

        Raises:
            NotFound: There is no such study.
            Conflict: A process runs the study, or none does, unlike ``at_rest`` says.
        """
        token = f"{self._owner}/{next(_numbers)}"
        given = Given(self._study_id, token, verb, arguments, at_rest, reopens)
        return await self._writer.submit(self._give, given)

    async def answer(
        self, number: int, state: InstructionState, answer: str, *, arguments: str | None = None
    ) -> None:
        """Say what became of an instruction, once; ``arguments`` replaces its own."""
        given = Answer(self._study_id, number, state, answer, arguments)
        await self._writer.submit(self._answer, given)

    async def withdraw(self, number: int) -> bool:
        """Take back an instruction; false where it has been answered meanwhile."""
        return await self._writer.submit(self._withdraw, (self._study_id, number))


_numbers = itertools.count()


def _is(study_id: str, number: int) -> sa.ColumnElement[bool]:
    return sa.and_(instructions.c.study_id == study_id, instructions.c.number == number)


def _reopen(connection: sa.Connection, study_id: str, states: frozenset[str]) -> None:
    ended_so = sa.and_(trials.c.study_id == study_id, trials.c.state.in_(sorted(states)))
    connection.execute(
        sa.update(trials).where(ended_so).values(state="running", reason="", ended_at=None)
    )
    ended = sa.and_(studies.c.id == study_id, studies.c.state.in_(("completed", "failed")))
    connection.execute(
        sa.update(studies)
        .where(ended)
        .values(state="paused", stop_reason="its budget was changed, and it can be run on")
    )
