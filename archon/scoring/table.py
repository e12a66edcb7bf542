"""Every scorer kind, a line each, and how plain data becomes a scorer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, replace
from types import MappingProxyType
from typing import Any, cast, get_type_hints

import orjson
from pydantic import TypeAdapter, ValidationError

from archon.components.table import suggest
from archon.core.errors import Problem, SpecError
from archon.scoring.base import Checked, Scorer, checked
from archon.scoring.choice import Choice
from archon.scoring.contains import Contains
from archon.scoring.exact import Exact
from archon.scoring.f1 import F1
from archon.scoring.game24 import Game24
from archon.scoring.ifeval import IFEval
from archon.scoring.json_schema import JsonSchema
from archon.scoring.judge import Asks
from archon.scoring.keywords import Keywords
from archon.scoring.math import Math
from archon.scoring.numeric import Numeric
from archon.scoring.pairwise import PairwiseJudge
from archon.scoring.pointwise import PointwiseJudge
from archon.scoring.regex import Regex

SCORERS: Mapping[str, type[Scorer]] = MappingProxyType(
    {
        "exact": Exact,
        "numeric": Numeric,
        "choice": Choice,
        "f1": F1,
        "contains": Contains,
        "keywords": Keywords,
        "ifeval": IFEval,
        "regex": Regex,
        "json_schema": JsonSchema,
        "math": Math,
        "game24": Game24,
        "judge": PointwiseJudge,
        "judge_pairwise": PairwiseJudge,
    }
)

_ASKS = "asks"


def parameters(kind: type[Scorer]) -> Mapping[str, Field[Any]]:
    """The parameters of a scorer class by name; what it works with privately is none."""
    listed = fields(cast(Any, kind))
    return {f.name: f for f in listed if f.name != _ASKS and not f.name.startswith("_")}


def asks_model(kind: str) -> bool:
    """Whether scorers of this kind ask a model (and so cost calls of the search)."""
    return any(f.name == _ASKS for f in fields(cast(Any, SCORERS[kind])))


def problems_of(data: Mapping[str, object]) -> list[Problem]:
    """Everything wrong with the description of a scorer; paths are relative to it.

    Raises:
        SetupError: A package that the scorer needs is not installed.
    """
    return _read(data)[1]


def scorer_of(data: Mapping[str, object]) -> Scorer | None:
    """The scorer as far as its parameters say it: a judge cannot ask yet. None if it is wrong."""
    return _read(data)[0]


def build_scorer(
    data: Mapping[str, object], asks_of: Callable[[str], Asks] | None = None
) -> Checked:
    """Turn ``{"kind": ..., **parameters}`` into a scorer.

    Args:
        data: Plain data, e.g. of a job file.
        asks_of: Gives access to the model behind an alias; needed for judges only.

    Raises:
        SpecError: The kind, a parameter or a value is not allowed; names all problems.
        SetupError: A package that the scorer needs is not installed.
        ValueError: A judge is wanted, and ``asks_of`` is None.
    """
    scorer, problems = _read(data)
    if problems or scorer is None:
        raise SpecError(problems)
    if not asks_model(scorer.kind):
        return checked(scorer)
    if asks_of is None:
        raise ValueError(f"scorer {scorer.kind!r} asks a model, and there is no way to ask one")
    judge = cast(Any, scorer)
    return checked(cast(Scorer, replace(judge, asks=asks_of(judge.model))))


def _read(data: Mapping[str, object]) -> tuple[Scorer | None, list[Problem]]:
    """The scorer (a judge that cannot ask yet), or what is wrong with its description."""
    kind = data.get("kind")
    if not isinstance(kind, str) or kind not in SCORERS:
        hint = suggest(kind if isinstance(kind, str) else "", SCORERS)
        return None, [Problem(f"there is no scorer {kind!r}.", path="kind", hint=hint)]
    values, problems = _values(kind, data)
    if problems:
        return None, problems
    if asks_model(kind):
        values[_ASKS] = None
    try:
        return cast(Any, SCORERS[kind])(**values), []
    except ValueError as error:
        message = str(error).rstrip(".")
        return None, [Problem(f"{message}.", path=kind)]


def _values(kind: str, data: Mapping[str, object]) -> tuple[dict[str, object], list[Problem]]:
    known = parameters(SCORERS[kind])
    hints = get_type_hints(SCORERS[kind])
    values: dict[str, object] = {}
    problems = []
    for name, value in data.items():
        if name == "kind":
            continue
        if name not in known:
            message = f"scorer {kind!r} has no parameter {name!r}."
            problems.append(Problem(message, path=name, hint=suggest(name, known)))
            continue
        try:
            values[name] = TypeAdapter(hints[name]).validate_json(orjson.dumps(value), strict=True)
        except (ValidationError, orjson.JSONEncodeError) as error:
            problems.append(Problem(_reason(error), path=name))
    problems += [
        Problem(f"scorer {kind!r} needs {name!r}.", path=name)
        for name, f in known.items()
        if name not in data and f.default is MISSING and f.default_factory is MISSING
    ]
    return values, problems


def _reason(error: Exception) -> str:
    """What is wrong with a value, without the value: it may be a key put in the wrong place."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        return f"{first['msg']}, not {type(first['input']).__name__}."
    return f"{error}."
