"""Answers from what was bought before, and from nothing else: nothing is sent, paid or written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from archon.core.calls import CallBatch, ModelReply
from archon.core.errors import NotRecorded


class Recordings(Protocol):
    """Where completions are that were bought before."""

    def completions(self, digest: str) -> Mapping[int, ModelReply]:
        """All stored completions of one request by their slots."""
        ...


@dataclass(frozen=True, slots=True)
class Recorded:
    """Implements ``ModelClient``. What it has looked up it keeps: it does not see later purchases.

    Asked for a completion that is not there it raises ``NotRecorded``.
    """

    recordings: Recordings
    _known: dict[str, Mapping[int, ModelReply]] = field(default_factory=dict)

    async def complete(self, batch: CallBatch) -> tuple[ModelReply, ...]:
        """See ``ModelClient``; always one reply per slot."""
        if batch.digest not in self._known:
            self._known[batch.digest] = self.recordings.completions(batch.digest)
        found = self._known[batch.digest]
        missing = [slot for slot in batch.slots if slot not in found]
        if missing:
            raise NotRecorded(
                f"{len(missing)} of {len(batch.slots)} completions of the model "
                f"{batch.request.model!r} were never bought"
            )
        return tuple(found[slot] for slot in batch.slots)
