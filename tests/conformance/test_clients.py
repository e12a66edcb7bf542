from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from archon.core.calls import ModelClient
from archon.models.litellm import LiteLLMModel
from archon.models.openai_endpoint import OpenAIEndpoint
from archon.models.secret import Secret
from archon.service.settings import keep_litellm_at_home
from archon.testing.clients import ModelClientSuite
from tests.stub import Stub, running_stub

KEY = Secret("sk-canary")
Made = Callable[[Stub], OpenAIEndpoint | LiteLLMModel]
ADAPTERS: dict[str, Made] = {
    "endpoint": lambda stub: OpenAIEndpoint(stub.base_url, "echo", secret=KEY),
    "endpoint without n": lambda stub: OpenAIEndpoint(
        stub.base_url, "echo", secret=KEY, has_many_samples=False
    ),
    "litellm, OpenAI's format": lambda stub: LiteLLMModel(
        "openai/echo", secret=KEY, has_many_samples=True, api_base=stub.base_url
    ),
    "litellm, Anthropic's format": lambda stub: LiteLLMModel(
        "anthropic/echo", secret=KEY, api_base=stub.origin
    ),
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning:litellm")
class TestModelClients(ModelClientSuite):
    @pytest.fixture(params=ADAPTERS.values(), ids=ADAPTERS)
    async def client(self, request: pytest.FixtureRequest) -> AsyncIterator[ModelClient]:
        keep_litellm_at_home()
        made: Made = request.param
        async with running_stub(Stub(key="sk-canary", latency_s=0.03)) as stub:
            client = made(stub)
            yield client
            await client.aclose()
