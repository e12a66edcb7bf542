"""What a file needs on this machine to run, and whether it is here. Nothing is opened."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from typing import Any, Literal

from archon.core.calls import Price
from archon.core.errors import SetupError
from archon.models.engine_command import CONTEXT_TOKENS, installed_build
from archon.models.engine_weights import packaged_model
from archon.models.litellm import known_price
from archon.service.settings import Settings, keep_litellm_at_home
from archon.spec.model_spec import ModelSpec

PriceSource = Literal["file", "LiteLLM's table", "local", "unknown"]


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that something in a file needs."""

    what: str
    """A package or a variable, with who needs it."""
    is_here: bool
    remedy: str = ""
    """What to do where it is not here."""


@dataclass(frozen=True, slots=True)
class ModelReport:
    """One model of a file, and whether it could answer here."""

    alias: str
    backend: str
    model: str
    url: str
    key_env: str
    """The variable that holds its key; "" where it needs none."""
    is_key_set: bool
    price: Price | None
    """None: unknown."""
    price_from: PriceSource
    context_tokens: int | None
    """None: left to the endpoint."""
    missing: tuple[str, ...]
    """What keeps it from answering here, each with what to do; empty where nothing does."""

    def to_data(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def model_reports(models: Iterable[ModelSpec], settings: Settings) -> tuple[ModelReport, ...]:
    """Every model with what is known of it. Keys are looked for and never shown."""
    return tuple(_report(model, settings) for model in models)


def needs_of(model: ModelSpec, settings: Settings) -> tuple[Need, ...]:
    """What one model needs besides the network."""
    who = f"model {model.alias!r}"
    if model.backend == "engine":
        return (_engine(who),)
    needs = [_litellm(who)] if model.backend == "litellm" else []
    if model.key_env:
        needs.append(_key(model.key_env, settings, who))
    return tuple(needs)


def _report(model: ModelSpec, settings: Settings) -> ModelReport:
    price, source = _price(model)
    variable = model.key_env or _usual_key(model)
    return ModelReport(
        alias=model.alias,
        backend=model.backend,
        model=model.model,
        url=model.url,
        key_env=variable,
        is_key_set=bool(variable) and settings.secret(variable) is not None,
        price=price,
        price_from=source,
        context_tokens=CONTEXT_TOKENS if model.backend == "engine" else model.limits.context_tokens,
        missing=tuple(
            f"{need.what} is missing. {need.remedy}"
            for need in needs_of(model, settings)
            if not need.is_here
        ),
    )


def _price(model: ModelSpec) -> tuple[Price | None, PriceSource]:
    if model.backend == "engine":
        return Price(), "local"
    if model.price is not None:
        return model.price, "file"
    if model.backend == "litellm" and find_spec("litellm") is not None:
        keep_litellm_at_home()
        known = known_price(model.model)
        return known, "unknown" if known is None else "LiteLLM's table"
    return None, "unknown"


def _usual_key(model: ModelSpec) -> str:
    """Where LiteLLM looks for a provider's key."""
    if model.backend != "litellm":
        return ""
    return f"{model.model.partition('/')[0].upper()}_API_KEY"


def _engine(who: str) -> Need:
    what = f"the embedded engine ({who})"
    try:
        installed_build()
        packaged_model()
    except SetupError as error:
        return Need(what, is_here=False, remedy=str(error))
    return Need(what, is_here=True)


def _litellm(who: str) -> Need:
    remedy = "Run: pip install 'archon[hosted]'"
    return Need(f"the package litellm ({who})", find_spec("litellm") is not None, remedy)


def _key(variable: str, settings: Settings, who: str) -> Need:
    remedy = f"Run: export {variable}=..."
    return Need(f"the key {variable} ({who})", settings.secret(variable) is not None, remedy)
