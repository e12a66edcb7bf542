"""The ``models:`` section, the same in job and pipeline files: which model stands behind an alias.

Exactly one of four keys says where it runs: ``engine`` (the embedded one), ``litellm`` (a hosted
provider), ``url`` (any OpenAI-compatible endpoint) or ``simulated`` (a model of a made-up world).
Keys are named (``key_env``), never given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, get_args

from pydantic import Field

from archon.components.table import suggest
from archon.core.calls import Price
from archon.models.engine_command import CONTEXT_TOKENS
from archon.spec.edge import Strict, read_section
from archon.spec.findings import ALIAS, ALIAS_FORM, Findings, show
from archon.spec.forbidden import wrong_url
from archon.spec.yaml_source import key_path
from archon.world.worlds import WORLDS

Backend = Literal["engine", "litellm", "url", "simulated"]
ENGINE_MODELS = ("smollm2-135m-instruct",)
"""What the embedded engine can serve."""

_FORMS = (
    "engine: smollm2-135m-instruct, or litellm: provider/model, or url: http://... with model:, "
    "or simulated: default/weak"
)
_KEY_NAME = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")]


@dataclass(frozen=True, slots=True)
class ModelLimits:
    """What one model is asked to bear; None leaves it to the backend's default."""

    concurrency: int | None = None
    """Most requests in flight; for the embedded engine, most samples."""
    deadline_s: float | None = None
    """Longest time for one reply."""
    context_tokens: int | None = None
    """Size of the context, where the backend does not say it."""


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One model of a job or pipeline file."""

    alias: str
    backend: Backend
    model: str
    """What the backend calls it."""
    url: str = ""
    """Of the endpoint, without a slash at the end (backend ``url`` only)."""
    key_env: str = ""
    """Name of the environment variable that holds the key; "" = the backend's usual one, if any."""
    price: Price | None = None
    """None: unknown here. For ``litellm`` the library's table is asked when the study starts."""
    has_many_samples: bool | None = None
    """Whether one request can carry several samples; None: the backend's default."""
    sends_slots: bool = False
    """Whether the sample slot is sent along, for endpoints whose answers depend on it."""
    limits: ModelLimits = ModelLimits()

    @property
    def is_priced_by_litellm(self) -> bool:
        """Whether the price is still to be looked up in LiteLLM's table."""
        return self.backend == "litellm" and self.price is None

    @property
    def context_tokens(self) -> int | None:
        """Room for a prompt with its completion; None where only the backend knows."""
        return CONTEXT_TOKENS if self.backend == "engine" else self.limits.context_tokens

    @property
    def may_cost_money(self) -> bool:
        """Whether a call is, or may be, charged."""
        if self.backend == "simulated":
            return False
        if self.price is None:
            return self.backend != "engine"
        return self.price != Price()

    def to_data(self) -> dict[str, object]:
        """The entry as it stands in a file; what is left to a default is left out."""
        data: dict[str, object] = {self.backend: self.model}
        if self.backend == "url":
            data = {"url": self.url, "model": self.model}
        if self.key_env:
            data["key_env"] = self.key_env
        if self.price is not None and self.backend in ("litellm", "url"):
            data["price"] = {
                "input_usd_per_mtok": self.price.input_usd_per_mtok,
                "output_usd_per_mtok": self.price.output_usd_per_mtok,
            }
        rest = {
            "many_samples": self.has_many_samples,
            "send_slots": self.sends_slots or None,
            "concurrency": self.limits.concurrency,
            "deadline_s": self.limits.deadline_s,
            "context_tokens": self.limits.context_tokens,
        }
        return data | {name: value for name, value in rest.items() if value is not None}


class PriceSection(Strict):
    """``price:`` of a model, in dollars per million tokens."""

    input_usd_per_mtok: float = Field(ge=0, le=100_000)
    output_usd_per_mtok: float = Field(ge=0, le=100_000)


class _Limits(Strict):
    concurrency: int | None = Field(None, ge=1, le=1024)
    deadline_s: float | None = Field(None, gt=0, le=3600)
    context_tokens: int | None = Field(None, ge=128, le=100_000_000)


class _EngineSection(_Limits):
    engine: str


class _SimulatedSection(_Limits):
    simulated: str


class _LiteLLMSection(_Limits):
    litellm: str = Field(min_length=1, max_length=300)
    key_env: _KEY_NAME | None = None
    price: PriceSection | None = None
    many_samples: bool | None = None


class _UrlSection(_Limits):
    url: str
    model: str = Field(min_length=1, max_length=300)
    key_env: _KEY_NAME | None = None
    price: PriceSection | None = None
    many_samples: bool | None = None
    send_slots: bool = False


