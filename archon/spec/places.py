"""Where each component of a space stands in its file: the paths follow from how it is written."""

from __future__ import annotations

from collections.abc import Iterator

from archon.search.space import Chain, ComponentNode, EnsembleNode, LayerNode, Node, OneOf
from archon.spec.yaml_source import key_path


def components_of(node: Node, path: str = "space.layers") -> Iterator[tuple[ComponentNode, str]]:
    """Every component at or below ``node``, with the path of its parameters in the file.

    Args:
        node: Part of a space.
        path: Where it stands.
    """
    if isinstance(node, LayerNode):
        bare = [p.component if isinstance(p, EnsembleNode) else p for p in node.components]
        for i, component in enumerate(bare):
            at = path if len(bare) == 1 else f"{key_path(path, 'side_by_side')}[{i}]"
            yield component, key_path(at, component.kind)
    elif isinstance(node, Chain):
        for i, child in enumerate(node.nodes):
            yield from components_of(child, f"{path}[{i}]")
    elif isinstance(node, OneOf):
        for i, (_, child) in enumerate(node.alternatives):
            yield from components_of(child, f"{path}.one_of[{i}]")
    else:
        yield from components_of(node.node, f"{path}.repeat.layers")
