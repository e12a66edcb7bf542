"""Which questions a search has seen, in a form that tells them again and does not hold them."""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Iterable

from archon.benchmarks.examples import Example
from archon.core.messages import Conversation

_BYTES = 6
"""Of each digest: eight letters in base64. That one of a million questions is taken for one of
20,000 others by mistake has a chance of one in ten thousand."""
MOST = 20_000
"""Of more questions nothing is kept: a pipeline file stays one that can be read."""
PATTERN = r"^([A-Za-z0-9+/]{8})*$"
"""What digests look like."""


def digests_of(questions: Iterable[Conversation]) -> str:
    """The digests of questions as one text, sorted; "" of none, and of more than ``MOST``."""
    found = sorted({_digest(question) for question in questions})
    return b64encode(b"".join(found)).decode() if len(found) <= MOST else ""


def count_seen(digests: str, examples: Iterable[Example]) -> int:
    """How many of the examples are among those whose digests are in the text."""
    content = b64decode(digests)
    seen = {content[i : i + _BYTES] for i in range(0, len(content), _BYTES)}
    return sum(_digest(example.question) in seen for example in examples)


def _digest(question: Conversation) -> bytes:
    """Of who says what; white space counts as in prose, since formats of files change it."""
    turns = [f"{turn.role}\x1f{' '.join(turn.content.split())}" for turn in question]
    return hashlib.sha256("\x1e".join(turns).encode()).digest()[:_BYTES]
