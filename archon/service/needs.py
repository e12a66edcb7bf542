"""What a file needs on this machine to run, and whether it is here. Nothing is opened."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from typing import Any, Literal

from archon.core.calls import Price
from archon.core.errors import SetupError
from archon.models.engine_command import CONTEXT_TOKENS, installed_build
from archon.models.engine_weights import packaged_model
from archon.models.litellm import known_price, understood
from archon.models.litellm_providers import KEYS, keeps_its_key, key_variables
from archon.models.secret import Secret
from archon.service.settings import Settings, keep_litellm_at_home
from archon.spec.model_spec import ModelSpec

FOLLOWS_REDIRECTS = (
    "LiteLLM follows redirects of this provider, and may send the key along: name no address in "
    "the environment that you do not trust."
)

PriceSource = Literal["file", "LiteLLM's table", "local", "simulated", "unknown"]


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
    notes: tuple[str, ...] = ()
    """What is doubtful about it."""

    def to_data(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def model_reports(models: Iterable[ModelSpec], settings: Settings) -> tuple[ModelReport, ...]:
    """Every model with what is known of it. Keys are looked for and never shown."""
    return tuple(_report(model, settings) for model in models)


def unpriced(models: Iterable[ModelSpec], settings: Settings) -> tuple[str, ...]:
    """The models whose price nobody knows, of those that could run here, by alias."""
    reports = model_reports(models, settings)
    return tuple(one.alias for one in reports if one.price is None and not one.missing)


def needs_of(model: ModelSpec, settings: Settings) -> tuple[Need, ...]:
    """What one model needs besides the network."""
    who = f"model {model.alias!r}"
    if model.backend == "engine":
        return (_engine(who),)
    needs = [_litellm(who)] if model.backend == "litellm" else []
    if is_key_needed(model):
        needs.append(_key(key_variables_of(model), settings, who))
    return tuple(needs)


def is_key_needed(model: ModelSpec) -> bool:
    """Whether the model answers nobody without a key."""
    return bool(model.key_env) or (model.backend == "litellm" and provider_of(model) in KEYS)


def key_variables_of(model: ModelSpec) -> tuple[str, ...]:
    """Where the model's key may be, the usual variable first; () where it has none."""
    if model.key_env:
        return (model.key_env,)
    return key_variables(provider_of(model)) if model.backend == "litellm" else ()


def key_of(model: ModelSpec, settings: Settings) -> Secret | None:
    """The model's key; None where it has none, and needs none.

    Raises:
        SetupError: It needs one, and the variable is not set; names it.
    """
    variables = key_variables_of(model)
    found = (settings.secret(variable) for variable in variables)
    secret = next((one for one in found if one is not None), None)
    if secret is None and is_key_needed(model):
        return settings.need_secret(variables[0], why=f"model {model.alias!r}")
    return secret


def check_keys(models: Iterable[ModelSpec], settings: Settings) -> None:
    """Look for the keys of models before anything is made that would be left over without them.

    Raises:
        SetupError: One is needed, and its variable is not set; names the first.
    """
    for model in models:
        key_of(model, settings)


def keeps_key(model: ModelSpec) -> bool:
    """Whether its key goes to its endpoint only, also where that answers with a redirect."""
    return model.backend != "litellm" or keeps_its_key(provider_of(model))


def provider_of(model: ModelSpec) -> str:
    """Who serves a hosted model, as LiteLLM understands its name, where it is here to be asked."""
    if find_spec("litellm") is None:
        return model.model.partition("/")[0]
    keep_litellm_at_home()
    return understood(model.model).provider


def _report(model: ModelSpec, settings: Settings) -> ModelReport:
    price, source = _price(model)
    variables = key_variables_of(model)
    is_set = [variable for variable in variables if settings.secret(variable) is not None]
    return ModelReport(
        alias=model.alias,
        backend=model.backend,
        model=model.model,
        url=model.url,
        key_env=(*is_set, *variables, "")[0],
        is_key_set=bool(is_set),
        price=price,
        price_from=source,
        context_tokens=CONTEXT_TOKENS if model.backend == "engine" else model.limits.context_tokens,
        missing=tuple(
            f"{need.what} is missing. {need.remedy}"
            for need in needs_of(model, settings)
            if not need.is_here
        ),
        notes=() if keeps_key(model) else (FOLLOWS_REDIRECTS,),
    )


def _price(model: ModelSpec) -> tuple[Price | None, PriceSource]:
    if model.backend == "engine":
        return Price(), "local"
    if model.backend == "simulated":
        return model.price, "simulated"
    if model.price is not None:
        return model.price, "file"
    if model.backend == "litellm" and find_spec("litellm") is not None:
        keep_litellm_at_home()
        known = known_price(model.model)
        return known, "unknown" if known is None else "LiteLLM's table"
    return None, "unknown"


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


def _key(variables: Sequence[str], settings: Settings, who: str) -> Need:
    is_here = any(settings.secret(variable) is not None for variable in variables)
    return Need(f"the key {variables[0]} ({who})", is_here, f"Run: export {variables[0]}=...")
