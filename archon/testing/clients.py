"""What every adapter behind ``ModelClient`` must do, as a suite that third parties can run.

An adapter's tests subclass ``ModelClientSuite`` and give two fixtures: ``client``, which asks a
model that repeats the last message, and ``greedy_limit``, how many samples it gives at
temperature 0.
"""

from __future__ import annotations

import asyncio

import pytest

from archon.core.calls import CallBatch, ModelClient, ModelRequest, Sampling
from archon.core.messages import Message, ask


def batch_of(text: str, n: int = 1, *, temperature: float = 0.7, max_tokens: int = 64) -> CallBatch:
    """``n`` samples of a question, in the slots from 0."""
    request = ModelRequest("model", ask(text), Sampling(temperature, max_tokens))
    return CallBatch(request, request.digest("suite"), tuple(range(n)))


class ModelClientSuite:
    """Subclass it with a ``client`` fixture."""

    async def test_reply_holds_text_usage_time_and_key(self, client: ModelClient) -> None:
        """What the runtime needs of every reply."""
        batch = batch_of("one two three")
        (reply,) = await client.complete(batch)
        assert reply.text == "one two three"
        assert reply.finish == "stop"
        assert reply.key == batch.keys()[0]
        assert reply.usage.prompt_tokens > 0
        assert reply.usage.billed_prompt_tokens == reply.usage.prompt_tokens
        assert reply.usage.completion_tokens > 0
        assert reply.latency_s > 0
        assert not reply.is_reused

    async def test_replies_are_for_the_first_slots_in_order(self, client: ModelClient) -> None:
        """As many as the endpoint gives, at least one, never more than asked."""
        batch = batch_of("hello", n=5)
        replies = await client.complete(batch)
        assert 1 <= len(replies) <= 5
        assert [reply.key for reply in replies] == list(batch.keys()[: len(replies)])

    async def test_prompt_is_billed_once_for_a_request(self, client: ModelClient) -> None:
        """However many samples it carries."""
        replies = await client.complete(batch_of("hello", n=4))
        assert [bool(r.usage.billed_prompt_tokens) for r in replies] == [
            i == 0 for i in range(len(replies))
        ]

    async def test_greedy_samples_are_answered(self, client: ModelClient) -> None:
        """Engines refuse several samples at temperature 0 in one request."""
        replies = await client.complete(batch_of("hello", n=3, temperature=0.0))
        assert [reply.text for reply in replies] == ["hello"] * len(replies)

    async def test_cut_text_says_so(self, client: ModelClient) -> None:
        """A completion that reached ``max_tokens`` ends with "length"."""
        (reply,) = await client.complete(batch_of("a b c d e f g h", max_tokens=3))
        assert reply.finish == "length"
        assert reply.text

    async def test_history_of_a_chat_is_sent_whole(self, client: ModelClient) -> None:
        """Roles and turns arrive as they are."""
        turns = (
            Message("system", "Be brief."),
            Message("user", "Hi"),
            Message("assistant", "Hello"),
            Message("user", "the last turn"),
        )
        request = ModelRequest("model", turns)
        (reply,) = await client.complete(CallBatch(request, request.digest("suite"), (0,)))
        assert reply.text == "the last turn"

    async def test_many_calls_run_at_once(self, client: ModelClient) -> None:
        """One client serves many tasks of one loop."""
        texts = [f"text {i}" for i in range(40)]
        replies = await asyncio.gather(*(client.complete(batch_of(text)) for text in texts))
        assert [reply.text for (reply,) in replies] == texts

    async def test_cancelled_call_leaves_the_client_usable(self, client: ModelClient) -> None:
        """Cancelling cancels the request. The endpoint should take 20 ms or more to answer."""
        await client.complete(batch_of("first"))
        task = asyncio.ensure_future(client.complete(batch_of("hello")))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        (reply,) = await client.complete(batch_of("again"))
        assert reply.text == "again"
