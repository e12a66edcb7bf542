"""Calls bought once: claim, put, abandon ... each for all pending callers in one transaction."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from archon.core.calls import CallBatch, CallKey, ModelReply
from archon.core.errors import StoreError
from archon.store.completions import from_row, is_intact, to_row
from archon.store.losses import bury, delete_intents, paid, record_losses, take_away
from archon.store.owners import is_alive
from archon.store.schema import calls, intents, requests
from archon.store.statements import Key, Prepared, insert_new, listed, with_keys
from archon.store.writer import Step, Writer

POLL_S = 0.2
"""How often a call that another process is buying is looked for."""
WAIT_S = 300.0
"""After this long it is bought here too."""

_ENCODER = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Claim:
    """Slots of one request that somebody wants."""

    batch: CallBatch
    identity: str
    study_id: str
    reserved_nusd: int
    reserved_tokens: int
    is_patient: bool
    """Rather waits for another process's purchase than buys as well."""
    is_sent: bool = True
    """The requests leave as soon as this is durable."""

    def wanted(self) -> list[Key]:
        """The wanted keys."""
        return [(self.batch.digest, slot) for slot in self.batch.slots]


@dataclass(frozen=True, slots=True)
class FailedTry:
    """A try that may be billed although it brought nothing, and that is followed by another."""

    keys: tuple[Key, ...]
    failed_at: float


@dataclass(frozen=True, slots=True)
class Mark:
    """Intents whose requests leave, or came back."""

    keys: tuple[Key, ...]
    is_sent: bool


@dataclass(frozen=True, slots=True)
class Abandonment:
    """Intents that come to nothing."""

    keys: tuple[Key, ...]
    is_maybe_billed: bool


