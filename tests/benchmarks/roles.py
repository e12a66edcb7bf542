"""What the stub says in a benchmark: replies that every component can read, by the model's name."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tests.stub.texts import Turn, respond

N_WRITERS = 8
N_RANKED = 5


def respond_by_role(model: str, messages: Sequence[Turn], slot: int) -> str:
    """An order for the ranker, critiques for the critic, verdicts for the verifier, else words."""
    if model == "ranker":
        return " > ".join(str(i + 1) for i in range(N_WRITERS))
    if model == "critic":
        reviews = [{"id": i + 1, "good": "clear", "bad": "short"} for i in range(N_RANKED)]
        return json.dumps(reviews)
    if model == "verifier":
        return "It holds.\nVerdict: correct"
    return respond(model, messages, slot)
