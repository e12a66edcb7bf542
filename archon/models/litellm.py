"""Hosted models through LiteLLM, which is imported when the first of them is opened.

One ``complete`` is one HTTP request: LiteLLM's retries and those of the clients below it are off,
our deadline stands around it. Where LiteLLM takes a client of ours (``litellm_providers`` says for
whom), redirects are not followed and bodies without an end not read.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Any

from archon.core.calls import CallBatch, ModelReply, Price
from archon.core.errors import BadResponse, SetupError, TimedOut
from archon.models.body_limit import body_limit
from archon.models.litellm_errors import translated
from archon.models.litellm_providers import HTTP_CLIENT, OPENAI_CLIENT
from archon.models.secret import Secret
from archon.models.wire import Written, split_usage

MAX_SAMPLES = 128
_MAX_CONNECTIONS = 1024
_LONG = re.compile(r"input_cost_per_token_above_(\d+)k_tokens")
"""What LiteLLM's table calls the price of a request with a longer prompt."""


@cache
def _library() -> Any:
    """LiteLLM, told to be quiet and to send nothing anywhere but to providers.

    Raises:
        SetupError: It is not installed.
    """
    if find_spec("litellm") is None:
        raise SetupError(
            "litellm is not installed, and hosted models need it. Run: pip install 'archon[hosted]'"
        )
    logging.getLogger("LiteLLM").setLevel(logging.CRITICAL)
    import litellm

    litellm.telemetry = False
    litellm.suppress_debug_info = True
    return litellm


@dataclass(frozen=True, slots=True)
class Hosted:
    """A hosted model as LiteLLM understands its name."""

    provider: str
    """ "" where LiteLLM knows none."""
    name: str
    """What the provider calls the model."""
    base: str | None = None
    """Where LiteLLM expects the provider; None where only its own code knows."""


@cache
def understood(model: str) -> Hosted:
    """Whose model LiteLLM takes this for: a name without a provider may be one that it knows.

    Raises:
        SetupError: LiteLLM is not installed.
    """
    library = _library()
    try:
        name, provider, _, base = library.get_llm_provider(model)
    except library.BadRequestError:
        return Hosted("", model)
    return Hosted(str(provider), str(name), base)


def takes_temperature(model: str) -> bool:
    """Whether a temperature reaches the model, as LiteLLM knows it; some take none but their own.

    Raises:
        SetupError: LiteLLM is not installed.
    """
    library, hosted = _library(), understood(model)
    if not hosted.provider:
        return True
    sent = [
        library.utils.get_optional_params(
            model=hosted.name,
            custom_llm_provider=hosted.provider,
            temperature=temperature,
            drop_params=True,
        )
        for temperature in (0.3, 0.9)
    ]
    return bool(sent[0] != sent[1])


def known_price(model: str) -> Price | None:
    """The price of a model in LiteLLM's table; None where it is not in it.

    Raises:
        SetupError: LiteLLM is not installed.
    """
    entry = _library().model_cost.get(model) or _library().model_cost.get(model.partition("/")[2])
    if not entry or "input_cost_per_token" not in entry:
        return None
    lengths = [int(m[1]) for name in entry if (m := _LONG.fullmatch(name))]
    usual = _usd_per_mtok(entry, [""])
    if not lengths:
        return Price(*usual)
    # Where the price changes several times, the highest counts from the first change on.
    longer = _usd_per_mtok(entry, ["", *(f"_above_{length}k_tokens" for length in lengths)])
    return Price(*usual, 1000 * min(lengths), *longer)


def _usd_per_mtok(entry: Mapping[str, Any], ends: Sequence[str]) -> tuple[float, float]:
    """The highest price of what is read and of what is written, under names with these ends."""
    read, written = (
        max(entry.get(f"{side}_cost_per_token{end}") or 0.0 for end in ends)
        for side in ("input", "output")
    )
    return round(1e6 * read, 9), round(1e6 * written, 9)


def takes_many_samples(model: str) -> bool:
    """Whether the model's provider takes ``n``, as LiteLLM knows it.

    Raises:
        SetupError: LiteLLM is not installed.
    """
    return "n" in (_library().get_supported_openai_params(model=model) or ())


