"""Recognises configurations of the original Archon, which are JSON with other keys than ours."""

from __future__ import annotations

from collections.abc import Mapping

from archon.core.errors import SpecError
from archon.spec.yaml_source import Document


def refuse_original(document: Document) -> None:
    """Say what such a file is, since none of its keys would be found.

    Raises:
        SpecError: It is one.
    """
    layers = document.data.get("layers")
    if not isinstance(layers, list) or not layers or not isinstance(layers[0], list):
        return
    if any(isinstance(entry, Mapping) and "type" in entry for entry in layers[0]):
        message = "this looks like a configuration of the original Archon, which is not read yet."
        hint = (
            "Write a pipeline file: models: with aliases, and layers: such as - generate: "
            "{model: alias}. (archon components lists the kinds)"
        )
        raise SpecError([document.problem("layers", message, hint)])
