from __future__ import annotations

import inspect
import subprocess
import sys

import pytest
from aiohttp import web

from archon.core.errors import AuthFailed, BadRequest, CallError, SetupError
from archon.models import litellm as adapter
from archon.models.litellm import (
    LiteLLMModel,
    known_price,
    takes_many_samples,
    takes_temperature,
    understood,
)
from archon.models.litellm_errors import translated
from archon.models.litellm_providers import KEYS
from archon.models.secret import Secret
from archon.service.settings import keep_litellm_at_home
from archon.testing.clients import batch_of


@pytest.fixture(autouse=True)
def quiet_litellm() -> None:
    keep_litellm_at_home()


def exception_classes() -> list[type[Exception]]:
    keep_litellm_at_home()
    import litellm.exceptions

    found = vars(litellm.exceptions).values()
    return [one for one in found if inspect.isclass(one) and issubclass(one, Exception)]


def made(kind: type[Exception]) -> Exception:
    """An exception of this kind without running its constructor, which differ widely."""
    error = kind.__new__(kind)
    error.args = ("what the provider said",)
    vars(error).update(message="what the provider said", num_retries=None, max_retries=None)
    vars(error).update(original_exception=None)
    return error


def test_every_exception_of_litellm_has_a_translation() -> None:
    classes = exception_classes()
    assert len(classes) > 20
    for kind in classes:
        understood = translated(made(kind), where="model 'm'", secret=None)
        assert isinstance(understood, CallError), kind
        assert understood.__cause__ is None


@pytest.mark.parametrize(
    ("model", "has_price"),
    [("gpt-4o-mini", True), ("openai/gpt-4o-mini", True), ("openai/nobody-knows-this", False)],
)
def test_price_comes_from_the_table_or_is_unknown(model: str, has_price: bool) -> None:
    price = known_price(model)
    assert (price is not None) == has_price
    if price is not None:
        assert 0 < price.input_usd_per_mtok < price.output_usd_per_mtok < 10


def test_long_prompts_are_counted_at_the_higher_price_of_the_table() -> None:
    price = known_price("gemini/gemini-2.5-pro")
    assert price is not None
    usual, long = price.cost_nusd(200_000, 1_000), price.cost_nusd(200_001, 1_000)
    assert usual == 200_000 * 1_250 + 1_000 * 10_000
    assert long == 200_001 * 2_500 + 1_000 * 15_000
    assert price.cost_nusd(0, 1_000, of_prompt=200_001) == 1_000 * 15_000


@pytest.mark.parametrize(
    ("model", "provider", "name"),
    [
        ("openai/gpt-4.1-mini", "openai", "gpt-4.1-mini"),
        ("gpt-4.1-mini", "openai", "gpt-4.1-mini"),
        ("openrouter/openai/gpt-4o", "openrouter", "openai/gpt-4o"),
        ("nobody-knows-this", "", "nobody-knows-this"),
    ],
    ids=["whole", "without provider", "router", "unknown"],
)
def test_name_is_understood_as_litellm_does(model: str, provider: str, name: str) -> None:
    hosted = understood(model)
    assert (hosted.provider, hosted.name) == (provider, name)


@pytest.mark.parametrize(
    ("model", "expected"),
    [("openai/gpt-4.1-mini", True), ("openai/gpt-5-mini", False), ("nobody-knows-this", True)],
)
def test_model_that_ignores_its_temperature_is_known(model: str, expected: bool) -> None:
    assert takes_temperature(model) is expected


def test_variables_of_keys_are_those_that_litellm_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    import litellm

    for provider, variables in KEYS.items():
        for variable in variables:
            monkeypatch.delenv(variable, raising=False)
        missing = litellm.validate_environment(f"{provider}/m")["missing_keys"]
        assert set(missing) <= set(variables), provider


@pytest.mark.parametrize(
    "said",
    [
        "InternalServerError: OpenAIException - Missing credentials. Please pass an `api_key`",
        "The api_key client option must be set either by passing api_key to the client",
        "Missing Anthropic API Key - A call is being made to anthropic but no key is set",
    ],
    ids=["openai", "older openai", "anthropic"],
)
def test_call_without_a_key_is_refused_and_was_never_billed(said: str) -> None:
    understood_as = translated(RuntimeError(said), where="model 'm'", secret=None)
    assert isinstance(understood_as, AuthFailed)
    assert not understood_as.is_maybe_billed
    assert "key_env" in str(understood_as)


PLAIN_PROVIDERS = ("openai/m", "gpt-4.1-mini", "anthropic/m", "groq/m", "mistral/m", "deepseek/m",
                   "together_ai/x/m", "openrouter/x/m", "gemini/m", "hosted_vllm/m", "xai/m",
                   "ollama_chat/m", "fireworks_ai/m", "perplexity/m", "cerebras/m")  # fmt: skip


@pytest.mark.filterwarnings("ignore")  # LiteLLM's own
@pytest.mark.parametrize("model", PLAIN_PROVIDERS)
async def test_key_does_not_go_where_a_redirect_leads(model: str) -> None:
    arrived: list[str] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        arrived.append(request.path)
        return web.Response(status=307, headers={"Location": f"{origin}/elsewhere"})

    runner = web.ServerRunner(web.Server(answer), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
    hosted = LiteLLMModel(model, secret=Secret("k-canary"), deadline_s=10.0, api_base=origin)
    try:
        with pytest.raises(BadRequest, match="redirects"):
            await hosted.complete(batch_of("hello", n=1))
    finally:
        await hosted.aclose()
        await runner.cleanup()
    assert len(arrived) == 1


def test_providers_differ_in_taking_many_samples() -> None:
    assert takes_many_samples("openai/gpt-4o-mini")
    assert not takes_many_samples("anthropic/claude-3-5-haiku-20241022")


def test_missing_package_is_named_with_what_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    adapter._library.cache_clear()
    monkeypatch.setattr(adapter, "find_spec", lambda name: None)
    with pytest.raises(SetupError, match=r"pip install 'archon\[hosted\]'"):
        known_price("openai/gpt-4o-mini")


def test_adapter_imports_litellm_with_the_first_call_only() -> None:
    code = "import sys, archon.models.litellm; print('litellm' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.stdout.strip() == "False"
