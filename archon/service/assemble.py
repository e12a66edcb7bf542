"""The only place that wires objects: from a job's models to clients that answer.

The policies around a model stack in one expression each: ``Pausing(Reusing(Timely(Routed(...))))``
for a study, with ``Limited(Budgeted(backend))`` in it; ``Filling(Routed(...))`` for a pipeline at
work, with ``Limited(backend)``.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, Self

from archon.core.calls import CallStore, ModelCard, ModelClient, Price
from archon.core.errors import SetupError
from archon.models.engine import EmbeddedEngine
from archon.models.engine import card as engine_card
from archon.models.engine_command import installed_build, this_size
from archon.models.engine_watch import EngineModel
from archon.models.litellm import LiteLLMModel, known_price, takes_many_samples, understood
from archon.models.litellm_providers import base_variables, is_own_base
from archon.models.openai_endpoint import OpenAIEndpoint
from archon.models.secret import Secret
from archon.runtime.asking import ModelAsks
from archon.runtime.budget import Budget
from archon.runtime.clients import Budgeted, Filling, Pausing, Reusing, Routed, Timely
from archon.runtime.gate import Clock, Gate, Limits, not_held
from archon.runtime.limits import Limited
from archon.runtime.purchases import Purchases
from archon.scoring.table import build_scorer
from archon.search.evaluate import OUTAGE, Evaluator
from archon.service.needs import key_of, provider_of
from archon.service.settings import Settings, keep_litellm_at_home
from archon.service.waiting import Absent, Waiting
from archon.spec.benchmark_spec import ScorerSpec
from archon.spec.model_spec import ModelSpec
from archon.world.worlds import WORLDS

Say = Callable[[str], None]

START = 16
"""Requests in flight at an endpoint to begin with."""
MOST_IN_FLIGHT = 64
"""Most of them, where the file does not say."""
DEADLINE_S = 120.0
"""Longest time for one reply, where the file does not say."""


class Backend(ModelClient, Protocol):
    """A model's adapter: one request for each ``complete``, and connections to close."""

    async def aclose(self) -> None:
        """Close the connections of the running event loop."""
        ...


@dataclass(frozen=True, slots=True)
class OpenModel:
    """One model that answers, and the gate of its endpoint, which models on it share."""

    backend: Backend
    card: ModelCard
    gate: Gate


@dataclass(frozen=True, slots=True)
class Models:
    """The models of a file, ready to answer."""

    by_alias: Mapping[str, OpenModel]
    engine: EmbeddedEngine | None = None
    """The embedded engine, where one of them runs on it."""

    @property
    def cards(self) -> Mapping[str, ModelCard]:
        """What the runtime needs to know of each, by alias."""
        return {alias: model.card for alias, model in self.by_alias.items()}

    def answering(self, say: Say) -> ModelClient:
        """For a pipeline at work: nothing is stored or reused; ``say`` is told of long waits."""
        waiting = Waiting(say)
        limited = {
            alias: Limited(m.backend, m.gate, on_wait=waiting) for alias, m in self.by_alias.items()
        }
        return Filling(Routed(limited), self.cards)

    def studied(
        self, calls: CallStore, budget: Budget, say: Say = lambda line: None
    ) -> ModelClient:
        """For a study: each completion is bought once, within the budget.

        ``say`` is told where nobody is reached.
        """
        cards = self.cards
        purchases = Purchases(calls, {alias: m.gate for alias, m in self.by_alias.items()})
        limited = {
            alias: Limited(
                Budgeted(m.backend, budget, cards, purchases),
                m.gate,
                purchases.failed,
                on_wait=Absent(say, m.gate.limits.outage_patience_s),
            )
            for alias, m in self.by_alias.items()
        }
        reusing = Reusing(Timely(Routed(limited), budget), calls, cards, purchases)
        return Pausing(reusing, budget)


