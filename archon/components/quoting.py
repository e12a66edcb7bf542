"""Text written by models or users, as it goes into prompts: data between markers, never more.

Each text stands between markers that carry a nonce. The nonce depends on every text of the prompt
and occurs in none of them, so no text can close its own markers or open others. It is derived, not
drawn: equal prompts must be equal requests, which are bought once.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from itertools import count

from archon.core.messages import Conversation

_NONCE_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Fence:
    """The markers of one prompt."""

    nonce: str

    @classmethod
    def around(cls, *texts: str, salt: str = "") -> Fence:
        """Markers that none of ``texts`` contains.

        Args:
            texts: Everything in the prompt that somebody else wrote, quoted or not.
            salt: Tells prompts apart that show the same texts and are to be asked separately.
        """
        joined = "\x1f".join((salt, *texts)).encode("utf-8", "surrogatepass")
        for attempt in count():
            digest = hashlib.sha256(b"%d\x1f%b" % (attempt, joined)).hexdigest()
            nonce = digest[:_NONCE_DIGITS]
            if not any(nonce in text for text in texts):
                return cls(nonce)
        raise AssertionError("counting never ends")

    def quote(self, label: str, text: str) -> str:
        """``text``, unchanged, between markers that name it ``label``."""
        return f"<<{label} {self.nonce}>>\n{text}\n<</{label} {self.nonce}>>"


def transcript(question: Conversation) -> str:
    """A question as one text: alone as it is, with its history as JSON.

    In JSON no turn can pass for the next one.
    """
    if len(question) == 1:
        return question[0].content
    turns = [{"role": message.role, "content": message.content} for message in question]
    return json.dumps(turns, ensure_ascii=False)
