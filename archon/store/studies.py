"""Studies: made once with their copy of the benchmark, run by one process at a time."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from archon.core.errors import Conflict, NotFound, StoreError
from archon.core.records import ExampleRow, NewStudy, StudyState
from archon.store.losses import bury
from archon.store.owners import HEARTBEAT_S, LEASE_S, can_look_up, is_alive
from archon.store.schema import examples, reports, studies
from archon.store.statements import insert_new
from archon.store.writer import Step, Writer


@dataclass(frozen=True, slots=True)
class Creation:
    """A study with its examples."""

    study: NewStudy
    rows: tuple[ExampleRow, ...]


@dataclass(frozen=True, slots=True)
class StateChange:
    """A study's new state and why."""

    study_id: str
    state: StudyState
    stop_reason: str = ""
    is_forced: bool = False
    elapsed_s: float | None = None


@dataclass(frozen=True, slots=True)
class Beat:
    """A sign of life of the process that runs a study."""

    study_id: str
    elapsed_s: float
    at: float
    progress: str | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """Whether a study waits, from a moment on until which it had run for so long."""

    study_id: str
    is_held: bool
    elapsed_s: float
    at: float


@dataclass(frozen=True)
class StudySteps:
    """The work on the tables of studies. Runs in the writer's thread."""

    owner: str
    dialect: str

    def create(
        self, connection: sa.Connection, creations: Sequence[Creation]
    ) -> list[StoreError | None]:
        """Insert studies with their examples; one that is there already must be the same."""
        return [self._create(connection, creation) for creation in creations]

    def take(
        self, connection: sa.Connection, changes: Sequence[StateChange]
    ) -> list[StoreError | None]:
        """Make this process the one that runs a study."""
        return [self._take(connection, change) for change in changes]

    def beat(self, connection: sa.Connection, beats: Sequence[Beat]) -> list[StoreError | None]:
        """Note that this process still runs a study, and for how long it has run."""
        outcomes: list[StoreError | None] = []
        for beat in beats:
            values: dict[str, object] = {"elapsed_s": beat.elapsed_s, "heartbeat_at": beat.at}
            if beat.progress is not None:
                values["progress"] = beat.progress
            outcomes.append(self._change_mine(connection, beat.study_id, **values))
        return outcomes

    def hold(self, connection: sa.Connection, holds: Sequence[Hold]) -> list[StoreError | None]:
        """Note that a study of this process is paused, its process waiting, or goes on."""
        return [
            self._change_mine(
                connection,
                hold.study_id,
                paused_at=hold.at if hold.is_held else 0.0,
                elapsed_s=hold.elapsed_s,
                heartbeat_at=hold.at,
            )
            for hold in holds
        ]

    def stop(
        self, connection: sa.Connection, changes: Sequence[StateChange]
    ) -> list[StoreError | None]:
        """Set the state in which a study of this process rests."""
        outcomes: list[StoreError | None] = []
        for change in changes:
            values: dict[str, object] = {
                "state": change.state,
                "stop_reason": change.stop_reason,
                "paused_at": 0.0,
            }
            if change.elapsed_s is not None:
                values["elapsed_s"] = change.elapsed_s
            outcomes.append(self._change_mine(connection, change.study_id, owner="", **values))
        return outcomes

    def report(self, connection: sa.Connection, pairs: Sequence[tuple[str, str]]) -> list[None]:
        """Replace reports."""
        for study_id, body in pairs:
            connection.execute(sa.delete(reports).where(reports.c.study_id == study_id))
            connection.execute(
                sa.insert(reports),
                {"study_id": study_id, "body": body, "written_at": time.time()},
            )
        return [None] * len(pairs)

    def release(self, connection: sa.Connection) -> None:
        """Leave the studies that this store still runs: they count as cut off."""
        mine = studies.c.owner == self.owner
        connection.execute(sa.update(studies).where(mine).values(owner=""))

    def _create(self, connection: sa.Connection, creation: Creation) -> StoreError | None:
        study = creation.study
        row = {
            "id": study.study_id,
            "name": study.name,
            "created_at": time.time(),
            "job": study.job_json,
            "job_sha256": hashlib.sha256(study.job_json.encode()).hexdigest(),
            "state": "running",
            "stop_reason": "",
            "owner": self.owner,
            "benchmark_fingerprint": study.benchmark_fingerprint,
            "seed": study.seed,
            "elapsed_s": 0.0,
            "heartbeat_at": time.time(),
        }
        if connection.execute(insert_new(studies, self.dialect), row).rowcount:
            if creation.rows:
                connection.execute(sa.insert(examples), _example_rows(creation))
            return None
        stored = connection.execute(_select(study.study_id)).mappings().one()
        fixed = ("name", "job_sha256", "benchmark_fingerprint", "seed")
        if all(stored[name] == row[name] for name in fixed):
            return None
        return Conflict(f"study {study.study_id} exists with another job or benchmark")

    def _take(self, connection: sa.Connection, change: StateChange) -> StoreError | None:
        select = _select(change.study_id).with_for_update()
        stored = connection.execute(select).mappings().one_or_none()
        if stored is None:
            return _no_study(change.study_id)
        owner, now, elapsed_s = stored["owner"], time.time(), stored["elapsed_s"]
        silent_s = now - stored["heartbeat_at"]
        if owner != self.owner:
            is_held = is_alive(owner, silent_s=silent_s, forgotten_after_s=LEASE_S)
            if is_held and not change.is_forced:
                return _held(change.study_id, owner, silent_s)
            # What it had in flight is lost, and must be neither waited for nor free.
            bury(connection, owner)
        if stored["state"] == "running" and not stored["paused_at"]:
            # Cut off: it ran on after its last sign of life, but not until the next one was due. In
            # a pause its time stood still.
            elapsed_s += min(max(silent_s, 0.0), HEARTBEAT_S)
        connection.execute(
            sa.update(studies)
            .where(studies.c.id == change.study_id)
            .values(
                state="running",
                stop_reason="",
                owner=self.owner,
                elapsed_s=elapsed_s,
                heartbeat_at=now,
                paused_at=0.0,
                progress="",
            )
        )
        return None

    def _change_mine(
        self, connection: sa.Connection, study_id: str, **values: object
    ) -> StoreError | None:
        mine = sa.and_(studies.c.id == study_id, studies.c.owner == self.owner)
        if connection.execute(sa.update(studies).where(mine).values(**values)).rowcount:
            return None
        stored = connection.execute(_select(study_id)).mappings().one_or_none()
        if stored is None:
            return _no_study(study_id)
        if stored["owner"] == "" and stored["state"] == values.get("state"):
            return None  # the same end once more, after a connection that was lost
        return Conflict(
            f"study {study_id} is not run by this process any more: another one has taken it. "
            "See: archon ls"
        )


