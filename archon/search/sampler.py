"""The port of what proposes walks through a space; ``archon/search/samplers/`` implements it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from archon.search.choices import Answered
from archon.search.space import Choices


class Sampler(Protocol):
    """Answers a space's questions, and learns from what the pipelines were worth.

    One walk at a time: ``begin``, then the questions, then ``accept`` or ``reject``. Every
    accepted or restored trial is told once. For one thread.

    A search that was cut off is resumed by restoring and telling what its rows say, in the same
    order, and must go on as the uninterrupted one. So what a sampler answers may depend on the
    trials that it was given, on what they were worth, and on the seed of ``begin``, and on nothing
    else: a walk that was rejected must be forgotten when the next trial is accepted.
    """

    def begin(self, seed: int) -> Choices:
        """Start a walk. Same history, same seed: same answers."""
        ...

    def reject(self) -> None:
        """Forget the walk: its pipeline is known already, or outside the space."""
        ...

    def accept(self, number: int, answers: Sequence[Answered]) -> None:
        """Keep the walk, with its answers, as that of a trial which now runs."""
        ...

    def restore(self, number: int, answers: Sequence[Answered], *, is_given: bool = False) -> None:
        """Take a walk of a trial that runs, from its row.

        Args:
            number: The trial's.
            answers: Its walk.
            is_given: No sampler proposed it: it is known to be good elsewhere, or a user's own.
        """
        ...

    def tell(
        self, number: int, values: Sequence[float] | None, beyond: Sequence[float] = ()
    ) -> None:
        """What a trial was worth. Trials without a walk are passed.

        Args:
            number: The trial's.
            values: Its objectives; None where it has none.
            beyond: By what part it passes each ceiling, 0 or less where it keeps to it; () where
                the study has none. What passes one is worse than whatever keeps to all of them.
        """
        ...
