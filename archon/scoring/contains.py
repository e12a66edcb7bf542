"""Names the target and no distractor."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from archon.benchmarks.examples import Example
from archon.core.candidates import Answer
from archon.core.results import Score
from archon.scoring.base import lacks_target, verdict
from archon.scoring.text import has_words


@dataclass(frozen=True, slots=True)
class Contains:
    """Right when a target is named as whole words and none of the distractors is.

    ``distractors`` names the field of the metadata that lists texts which must not be named;
    examples without it have none. "not the cat" does not name the cat.
    """

    distractors: str = "distractors"

    kind: ClassVar[str] = "contains"

    def missing(self, example: Example) -> str:
        """It compares with the target."""
        return lacks_target(example)

    async def score(self, example: Example, answer: Answer) -> Score:
        """1 if the answer names the right thing only, else 0."""
        if not any(has_words(answer.text, target) for target in example.targets):
            return verdict(False, "no target is named")
        listed = example.metadata.get(self.distractors)
        wrong = listed if isinstance(listed, list) else []
        for distractor in wrong:
            refused = rf"\bnot (?:an? |the )?{re.escape(str(distractor))}(?!\w)"
            if has_words(re.sub(refused, " ", answer.text, flags=re.IGNORECASE), str(distractor)):
                return verdict(False, f"{distractor!r} is named as well")
        return verdict(True, "the target is named")
