"""What an endpoint does wrong, seen through each adapter: one row of the table of faults a test."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest

from archon.core.calls import ModelReply
from archon.core.errors import (
    AuthFailed,
    BadRequest,
    BadResponse,
    CallError,
    ContextOverflow,
    ModelGone,
    QuotaExhausted,
    RateLimited,
    Refused,
    TimedOut,
    Unreachable,
)
from archon.models.failures import NotConnected
from archon.models.litellm import LiteLLMModel
from archon.models.openai_endpoint import OpenAIEndpoint
from archon.models.secret import Secret
from archon.service.settings import keep_litellm_at_home
from archon.testing.clients import batch_of
from tests.stub import Stub, running_stub

Adapter = OpenAIEndpoint | LiteLLMModel
Made = Callable[[Stub], Adapter]
CANARY = Secret("sk-CANARY")
DEADLINE_S = 1.0

ADAPTERS: dict[str, Made] = {
    "endpoint": lambda stub: OpenAIEndpoint(
        stub.base_url, "m", secret=CANARY, deadline_s=DEADLINE_S
    ),
    "openai": lambda stub: LiteLLMModel(
        "openai/m",
        secret=CANARY,
        deadline_s=DEADLINE_S,
        has_many_samples=True,
        api_base=stub.base_url,
    ),
    "anthropic": lambda stub: LiteLLMModel(
        "anthropic/m", secret=CANARY, deadline_s=DEADLINE_S, api_base=stub.origin
    ),
}
ALL = tuple(ADAPTERS)
OPENAI = ("endpoint", "openai")

FAULTS: list[tuple[str, type[CallError], tuple[str, ...]]] = [
    ("429:3", RateLimited, ALL),
    ("quota", QuotaExhausted, ALL),
    ("402", QuotaExhausted, ALL),
    ("500", Unreachable, ALL),
    ("529", Unreachable, ALL),
    ("503-html", Unreachable, ALL),
    ("reset", Unreachable, ALL),
    ("cut", Unreachable, ALL),
    ("cut-chunk", Unreachable, ALL),
    ("html", BadResponse, ALL),
    ("broken-json", BadResponse, ALL),
    ("bad-utf8", BadResponse, ALL),
    ("number", BadResponse, ALL),
    ("content-42", BadResponse, ALL),
    ("error-200", Unreachable, OPENAI),
    ("error-200", BadResponse, ("anthropic",)),
    ("no-choices", BadResponse, OPENAI),
    ("400-context", ContextOverflow, ALL),
    ("400-filter", Refused, ALL),
    ("400", BadRequest, ALL),
    ("422", BadRequest, ALL),
    ("401", AuthFailed, ALL),
    ("403", AuthFailed, ALL),
    ("404", ModelGone, ALL),
    ("hang", TimedOut, ALL),
    ("drip", TimedOut, ALL),
    ("redirect:http://127.0.0.1:1/", BadRequest, ALL),
]
ROWS = [(mode, error, name) for mode, error, names in FAULTS for name in names]


@pytest.fixture(autouse=True)
def quiet_litellm() -> None:
    keep_litellm_at_home()


@pytest.fixture
async def stub() -> AsyncIterator[Stub]:
    async with running_stub(Stub()) as stub:
        yield stub


async def asked(adapter: Adapter) -> tuple[ModelReply, ...]:
    try:
        return await adapter.complete(batch_of("hello", n=1))
    finally:
        await adapter.aclose()


@pytest.mark.parametrize(
    ("mode", "error", "name"), ROWS, ids=[f"{mode}-{name}" for mode, _, name in ROWS]
)
async def test_fault_is_understood_after_one_request_and_shows_no_key(
    stub: Stub, mode: str, error: type[CallError], name: str
) -> None:
    stub.script("m", mode)
    started = time.perf_counter()
    with pytest.raises(CallError) as raised:
        await asked(ADAPTERS[name](stub))
    assert type(raised.value) is error
    assert stub.ledger.requests == 1
    assert time.perf_counter() - started < DEADLINE_S + 4.0  # LiteLLM takes seconds to import
    assert "CANARY" not in f"{raised.value}{raised.value.args}"
    assert raised.value.__cause__ is None


@pytest.mark.parametrize("name", ADAPTERS)
async def test_time_to_wait_is_read_from_the_reply(stub: Stub, name: str) -> None:
    stub.script("m", "429:7")
    with pytest.raises(RateLimited) as raised:
        await asked(ADAPTERS[name](stub))
    assert raised.value.retry_after_s == 7.0


@pytest.mark.parametrize("name", ADAPTERS)
async def test_nobody_at_the_address_cannot_have_been_charged(name: str) -> None:
    async with running_stub(Stub()) as gone:
        pass
    with pytest.raises(NotConnected) as raised:
        await asked(ADAPTERS[name](gone))
    assert not raised.value.is_maybe_billed


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:9/v1", "nobody listens there."),
        ("http://no-such-host.invalid/v1", "there is no such host."),
    ],
    ids=["port", "host"],
)
async def test_who_is_not_there_is_said_in_words_with_what_to_do(url: str, said: str) -> None:
    with pytest.raises(NotConnected) as raised:
        await asked(OpenAIEndpoint(url, "m"))
    assert str(raised.value).startswith(f"model 'm' at {url}: {said} ")
    assert "Is the server up" in str(raised.value)
    assert "ssl" not in str(raised.value)


MODEL_FAULTS = [
    ("null", "empty", ALL),
    ("empty", "empty", ALL),
    ("blank", "empty", ALL),
    ("filtered", "filtered", ALL),
    ("refusal", "refused", ("endpoint",)),
    ("tool-calls", "empty", ("endpoint",)),
    ("reasoning-only", "empty", OPENAI),
]
MODEL_ROWS = [(mode, finish, name) for mode, finish, names in MODEL_FAULTS for name in names]


@pytest.mark.parametrize(
    ("mode", "finish", "name"), MODEL_ROWS, ids=[f"{mode}-{name}" for mode, _, name in MODEL_ROWS]
)
async def test_reply_without_a_usable_text_is_a_billed_reply_that_says_why(
    stub: Stub, mode: str, finish: str, name: str
) -> None:
    stub.script("m", mode)
    (reply,) = await asked(ADAPTERS[name](stub))
    assert (reply.text, reply.finish) == ("", finish)
    assert reply.usage.prompt_tokens > 0


@pytest.mark.parametrize("name", OPENAI)
async def test_reasoning_is_kept_apart_from_the_text(stub: Stub, name: str) -> None:
    stub.script("m", "reasoning")
    (reply,) = await asked(ADAPTERS[name](stub))
    assert reply.reasoning == "Let me think."
    assert "think" not in reply.text


@pytest.mark.parametrize("mode", ["no-usage", "negative-usage", "huge-usage"])
async def test_usage_that_is_missing_or_nonsense_is_estimated_and_flagged(
    stub: Stub, mode: str
) -> None:
    stub.script("m", mode)
    (reply,) = await asked(ADAPTERS["endpoint"](stub))
    assert reply.usage.is_estimated
    assert reply.usage.prompt_tokens > 0
    assert reply.usage.completion_tokens > 0


async def test_reason_that_is_no_text_is_no_reason(stub: Stub) -> None:
    stub.script("m", "finish-list")
    (reply,) = await asked(ADAPTERS["endpoint"](stub))
    assert reply.finish == "stop"
    assert reply.text


@pytest.mark.parametrize("name", ADAPTERS)
async def test_message_of_a_provider_can_be_printed_and_stored_whatever_its_bytes(
    stub: Stub, name: str
) -> None:
    stub.script("m", "400-odd")
    with pytest.raises(BadRequest) as raised:
        await asked(ADAPTERS[name](stub))
    text = str(raised.value)
    assert "Bad \\ud800 and \\u0000." in text
    assert "\0" not in text
    text.encode()


@pytest.mark.parametrize(
    ("url", "key"),
    [
        (f"http://{'a' * 70}.example/v1", "k"),
        ("http://exa mple/v1", "k"),
        ("http://127.0.0.1:1/v1", "CANARY\nb"),
        ("http://127.0.0.1:1/v1", "CANARY \N{CYRILLIC SMALL LETTER KA}"),
        ("http://127.0.0.1:1/v1", "CANARY \N{LEFT DOUBLE QUOTATION MARK}"),
    ],
    ids=["long label", "space", "newline in key", "Cyrillic key", "quoted key"],
)
async def test_address_or_key_that_cannot_be_written_down_is_an_error_for_the_user(
    url: str, key: str
) -> None:
    with pytest.raises(CallError) as raised:
        await asked(OpenAIEndpoint(url, "m", secret=Secret(key), deadline_s=5.0))
    assert "'m'" in str(raised.value)
    assert "CANARY" not in str(raised.value)


async def test_missing_usage_is_estimated_through_litellm_too(stub: Stub) -> None:
    stub.script("m", "no-usage")
    (reply,) = await asked(ADAPTERS["openai"](stub))
    assert reply.usage.is_estimated
    assert reply.usage.prompt_tokens > 0


async def test_endless_body_is_not_read(stub: Stub) -> None:
    stub.script("m", "endless")
    with pytest.raises(CallError):
        await asked(OpenAIEndpoint(stub.base_url, "m", deadline_s=20.0))


@pytest.mark.parametrize("mode", ["nul", "surrogate", "parts"])
async def test_odd_texts_arrive(stub: Stub, mode: str) -> None:
    stub.script("m", mode)
    (reply,) = await asked(ADAPTERS["endpoint"](stub))
    assert reply.text == {"nul": "a\x00b", "surrogate": "a\ud800b", "parts": "Hello there"}[mode]


@pytest.mark.parametrize("name", ADAPTERS)
async def test_key_goes_to_the_endpoint_and_no_seed_with_it(stub: Stub, name: str) -> None:
    stub.key = "sk-CANARY"
    await asked(ADAPTERS[name](stub))
    assert stub.ledger.seeded == 0
    assert stub.ledger.refused == 0


async def test_fewer_samples_than_asked_are_taken_as_they_come(stub: Stub) -> None:
    stub.max_n = 2
    adapter = ADAPTERS["openai"](stub)
    replies = await adapter.complete(batch_of("hello", n=5))
    await adapter.aclose()
    assert [reply.key.slot for reply in replies] == [0, 1]


async def test_deadline_does_not_count_the_wait_of_other_calls(stub: Stub) -> None:
    stub.latency_s = 0.3
    adapter = ADAPTERS["endpoint"](stub)
    replies = await asyncio.gather(*(adapter.complete(batch_of(f"{i}")) for i in range(20)))
    await adapter.aclose()
    assert all(0.3 <= reply.latency_s < DEADLINE_S for (reply,) in replies)
