"""What there is to compose and to score with, read from the tables that the code runs by."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import MISSING, Field, asdict, dataclass, replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

from archon.components import table as components
from archon.scoring import table as scorers
from archon.service.scorer_docs import PARAMETER_DOCS


@dataclass(frozen=True, slots=True)
class ParameterEntry:
    """One parameter, as it is written in a job or pipeline file."""

    name: str
    type: str
    default: Any
    """None where it must be given; see ``is_required``."""
    is_required: bool
    allowed: str
    """Range or values; "" where the type says all."""
    doc: str


@dataclass(frozen=True, slots=True)
class ComponentEntry:
    """One kind of component."""

    kind: str
    effect: str
    summary: str
    """In one sentence."""
    details: str
    """In paragraphs."""
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    needs: tuple[str, ...]
    """What some earlier layer must have written."""
    needs_model: bool
    calls: str
    """How many calls it makes, in a sentence."""
    parameters: tuple[ParameterEntry, ...]

    def to_data(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class ScorerEntry:
    """One kind of scorer."""

    kind: str
    summary: str
    details: str
    asks_model: bool
    parameters: tuple[ParameterEntry, ...]

    def to_data(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def component_entries() -> tuple[ComponentEntry, ...]:
    """Every component, in the order of the table."""
    return tuple(_component(kind) for kind in components.COMPONENTS)


def scorer_entries() -> tuple[ScorerEntry, ...]:
    """Every scorer, in the order of the table."""
    return tuple(_scorer(kind) for kind in scorers.SCORERS)


def _component(kind: str) -> ComponentEntry:
    made_of = components.COMPONENTS[kind]
    summary, details = _documentation(made_of)
    declares = made_of.declares
    return ComponentEntry(
        kind=kind,
        effect=declares.effect,
        summary=summary,
        details=details,
        reads=tuple(sorted(declares.reads)),
        writes=tuple(sorted(declares.writes)),
        needs=tuple(sorted(declares.requires)),
        needs_model=declares.needs_model,
        calls=_plain(inspect.getdoc(made_of.bounds) or ""),
        parameters=_parameters(components.parameters(made_of), made_of),
    )


def _scorer(kind: str) -> ScorerEntry:
    made_of = scorers.SCORERS[kind]
    summary, details = _documentation(made_of)
    documented = {**PARAMETER_DOCS.get(kind, {}), **_attributes(made_of)}
    parameters = tuple(
        replace(entry, doc=entry.doc or documented.get(entry.name, ""))
        for entry in _parameters(scorers.parameters(made_of), made_of)
    )
    return ScorerEntry(kind, summary, details, scorers.asks_model(kind), parameters)


def _parameters(fields: Mapping[str, Field[Any]], made_of: type[Any]) -> tuple[ParameterEntry, ...]:
    hints = get_type_hints(made_of)
    return tuple(_parameter(name, field, hints[name]) for name, field in fields.items())


def _parameter(name: str, field: Field[Any], hint: Any) -> ParameterEntry:
    values = get_args(hint) if get_origin(hint) is Literal else ()
    default = field.default
    if field.default_factory is not MISSING:
        default = field.default_factory()
    is_required = default is MISSING
    return ParameterEntry(
        name=name,
        type=type(values[0]).__name__ if values else str(field.type),
        default=None if is_required else default,
        is_required=is_required,
        allowed=", ".join(map(str, values)) or _allowed(field.metadata),
        doc=field.metadata.get("doc", ""),
    )


def _allowed(metadata: Mapping[Any, Any]) -> str:
    low, high, options = (metadata.get(name) for name in ("low", "high", "options"))
    if options:
        return ", ".join(options)
    if low is not None and high is not None:
        return f"{low} to {high}"
    return f"{low} or more" if low is not None else ""


def _documentation(kind: type[Any]) -> tuple[str, str]:
    """The first sentence of a class's docstring, and what follows it for readers of files."""
    summary, _, rest = _plain(inspect.getdoc(kind) or "").partition("\n\n")
    return summary.replace("\n", " "), rest.partition("\n\nAttributes:")[0].strip()


def _attributes(kind: type[Any]) -> dict[str, str]:
    """What the section "Attributes" of a class's docstring says, by name."""
    section = _plain(inspect.getdoc(kind) or "").partition("\n\nAttributes:\n")[2]
    found = re.findall(r"^    (\w+): (.*(?:\n {5,}.*)*)", section, flags=re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in found}


def _plain(docstring: str) -> str:
    return docstring.replace("``", "`").strip()
