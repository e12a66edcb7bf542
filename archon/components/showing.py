"""Candidates as a prompt shows them: numbered, fenced, each with its critique directly below.

The number is local to one call: what a model says of "2" is read with the order that this call
showed, so that no place sticks to a candidate.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from archon.components.answers import visible
from archon.components.base import RunContext
from archon.components.quoting import Fence, transcript
from archon.core.candidates import Candidate
from archon.core.messages import Conversation

ORDERS = ("as_is", "canonical", "shuffled")
"""As they arrive; by a hash of their text; by chance, a different one for every question."""


@dataclass(frozen=True, slots=True)
class Exhibit:
    """The quoted parts of one prompt."""

    question: str
    answers: str
    fence: Fence


def exhibit(
    question: Conversation,
    candidates: Sequence[Candidate],
    *,
    also: Sequence[str] = (),
    salt: str = "",
    has_critiques: bool = True,
) -> Exhibit:
    """Quote a question and candidates for one prompt.

    Args:
        question: Shown whole, with its history.
        candidates: Numbered from 1 in this order.
        also: Other texts that the caller quotes in the same prompt, with ``fence``.
        salt: Tells apart prompts that show the same and are to be asked separately.
        has_critiques: Critiques are shown, where there are any.
    """
    asked = transcript(question)
    texts = [without_reasoning(candidate.text) for candidate in candidates]
    critiques = [candidate.critique if has_critiques else "" for candidate in candidates]
    fence = Fence.around(asked, *texts, *critiques, *also, salt=salt)
    blocks = []
    for number, (text, critique) in enumerate(zip(texts, critiques, strict=True), start=1):
        blocks.append(fence.quote(f"answer {number}", text))
        if critique:
            blocks.append(fence.quote(f"critique of answer {number}", critique))
    return Exhibit(fence.quote("question", asked), "\n".join(blocks), fence)


def without_reasoning(text: str) -> str:
    """The text without the reasoning block that some models begin with, if more is left."""
    after = visible(text)
    return after.strip() if after and after.strip() else text


def arranged(
    candidates: Sequence[Candidate], order: str, context: RunContext, *names: str | int
) -> tuple[int, ...]:
    """The order in which candidates are shown, as places in ``candidates``.

    Args:
        candidates: As they arrived.
        order: One of ``ORDERS``.
        context: Gives the chance for "shuffled", which is the same whenever the question is.
        names: Tell several shuffles of one component apart.
    """
    places = range(len(candidates))
    match order:
        case "canonical":
            texts = [c.text.encode("utf-8", "surrogatepass") for c in candidates]
            return tuple(sorted(places, key=lambda i: hashlib.sha256(texts[i]).digest()))
        case "shuffled":
            return tuple(sorted(places, key=lambda i: context.seed("order", *names, i)))
        case _:
            return tuple(places)


def fitting(candidates: Sequence[Candidate], places: Sequence[int]) -> tuple[int, ...]:
    """Fewer places, for a prompt that was too long: whole candidates, at most half the text.

    The last in the order of arrival go first: an ordering layer puts the worst there.

    Returns:
        Those that stay, in the order of ``places``; none if it was one already.
    """
    sizes = {
        i: len(without_reasoning(candidates[i].text)) + len(candidates[i].critique) for i in places
    }
    most, kept = sum(sizes.values()) // 2, set[int]()
    for place in sorted(places):
        if kept and sum(sizes[i] for i in kept) + sizes[place] > most:
            break
        kept.add(place)
    return tuple(i for i in places if i in kept) if len(kept) < len(places) else ()