class SharedEngine:
    """The embedded engine for as long as the block lasts: started once, when it is first needed.

    For whoever opens models more than once, since an engine takes half a minute to start.
    """

    def __init__(self, settings: Settings, *, say: Say) -> None:
        """Nothing is started yet."""
        self._settings = settings
        self._say = say
        self._stack = contextlib.AsyncExitStack()
        self._starting = asyncio.Lock()
        self._engine: EmbeddedEngine | None = None

    async def running(self) -> EmbeddedEngine:
        """The engine, which answers.

        Raises:
            SetupError: It does not start.
        """
        async with self._starting:
            if self._engine is None:
                folder, environment = self._settings.cache_dir, self._settings.environment()
                engine = EmbeddedEngine(folder, environment=environment, report=self._say)
                self._engine = await self._stack.enter_async_context(engine)
            return self._engine

    async def __aenter__(self) -> Self:
        """Start nothing."""
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Stop the engine, if it was started."""
        await self._stack.aclose()


@contextlib.asynccontextmanager
async def open_models(
    specs: Sequence[ModelSpec],
    settings: Settings,
    *,
    say: Say,
    shared: SharedEngine | None = None,
    clock: Clock = time.monotonic,
    until_going: Callable[[], Awaitable[None]] = not_held,
) -> AsyncIterator[Models]:
    """Models that answer while the block lasts; starts the embedded engine if one needs it.

    Args:
        specs: The models of a job or pipeline file.
        settings: Where keys and folders are.
        say: Told what happens, a line at a time.
        shared: An engine that outlives the block; by default it is stopped with the block.
        clock: Seconds that count as waited where an endpoint wants fewer requests, or is away.
        until_going: Returns when no pause is on: until then endpoints are sent nothing.

    Raises:
        SetupError: A key or package is missing, or the engine does not start.
    """
    async with contextlib.AsyncExitStack() as stack:
        engine: EmbeddedEngine | None = None
        if any(spec.backend == "engine" for spec in specs):
            if shared is None:
                shared = await stack.enter_async_context(SharedEngine(settings, say=say))
            engine = await shared.running()
        gates = _gates(specs, clock, until_going)
        opened: dict[str, OpenModel] = {}
        for spec in specs:
            backend, card = _opened(spec, settings, engine)
            stack.push_async_callback(backend.aclose)
            opened[spec.alias] = OpenModel(backend, card, gates[_endpoint_of(spec)])
        yield Models(opened, engine)


@contextlib.asynccontextmanager
async def open_evaluator(
    models: Sequence[ModelSpec],
    scorer: ScorerSpec,
    settings: Settings,
    *,
    calls: CallStore,
    budget: Budget,
    questions_in_flight: int,
    say: Say,
    shared: SharedEngine | None = None,
) -> AsyncIterator[Evaluator]:
    """What runs units of evaluation, for as long as the block lasts.

    Raises:
        SetupError: A key or package is missing, or the engine does not start; or it stopped
            answering, which is why no question reached its model.
    """
    opening = open_models(
        models,
        settings,
        say=say,
        shared=shared,
        clock=budget.clock,
        until_going=budget.until_going,
    )
    async with opening as opened:
        client = opened.studied(calls, budget, say)
        judge = build_scorer(scorer.to_data(), lambda alias: ModelAsks(client, opened.cards[alias]))
        try:
            yield Evaluator(client, opened.cards, judge, questions_in_flight=questions_in_flight)
        except OUTAGE as outage:
            # An engine may also freeze, which no single request can tell from a long answer.
            if opened.engine and (cause := await opened.engine.why_silent()) is not None:
                raise cause from outage
            raise


def _gates(
    specs: Sequence[ModelSpec], clock: Clock, until_going: Callable[[], Awaitable[None]]
) -> dict[str, Gate]:
    """One gate for each endpoint, as wide as the widest of its models may be."""
    most: dict[str, int] = {}
    engines = {_endpoint_of(spec) for spec in specs if spec.backend == "engine"}
    for spec in specs:
        endpoint = _endpoint_of(spec)
        usual = _engine_width() if endpoint in engines else MOST_IN_FLIGHT
        wanted = spec.limits.concurrency or usual
        most[endpoint] = max(most.get(endpoint, 1), wanted)
    # An engine decodes so many samples side by side, from the start, and lets others wait.
    return {
        name: Gate(
            Limits(start=n, most=n, counts_samples=True)
            if name in engines
            else Limits(start=min(START, n), most=n),
            patience_clock=clock,
            until_going=until_going,
        )
        for name, n in most.items()
    }


def _engine_width() -> int:
    """Samples that the embedded engine decodes side by side; where none is installed, as usual."""
    try:
        return this_size(installed_build()).max_sequences
    except SetupError:
        return MOST_IN_FLIGHT


def _endpoint_of(spec: ModelSpec) -> str:
    if spec.backend == "litellm":
        return f"litellm {provider_of(spec)} {spec.key_env}"
    return f"{spec.backend} {spec.url}"


def card_of(spec: ModelSpec, settings: Settings) -> ModelCard:
    """What the runtime needs to know of a model. Nothing is opened, and no key is looked for.

    Raises:
        SetupError: LiteLLM has to be asked about it, and is not installed.
    """
    if spec.backend == "engine":
        card, most = engine_card(spec.alias), spec.limits.context_tokens
        return card if most is None else replace(card, context_tokens=most)
    if spec.backend == "simulated":
        name, _, model = spec.model.partition("/")
        return WORLDS[name].card(model, spec.alias)
    if spec.backend == "litellm":
        keep_litellm_at_home()
        price = spec.price or known_price(spec.model)
        identity = _hosted_identity(spec.model, _base_of(spec, settings))
        return _card(spec, identity, price, default=takes_many_samples(spec.model))
    return _card(spec, f"url/{spec.url}/{spec.model}", spec.price, default=True)


def _opened(
    spec: ModelSpec, settings: Settings, engine: EmbeddedEngine | None
) -> tuple[Backend, ModelCard]:
    if spec.backend == "engine":
        assert engine is not None
        local = OpenAIEndpoint(
            engine.base_url,
            engine.model_name,
            secret=engine.api_key,
            deadline_s=spec.limits.deadline_s or DEADLINE_S,
        )
        return EngineModel(local, engine), card_of(spec, settings)
    if spec.backend == "simulated":
        name, _, model = spec.model.partition("/")
        return WORLDS[name].client(model), card_of(spec, settings)
    # LiteLLM would find it too, but a key that we do not know cannot be kept out of messages.
    secret = key_of(spec, settings)
    deadline_s = spec.limits.deadline_s or DEADLINE_S
    card = card_of(spec, settings)
    if spec.backend == "litellm":
        return _hosted(spec, secret, _base_of(spec, settings), deadline_s, card), card
    endpoint = OpenAIEndpoint(
        spec.url,
        spec.model,
        secret=secret,
        deadline_s=deadline_s,
        has_many_samples=card.has_many_samples,
        sends_slots=spec.sends_slots,
    )
    return endpoint, card


def _hosted(
    spec: ModelSpec, secret: Secret | None, base: str, deadline_s: float, card: ModelCard
) -> Backend:
    is_openai = understood(spec.model).provider == "openai"
    return LiteLLMModel(
        spec.model,
        secret=secret,
        deadline_s=deadline_s,
        has_many_samples=card.has_many_samples,
        api_base=base if base and is_openai else None,
    )


def _base_of(spec: ModelSpec, settings: Settings) -> str:
    """Where the environment says that a hosted model's provider is; "" where it does not."""
    found = (settings.secret(variable) for variable in base_variables(provider_of(spec)))
    return next((base.reveal() for base in found if base is not None), "")


def _hosted_identity(model: str, base: str) -> str:
    """Who answers: one model under one name, and another one at an address of the user's.

    The address goes in as a hash, since it may hold a password.
    """
    hosted = understood(model)
    identity = f"litellm/{hosted.provider}/{hosted.name}" if hosted.provider else f"litellm/{model}"
    if not base or is_own_base(hosted.provider, base):
        return identity
    return f"{identity}@{hashlib.sha256(base.rstrip('/').encode()).hexdigest()[:12]}"


def _card(spec: ModelSpec, identity: str, price: Price | None, *, default: bool) -> ModelCard:
    given = spec.has_many_samples
    return ModelCard(
        spec.alias,
        identity,
        price or Price(),
        has_many_samples=default if given is None else given,
        context_tokens=spec.limits.context_tokens,
    )