class LiteLLMModel:
    """One hosted model. See ``OpenAIEndpoint`` for what a request asks for."""

    def __init__(
        self,
        model: str,
        *,
        secret: Secret | None = None,
        deadline_s: float = 120.0,
        has_many_samples: bool = False,
        api_base: str | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Nothing is imported or connected before the first call.

        Args:
            model: LiteLLM's name: provider/model.
            secret: The key; None: the provider needs none, or LiteLLM finds it.
            deadline_s: Longest time from the request to the last byte of its reply, seconds.
            has_many_samples: Whether the provider takes ``n``.
            api_base: Where the provider is, if not where LiteLLM expects it.
            clock: Monotonic seconds, for latencies.
        """
        self._model = model
        self._where = f"model {model!r}"
        self._secret = secret
        self._deadline_s = deadline_s
        self._has_many_samples = has_many_samples
        self._api_base = api_base
        self._clock = clock
        self._clients: dict[asyncio.AbstractEventLoop, Any] = {}

    async def complete(self, batch: CallBatch) -> tuple[ModelReply, ...]:
        """See ``ModelClient``; errors are of the types that ``translated`` gives."""
        acompletion, arguments = _library().acompletion, self._arguments(batch)
        started = self._clock()
        try:
            async with asyncio.timeout(self._deadline_s):
                reply = await acompletion(**arguments)
        except TimeoutError:
            raise TimedOut(f"{self._where} gave no reply within {self._deadline_s:g} s") from None
        except Exception as error:
            # LiteLLM raises what it likes. Without the cause: it holds the key.
            raise translated(error, where=self._where, secret=self._secret) from None
        return self._replies(reply, batch, self._clock() - started)

    async def aclose(self) -> None:
        """Close the connections of the running event loop."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.close()

    def _arguments(self, batch: CallBatch) -> dict[str, Any]:
        sampling = batch.request.sampling
        arguments: dict[str, Any] = {
            "model": self._model,
            "messages": [{"role": m.role, "content": m.content} for m in batch.request.messages],
            "temperature": sampling.temperature,
            "max_tokens": sampling.max_tokens,
            "num_retries": 0,
            "max_retries": 0,
            "timeout": self._deadline_s,
            # A model that has no temperature takes none, rather than failing every request.
            "drop_params": True,
        }
        if sampling.top_p is not None:
            arguments["top_p"] = sampling.top_p
        if sampling.stop:
            arguments["stop"] = list(sampling.stop)
        if self._has_many_samples and sampling.temperature > 0 and len(batch.slots) > 1:
            arguments["n"] = min(len(batch.slots), MAX_SAMPLES)
        if self._secret is not None:
            arguments["api_key"] = self._secret.reveal()
        if self._api_base is not None:
            arguments["api_base"] = self._api_base
        if (client := self._client()) is not None:
            arguments["client"] = client
        return arguments

    def _client(self) -> Any:
        """A client of the provider's own kind, with our limits; None: LiteLLM's own."""
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            hosted = understood(self._model)
            if hosted.provider in HTTP_CLIENT:
                from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler

                self._clients[loop] = AsyncHTTPHandler(
                    timeout=self._deadline_s,
                    follow_redirects=False,
                    event_hooks={"response": [body_limit(self._where)]},
                )
            elif hosted.provider in OPENAI_CLIENT and self._secret is not None:
                self._clients[loop] = self._openai_client(self._secret, hosted.base)
            else:
                return None
        return self._clients[loop]

    def _openai_client(self, secret: Secret, base: str | None) -> Any:
        import httpx
        import openai

        limits = httpx.Limits(max_connections=_MAX_CONNECTIONS)
        return openai.AsyncOpenAI(
            api_key=secret.reveal(),
            base_url=self._api_base or base,
            max_retries=0,
            http_client=httpx.AsyncClient(
                follow_redirects=False,
                timeout=self._deadline_s,
                limits=limits,
                trust_env=False,
                event_hooks={"response": [body_limit(self._where)]},
            ),
        )

    def _replies(self, reply: Any, batch: CallBatch, latency_s: float) -> tuple[ModelReply, ...]:
        choices = list(getattr(reply, "choices", ()) or ())[: len(batch.slots)]
        if not choices:
            raise BadResponse(f"{self._where} sent no choices")
        written = [_written(choice) for choice in choices]
        usages = split_usage(_usage(reply), written, batch.request)
        return tuple(
            ModelReply(
                key,
                choice.text,
                choice.finish,
                usage,
                latency_s,
                str(getattr(reply, "model", "") or ""),
                choice.reasoning,
            )
            for key, choice, usage in zip(batch.keys(), written, usages, strict=False)
        )


def _written(choice: Any) -> Written:
    message = choice.message
    fields = getattr(message, "provider_specific_fields", None) or {}
    return Written.of(
        str(getattr(message, "content", None) or ""),
        choice.finish_reason,
        refusal=str(fields.get("refusal") or getattr(message, "refusal", None) or ""),
        reasoning=str(getattr(message, "reasoning_content", None) or ""),
    )


def _usage(reply: Any) -> dict[str, Any]:
    """The stated usage; LiteLLM says 0 where the provider said nothing."""
    usage = getattr(reply, "usage", None)
    stated = {name: getattr(usage, name, None) for name in ("prompt_tokens", "completion_tokens")}
    return {name: count for name, count in stated.items() if count}
