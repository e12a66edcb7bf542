from __future__ import annotations

from pathlib import Path

import pytest

from archon.core.calls import ModelCard
from archon.core.errors import SetupError
from archon.models.engine import EmbeddedEngine
from archon.models.engine_watch import EngineModel
from archon.service import assemble
from archon.service.assemble import open_models
from archon.service.needs import needs_of
from archon.service.settings import load_settings
from archon.spec.model_spec import ModelLimits, ModelSpec

ENGINE = "smollm2-135m-instruct"


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for provider in ("OPENAI", "ANTHROPIC", "GROQ"):
        for end in ("API_KEY", "BASE_URL", "API_BASE"):
            monkeypatch.delenv(f"{provider}_{end}", raising=False)
    monkeypatch.setenv("ARCHON_DATA_DIR", str(tmp_path))


def hosted(model: str, *, key_env: str = "") -> ModelSpec:
    return ModelSpec("big", "litellm", model, key_env=key_env)


async def card_of(spec: ModelSpec) -> ModelCard:
    async with open_models([spec], load_settings(), say=lambda line: None) as models:
        return models.cards[spec.alias]


@pytest.mark.parametrize(
    ("model", "variable"),
    [
        ("openai/gpt-4.1-mini", "OPENAI_API_KEY"),
        ("gpt-4.1-mini", "OPENAI_API_KEY"),
        ("anthropic/claude-haiku-4-5", "ANTHROPIC_API_KEY"),
        ("groq/llama-3.1-8b-instant", "GROQ_API_KEY"),
    ],
    ids=["openai", "without provider", "anthropic", "groq"],
)
async def test_hosted_model_without_its_key_is_refused_before_anything_is_asked(
    model: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SetupError, match=f"model 'big' needs a key.*export {variable}="):
        await card_of(hosted(model))
    missing = [need for need in needs_of(hosted(model), load_settings()) if not need.is_here]
    assert [need.remedy for need in missing] == [f"Run: export {variable}=..."]
    monkeypatch.setenv(variable, "sk-canary")
    assert await card_of(hosted(model))
    assert all(need.is_here for need in needs_of(hosted(model), load_settings()))


async def test_hosted_model_that_needs_no_key_is_opened_without() -> None:
    assert await card_of(hosted("hosted_vllm/mine"))


async def test_model_at_another_address_is_another_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    usual = (await card_of(hosted("openai/gpt-4.1-mini"))).identity
    assert usual == "litellm/openai/gpt-4.1-mini"
    assert (await card_of(hosted("gpt-4.1-mini"))).identity == usual
    monkeypatch.setenv("OPENAI_BASE_URL", "https://api.openai.com/v1/")
    assert (await card_of(hosted("openai/gpt-4.1-mini"))).identity == usual
    monkeypatch.setenv("OPENAI_BASE_URL", "http://ann:hunter2@gateway/v1")
    elsewhere = (await card_of(hosted("openai/gpt-4.1-mini"))).identity
    assert elsewhere.startswith(f"{usual}@")
    assert "hunter2" not in elsewhere and "gateway" not in elsewhere


@pytest.mark.parametrize(
    ("limits", "deadline_s", "context_tokens"),
    [(ModelLimits(), 120.0, 2048), (ModelLimits(None, 900.0, 512), 900.0, 512)],
    ids=["by default", "as the file says"],
)
async def test_limits_of_the_file_hold_for_the_embedded_engine(
    limits: ModelLimits,
    deadline_s: float,
    context_tokens: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    card = ModelCard("small", "engine/m", context_tokens=2048)
    monkeypatch.setattr(assemble, "engine_card", lambda alias: card)
    spec = ModelSpec("small", "engine", ENGINE, limits=limits)
    engine = EmbeddedEngine(tmp_path)
    backend, found = assemble._opened(spec, load_settings(), engine)
    assert isinstance(backend, EngineModel)
    assert (backend.endpoint.deadline_s, found.context_tokens) == (deadline_s, context_tokens)
