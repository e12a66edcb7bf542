"""Every component kind, a line each, and how a spec becomes a component."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from functools import cache
from types import MappingProxyType
from typing import Any, cast

from archon.components.base import Component
from archon.components.check import Check
from archon.components.critique import Critique
from archon.components.fuse import Fuse
from archon.components.generate import Generate
from archon.components.judge_tests import JudgeTests
from archon.components.rank import Rank
from archon.components.rank_pairs import RankPairs
from archon.components.rank_scores import RankScores
from archon.components.select import Select
from archon.components.verify import Verify
from archon.components.vote import Vote
from archon.components.write_tests import WriteTests
from archon.core.architecture import ComponentSpec, ParamValue
from archon.core.errors import Problem, SpecError

COMPONENTS: Mapping[str, type[Component]] = MappingProxyType(
    {
        "generate": Generate,
        "rank": Rank,
        "rank_pairs": RankPairs,
        "rank_scores": RankScores,
        "critique": Critique,
        "fuse": Fuse,
        "verify": Verify,
        "write_tests": WriteTests,
        "judge_tests": JudgeTests,
        "vote": Vote,
        "check": Check,
        "select": Select,
    }
)


def build(spec: ComponentSpec, table: Mapping[str, type[Component]] = COMPONENTS) -> Component:
    """Turn a spec into a component.

    Raises:
        SpecError: The kind, a parameter or a value is not allowed; names all problems, each with
            ``path`` relative to the spec (the caller knows file and line).
    """
    problems = _problems_of_values(spec, table)
    if problems:
        raise SpecError(problems)
    component = cast(Any, table[spec.kind])
    known = parameters(table[spec.kind])
    arguments = {name: as_declared(value, known[name]) for name, value in spec.params}
    if table[spec.kind].declares.needs_model:
        arguments["model"] = spec.model
    return cast(Component, component(**arguments))


def as_declared(value: ParamValue, parameter: Field[Any]) -> ParamValue:
    """The value in the parameter's own type: 1 and 1.0 must not become two requests."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and "float" in str(parameter.type):
        return float(cast(float, value)) + 0.0  # -0.0 becomes 0.0
    return value


@cache
def parameters(kind: type[Component]) -> Mapping[str, Field[Any]]:
    """The parameters of a component class by name, without the model."""
    return MappingProxyType({f.name: f for f in fields(cast(Any, kind)) if f.name != "model"})


def problems_of(
    spec: ComponentSpec, table: Mapping[str, type[Component]] = COMPONENTS
) -> list[Problem]:
    """Everything wrong with one spec, looked at alone: what ``build`` would refuse."""
    try:
        build(spec, table)
    except SpecError as error:
        return list(error.problems)
    return []


def _problems_of_values(spec: ComponentSpec, table: Mapping[str, type[Component]]) -> list[Problem]:
    if spec.kind not in table:
        return [
            Problem(
                f"there is no component {spec.kind!r}.",
                path="kind",
                hint=suggest(spec.kind, table) + "(archon components lists them)",
            )
        ]
    kind = table[spec.kind]
    known = parameters(kind)
    problems = []
    if kind.declares.needs_model and not spec.model:
        problems.append(Problem(f"{spec.kind} needs a model.", path="model"))
    if spec.model and not kind.declares.needs_model:
        problems.append(Problem(f"{spec.kind} asks no model.", path="model", hint="Remove it."))
    for name, value in spec.params:
        if name not in known:
            problems.append(
                Problem(
                    f"{spec.kind} has no parameter {name!r}.", path=name, hint=suggest(name, known)
                )
            )
        elif wrong := _wrong_value(known[name], value):
            problems.append(Problem(wrong, path=name))
    given = dict(spec.params)
    problems += [
        Problem(f"{spec.kind} needs {name!r}.", path=name)
        for name, f in known.items()
        if name not in given and f.default is MISSING and f.default_factory is MISSING
    ]
    return problems


def suggest(word: str, known: Mapping[str, object] | list[str]) -> str:
    """``Did you mean 'fuse'? `` for a misspelt word, or what there is, if nothing is close."""
    names = list(known)
    close = difflib.get_close_matches(word, names, n=1)
    if close:
        return f"Did you mean {close[0]!r}? "
    return f"There is: {', '.join(names)}. " if names else ""


def _wrong_value(parameter: Field[Any], value: object) -> str:
    """Why ``value`` is not allowed for this parameter ("" if it is)."""
    default, rules = parameter.default, parameter.metadata
    wanted = type(default) if default is not MISSING and default is not None else None
    optional = "None" in str(parameter.type)
    if value is None:
        return "" if optional else "a value is needed."
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if wanted is not None and (
        not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool)
    ):
        return f"expected {wanted.__name__}, got {type(value).__name__} {value!r}."
    options = rules.get("options")
    if options and value not in options:
        near = difflib.get_close_matches(str(value), [str(option) for option in options], n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        return f"{value!r} is not one of {', '.join(options)}.{hint}"
    return _out_of_range(value, rules.get("low"), rules.get("high"))


def _out_of_range(value: object, low: float | None, high: float | None) -> str:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return ""
    if (low is not None and not value >= low) or (high is not None and not value <= high):
        return f"{value} is outside {low if low is not None else '-inf'} to {high}."
    return ""
