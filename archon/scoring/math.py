"""Mathematical equivalence, decided by the library math-verify in a process of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from archon.benchmarks.examples import Example
from archon.core.candidates import Answer
from archon.core.errors import ScoringError
from archon.core.results import Score
from archon.scoring.base import lacks_target, verdict
from archon.scoring.worker import TookTooLong, Worker

LIMIT_S = 10.0
_LONGEST = 20_000


@dataclass(frozen=True, slots=True)
class Math:
    """Right when the answer's final expression equals a target, as LaTeX or plain text.

    An answer that cannot be compared within the time limit is wrong: it is the answer (say, a
    tower of powers) that makes the comparison slow.
    """

    _worker: Worker = field(
        default_factory=lambda: Worker("archon.scoring.math_checks:is_equivalent", LIMIT_S),
        repr=False,
        compare=False,
    )

    kind: ClassVar[str] = "math"

    def missing(self, example: Example) -> str:
        """It compares with the target."""
        return lacks_target(example)

    async def score(self, example: Example, answer: Answer) -> Score:
        """1 if the final expression is equivalent to a target, else 0.

        Raises:
            ScoringError: The target itself cannot be read as mathematics.
        """
        text = answer.text[-_LONGEST:]  # the final expression stands at the end
        try:
            found = await self._worker.call(list(example.targets), text)
        except TookTooLong:
            return verdict(False, f"could not be compared within {LIMIT_S:g} s")
        if found is None:
            raise ScoringError(f"the target of example {example.id!r} is not mathematics")
        return verdict(found is True, "equivalent" if found else "not equivalent")
