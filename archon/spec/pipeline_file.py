"""A pipeline as it leaves the building: data only, no keys, and nothing that is executed.

By hand, ``models`` and ``layers`` are enough; layers are written as in a job file, with nothing
left open. An exported file also says where it comes from, and carries checksums.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from pydantic import Field

from archon.components.base import ChoosesPrompts, Component
from archon.components.rules import problems_of
from archon.components.table import COMPONENTS, build
from archon.core.architecture import Architecture, ComponentSpec, Layer
from archon.core.errors import Problem, SpecError
from archon.prompts import load
from archon.search.space import ComponentNode, EnsembleNode, Fixed, LayerNode
from archon.spec.dimensions import ComponentReader
from archon.spec.edge import Strict, read_section
from archon.spec.findings import Findings, show
from archon.spec.model_spec import ModelSpec, read_models
from archon.spec.original import refuse_original
from archon.spec.provenance import Provenance, ProvenanceSection
from archon.spec.space import SpaceReader
from archon.spec.writing import to_yaml, write_whole
from archon.spec.yaml_source import Document, key_path, read_document

VERSION = 1
_REPAIR = "repair"
_WRITERS = ("generate", "fuse")
"""Components whose replies are taken as they are."""
_DIGEST = Field(None, pattern=r"^[0-9a-f]{12}$")
_CHANGED = "If you changed the file on purpose, remove the lines pipeline_id and sha256."


@dataclass(frozen=True, slots=True)
class PipelineFile:
    """An architecture with the models that its aliases stand for."""

    architecture: Architecture
    models: tuple[ModelSpec, ...]
    name: str = ""
    prompts: tuple[tuple[str, str], ...] = ()
    """(template, digest of its wording when the pipeline was measured), sorted."""
    provenance: Provenance | None = None

    def changed_prompts(self) -> tuple[str, ...]:
        """Templates whose wording is not the one that the pipeline was measured with."""
        used, known = dict(prompt_digests(self.architecture)), template_names()
        return tuple(
            name
            for name, digest in self.prompts
            if name not in known or used.get(name, digest) != digest
        )

    def to_yaml(self) -> str:
        """The file's text; equal pipelines give equal bytes."""
        data: dict[str, object] = {"version": VERSION}
        if self.name:
            data["name"] = self.name
        data["pipeline_id"] = self.architecture.pipeline_id()
        data["models"] = {model.alias: model.to_data() for model in self.models}
        data["layers"] = [_layer_data(layer) for layer in self.architecture.layers]
        if self.prompts:
            data["prompts"] = dict(self.prompts)
        if self.provenance is not None:
            data["provenance"] = self.provenance.to_data()
        return to_yaml(data | {"sha256": _checksum(data)})

    def save(self, path: str | Path) -> None:
        """Write the file whole or not at all.

        Raises:
            ArchonError: It cannot be written.
        """
        write_whole(Path(path), self.to_yaml())


class _PipelineSection(Strict):
    version: int = Field(VERSION, ge=1)
    name: str = Field("", max_length=200)
    pipeline_id: str | None = _DIGEST
    models: dict[str, object]
    layers: list[object]
    prompts: dict[str, str] = Field(default_factory=dict)
    provenance: ProvenanceSection | None = None
    sha256: str | None = Field(None, pattern=r"^[0-9a-f]{64}$")


def prompt_digests(architecture: Architecture) -> tuple[tuple[str, str], ...]:
    """(name, digest) of every shipped template that the pipeline's components use.

    The one that asks again for what could not be read belongs to all that read replies.
    """
    specs = [spec for layer in architecture.layers for spec in layer]
    wanted = {name for spec in specs for name in _templates_of(spec)}
    if any(spec.model and spec.kind not in _WRITERS for spec in specs):
        wanted.add(_REPAIR)
    return tuple((name, load(name).digest) for name in sorted(wanted))


def _templates_of(spec: ComponentSpec) -> tuple[str, ...]:
    component = build(spec)
    if isinstance(component, ChoosesPrompts):
        return component.prompts()
    return tuple(name for name in template_names() if component_of(name) == spec.kind)


def template_names() -> tuple[str, ...]:
    """The shipped templates, sorted."""
    names = [entry.name for entry in files("archon.prompts").iterdir()]
    return tuple(sorted(n.removesuffix(".txt") for n in names if n.endswith(".txt")))


def component_of(template: str) -> str:
    """The component kind that a template belongs to; "" for those of scorers and of repairs.

    It is the longest kind that the template's name is, or begins with.
    """
    owners = [kind for kind in COMPONENTS if f"{template}_".startswith(f"{kind}_")]
    return max(owners, key=len, default="")


def layers_yaml(architecture: Architecture) -> str:
    """The layers of a pipeline as they stand in a file."""
    return to_yaml({"layers": [_layer_data(layer) for layer in architecture.layers]})


def load_pipeline_file(path: Path) -> PipelineFile:
    """Read and check a pipeline file.

    Raises:
        SpecError: With every problem of the file.
    """
    return read_pipeline(read_document(path))


def is_as_written(path: Path) -> bool:
    """Whether this is a pipeline file that Archon wrote and nobody has changed since."""
    try:
        document = read_document(path)
        read_pipeline(document)
    except SpecError:
        return False
    return "sha256" in document.data  # a file by hand has none; a wrong one was refused above


