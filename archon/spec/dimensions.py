"""One component of a space, or of a pipeline file: its model and its parameters, open or fixed.

temperature: 0.7                      fixed
temperature: [0.3, 0.7, 1.0]          one of these
samples: {from: 1, to: 8}             a range; step: 2 or log: true may be added
contains: [red, blue]                 where the parameter itself is a list: fixed
contains: {one_of: [[red], [blue]]}   ... and so a choice among lists
model: [small, big]                   one of these models
models: [small, big]                  all of them, side by side
models: {any_of: [a, b, c], at_least: 1, at_most: 2}      a subset of them, side by side
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass
from itertools import product
from math import prod
from typing import Any, TypeGuard

from archon.components.base import Component
from archon.components.table import build, parameters, problems_of, suggest
from archon.core.architecture import ComponentSpec, ParamValue
from archon.core.errors import SpecError
from archon.search.space import ComponentNode, Dimension, EnsembleNode, Fixed, Options, Range
from archon.spec.edge import number_hint
from archon.spec.findings import Findings, named, show
from archon.spec.yaml_source import key_path

MOST_COMBINATIONS = 4096
"""Settings of one component that are looked at; with more, it is refused."""
_RANGE_KEYS = ("from", "to", "step", "log")
_ENDS = re.compile(r"\s*([0-9.]+)\s*(?:-|\.\.|to)\s*([0-9.]+)\s*")
"""What a range looks like elsewhere."""
_ENSEMBLE_KEYS = ("any_of", "at_least", "at_most")


@dataclass(frozen=True, slots=True)
class ComponentReader:
    """Reads components of one file."""

    aliases: tuple[str, ...]
    table: Mapping[str, type[Component]]
    findings: Findings

    def read(self, kind: str, data: object, path: str) -> ComponentNode | EnsembleNode | None:
        """The component ``kind`` with the parameters ``data`` that stand at ``path``.

        ``kind`` is in the table. None where ``data`` is no mapping; other problems are noted and
        what can be read is returned.
        """
        if data is not None and not isinstance(data, Mapping):
            hint = f"Write {kind}: {{name: value}}, or {kind} alone."
            self.findings.add(path, f"expected parameters, got {show(data)}.", hint)
            return None
        given = dict(data or {})
        models, ensemble = self._models(kind, given, path)
        node = ComponentNode(kind, models, self._params(kind, given, path))
        if not self.findings.has_any(path):
            self._check_whole(node, path)
        return node if ensemble is None else EnsembleNode(node, *ensemble)

    def _models(
        self, kind: str, given: dict[str, object], path: str
    ) -> tuple[tuple[str, ...], tuple[int, int] | None]:
        """Takes ``model`` and ``models`` out of ``given``: the aliases, and how many of them."""
        one, several = given.pop("model", None), given.pop("models", None)
        if not self.table[kind].declares.needs_model:
            for name, value in (("model", one), ("models", several)):
                if value is not None:
                    self.findings.add(f"{path}.{name}", f"{kind} asks no model.", "Remove it.")
            return (), None
        if (one is None) == (several is None):
            said = "needs a model." if one is None else "has both model and models."
            hint = f"Write model: with one of {', '.join(self.aliases)}." if self.aliases else ""
            self.findings.add(path, f"{kind} {said}", hint)
            return (), None
        if several is not None:
            return self._ensemble(several, f"{path}.models")
        if isinstance(one, Mapping) and set(one) == {"one_of"}:
            return self.alias_list(one["one_of"], f"{path}.model.one_of", least=2), None
        if isinstance(one, list):
            return self.alias_list(one, f"{path}.model", least=2), None
        return self.alias_list([one], f"{path}.model", least=1), None

    def _ensemble(self, data: object, path: str) -> tuple[tuple[str, ...], tuple[int, int] | None]:
        if isinstance(data, list):
            models = self.alias_list(data, path, least=2)
            return models, (len(models), len(models))
        if not isinstance(data, Mapping) or "any_of" not in data:
            hint = "Write models: [a, b] for all, or {any_of: [a, b, c], at_least: 1, at_most: 2}."
            self.findings.add(path, f"expected several models, got {show(data)}.", hint)
            return (), None
        self.findings.unknown_keys(data, _ENSEMBLE_KEYS, path)
        models = self.alias_list(data["any_of"], f"{path}.any_of", least=2)
        low, high = data.get("at_least", 1), data.get("at_most", len(models))
        if not (_is_integer(low) and _is_integer(high)):
            name, value = ("at_most", high) if _is_integer(low) else ("at_least", low)
            self.findings.add(f"{path}.{name}", f"expected a whole number, got {show(value)}.")
            return models, None
        if not 1 <= low <= high <= len(models):
            message = f"at_least {low} and at_most {high} do not fit {len(models)} models."
            self.findings.add(
                path, message, f"1 <= at_least <= at_most <= {len(models)} must hold."
            )
        return models, (low, high)

    def alias_list(self, data: object, path: str, *, least: int) -> tuple[str, ...]:
        """The aliases of a list of ``least`` or more, each of them a model of the file, once."""
        if not isinstance(data, list) or len(data) < least:
            self.findings.add(path, f"expected a list of {least} or more models, got {show(data)}.")
            return ()
        for i, alias in enumerate(data):
            where = path if len(data) == least == 1 else f"{path}[{i}]"
            if not self.aliases:
                break  # that there are no models is said where they should stand
            if not isinstance(alias, str) or alias not in self.aliases:
                hint = suggest(str(alias), list(self.aliases)).strip()
                self.findings.add(where, f"there is no model {named(alias)}.", hint)
            elif alias in data[:i]:
                self.findings.add(where, f"the model {alias!r} stands here twice.")
        return tuple(alias for alias in data if isinstance(alias, str))

    def _params(
        self, kind: str, given: Mapping[str, object], path: str
    ) -> tuple[tuple[str, Dimension], ...]:
        known = parameters(self.table[kind])
        found: dict[str, Dimension] = {}
        for name, value in given.items():
            where = key_path(path, name)
            if name not in known:
                names = [*known, "model"] if self.table[kind].declares.needs_model else list(known)
                message = f"{kind} has no parameter {name!r}."
                self.findings.add(where, message, suggest(name, names).strip())
                continue
            reader = _ParameterReader(kind, name, _Type(known[name]), where, self)
            dimension = reader.read(value)
            if dimension is not None:
                found[name] = dimension
        return tuple(sorted(found.items()))

    def check_value(self, kind: str, name: str, value: ParamValue, path: str) -> None:
        """Note what is wrong with one value of one parameter, whatever the others are."""
        # With a model too few or too many nothing is built, so that only values are looked at and
        # not how they go together: the other parameters are not there yet.
        model = "" if self.table[kind].declares.needs_model else "one too many"
        for problem in problems_of(ComponentSpec(kind, model, ((name, value),)), self.table):
            if problem.path == name:
                self.findings.add(path, problem.message, problem.hint.strip())

    def _check_whole(self, node: ComponentNode, path: str) -> None:
        """Note what shows only when values are put together: missing ones, and bad combinations."""
        model = node.models[0] if node.models else ""
        names = [name for name, _ in node.params]
        options = [some_values(dimension) for _, dimension in node.params]
        if (count := prod(map(len, options))) > MOST_COMBINATIONS:
            message = (
                f"too many combinations to check: {count:,}, and {MOST_COMBINATIONS:,} are the "
                "most; of numbers only the smallest and the largest count."
            )
            self.findings.add(path, message, "Fix a parameter, or take out some of its values.")
            return
        for values in product(*options):
            params = tuple(zip(names, values, strict=True))
            try:
                build(ComponentSpec(node.kind, model, params), self.table)
            except SpecError as wrong:
                self.findings.adopt(wrong.problems, path)


def some_values(dimension: Dimension) -> tuple[ParamValue, ...]:
    """The values that stand for a dimension: of numbers the smallest and the largest, else all.

    A component that refuses or asks something because of a number does so on one side of a limit,
    so that what holds at both ends holds between them.
    """
    if isinstance(dimension, Fixed):
        return (dimension.value,)
    if isinstance(dimension, Range):
        ends = (dimension.low, dimension.high)
        return tuple(int(end) for end in ends) if dimension.is_integer else ends
    numbers = [value for value in dimension.values if is_number(value)]
    others = tuple(value for value in dimension.values if not is_number(value))
    return (*others, *sorted({min(numbers), max(numbers)})) if numbers else others


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether a value is a number; a truth value is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


class _Type:
    """What a parameter's annotation says about how its values are written."""

    def __init__(self, parameter: Field[Any]) -> None:
        text = str(parameter.type)
        default = parameter.default if parameter.default is not MISSING else None
        self.is_list = "tuple" in text
        self.needs_list = text.startswith("tuple")
        self.has_text_items = "tuple[str" in text
        self.is_text = not self.is_list and ("str" in text or isinstance(default, str))
        self.is_real = not self.is_list and "float" in text
        self.is_integer = not self.is_list and not self.is_real and "int" in text
        self.is_bool = text == "bool"

    def wanted_of(self, value: object) -> str:
        """What should stand there instead of a value of another kind ("" if it may)."""
        if self.is_real:
            return "" if is_number(value) else "a number"
        if self.is_integer:
            return "" if _is_integer(value) else "a whole number"
        if self.is_bool:
            return "" if isinstance(value, bool) else "true or false"
        return ""

    def value(self, value: object) -> ParamValue:
        """The value as the architecture holds it."""
        if isinstance(value, list):
            return tuple(_frozen(item) for item in value)
        if self.is_real and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        return _frozen(value)


