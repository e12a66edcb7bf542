"""The 25 instruction checks of IFEval, by the library if-verifiable in a process of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import ClassVar, Literal

from archon.benchmarks.examples import Example
from archon.core.candidates import Answer
from archon.core.errors import ScoringError, SetupError
from archon.core.messages import last_question
from archon.core.results import Score
from archon.scoring.base import WRONG, lacks_field
from archon.scoring.worker import TookTooLong, Worker

LIMIT_S = 30.0


@dataclass(frozen=True, slots=True)
class IFEval:
    """Right when the answer follows all instructions (prompt level) or the share it follows.

    ``loose`` also accepts the answer without its first line, last line or asterisks. The checks
    stand in the metadata: ``instruction_id_list`` and ``kwargs``, in step.
    Source: Zhou et al. 2023, arXiv 2311.07911.
    """

    level: Literal["prompt", "instruction"] = "prompt"
    loose: bool = False
    _worker: Worker = field(
        default_factory=lambda: Worker("archon.scoring.ifeval_checks:followed", LIMIT_S),
        repr=False,
        compare=False,
    )

    kind: ClassVar[str] = "ifeval"

    def __post_init__(self) -> None:
        if find_spec("if_verifiable") is None:
            raise SetupError(
                "if-verifiable is not installed, and scorer 'ifeval' needs it. "
                "Run: pip install 'archon[ifeval]'"
            )

    def missing(self, example: Example) -> str:
        """It needs the list of checks and their arguments."""
        lack = lacks_field(example, "instruction_id_list", list)
        if lack:
            return lack
        names, arguments = (example.metadata.get(n) for n in ("instruction_id_list", "kwargs"))
        if isinstance(names, list) and isinstance(arguments, list) and len(names) == len(arguments):
            return ""
        return "its kwargs are not a list in step with its instruction_id_list."

    async def score(self, example: Example, answer: Answer) -> Score:
        """The prompt-level verdict, or the share of instructions followed.

        Raises:
            ScoringError: A check is unknown or lacks an argument.
        """
        metadata = example.metadata
        names = metadata["instruction_id_list"]
        try:
            found = await self._worker.call(
                names, metadata["kwargs"], last_question(example.question), answer.text, self.loose
            )
        except TookTooLong:
            return Score(WRONG, f"could not be checked within {LIMIT_S:g} s")
        if not isinstance(found, list) or not isinstance(names, list) or not found:
            raise ScoringError(f"the checks of example {example.id!r} gave {found!r}")
        failed = [str(name) for name, good in zip(names, found, strict=True) if not good]
        share = 1 - len(failed) / len(found)
        value = share if self.level == "instruction" else float(not failed)
        return Score(value, f"not followed: {', '.join(failed)}" if failed else "all followed")
