"""The only place that wires objects: from a job's models to clients that answer.

The policies around a model stack in one expression each: ``Reusing(Budgeted(Routed(...)))`` for a
study, ``Routed(...)`` for a pipeline at work; every client in ``Routed`` is ``Limited(backend)``.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass

from archon.core.calls import CallStore, ModelCard, ModelClient
from archon.models.engine import EmbeddedEngine
from archon.models.engine import card as engine_card
from archon.models.openai_endpoint import OpenAIEndpoint
from archon.runtime.asking import ModelAsks
from archon.runtime.budget import Budget
from archon.runtime.clients import Budgeted, Reusing, Routed
from archon.scoring.table import build_scorer
from archon.search.evaluate import Evaluator
from archon.service.settings import Settings
from archon.spec.job import JobSpec
from archon.spec.model_spec import ModelSpec

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Models:
    """The models of a file, ready to answer."""

    clients: Mapping[str, ModelClient]
    cards: Mapping[str, ModelCard]

    def answering(self) -> ModelClient:
        """For a pipeline at work: nothing is stored and nothing is reused."""
        return Routed(self.clients)

    def studied(self, calls: CallStore, budget: Budget) -> ModelClient:
        """For a study: each completion is bought once, within the budget."""
        return Reusing(Budgeted(Routed(self.clients), budget, self.cards), calls, self.cards)


@contextlib.asynccontextmanager
async def open_models(
    specs: Sequence[ModelSpec], settings: Settings, *, say: Say
) -> AsyncIterator[Models]:
    """Models that answer while the block lasts; starts the embedded engine if one needs it.

    Args:
        specs: The models of a job or pipeline file.
        settings: Where keys and folders are.
        say: Told what happens, a line at a time.

    Raises:
        SetupError: A key or package is missing, or the engine does not start.
    """
    async with contextlib.AsyncExitStack() as stack:
        engine: EmbeddedEngine | None = None
        if any(spec.backend == "engine" for spec in specs):
            engine = await stack.enter_async_context(
                EmbeddedEngine(settings.cache_dir, environment=settings.environment(), report=say)
            )
        clients: dict[str, ModelClient] = {}
        cards: dict[str, ModelCard] = {}
        for spec in specs:
            endpoint, cards[spec.alias] = _opened(spec, settings, engine)
            stack.push_async_callback(endpoint.aclose)
            clients[spec.alias] = endpoint
        yield Models(clients, cards)


@contextlib.asynccontextmanager
async def open_evaluator(
    job: JobSpec, settings: Settings, *, calls: CallStore, budget: Budget, say: Say
) -> AsyncIterator[Evaluator]:
    """What runs the units of a job, for as long as the block lasts.

    Raises:
        SetupError: A key or package is missing, or the engine does not start.
    """
    async with open_models(job.models, settings, say=say) as models:
        client = models.studied(calls, budget)
        scorer = build_scorer(
            job.benchmark.scorer.to_data(),
            lambda alias: ModelAsks(client, models.cards[alias]),
        )
        yield Evaluator(client, models.cards, scorer, questions_in_flight=job.questions_in_flight)


def _opened(
    spec: ModelSpec, settings: Settings, engine: EmbeddedEngine | None
) -> tuple[OpenAIEndpoint, ModelCard]:
    if spec.backend == "engine":
        assert engine is not None
        card = engine_card(spec.alias)
        client = OpenAIEndpoint(engine.base_url, engine.model_name, secret=engine.api_key)
        return client, card
    secret = (
        settings.need_secret(spec.key_env, why=f"model {spec.alias!r}") if spec.key_env else None
    )
    client = OpenAIEndpoint(
        spec.url,
        spec.model,
        secret=secret,
        deadline_s=spec.limits.deadline_s or 120.0,
        has_many_samples=spec.has_many_samples is not False,
        sends_slots=spec.sends_slots,
    )
    from archon.core.calls import Price

    card = ModelCard(
        spec.alias,
        f"openai/{spec.url}/{spec.model}",
        spec.price or Price(),
        has_many_samples=spec.has_many_samples is not False,
        context_tokens=spec.limits.context_tokens,
    )
    return client, card
