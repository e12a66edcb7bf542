"""All keywords are there: the cheapest of the IFEval checks, without its library."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from archon.benchmarks.examples import Example
from archon.core.candidates import Answer
from archon.core.results import Score
from archon.scoring.base import verdict

_CHECK = "keywords:existence"


@dataclass(frozen=True, slots=True)
class Keywords:
    """Right when the answer holds every keyword of the example, upper and lower case alike.

    The keywords stand in the metadata: as a list under ``field``, or in the IFEval form
    (``instruction_id_list`` with "keywords:existence" and its ``kwargs``). As in IFEval
    (arXiv 2311.07911, table 1) a keyword inside a longer word counts; ``whole_words`` is
    stricter. ``share`` gives the share of keywords that are there instead of all or nothing.
    """

    field: str = "keywords"
    whole_words: bool = False
    share: bool = False

    kind: ClassVar[str] = "keywords"

    def missing(self, example: Example) -> str:
        """It reads keywords out of the metadata."""
        if self._keywords(example):
            return ""
        return f"its metadata has neither a list {self.field!r} nor a check {_CHECK!r}."

    async def score(self, example: Example, answer: Answer) -> Score:
        """The share of keywords that are there, or all or nothing."""
        keywords = self._keywords(example)
        absent = [word for word in keywords if not self._has(answer.text, word)]
        reason = f"missing: {', '.join(absent)}" if absent else "all keywords are there"
        if self.share:
            return Score(1 - len(absent) / len(keywords), reason)
        return verdict(not absent, reason)

    def _has(self, text: str, word: str) -> bool:
        pattern = re.escape(word)
        if self.whole_words:
            pattern = rf"(?<!\w){pattern}(?!\w)"
        return re.search(pattern, text, re.IGNORECASE) is not None

    def _keywords(self, example: Example) -> list[str]:
        metadata = example.metadata
        listed = metadata.get(self.field)
        found = _words(listed)
        names, arguments = metadata.get("instruction_id_list"), metadata.get("kwargs")
        if isinstance(names, list) and isinstance(arguments, list):
            for name, values in zip(names, arguments, strict=False):
                if name == _CHECK and isinstance(values, Mapping):
                    found += _words(values.get("keywords"))
        return found


def _words(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
