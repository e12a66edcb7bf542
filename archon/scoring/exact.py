"""Exact match with normalisation and aliases."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from archon.benchmarks.examples import Example
from archon.core.candidates import Answer
from archon.core.results import Score
from archon.scoring.base import lacks_target, verdict
from archon.scoring.text import Normalise, Read, has_words, normalised, part_read


@dataclass(frozen=True, slots=True)
class Exact:
    """Right when the part that is read equals a target, or, with "contains", names one.

    ``options``: where the answer is one of a few words ("yes", "no"), the first of them that is
    named counts as the answer, whatever stands around it.
    """

    normalise: Normalise = "squad"
    read: Read = "whole"
    options: tuple[str, ...] = ()

    kind: ClassVar[str] = "exact"

    def __post_init__(self) -> None:
        if self.options and self.read == "contains":
            raise ValueError("options and read: contains exclude each other")

    def missing(self, example: Example) -> str:
        """It compares with the target, which must be one of the options if there are any."""
        lack = lacks_target(example)
        if lack or not self.options:
            return lack
        known = {normalised(option) for option in self.options}
        if known.isdisjoint(normalised(target) for target in example.targets):
            return f"its target is none of the options {', '.join(self.options)}."
        return ""

    async def score(self, example: Example, answer: Answer) -> Score:
        """1 if any alias matches, else 0."""
        part = part_read(answer.text, self.read)
        if self.read == "contains":
            named = any(self._contains(part, target) for target in example.targets)
            return verdict(named, "the target is named" if named else "no target is named")
        given = self._option(part) if self.options else normalised(part, self.normalise)
        wanted = {normalised(target, self.normalise) for target in example.targets}
        if self.options:
            wanted = {normalised(target) for target in example.targets}
        return verdict(given in wanted, f"read {given[:80]!r}")

    def _contains(self, text: str, target: str) -> bool:
        if self.normalise == "squad":
            return has_words(text, target)
        return normalised(target, self.normalise) in normalised(text, self.normalise)

    def _option(self, text: str) -> str:
        """The option that is named first, normalised; "" if none is."""
        said = normalised(text)
        places = {}
        for option in map(normalised, self.options):
            if match := re.search(rf"(?<!\w){re.escape(option)}(?!\w)", said):
                places[option] = match.start()
        return min(places, key=lambda option: places[option], default="")
