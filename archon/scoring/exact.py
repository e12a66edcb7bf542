"""Exact match with normalisation and aliases."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from archon.benchmarks.examples import Example
from archon.components.answers import answer_key, declared, options_in
from archon.core.candidates import Answer
from archon.core.messages import last_question
from archon.core.results import Score
from archon.scoring.base import lacks_target, verdict
from archon.scoring.text import Normalise, Read, has_words, normalised, part_read

_LETTER = re.compile(r"\(([A-Z])\)")


@dataclass(frozen=True, slots=True)
class Exact:
    """Right when the part that is read equals a target, or, with "contains", names one.

    By default that part is what the reply states as its answer, or else its first or last line
    (``archon.scoring.text.part_read``). A reply that equals a target as a whole, be it of several
    lines, is right as well. Of a target like "(B)" only the letter counts: the choice that the
    reply gives, read as votes read it.

    ``options``: where the answer is one of a few words ("yes", "no"), the first of them that is
    named in what is stated, or else in the whole reply, counts as the answer.
    """

    normalise: Normalise = "squad"
    read: Read = "stated"
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
        if self.read == "contains":
            named = any(self._contains(answer.text, target) for target in example.targets)
            return verdict(named, "the target is named" if named else "no target is named")
        if self.options:
            given = self._option(answer.text)
            return verdict(given in map(normalised, example.targets), f"read {given!r}")
        letters = {match[1] for t in example.targets if (match := _LETTER.fullmatch(t.strip()))}
        if letters and self.read == "stated":
            choices = example.choices or options_in(last_question(example.question))
            letter = answer_key(answer.text, "choice", choices)
            return verdict(letter in letters, f"read {letter}" if letter else "no choice is read")
        given = normalised(part_read(answer.text, self.read), self.normalise)
        wanted = {normalised(target, self.normalise) for target in example.targets}
        is_whole = self.read == "stated" and normalised(answer.text, self.normalise) in wanted
        return verdict(given in wanted or is_whole, f"read {given[:80]!r}")

    def _contains(self, text: str, target: str) -> bool:
        if self.normalise == "squad":
            return has_words(text, target)
        return normalised(target, self.normalise) in normalised(text, self.normalise)

    def _option(self, text: str) -> str:
        """The option that is named first where the answer stands, normalised; "" if none is."""
        stated = declared(text, "text") if self.read == "stated" else None
        if stated is not None and (option := self._first_in(stated)):
            return option
        return self._first_in(text if self.read == "stated" else part_read(text, self.read))

    def _first_in(self, text: str) -> str:
        said = normalised(text)
        places = {}
        for option in map(normalised, self.options):
            if match := re.search(rf"(?<!\w){re.escape(option)}(?!\w)", said):
                places[option] = match.start()
        return min(places, key=lambda option: places[option], default="")