@dataclass(frozen=True, slots=True)
class _ParameterReader:
    """Reads the value, or the choice of values, of one parameter."""

    kind: str
    name: str
    type: _Type
    path: str
    component: ComponentReader

    def read(self, data: object) -> Dimension | None:
        if isinstance(data, Mapping):
            if set(data) == {"one_of"}:
                return self._options(data["one_of"], f"{self.path}.one_of")
            if "from" in data or "to" in data:
                return self._range(data)
            if not self.type.is_text:
                hint = "Write a value, a list, {from: 1, to: 8} or {one_of: [...]}."
                self._say(self.path, f"a mapping is no value of {self.name}.", hint)
                return None
        if isinstance(data, list) and not self.type.is_list:
            return self._options(data, self.path)
        return Fixed(self._value(data, self.path))

    def _value(self, data: object, path: str) -> ParamValue:
        items = data if isinstance(data, list) else []
        if self.type.needs_list and not isinstance(data, list):
            self._say(path, f"expected a list, got {show(data)}.", "Write [one, two].")
        elif self.type.has_text_items and not all(isinstance(item, str) for item in items):
            self._say(path, "expected a list of texts.", "Quote the numbers and truth values.")
        elif data is not None and (wanted := self.type.wanted_of(data)):
            self._say(path, f"expected {wanted}, got {show(data)}.", _hint(data))
        else:
            self.component.check_value(self.kind, self.name, self.type.value(data), path)
        return self.type.value(data)

    def _options(self, data: object, path: str) -> Dimension | None:
        if not isinstance(data, list):
            self._say(path, f"expected a list of values, got {show(data)}.")
            return None
        if len(data) < 2:
            count = "no value" if not data else "one value"
            self._say(
                path, f"a choice of {count} is no choice.", "Write two or more, or the value."
            )
            return None
        values: list[ParamValue] = []
        for i, item in enumerate(data):
            value = self._value(item, f"{path}[{i}]")
            if any(value == other and type(value) is type(other) for other in values):
                self._say(f"{path}[{i}]", f"{show(item)} stands here twice.", "Remove one.")
            values.append(value)
        return Options(tuple(values))

    def _range(self, data: Mapping[str, object]) -> Dimension | None:
        self.component.findings.unknown_keys(data, _RANGE_KEYS, self.path)
        if not (self.type.is_integer or self.type.is_real):
            self._say(self.path, f"{self.name} is no number and has no range.", "Write a list.")
            return None
        low, high = self._end(data, "from"), self._end(data, "to")
        if low is None or high is None:
            return None
        if low >= high:
            why = f"from {low} is more than to {high}." if low > high else f"only {low} is in it."
            self._say(self.path, f"the range is wrong: {why}", "from must be less than to.")
            return None
        for name, end in (("from", low), ("to", high)):
            self.component.check_value(self.kind, self.name, end, f"{self.path}.{name}")
        is_log = self._is_log(data, low)
        step = self._step(data, low, high, is_log=is_log)
        return Range(low, high, self.type.is_integer, step=step, log=is_log)

    def _end(self, data: Mapping[str, object], name: str) -> int | float | None:
        value = data.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return value if self.type.is_integer else float(value)
        if isinstance(value, float) and self.type.is_real:
            return value
        words = "a whole number" if self.type.is_integer else "a number"
        said = f"expected {words}, got {show(value)}." if name in data else f"{name!r} is missing."
        self._say(f"{self.path}.{name}", said)
        return None

    def _is_log(self, data: Mapping[str, object], low: float) -> bool:
        log = data.get("log", False)
        if not isinstance(log, bool):
            self._say(f"{self.path}.log", f"expected true or false, got {show(log)}.")
            return False
        if log and low <= 0:
            self._say(f"{self.path}.log", f"a log range cannot start at {low}.", "Start above 0.")
        return log

    def _step(self, data: Mapping[str, object], low: float, high: float, *, is_log: bool) -> int:
        step, where = data.get("step", 1), f"{self.path}.step"
        if not isinstance(step, int) or isinstance(step, bool) or step < 1:
            self._say(where, f"expected a whole number from 1, got {show(step)}.")
            return 1
        if "step" in data and is_log:
            self._say(where, "a log range has no step.", "Remove one of the two.")
        elif "step" in data and not self.type.is_integer:
            self._say(where, f"{self.name} is no whole number and has no step.", "Write a list.")
        elif self.type.is_integer and (high - low) % step:
            self._say(where, f"steps of {step} from {low} do not reach {high}.")
        return step

    def _say(self, path: str, message: str, hint: str = "") -> None:
        self.component.findings.add(path, message, hint)


def _hint(value: object) -> str:
    if isinstance(value, str) and (ends := _ENDS.fullmatch(value)):
        return f"Write {{from: {ends[1]}, to: {ends[2]}}}."
    return number_hint(value)


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _frozen(value: object) -> ParamValue:
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    assert value is None or isinstance(value, str | int | float)
    return value
