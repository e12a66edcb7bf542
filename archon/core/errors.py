"""Everything that can go wrong, as types. Whether to retry is a property of the type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


class ArchonError(Exception):
    """Base of all errors that Archon raises on purpose; its message is for the user.

    ``is_maybe_billed``: a provider may charge for a call although no reply arrived.
    """

    exit_code: ClassVar[int] = 1
    is_maybe_billed: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a user's file: where, what, and what to do about it."""

    message: str
    file: str = ""
    line: int | None = None
    path: str = ""
    hint: str = ""

    def __str__(self) -> str:
        """``study.yaml:14: layers[2].kind: there is no component 'fusor'. ...``."""
        place = self.file + (f":{self.line}" if self.line is not None else "")
        parts = [part for part in (place, self.path, self.message) if part]
        return ": ".join(parts) + (f" {self.hint}" if self.hint else "")


class SpecError(ArchonError):
    """A job, pipeline, space or benchmark file is wrong; holds every problem found."""

    exit_code = 2

    def __init__(self, problems: Sequence[Problem] | str) -> None:
        if isinstance(problems, str):
            problems = (Problem(problems),)
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class SetupError(ArchonError):
    """A package, key, engine or database that is needed is not there."""

    exit_code = 3


class BudgetExceeded(ArchonError):
    """A call does not fit what is left of the budget. A limit that holds, not a fault."""

    exit_code = 4


class NotRecorded(ArchonError):
    """A completion that nobody has bought yet, asked of those who answer from the store alone."""


class CutOff(BudgetExceeded):
    """The budget ended while a call was under way."""

    is_maybe_billed = True


class CallError(ArchonError):
    """A model call gave no usable reply.

    ``is_model_fault``: the model answered badly and would do so in production, so the answer
    counts as wrong; otherwise the infrastructure failed and no score may depend on it.
    ``max_tries``: how often one request may be sent before the error stands. ``first_wait_s``:
    longest time until the second try, doubled for each further one.
    """

    is_model_fault: ClassVar[bool] = False
    max_tries: ClassVar[int] = 1
    first_wait_s: ClassVar[float] = 0.5


class RateLimited(CallError):
    """The endpoint asks for fewer requests; obeyed for as long as the patience lasts."""

    max_tries = 1_000

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Unreachable(CallError):
    """Refused, reset, cut off, or a 5xx: the endpoint is not there just now.

    The tries reach over the half minute that a restart takes.
    """

    max_tries = 7
    first_wait_s = 1.0
    is_maybe_billed = True

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class TimedOut(CallError):
    """No whole reply within the deadline."""

    max_tries = 2
    is_maybe_billed = True


class BadResponse(CallError):
    """A reply that is not what the protocol promises (HTML, broken JSON, no choices)."""

    max_tries = 2
    is_maybe_billed = True


class AuthFailed(CallError):
    """The key is missing, wrong, expired or not allowed to use this model."""


class QuotaExhausted(CallError):
    """The account has no credit left; waiting does not help."""


class ModelGone(CallError):
    """The endpoint does not serve this model."""


class BadRequest(CallError):
    """The endpoint refuses the request as malformed; sending it again cannot help."""


class Refused(CallError):
    """The provider's content filter refused to answer."""

    is_model_fault = True


class ContextOverflow(CallError):
    """The prompt does not fit the model's context."""

    is_model_fault = True


class ScoringError(ArchonError):
    """A scorer gave no valid score for one answer; the example is missing, not wrong."""


class StoreError(ArchonError):
    """The database refused or lost something."""

    exit_code = 3


class NotFound(StoreError):
    """There is no such study, trial or call."""

    exit_code = 2


class Conflict(StoreError):
    """Two writers want different things of the same row."""


class SchemaOutdated(StoreError):
    """The database was written by another version; says which command mends it."""