class CallSteps:
    """The work on the tables of calls, for one opened store. Runs in the writer's thread."""

    def __init__(self, owner: str, dialect: str) -> None:
        """Steps of one owner in a database of one dialect."""
        self.owner = owner
        self._stored = Prepared(with_keys(sa.select(calls), calls, dialect))
        is_others = intents.c.owner != sa.bindparam("owner", type_=sa.Text)
        self._held = Prepared(with_keys(sa.select(intents).where(is_others), intents, dialect))
        self._put_calls = Prepared(insert_new(calls, dialect))
        self._put_intents = Prepared(insert_new(intents, dialect))
        self._put_requests = Prepared(insert_new(requests, dialect))

    def claim(
        self, connection: sa.Connection, claims: Sequence[Claim]
    ) -> list[dict[CallKey, ModelReply] | None]:
        """Stored replies by key, with intents for the rest; None: another process is buying.

        A claim that waits takes nothing, so that no two processes can wait for each other. Two
        processes that claim a key in the same instant may both buy it on PostgreSQL, where writers
        run side by side; the later reply then counts as a duplicate.
        """
        wanted = {key for claim in claims for key in claim.wanted()}
        stored = self._intact(connection, wanted)
        missing = wanted - stored.keys()
        held = self._held_by_others(connection, missing) if missing else set()
        results: list[dict[CallKey, ModelReply] | None] = []
        buying: list[Claim] = []
        for claim in claims:
            if claim.is_patient and not held.isdisjoint(claim.wanted()):
                results.append(None)
                continue
            found = [stored[key] for key in claim.wanted() if key in stored]
            results.append({reply.key: reply for reply in found})
            if len(found) < len(claim.batch.slots):
                buying.append(claim)
        if buying:
            self._record_intents(connection, buying, missing)
        return results

    def put(self, connection: sa.Connection, puts: Sequence[list[dict[str, Any]]]) -> list[None]:
        """Store rows of replies; what is there already stays, and the later ones are counted."""
        rows = sorted((row for put in puts for row in put), key=_key_of)
        now = time.time()
        for row in rows:
            row |= {"owner": self.owner, "done_at": now}
        n_new = self._put_calls.write(connection, rows)
        delete_intents(connection, rows)
        if n_new != len(rows):
            self._count_duplicates(connection, rows)
        return [None] * len(puts)

    def write_off(self, connection: sa.Connection, tries: Sequence[FailedTry]) -> list[None]:
        """Count what this store's intents reserved as uncertain spend, and date them anew.

        An intent that has the later date is counted already: a repeat changes nothing.
        """
        touched_at = sa.func.abs(intents.c.sent_at)
        for failed in tries:
            earlier = sa.and_(intents.c.owner == self.owner, touched_at < failed.failed_at)
            withdrawn = take_away(connection, earlier, failed.keys)
            record_losses(connection, withdrawn, "maybe_billed")
            again = [_intent_again(row, self.owner, failed.failed_at) for row in withdrawn]
            self._put_intents.write(connection, again)
        return [None] * len(tries)

    def mark(self, connection: sa.Connection, marks: Sequence[Mark]) -> list[None]:
        """Note which of this store's intents are sent."""
        now = time.time()
        connection.execute(
            _MARK,
            [
                {
                    "b_digest": digest,
                    "b_slot": slot,
                    "b_owner": self.owner,
                    "b_sent_at": now if mark.is_sent else -now,
                }
                for mark in marks
                for digest, slot in mark.keys
            ],
        )
        return [None] * len(marks)

    def abandon(self, connection: sa.Connection, abandonments: Sequence[Abandonment]) -> list[None]:
        """Withdraw this store's intents; those maybe billed become uncertain spend."""
        for is_lost in (True, False):
            keys = {k for a in abandonments if a.is_maybe_billed is is_lost for k in a.keys}
            withdrawn = take_away(connection, intents.c.owner == self.owner, keys)
            if is_lost:
                record_losses(connection, withdrawn, "maybe_billed")
        return [None] * len(abandonments)

    def bury(self, connection: sa.Connection, owners: Iterable[str]) -> None:
        """Turn the intents of dead owners into uncertain spend; what was not sent is forgotten."""
        for owner in owners:
            bury(connection, owner)

    def bury_the_dead(self, connection: sa.Connection) -> None:
        """Turn the intents of owners that no longer live into uncertain spend."""
        last = sa.func.max(sa.func.abs(intents.c.sent_at))
        rows = connection.execute(sa.select(intents.c.owner, last).group_by(intents.c.owner))
        now = time.time()
        self.bury(connection, [o for o, at in rows.all() if not is_alive(o, silent_s=now - at)])

    def _intact(self, connection: sa.Connection, keys: Collection[Key]) -> dict[Key, ModelReply]:
        found: dict[Key, ModelReply] = {}
        for row in self._stored.all(connection, listed(keys)):
            if is_intact(row):
                found[row.digest, row.slot] = from_row(row)
            else:
                self._discard(connection, row)
        return found

    def _discard(self, connection: sa.Connection, row: sa.Row[Any]) -> None:
        this = sa.and_(calls.c.digest == row.digest, calls.c.slot == row.slot)
        if connection.execute(sa.delete(calls).where(this)).rowcount:
            record_losses(connection, [paid(row._mapping)], "corrupt")

    def _held_by_others(self, connection: sa.Connection, keys: Collection[Key]) -> set[Key]:
        rows = self._held.all(connection, {**listed(keys), "owner": self.owner})
        now = time.time()
        silent = {row.owner: now - abs(row.sent_at) for row in rows}
        dead = {owner for owner, for_s in silent.items() if not is_alive(owner, silent_s=for_s)}
        self.bury(connection, dead)
        return {(row.digest, row.slot) for row in rows if row.owner not in dead}

    def _record_intents(
        self, connection: sa.Connection, buying: Sequence[Claim], missing: Collection[Key]
    ) -> None:
        now = time.time()
        rows = [
            {
                "digest": digest,
                "slot": slot,
                "owner": self.owner,
                "study_id": claim.study_id,
                "reserved_nusd": claim.reserved_nusd,
                "reserved_tokens": claim.reserved_tokens,
                "sent_at": now if claim.is_sent else -now,
            }
            for claim in buying
            for digest, slot in claim.wanted()
            if (digest, slot) in missing
        ]
        self._put_intents.write(connection, rows)
        asked = {claim.batch.digest: claim for claim in buying}
        self._put_requests.write(connection, [_request_row(asked[d]) for d in sorted(asked)])

    def _count_duplicates(
        self, connection: sa.Connection, rows: Sequence[Mapping[str, Any]]
    ) -> None:
        stored = {
            (row.digest, row.slot): row.checksum
            for row in self._stored.all(connection, listed({_key_of(row) for row in rows}))
        }
        # The same reply once more is a repeated commit, not a second purchase.
        late = [paid(row) for row in rows if stored.get(_key_of(row)) != row["checksum"]]
        record_losses(connection, late, "duplicate")


