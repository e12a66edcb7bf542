"""Several samplers at once: who has brought more gets more of the asks.

Each trial goes to one of them, and all learn from it. Whose turn it is follows from odds that are
drawn by Thompson's rule (Thompson 1933) for Bernoulli trials: it is a success to come up with a
trial that keeps to the ceilings and that none before it is as good as in everything. Older ones
count for less, since what finds the first good pipelines is not what finds the best ones.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from archon.core.seeds import derive_seed
from archon.search.choices import Answered
from archon.search.objectives import Direction
from archon.search.sampler import Sampler
from archon.search.space import Choices

KEPT = 0.95
"""What is left of an older success or failure when the next trial ends."""


class Portfolio:
    """A ``Sampler`` made of others. Same history: same turns, whoever was asked in between."""

    def __init__(
        self, members: Mapping[str, Sampler], directions: Sequence[Direction], *, seed: int
    ) -> None:
        """Nobody has brought anything.

        Args:
            members: Samplers with an empty history, by name.
            directions: One for each objective, in the study's order.
            seed: The job's.
        """
        self._members = dict(members)
        self._signs = [1 if direction == "maximize" else -1 for direction in directions]
        self._seed = seed
        self._n_trials = 0
        self._running: dict[int, str] = {}
        """Whose trial it is, "" where it was given."""
        self._brought = dict.fromkeys(members, (0.0, 0.0))
        """Successes and failures."""
        self._front: list[tuple[float, ...]] = []

    def begin(self, seed: int) -> Choices:
        """See ``Sampler``."""
        return self._members[self._turn()].begin(seed)

    def reject(self) -> None:
        """See ``Sampler``."""
        self._members[self._turn()].reject()

    def accept(self, number: int, answers: Sequence[Answered]) -> None:
        """See ``Sampler``."""
        turn = self._turn()
        for name, member in self._members.items():
            if name == turn:
                member.accept(number, answers)
            else:
                member.restore(number, answers)
        self._note(number, turn)

    def restore(self, number: int, answers: Sequence[Answered], *, is_given: bool = False) -> None:
        """See ``Sampler``."""
        turn = "" if is_given else self._turn()
        for member in self._members.values():
            member.restore(number, answers, is_given=is_given)
        self._note(number, turn)

    def tell(
        self, number: int, values: Sequence[float] | None, beyond: Sequence[float] = ()
    ) -> None:
        """See ``Sampler``."""
        for member in self._members.values():
            member.tell(number, values, beyond)
        whose = self._running.pop(number, "")
        is_kept = all(part <= 0 for part in beyond)
        is_success = values is not None and is_kept and self._is_ahead(values)
        if whose:
            self._brought = {name: (w * KEPT, f * KEPT) for name, (w, f) in self._brought.items()}
            won, failed = self._brought[whose]
            self._brought[whose] = (won + is_success, failed + (not is_success))

    def _note(self, number: int, whose: str) -> None:
        self._running[number] = whose
        self._n_trials += 1

    def _turn(self) -> str:
        """Who proposes the next trial: the one of the best odds, as they are drawn for it."""
        chance = random.Random(derive_seed(self._seed, "portfolio", self._n_trials))
        odds = {
            name: chance.betavariate(1 + won, 1 + failed)
            for name, (won, failed) in self._brought.items()
        }
        return max(odds, key=lambda name: odds[name])

    def _is_ahead(self, values: Sequence[float]) -> bool:
        """Whether no trial so far is at least as good in everything; it is one of them from now."""
        worth = tuple(sign * value for sign, value in zip(self._signs, values, strict=True))
        if any(all(a >= b for a, b in zip(one, worth, strict=True)) for one in self._front):
            return False
        behind = [
            one for one in self._front if all(a <= b for a, b in zip(one, worth, strict=True))
        ]
        self._front = [one for one in self._front if one not in behind] + [worth]
        return True
