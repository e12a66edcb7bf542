"""A pipeline in one line, for tables: ``small x8 > check > fuse(small)``."""

from __future__ import annotations

from archon.core.architecture import Architecture, ComponentSpec, Layer, ParamValue

_LONGEST_VALUE = 24


def describe(architecture: Architecture) -> str:
    """Layers in order, split by ``>``; what stands side by side is joined by ``+``.

    Parameters that differ from their defaults follow in brackets: an architecture in canonical
    form has no others.
    """
    return " > ".join(map(describe_layer, architecture.layers))


def describe_layer(layer: Layer) -> str:
    """The components of one layer."""
    return " + ".join(map(describe_component, layer))


def describe_component(spec: ComponentSpec) -> str:
    """One component with its model and what differs from its defaults."""
    params = dict(spec.params)
    if spec.kind == "generate":
        name, samples = spec.model, params.pop("samples", 1)
        name += f" x{samples}" if samples != 1 else ""
    else:
        name = spec.kind
    shown = [spec.model] if spec.model and spec.kind != "generate" else []
    shown += [f"{key}={_short(value)}" for key, value in sorted(params.items())]
    return f"{name}({', '.join(shown)})" if shown else name


def _short(value: ParamValue) -> str:
    text = str(value)
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 3] + "..."
