"""``archon components``: what pipelines and scores can be made of."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated

import typer

from archon.cli.options import AsJson
from archon.cli.output import out, print_json, table

if TYPE_CHECKING:
    from archon.service.catalogue import ComponentEntry, ParameterEntry, ScorerEntry


def components(
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="One component or scorer, in full.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """List the components of pipelines and the scorers, or show one with its parameters."""
    from archon.core.errors import SpecError
    from archon.service.catalogue import component_entries, scorer_entries

    parts, scorers = component_entries(), scorer_entries()
    if name:
        parts = tuple(entry for entry in parts if entry.kind == name)
        scorers = tuple(entry for entry in scorers if entry.kind == name)
        if not parts and not scorers:
            raise SpecError(f"there is no component or scorer {name!r}.{_hint(name)}")
    if as_json:
        print_json(
            {
                "components": [entry.to_data() for entry in parts],
                "scorers": [entry.to_data() for entry in scorers],
            }
        )
    elif name:
        for part in parts:
            _print_component(part)
        for scorer in scorers:
            _print_scorer(scorer)
    else:
        _print_all(parts, scorers)


def _hint(name: str) -> str:
    """The name that was meant, or all there are."""
    from archon.components.table import suggest
    from archon.service.catalogue import component_entries, scorer_entries

    parts = [entry.kind for entry in component_entries()]
    scorers = [entry.kind for entry in scorer_entries()]
    if get_close_matches(name, [*parts, *scorers], n=1):
        return f" {suggest(name, [*parts, *scorers]).strip()}"
    return f"\nComponents: {', '.join(parts)}.\nScorers: {', '.join(scorers)}."


def _print_all(parts: Sequence[ComponentEntry], scorers: Sequence[ScorerEntry]) -> None:
    made = table(
        "component",
        "effect",
        "model",
        "what it does",
        title="Components of pipelines",
        whole=("component",),
    )
    for entry in parts:
        made.add_row(entry.kind, entry.effect, "yes" if entry.needs_model else "", entry.summary)
    out().print(made)
    made = table("scorer", "model", "what it does", title="\nScorers", whole=("scorer",))
    for scorer in scorers:
        made.add_row(scorer.kind, "yes" if scorer.asks_model else "", scorer.summary)
    out().print(made)
    out().print("\nOne of them with its parameters: archon components NAME")


def _print_component(entry: ComponentEntry) -> None:
    out().print(f"component {entry.kind}: {entry.summary}")
    if entry.details:
        out().print(f"\n{entry.details}")
    needs = f"; needs {', '.join(entry.needs)} of an earlier layer" if entry.needs else ""
    out().print(f"\nReads {_listed(entry.reads)}; writes {_listed(entry.writes)}{needs}.")
    out().print(f"Calls: {entry.calls}")
    if entry.needs_model:
        out().print("Needs `model`: an alias of the file's models.")
    _print_parameters(entry.parameters)


def _print_scorer(entry: ScorerEntry) -> None:
    out().print(f"scorer {entry.kind}: {entry.summary}")
    if entry.details:
        out().print(f"\n{entry.details}")
    if entry.asks_model:
        out().print("\nAsks a model: its calls are part of the search, not of the pipeline.")
    _print_parameters(entry.parameters)


def _print_parameters(parameters: Sequence[ParameterEntry]) -> None:
    if not parameters:
        return
    made = table(
        "parameter", "type", "default", "allowed", "", title="\nParameters", whole=("parameter",)
    )
    for entry in parameters:
        default = "required" if entry.is_required else _shown(entry.default)
        made.add_row(entry.name, entry.type, default, entry.allowed, entry.doc)
    out().print(made)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "nothing"


def _shown(value: object) -> str:
    """A default as it would be written in a file."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, tuple):
        return "[" + ", ".join(map(str, value)) + "]"
    return '""' if value == "" else str(value)
