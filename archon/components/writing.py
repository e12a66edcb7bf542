"""From replies to new candidates: what ``generate`` and ``fuse`` have in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archon.components.answers import visible
from archon.components.base import RunContext, fault_of
from archon.components.together import together
from archon.core.calls import CallKey, ModelReply, ModelRequest
from archon.core.candidates import Candidate


async def candidates_from(
    replies: Sequence[ModelReply],
    request: ModelRequest,
    context: RunContext,
    *,
    parents: tuple[CallKey, ...] = (),
    may_redraw: bool = True,
) -> tuple[Candidate, ...]:
    """One new candidate for each reply that says something, in order.

    An empty reply is drawn once more, all at the same time; one that is refused or filtered is
    not. What still says nothing is counted and gives no candidate. A reply that is reasoning alone
    is empty; where it was cut off within its reasoning, another draw would be too.

    Args:
        replies: What came back.
        request: What they answer.
        context: Of the component that asked: the author.
        parents: Calls of the candidates that the request shows.
        may_redraw: False where the replies are second ones already.
    """
    empty = [reply for reply in replies if _is_empty(reply) and may_redraw]
    if empty:
        context.count("empty_reply", len(empty))
        drawn = await together([context.redraw(reply, request) for reply in empty])
        second = dict(zip((reply.key for reply in empty), drawn, strict=True))
        replies = [second.get(reply.key, reply) for reply in replies]
    return tuple(_written(replies, request.model, context, parents))


def _written(
    replies: Sequence[ModelReply], model: str, context: RunContext, parents: tuple[CallKey, ...]
) -> Iterator[Candidate]:
    for reply in replies:
        if reply.is_faulty or _is_empty(reply):
            context.count(fault_of(reply))
            continue
        is_truncated = reply.finish == "length"
        if is_truncated:
            context.count("truncated")
            if not says_something(reply.text):
                continue
        yield Candidate(
            text=reply.text,
            call=reply.key,
            model=model,
            author=context.path,
            parents=parents,
            is_truncated=is_truncated,
        )


def says_something(text: str) -> bool:
    """Whether a text is more than a block of reasoning."""
    return bool((visible(text) or "").strip())


def _is_empty(reply: ModelReply) -> bool:
    return reply.finish == "empty" or (reply.finish == "stop" and not says_something(reply.text))
