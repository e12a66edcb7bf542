"""Foreign text in a judge's prompt, shown as data that cannot pass for the prompt's own words."""

from __future__ import annotations

import hashlib
import json

from archon.core.messages import Conversation


def nonce_of(*texts: str) -> str:
    """Twelve hex digits that depend on all texts of a prompt, so that none can contain them.

    Derived, not drawn: equal prompts must be equal requests, which are bought once.
    """
    joined = "\x1f".join(texts)
    return hashlib.sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def fenced(label: str, text: str, nonce: str) -> str:
    """``text`` as one JSON string between two markers that carry the nonce."""
    return f"<<{label} {nonce}>>\n{json.dumps(text, ensure_ascii=False)}\n<</{label} {nonce}>>"


def as_text(question: Conversation) -> str:
    """A question as one text: alone as it is, with its history as JSON."""
    if len(question) == 1:
        return question[0].content
    turns = [{"role": message.role, "content": message.content} for message in question]
    return json.dumps(turns, ensure_ascii=False)
