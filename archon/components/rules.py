"""Which architectures are well typed; derived from what components declare, not from their kinds.

1. The first layer makes candidates out of the question alone.
2. Whoever reads candidates gets some; whoever needs tests, critiques or a score comes after a layer
   that may write them, with no layer between that replaces the candidates they belong to.
3. A layer holds producers only, annotators only, or exactly one selector.
4. The last layer leaves a candidate, and does not only add what nobody reads.
5. At most ``MOST_LAYERS`` layers and ``MOST_CALLS`` calls a question.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from archon.components.base import Component, Sizes
from archon.components.estimate_calls import layer_bounds
from archon.components.facts import (
    ANY_SCORE,
    facts_after,
    facts_required,
    facts_written,
    is_met,
    name_of,
    score_source,
)
from archon.components.table import COMPONENTS, build, suggest
from archon.components.table import problems_of as problems_of_spec
from archon.core.architecture import Architecture
from archon.core.errors import Problem

MOST_LAYERS = 32
MOST_CALLS = 1000


def problems_of(
    architecture: Architecture, table: Mapping[str, type[Component]] = COMPONENTS
) -> list[Problem]:
    """Everything wrong with an architecture, each with its ``path`` such as ``layers[2][0].kind``.

    How layers follow each other is looked at only once every component alone is right.
    """
    if not architecture.layers:
        return [Problem("there are no layers.", path="layers", hint="Begin with a generate layer.")]
    problems = [*_problems_of_size(architecture), *_problems_of_specs(architecture, table)]
    problems += _problems_of_mixture(architecture, table)
    if problems:
        return problems
    layers = [[build(spec, table) for spec in layer] for layer in architecture.layers]
    return [*_problems_of_order(layers, table), *_problems_of_end(layers)]


def _problems_of_size(architecture: Architecture) -> Iterator[Problem]:
    if (n := len(architecture.layers)) > MOST_LAYERS:
        yield Problem(f"there are {n} layers; at most {MOST_LAYERS}.", path="layers")
    for i, layer in enumerate(architecture.layers):
        if not layer:
            yield Problem("the layer is empty.", path=f"layers[{i}]", hint="Remove it.")


def _problems_of_specs(
    architecture: Architecture, table: Mapping[str, type[Component]]
) -> Iterator[Problem]:
    for i, layer in enumerate(architecture.layers):
        for j, spec in enumerate(layer):
            for problem in problems_of_spec(spec, table):
                path = f"layers[{i}][{j}]" + (f".{problem.path}" if problem.path else "")
                yield replace(problem, path=path)


def _problems_of_mixture(
    architecture: Architecture, table: Mapping[str, type[Component]]
) -> Iterator[Problem]:
    for i, layer in enumerate(architecture.layers):
        effects = [table[spec.kind].declares.effect for spec in layer if spec.kind in table]
        if len(set(effects)) > 1 or effects.count("select") > 1:
            kinds = ", ".join(spec.kind for spec in layer)
            yield Problem(
                f"{kinds} cannot share a layer.",
                path=f"layers[{i}]",
                hint="A layer holds components that write candidates, or components that add to"
                " them, or exactly one that orders or drops them. Give each its own layer.",
            )


def _problems_of_order(
    layers: list[list[Component]], table: Mapping[str, type[Component]]
) -> Iterator[Problem]:
    arriving, facts, n_calls = Sizes(), frozenset[str](), 0
    for i, layer in enumerate(layers):
        needy = [j for j, component in enumerate(layer) if _wants_candidates(component)]
        if arriving.candidates.high < 1 and (i == 0 or needy):
            for j in needy:
                yield _no_candidates(layer[j], f"layers[{i}][{j}].kind", table)
            if needy:
                return
        for j, component in enumerate(layer):
            yield from _problems_of_needs(component, facts, f"layers[{i}][{j}]", table)
        bounds = layer_bounds(layer, arriving)
        arriving, n_calls = bounds.after, n_calls + bounds.calls.high
        facts = facts_after(layer, facts)
    if n_calls > MOST_CALLS:
        yield Problem(
            f"one question takes up to {n_calls} calls; at most {MOST_CALLS}.",
            path="layers",
            hint="Use fewer samples or components.",
        )


def _wants_candidates(component: Component) -> bool:
    return component.declares.effect != "produce" or "candidates" in component.declares.reads


def _no_candidates(
    component: Component, path: str, table: Mapping[str, type[Component]]
) -> Problem:
    makers = [
        name
        for name, kind in table.items()
        if kind.declares.effect == "produce" and "candidates" not in kind.declares.reads
    ]
    return Problem(
        f"{component.kind} needs candidates, and no earlier layer writes any.",
        path=path,
        hint=f"Put a layer of {' or '.join(makers)} before it.",
    )


def _problems_of_needs(
    component: Component,
    facts: frozenset[str],
    path: str,
    table: Mapping[str, type[Component]],
) -> Iterator[Problem]:
    source = score_source(component)
    for fact in sorted(facts_required(component)):
        if is_met(fact, facts):
            continue
        if source and fact == f"scores:{source}":
            names = [
                name.removeprefix("scores:")
                for name in facts
                if is_met(ANY_SCORE, frozenset({name}))
            ]
            yield Problem(
                f"no earlier layer gives the score {source!r} to the candidates that arrive.",
                path=f"{path}.by",
                hint=suggest(source, sorted(names)) or "No earlier layer scores candidates.",
            )
            continue
        name = name_of(fact)
        yield Problem(
            f"{component.kind} needs {name}, and none arrive here.",
            path=f"{path}.kind",
            hint=f"Put one of {', '.join(_writers(fact, table))} before it.",
        )


def _writers(fact: str, table: Mapping[str, type[Component]]) -> list[str]:
    return [name for name, kind in table.items() if name_of(fact) in kind.declares.writes]


def _problems_of_end(layers: list[list[Component]]) -> Iterator[Problem]:
    last = layers[-1]
    if all(component.declares.effect == "annotate" for component in last):
        added = sorted({name_of(f) for c in last for f in facts_written(c)})
        yield Problem(
            f"nothing reads the {' and '.join(added)} that the last layer adds.",
            path=f"layers[{len(layers) - 1}]",
            hint="Remove it, or add a layer that reads them.",
        )
