"""Collects everything wrong with one file, so that a user sees all of it in one run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from archon.components.table import suggest
from archon.core.errors import Problem, SpecError
from archon.spec.forbidden import forbidden_content, looks_secret
from archon.spec.yaml_source import Document, key_path

ALIAS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
ALIAS_FORM = "1 to 64 letters, digits, '.', '_' or '-', the first a letter or digit"


class Findings:
    """The problems of one document; it begins with what no file may hold (``forbidden``)."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self._problems: list[Problem] = forbidden_content(document)
        self._settled = frozenset(problem.path for problem in self._problems)

    def add(self, path: str, message: str, hint: str = "") -> None:
        """Note a problem at ``path``; the same one twice counts once.

        Where a forbidden key or value stands, nothing more is said.
        """
        problem = self.document.problem(path, message, hint)
        if path not in self._settled and problem not in self._problems:
            self._problems.append(problem)

    def adopt(self, problems: Iterable[Problem], within: str) -> None:
        """Note problems whose paths are relative to ``within``, which may be ""."""
        for problem in problems:
            path = ".".join(part for part in (within, problem.path) if part)
            self.add(path, problem.message, problem.hint.strip())

    def unknown_keys(self, given: Mapping[str, object], known: Iterable[str], path: str) -> None:
        """Note each key that is not known, with the one that was probably meant."""
        names = list(known)
        for key in given:
            if key not in names:
                self.add(key_path(path, key), f"unknown key {key!r}.", suggest(key, names).strip())

    def has_any(self, within: str = "") -> bool:
        """Whether there is a problem at or below ``within``."""
        below = (f"{within}.", f"{within}[")
        return any(
            not within or problem.path == within or problem.path.startswith(below)
            for problem in self._problems
        )

    def raise_if_any(self) -> None:
        """Raise all problems in the order of their lines.

        Raises:
            SpecError: There is at least one.
        """
        if self._problems:
            ordered = sorted(self._problems, key=lambda problem: problem.line or 0)
            raise SpecError([replace(problem, hint=problem.hint.strip()) for problem in ordered])


def show(value: object) -> str:
    """A value for a message: short, and never one that may be a key."""
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, str):
        return f"the text {named(value)}"
    return "nothing" if value is None else str(value).lower()


def named(value: object) -> str:
    """A name for a message, in quotes; what is no name is shown as ``show`` does."""
    if not isinstance(value, str):
        return show(value)
    if looks_secret(value):
        return "(hidden: it looks like a key)"
    return repr(value if len(value) <= 40 else value[:40] + "...")
