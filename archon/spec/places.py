"""Where each component of a space stands in its file: the paths follow from how it is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from archon.search.space import (
    Chain,
    ComponentNode,
    LayerNode,
    Node,
    OneOf,
    Repeat,
    Space,
    bare,
    components_below,
)
from archon.spec.yaml_source import Document, key_path


def components_in(space: Space, document: Document) -> Iterator[tuple[ComponentNode, str]]:
    """Every component of a job's space, with the path of its parameters in the file."""
    section = document.data.get("space")
    if isinstance(section, Mapping) and "profile" in section:
        # A profile has one section for all components of a kind.
        for component in components_below(space.root):
            yield component, key_path("space", component.kind)
    else:
        yield from components_of(space.root)


def components_of(node: Node, path: str = "space.layers") -> Iterator[tuple[ComponentNode, str]]:
    """Every component at or below ``node``, with the path of its parameters in the file.

    Args:
        node: Part of a space, as it is written in the file.
        path: Where it stands.

    Raises:
        TypeError: It is of a profile, whose parts stand nowhere in the file.
    """
    if isinstance(node, LayerNode):
        for i, part in enumerate(node.components):
            is_alone = len(node.components) == 1
            at = path if is_alone else f"{key_path(path, 'side_by_side')}[{i}]"
            yield bare(part), key_path(at, bare(part).kind)
    elif isinstance(node, Chain):
        for i, child in enumerate(node.nodes):
            yield from components_of(child, f"{path}[{i}]")
    elif isinstance(node, OneOf):
        for i, (_, child) in enumerate(node.alternatives):
            yield from components_of(child, f"{path}.one_of[{i}]")
    elif isinstance(node, Repeat):
        yield from components_of(node.node, f"{path}.repeat.layers")
    else:
        raise TypeError(f"{type(node).__name__} is not written layer by layer")
