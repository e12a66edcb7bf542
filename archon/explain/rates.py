"""How often a verifier, a check or unit tests pass what the scorer finds right, or wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from archon.search.intervals import Interval, clustered_share

Group = tuple[int, int]
"""Of one question: how many candidates pass, and how many there are."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One candidate: what the scorer finds, and what the verifier said."""

    is_right: bool
    is_passed: bool | None
    """None: nothing that could be read, which is no pass."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Shares of candidates that pass; intervals by question."""

    true_positive: Interval | None
    """Of the right ones; None where there is none."""
    false_positive: Interval | None
    """Of the wrong ones."""
    n_right: int
    """Candidates; ``n_wrong`` likewise."""
    n_wrong: int
    n_unread: int
    """Candidates without a verdict that could be read. They count as not passed."""

    def to_data(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "true_positive": None if self.true_positive is None else self.true_positive.to_data(),
            "false_positive": (
                None if self.false_positive is None else self.false_positive.to_data()
            ),
            "n_right": self.n_right,
            "n_wrong": self.n_wrong,
            "n_unread": self.n_unread,
        }


def rates_of(questions: Sequence[Sequence[Verdict]], *, coverage: float = 0.95) -> Rates:
    """Both rates over all candidates of all questions.

    Candidates of one question are alike, and so are the verdicts on them: the intervals are those
    of shares over groups.

    Args:
        questions: The candidates of each question.
        coverage: Two-sided coverage of each interval, in (0, 1).
    """
    rights, wrongs = groups_of(questions, is_right=True), groups_of(questions, is_right=False)
    return Rates(
        true_positive=clustered_share(rights, coverage=coverage) if rights else None,
        false_positive=clustered_share(wrongs, coverage=coverage) if wrongs else None,
        n_right=sum(n for _, n in rights),
        n_wrong=sum(n for _, n in wrongs),
        n_unread=sum(one.is_passed is None for question in questions for one in question),
    )


def groups_of(questions: Sequence[Sequence[Verdict]], *, is_right: bool) -> list[Group]:
    """The right candidates, or the wrong ones, of each question that has any."""
    chosen = [[one for one in question if one.is_right is is_right] for question in questions]
    return [(sum(one.is_passed is True for one in some), len(some)) for some in chosen if some]