class StoredStudies:
    """Makes studies and moves them between their states. Durable when a method returns."""

    def __init__(self, writer: Writer, steps: StudySteps) -> None:
        self._writer = writer
        self._create = Step(3, steps.create)
        self._take = Step(8, steps.take)
        self._report = Step(9, steps.report)
        self._stop = Step(10, steps.stop)
        self._beat = Step(11, steps.beat)
        self._hold = Step(12, steps.hold)

    async def create(self, study: NewStudy, rows: Sequence[ExampleRow]) -> None:
        """Make a study, run by this process; the same study once more changes nothing.

        Raises:
            Conflict: The id is taken by a study with another job or benchmark.
        """
        await self._writer.submit(self._create, Creation(study, tuple(rows)))

    async def take(self, study_id: str, *, is_forced: bool = False) -> None:
        """Become the process that runs a study, to resume it.

        Args:
            study_id: Its whole id.
            is_forced: Although its owner seems alive (it was on a host that is gone).

        Raises:
            NotFound: There is no such study.
            Conflict: Another process runs it; says what to do, and how long to wait where it
                cannot be seen from here whether it still does.
        """
        change = StateChange(study_id, "running", is_forced=is_forced)
        await self._writer.submit(self._take, change)

    async def beat(self, study_id: str, *, elapsed_s: float, progress: str | None = None) -> None:
        """Give a sign of life for a study that this process runs; due every ``HEARTBEAT_S``.

        Args:
            study_id: Its whole id.
            elapsed_s: How long it has run by now, over all its runs.
            progress: How far it is, as JSON text for readers; None leaves that as it is.

        Raises:
            NotFound: There is no such study.
            Conflict: Another process has taken it.
        """
        await self._writer.submit(self._beat, Beat(study_id, elapsed_s, time.time(), progress))

    async def hold(self, study_id: str, *, is_held: bool, elapsed_s: float) -> None:
        """Note that a study that this process runs is paused, its process waiting, or goes on.

        Args:
            study_id: Its whole id.
            is_held: Whether it is paused.
            elapsed_s: How long it has run by now, over all its runs, without pauses.

        Raises:
            NotFound: There is no such study.
            Conflict: Another process has taken it.
        """
        hold = Hold(study_id, is_held, elapsed_s, time.time())
        await self._writer.submit(self._hold, hold)

    async def stop(
        self, study_id: str, state: StudyState, reason: str, *, elapsed_s: float | None = None
    ) -> None:
        """Let a study that this process runs rest.

        Args:
            study_id: Its whole id.
            state: paused, completed or failed.
            reason: A sentence that says why.
            elapsed_s: How long it has run, over all its runs; None leaves that as it is.

        Raises:
            NotFound: There is no such study.
            Conflict: Another process has taken it.
        """
        change = StateChange(study_id, state, reason, elapsed_s=elapsed_s)
        await self._writer.submit(self._stop, change)

    async def save_report(self, study_id: str, body: str) -> None:
        """Keep a study's report (JSON text) in place of an earlier one."""
        await self._writer.submit(self._report, (study_id, body))


def _select(study_id: str) -> sa.Select[tuple[object, ...]]:
    return sa.select(studies).where(studies.c.id == study_id)


def _held(study_id: str, owner: str, silent_s: float) -> Conflict:
    host, _, pid, *_ = owner.split("/")
    said = f"study {study_id} is run by process {pid} on {host}. Stop that one first"
    if can_look_up(owner):
        return Conflict(f"{said}.")
    left_s = math.ceil(LEASE_S - silent_s)
    return Conflict(
        f"{said}. If it is gone (this machine cannot see it), try again in {left_s} s: a study "
        f"is free once its process has been silent for {LEASE_S:g} s."
    )


def _no_study(study_id: str) -> NotFound:
    return NotFound(f"there is no study {study_id}")


def _example_rows(creation: Creation) -> list[dict[str, object]]:
    return [
        {
            "study_id": creation.study.study_id,
            "split": row.split,
            "example_id": row.example_id,
            "position": row.position,
            "row": row.row_json,
        }
        for row in creation.rows
    ]