class StoredCalls:
    """The calls of one study, or of none: implements ``CallStore``."""

    def __init__(self, writer: Writer, steps: CallSteps, study_id: str) -> None:
        self._writer = writer
        self._study_id = study_id
        self._claim = Step(0, steps.claim)
        self._put = Step(1, steps.put)
        self._mark = Step(2, steps.mark)
        self._write_off = Step(2, steps.write_off)
        self._abandon = Step(3, steps.abandon)

    async def claim(
        self,
        batch: CallBatch,
        identity: str,
        *,
        reserved_nusd: int = 0,
        reserved_tokens: int = 0,
        is_sent: bool = True,
    ) -> dict[CallKey, ModelReply]:
        """See ``CallStore``. Waits while another process buys one of the keys."""
        ends_at = time.monotonic() + WAIT_S
        while True:
            is_patient = time.monotonic() < ends_at
            claim = Claim(
                batch,
                identity,
                self._study_id,
                reserved_nusd,
                reserved_tokens,
                is_patient,
                is_sent,
            )
            try:
                found = await self._writer.submit(self._claim, claim)
            except asyncio.CancelledError:
                # The intents may be recorded by now, and nobody will act on them. Waited for, since
                # whoever claims these keys next must not lose intents of their own to this.
                nothing_sent = Abandonment(tuple(claim.wanted()), is_maybe_billed=False)
                with contextlib.suppress(StoreError):
                    await asyncio.shield(self._writer.submit(self._abandon, nothing_sent))
                raise
            if found is not None:
                return found
            await asyncio.sleep(POLL_S)

    async def put(self, replies: tuple[ModelReply, ...], spend_nusd: tuple[int, ...]) -> None:
        """See ``CallStore``."""
        pairs = zip(replies, spend_nusd, strict=True)
        rows = [to_row(reply, spend) | {"study_id": self._study_id} for reply, spend in pairs]
        if rows:
            await self._writer.submit(self._put, rows)

    async def mark(self, keys: tuple[CallKey, ...], *, is_sent: bool) -> None:
        """See ``CallStore``."""
        plain = tuple((key.digest, key.slot) for key in keys)
        await self._writer.submit(self._mark, Mark(plain, is_sent))

    async def write_off(self, keys: tuple[CallKey, ...]) -> None:
        """See ``CallStore``."""
        plain = tuple((key.digest, key.slot) for key in keys)
        await self._writer.submit(self._write_off, FailedTry(plain, time.time()))

    async def abandon(self, keys: tuple[CallKey, ...], *, is_maybe_billed: bool) -> None:
        """See ``CallStore``."""
        plain = tuple((key.digest, key.slot) for key in keys)
        await self._writer.submit(self._abandon, Abandonment(plain, is_maybe_billed))


_MARK = (
    sa.update(intents)
    .where(
        intents.c.digest == sa.bindparam("b_digest"),
        intents.c.slot == sa.bindparam("b_slot"),
        intents.c.owner == sa.bindparam("b_owner"),
    )
    .values(sent_at=sa.bindparam("b_sent_at"))
)


def _key_of(row: Mapping[str, Any]) -> Key:
    return row["digest"], row["slot"]


def _intent_again(lost: Mapping[str, Any], owner: str, failed_at: float) -> dict[str, Any]:
    """The intent of the next try, from what the failed one had reserved."""
    return {
        "digest": lost["digest"],
        "slot": lost["slot"],
        "owner": owner,
        "study_id": lost["study_id"],
        "reserved_nusd": lost["nusd"],
        "reserved_tokens": lost["tokens"],
        "sent_at": -failed_at,
    }


def _request_row(claim: Claim) -> dict[str, str]:
    request = claim.batch.request
    return {
        "digest": claim.batch.digest,
        "identity": claim.identity,
        "alias": request.model,
        "body": _ENCODER.encode(request.body()),
    }