def read_models(data: object, findings: Findings) -> tuple[ModelSpec, ...]:
    """The models that can be read, sorted by alias; problems go to ``findings``."""
    if not isinstance(data, Mapping) or not data:
        hint = f"Write an alias and one of: {_FORMS}."
        findings.add("models", f"expected at least one model, got {show(data)}.", hint)
        return ()
    models = []
    for alias, section in data.items():
        path = key_path("models", alias)
        if not ALIAS.fullmatch(alias):
            findings.add(path, "this is no alias.", f"An alias is {ALIAS_FORM}.")
        model = _read_model(alias, section, path, findings)
        if model is not None:
            models.append(model)
    return tuple(sorted(models, key=lambda model: model.alias))


def check_twins(models: Sequence[ModelSpec], findings: Findings) -> None:
    """Note aliases that stand for one model: their pipelines would be tried twice, as two.

    Keys, prices and limits make no other model, and nothing else that can be written here changes
    what a model answers. Pipeline files may hold such aliases: there nothing is tried.
    """
    first: dict[tuple[str, str, str], str] = {}
    for model in sorted(
        models, key=lambda m: findings.document.line(key_path("models", m.alias)) or 0
    ):
        other = first.setdefault((model.backend, model.model, model.url), model.alias)
        if other != model.alias:
            findings.add(
                key_path("models", model.alias),
                f"{other!r} and {model.alias!r} are the same model.",
                f"Remove one, and write {other!r} wherever {model.alias!r} stands.",
            )


def _read_model(alias: str, section: object, path: str, findings: Findings) -> ModelSpec | None:
    if not isinstance(section, Mapping):
        findings.add(path, f"expected a mapping, got {show(section)}.", f"Write {_FORMS}.")
        return None
    backends = [name for name in get_args(Backend) if name in section]
    if len(backends) != 1:
        said = "says not where it runs." if not backends else f"has {' and '.join(backends)}."
        findings.add(path, f"the model {said}", f"Write exactly one of: {_FORMS}.")
        return None
    readers = {"engine": _engine, "litellm": _litellm, "url": _url, "simulated": _simulated}
    return readers[backends[0]](alias, section, path, findings)


def _engine(
    alias: str, data: Mapping[str, object], path: str, findings: Findings
) -> ModelSpec | None:
    section = read_section(_EngineSection, data, path, findings)
    if section is None:
        return None
    if section.engine not in ENGINE_MODELS:
        message = f"the embedded engine has no model {section.engine!r}."
        findings.add(f"{path}.engine", message, f"It serves {', '.join(ENGINE_MODELS)}.")
    if (section.context_tokens or 0) > CONTEXT_TOKENS:
        message = f"the embedded engine has a context of {CONTEXT_TOKENS} tokens."
        findings.add(f"{path}.context_tokens", message, "Write no more than that, or leave it out.")
    return ModelSpec(alias, "engine", section.engine, price=Price(), limits=_limits(section))


def _litellm(
    alias: str, data: Mapping[str, object], path: str, findings: Findings
) -> ModelSpec | None:
    section = read_section(_LiteLLMSection, data, path, findings)
    if section is None:
        return None
    return ModelSpec(
        alias,
        "litellm",
        section.litellm,
        key_env=section.key_env or "",
        price=_price(section.price),
        has_many_samples=section.many_samples,
        limits=_limits(section),
    )


def _url(alias: str, data: Mapping[str, object], path: str, findings: Findings) -> ModelSpec | None:
    section = read_section(_UrlSection, data, path, findings)
    if section is None:
        return None
    if wrong := wrong_url(section.url):
        findings.add(f"{path}.url", wrong)
    return ModelSpec(
        alias,
        "url",
        section.model,
        url=section.url.rstrip("/"),
        key_env=section.key_env or "",
        price=_price(section.price),
        has_many_samples=section.many_samples,
        sends_slots=section.send_slots,
        limits=_limits(section),
    )


def _simulated(
    alias: str, data: Mapping[str, object], path: str, findings: Findings
) -> ModelSpec | None:
    section = read_section(_SimulatedSection, data, path, findings)
    if section is None:
        return None
    name, _, model = section.simulated.partition("/")
    known = [f"{world.name}/{one.name}" for world in WORLDS.values() for one in world.models]
    if section.simulated not in known:
        message = f"there is no simulated model {section.simulated!r}."
        hint = suggest(section.simulated, known).strip() or f"There is: {', '.join(known)}."
        findings.add(f"{path}.simulated", message, hint)
        return None
    price = WORLDS[name].model(model).price
    return ModelSpec(alias, "simulated", section.simulated, price=price, limits=_limits(section))


def _price(section: PriceSection | None) -> Price | None:
    if section is None:
        return None
    return Price(section.input_usd_per_mtok, section.output_usd_per_mtok)


def _limits(section: _Limits) -> ModelLimits:
    return ModelLimits(section.concurrency, section.deadline_s, section.context_tokens)
