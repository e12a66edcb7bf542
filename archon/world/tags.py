"""Marks in the texts of simulated answers: what an answer really is, for the world alone to read.

Truth travels in the text, so that judges, rankers and fusers of the world find it in whatever
prompt shows them the text, in the order in which it is shown. A tag is enciphered with the world's
key: no component can read the truth from it. Nor do tags of equal answers look alike: as with real
models no two samples are the same text, and prompts that show them are never the same prompt.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

_TAG = re.compile(r"\[ref:([A-Z2-7]{24})\]")
_MAC_BYTES, _SAMPLE_BYTES = 4, 5
_BODY_BYTES = 6 + _SAMPLE_BYTES


@dataclass(frozen=True, slots=True)
class Mark:
    """What an answer is: the one with a number (0 is right) to a question."""

    question: int
    answer: int

    @property
    def is_right(self) -> bool:
        """Whether it is the right answer."""
        return self.answer == 0


@dataclass(frozen=True, slots=True)
class Tags:
    """The tags of one world. ``key`` is what makes them unreadable to others."""

    key: bytes

    def write(self, mark: Mark, *sample: str | int) -> str:
        """The tag of a mark, another one for every ``sample`` (the names of who says it where)."""
        names = "\x1f".join(map(str, sample)).encode()
        body = mark.question.to_bytes(4, "big") + mark.answer.to_bytes(2, "big")
        body += self._digest(b"sample", names, _SAMPLE_BYTES)
        mac = self._digest(b"mac", body, _MAC_BYTES)
        hidden = _mixed(body, self._digest(b"stream", mac, _BODY_BYTES))
        return f"[ref:{base64.b32encode(mac + hidden).decode()}]"

    def read(self, text: str) -> Iterator[tuple[int, Mark]]:
        """The marks in a text, each with the place where its tag begins; forged tags are passed."""
        for found in _TAG.finditer(text):
            data = base64.b32decode(found[1])
            mac, hidden = data[:_MAC_BYTES], data[_MAC_BYTES:]
            body = _mixed(hidden, self._digest(b"stream", mac, _BODY_BYTES))
            if self._digest(b"mac", body, _MAC_BYTES) == mac:
                mark = Mark(int.from_bytes(body[:4], "big"), int.from_bytes(body[4:6], "big"))
                yield found.start(), mark

    def _digest(self, purpose: bytes, data: bytes, size: int) -> bytes:
        return hashlib.blake2b(data, digest_size=size, key=self.key, person=purpose).digest()


def _mixed(data: bytes, stream: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(data, stream, strict=True))
