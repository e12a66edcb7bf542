"""A regular expression decides. It runs in time linear in the answer's length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from archon.benchmarks.examples import Example
from archon.components.constraints import encodable, pattern
from archon.core.candidates import Answer
from archon.core.results import Score
from archon.scoring.base import lacks_target, verdict
from archon.scoring.text import normalised

_GROUP = "answer"


@dataclass(frozen=True, slots=True)
class Regex:
    """Right when the pattern (RE2 syntax: no look-around, no back-references) matches.

    A pattern with a group named ``answer`` reads the answer out of the text instead: what the
    group holds at its last match must equal a target.
    """

    pattern: str
    whole: bool = False

    kind: ClassVar[str] = "regex"

    def __post_init__(self) -> None:
        pattern(self.pattern)

    def missing(self, example: Example) -> str:
        """A target, if the pattern reads an answer."""
        return lacks_target(example) if self._reads() else ""

    async def score(self, example: Example, answer: Answer) -> Score:
        """1 if the pattern matches (and what it reads is right), else 0."""
        text = encodable(answer.text.strip())
        compiled = pattern(self.pattern)
        whole = compiled.fullmatch(text)
        found = ([whole] if whole else []) if self.whole else list(compiled.finditer(text))
        if not found or not self._reads():
            return verdict(bool(found), "the pattern matches" if found else "no match")
        given = found[-1].group(_GROUP) or ""
        wanted = {normalised(target) for target in example.targets}
        return verdict(normalised(given) in wanted, f"read {given[:80]!r}")

    def _reads(self) -> bool:
        return _GROUP in pattern(self.pattern).groupindex
