"""What to run, as pure data. It knows no provider, no database, no Optuna."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

ParamValue = str | int | float | bool | None | tuple["ParamValue", ...]
"""Parameters are plain data. Mappings (a JSON schema) travel as canonical JSON text."""


@dataclass(frozen=True, slots=True)
class ComponentSpec:
    """A component of a layer: its kind, the alias of its model ("" = none), its parameters."""

    kind: str
    model: str = ""
    params: tuple[tuple[str, ParamValue], ...] = ()

    @classmethod
    def of(cls, kind: str, model: str = "", /, **params: ParamValue) -> ComponentSpec:
        """Build a spec with its parameters sorted, so that equal specs compare equal."""
        return cls(kind, model, tuple(sorted(params.items())))

    def param(self, name: str, default: ParamValue = None) -> ParamValue:
        """The parameter's value, or ``default`` where the spec leaves it out."""
        return dict(self.params).get(name, default)

    def to_data(self) -> dict[str, object]:
        """Plain data: ``{"kind", "model"?, **params}`` with keys in a fixed order."""
        data: dict[str, object] = {"kind": self.kind}
        if self.model:
            data["model"] = self.model
        return data | {name: _plain(value) for name, value in sorted(self.params)}

    @classmethod
    def from_data(cls, data: Mapping[str, object]) -> ComponentSpec:
        """The inverse of ``to_data``. Data are trusted: ``archon.spec`` checks files."""
        params = {k: _frozen(v) for k, v in data.items() if k not in ("kind", "model")}
        return cls(str(data["kind"]), str(data.get("model", "")), tuple(sorted(params.items())))


Layer = tuple[ComponentSpec, ...]


@dataclass(frozen=True, slots=True)
class Architecture:
    """Layers run in order; the components of a layer run concurrently and their results merge."""

    layers: tuple[Layer, ...]

    def prefix(self, n_layers: int) -> Architecture:
        """The first ``n_layers`` layers. Pipelines that share a prefix share its calls."""
        return Architecture(self.layers[:n_layers])

    def to_data(self) -> list[list[dict[str, object]]]:
        """Plain data: a list of layers, each a list of components."""
        return [[spec.to_data() for spec in layer] for layer in self.layers]

    @classmethod
    def from_data(cls, data: list[list[Mapping[str, object]]]) -> Architecture:
        """The inverse of ``to_data``."""
        return cls(tuple(tuple(ComponentSpec.from_data(s) for s in layer) for layer in data))

    def canonical_json(self) -> str:
        """The one text that stands for this architecture; equal architectures, equal texts."""
        return json.dumps(self.to_data(), ensure_ascii=True, sort_keys=True, separators=(",", ":"))

    def models(self) -> tuple[str, ...]:
        """Aliases of all models used, each once, sorted."""
        return tuple(sorted({s.model for layer in self.layers for s in layer if s.model}))

    def pipeline_id(self) -> str:
        """Twelve hex digits of the SHA-256 of the canonical JSON.

        Call it on the canonical form (``archon.components.canonical``): only there do equal
        pipelines have equal ids.
        """
        return hashlib.sha256(self.canonical_json().encode()).hexdigest()[:12]


def _plain(value: ParamValue) -> object:
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _frozen(value: object) -> ParamValue:
    if isinstance(value, list | tuple):
        return tuple(_frozen(item) for item in value)
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise TypeError(f"a parameter cannot be a {type(value).__name__}")