def read_pipeline(
    document: Document, *, table: Mapping[str, type[Component]] = COMPONENTS
) -> PipelineFile:
    """Check a pipeline that is read already; nothing in it is trusted.

    Raises:
        SpecError: With every problem of the file.
    """
    refuse_original(document)
    findings = Findings(document)
    data = document.data
    if "layers" not in data and ("space" in data or "benchmark" in data):
        message = "this is a job file, not a pipeline."
        hint = f"Search with it, and export a pipeline: archon search {document.file} --export FILE"
        raise SpecError([Problem(message, document.file, hint=hint)])
    _check_version(data.get("version", VERSION), findings)
    section = read_section(_PipelineSection, data, "", findings)
    models = read_models(data["models"], findings) if "models" in data else ()
    architecture = _architecture(data, findings, table)
    if section is not None and architecture is not None:
        _check_integrity(section, data, architecture, findings)
        _check_prompts(section.prompts, findings)
    findings.raise_if_any()
    if section is None or architecture is None:
        raise AssertionError("a reader found nothing and said nothing")
    return PipelineFile(
        architecture=architecture,
        models=models,
        name=section.name,
        prompts=tuple(sorted(section.prompts.items())),
        provenance=section.provenance.to_value() if section.provenance else None,
    )


def _check_version(version: object, findings: Findings) -> None:
    """A newer file is refused at once: its other keys would only confuse."""
    if isinstance(version, int) and not isinstance(version, bool) and version > VERSION:
        message = f"the file has version {version}; this program reads up to {VERSION}."
        findings.add("version", message, "Update archon.")
        findings.raise_if_any()


def _architecture(
    data: Mapping[str, object], findings: Findings, table: Mapping[str, type[Component]]
) -> Architecture | None:
    layers, models = data.get("layers"), data.get("models")
    if not isinstance(layers, list):
        return None
    if not layers:
        findings.add("layers", "the list is empty.", "It begins with - generate: {model: ...}.")
        return None
    aliases = tuple(models) if isinstance(models, Mapping) else ()
    reader = SpaceReader(ComponentReader(aliases, table, findings), findings)
    nodes = reader.chain(layers, "layers").nodes
    found = []
    for i, node in enumerate(nodes):
        if isinstance(node, LayerNode):
            found.append(_fixed_layer(node, f"layers[{i}]", findings))
        else:
            findings.add(f"layers[{i}]", "a pipeline file leaves nothing open.", "Write one layer.")
    if findings.has_any("layers"):
        return None
    architecture = Architecture(tuple(found))
    findings.adopt(problems_of(architecture, table), "")
    return None if findings.has_any("layers") else architecture


def _fixed_layer(node: LayerNode, path: str, findings: Findings) -> Layer:
    specs: list[ComponentSpec] = []
    for part in node.components:
        component = part.component if isinstance(part, EnsembleNode) else part
        is_open = len(component.models) > 1 and component is part
        if isinstance(part, EnsembleNode):
            is_open = part.minimum < len(component.models)
        if is_open:
            findings.add(path, f"the model of {component.kind} is open.", "Write one alias.")
        specs += [_fixed(component, alias, path, findings) for alias in component.models or ("",)]
    return tuple(specs)


def _fixed(component: ComponentNode, alias: str, path: str, findings: Findings) -> ComponentSpec:
    params = []
    for name, dimension in component.params:
        if isinstance(dimension, Fixed):
            params.append((name, dimension.value))
        else:
            hint = "A pipeline file has one value for each parameter; job files have choices."
            findings.add(path, f"{name} of {component.kind} is a choice.", hint)
    return ComponentSpec(component.kind, alias, tuple(params))


def _check_integrity(
    section: _PipelineSection,
    data: Mapping[str, object],
    architecture: Architecture,
    findings: Findings,
) -> None:
    signed = {key: value for key, value in data.items() if key != "sha256"}
    if section.sha256 is not None and section.sha256 != _checksum(signed):
        findings.add("sha256", "the file is not as it was written.", _CHANGED)
    elif section.pipeline_id not in (None, architecture.pipeline_id()):
        message = f"these layers are pipeline {architecture.pipeline_id()}."
        findings.add("pipeline_id", message, _CHANGED)


def _check_prompts(prompts: Mapping[str, str], findings: Findings) -> None:
    for name, digest in prompts.items():
        if len(digest) != 12 or set(digest) - set("0123456789abcdef"):
            message = f"expected the digest of a shipped prompt, got {show(digest)}."
            hint = "Other wordings than the shipped ones cannot be run by this version."
            findings.add(key_path("prompts", name), message, hint)


def _layer_data(layer: Layer) -> dict[str, object]:
    entries = [_component_data(spec) for spec in layer]
    return entries[0] if len(entries) == 1 else {"side_by_side": entries}


def _component_data(spec: ComponentSpec) -> dict[str, object]:
    data = spec.to_data()
    return {str(data.pop("kind")): data}


def _checksum(data: Mapping[str, object]) -> str:
    """SHA-256 of the canonical JSON: comments, line ends and layout do not count."""
    text = json.dumps(data, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
