"""Reads the options of a profile: numbers, words, models, and a section for each component."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from archon.components.base import Component
from archon.components.table import suggest
from archon.search.space import ComponentNode
from archon.spec.dimensions import ComponentReader
from archon.spec.findings import Findings, show
from archon.spec.yaml_source import key_path

ROOT = "space"


@dataclass(frozen=True, slots=True)
class OptionReader:
    """Reads the section ``space:`` of one file. Problems are noted, and a default is returned."""

    data: Mapping[str, object]
    components: ComponentReader

    @property
    def findings(self) -> Findings:
        """Takes the problems."""
        return self.components.findings

    @property
    def table(self) -> Mapping[str, type[Component]]:
        """Component kinds."""
        return self.components.table

    def models(self) -> tuple[str, ...]:
        """The models of the profile: all of the file where it names none, in no order of theirs.

        A mapping has no order: a job that is read back from a database has lost that of its file.
        """
        if "models" not in self.data:
            return tuple(sorted(self.components.aliases))
        return self._known(self.data["models"], f"{ROOT}.models")

    def best_first(self) -> tuple[str, ...]:
        """The models in an order that the section has to say."""
        found = self.models()
        if "models" not in self.data and len(found) > 1:
            hint = f"Write models: [{', '.join(found)}], from the best to the worst."
            self.findings.add(f"{ROOT}.models", "which model is the best?", hint)
        return found

    def number(self, name: str, default: int, *, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``."""
        value = self.data.get(name, default)
        if not _is_whole(value):
            self._say(name, f"expected a whole number, got {show(value)}.")
        elif not low <= value <= high:
            self._say(name, f"{value} is out of range: {low} to {high}.")
        else:
            return value
        return default

    def numbers(self, name: str, default: range, *, low: int, high: int) -> range:
        """Whole numbers, all from ``low`` to ``high``: one, or a range with an even step."""
        data = self.data.get(name)
        if name not in self.data:
            return default
        if _is_whole(data):
            data = {"from": data, "to": data}
        hint = "Write a number, or {from: 1, to: 4}."
        if not isinstance(data, Mapping):
            self._say(name, f"expected how many, got {show(data)}.", hint)
            return default
        path = key_path(ROOT, name)
        self.findings.unknown_keys(data, ("from", "to", "step"), path)
        first, last, step = data.get("from"), data.get("to"), data.get("step", 1)
        if not (_is_whole(first) and _is_whole(last) and _is_whole(step)):
            self._say(name, "from, to and step are whole numbers.", hint)
        elif step < 1 or (last - first) % step:
            self._say(name, f"steps of {step} from {first} do not reach {last}.")
        elif not low <= first <= last <= high:
            said = f"{low} <= from <= to <= {high} must hold."
            self._say(name, f"{first} to {last} is out of range.", said)
        else:
            return range(first, last + 1, step)
        return default

    def word(self, name: str, default: str, options: Sequence[str]) -> str:
        """One of ``options``."""
        value = self.data.get(name, default)
        if isinstance(value, str) and value in options:
            return value
        self._say_word(key_path(ROOT, name), value, options)
        return default

    def truth(self, name: str) -> bool:
        """True or false; false where it is left out."""
        value = self.data.get(name, False)
        if not isinstance(value, bool):
            self._say(name, f"expected true or false, got {show(value)}.")
            return False
        return value

    def words(self, name: str, default: Sequence[str], options: Sequence[str]) -> tuple[str, ...]:
        """Several of ``options``, at least one, none twice."""
        if name not in self.data:
            return tuple(default)
        data, path = self.data[name], key_path(ROOT, name)
        if not isinstance(data, list) or not data:
            self._say(name, f"expected a list, got {show(data)}.", f"There is: {_all(options)}.")
            return tuple(default)
        found: list[str] = []
        for i, value in enumerate(data):
            if not isinstance(value, str) or value not in options:
                self._say_word(f"{path}[{i}]", value, options)
            elif value in found:
                self.findings.add(f"{path}[{i}]", f"{value!r} stands here twice.", "Remove one.")
            else:
                found.append(value)
        return tuple(found or default)

    def component(
        self,
        kind: str,
        models: Sequence[str],
        *,
        set_here: Mapping[str, str] | None = None,
        **defaults: object,
    ) -> ComponentNode:
        """A component with its section's parameters.

        Args:
            kind: Its kind, and the section's name.
            models: Asked where the section names none: one of them.
            set_here: Parameters that the profile decides about, each with what to write instead.
            defaults: Parameters as they are where the section leaves them out.
        """
        path, section = key_path(ROOT, kind), self.data.get(kind)
        if section is None:
            section = {}
        if not isinstance(section, Mapping):
            hint = f"Write {kind}: {{temperature: [0.3, 0.7]}}."
            self.findings.add(path, f"expected parameters, got {show(section)}.", hint)
            return ComponentNode(kind, tuple(models))
        given = defaults | dict(section)
        if given.pop("models", None) is not None:
            hint = "Write model: with one of them, or with a list of which one is chosen."
            self.findings.add(f"{path}.models", f"one {kind} stands alone in its layer.", hint)
        for name, instead in (set_here or {}).items():
            if given.pop(name, None) is not None:
                message = f"the profile itself sets {name} of {kind}."
                self.findings.add(key_path(path, name), message, instead)
        needs_model = self.table[kind].declares.needs_model
        if needs_model and "model" not in given and models:
            given["model"] = list(models) if len(models) > 1 else models[0]
        found = self.components.read(kind, given, path)
        return found if isinstance(found, ComponentNode) else ComponentNode(kind, tuple(models))

    def dealt(
        self, kind: str, *, set_here: Mapping[str, str] | None = None, **defaults: object
    ) -> ComponentNode:
        """A component several of which share a layer; its section's ``models`` are the ones."""
        models, section = self.best_first(), self.data.get(kind)
        reader = self
        if isinstance(section, Mapping) and "models" in section:
            given, path = dict(section), f"{key_path(ROOT, kind)}.models"
            models = self._known(given.pop("models"), path)
            reader = OptionReader({**self.data, kind: given}, self.components)
        one = {"model": f"Write models: [{', '.join(models)}], from the best to the worst."}
        node = reader.component(kind, models, set_here=one | dict(set_here or {}), **defaults)
        return ComponentNode(kind, models, node.params)

    def _known(self, data: object, path: str) -> tuple[str, ...]:
        """The models of a list; what is none of them is said once, and nothing follows from it."""
        found = self.components.alias_list(data, path, least=1)
        aliases = self.components.aliases
        return tuple(dict.fromkeys(one for one in found if one in aliases)) or aliases

    def _say(self, name: str, message: str, hint: str = "") -> None:
        self.findings.add(key_path(ROOT, name), message, hint)

    def _say_word(self, path: str, value: object, options: Sequence[str]) -> None:
        hint = suggest(value, list(options)) if isinstance(value, str) else ""
        hint = hint or f"There is: {_all(options)}."
        self.findings.add(path, f"{show(value)} is not one of {_all(options)}.", hint.strip())


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _all(options: Sequence[str]) -> str:
    return ", ".join(options)
