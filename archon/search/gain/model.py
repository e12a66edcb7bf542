"""What is believed of every pipeline of a pool, from the scores that were seen of some."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from archon.search.gain.scores import Level, levelled
from archon.search.gain.surrogate import Belief, Hyper, Kernel, Prior, Seen, fitted

Array = NDArray[np.float64]

FIT_GROWTH = 1.3
"""Hyperparameters are fitted anew whenever so many times as many pipelines were seen."""
FEWEST_TO_FIT = 8
MOST_SEEN = 200
"""The model is told of so many pipelines at most: half of them those that are surely best, a
quarter those that were seen last, the others from everywhere. What it costs to think does not grow
without end."""
USUAL_NOISE = 0.15
"""Variance of one score by chance, before anything was seen."""


@dataclass(slots=True)
class _Record:
    scores: Array = field(default_factory=lambda: np.zeros(0))
    n_blocks: int = 0
    turn: int = 0
    """When it was seen last."""


class Model:
    """Learns block by block; for one thread."""

    def __init__(self, points: Array, groups: Sequence[Sequence[int]], *, n_questions: int) -> None:
        """Nothing was seen yet.

        Args:
            points: Features of the pool, shape (pool, features); may be changed at places that
                were never seen, which ``replaced`` is told of.
            groups: Columns that belong together.
            n_questions: Length of the shared order.
        """
        self._kernel = Kernel(points, groups)
        self._n_pool, self._n_questions = len(points), n_questions
        self._records: dict[int, _Record] = {}
        self._hyper = Hyper.usual(self._kernel.n_groups)
        self._prior = Prior(self._kernel, self._hyper, self._n_pool)
        self.n_fits = 0
        """How often it was fitted."""
        self._n_fitted, self._fitted_at = 0, 0
        self._belief: Belief | None = None
        self.noise = USUAL_NOISE
        """Variance of one score by chance."""
        self.n_learnt = 0
        """Blocks that it was told of."""

    @property
    def n_seen(self) -> int:
        """How many pipelines were seen on any question."""
        return len(self._records)

    @property
    def seen(self) -> list[int]:
        """Their places."""
        return sorted(self._records)

    def n_blocks(self, place: int) -> int:
        """On how many blocks a pipeline was seen."""
        return self._records[place].n_blocks if place in self._records else 0

    @property
    def belief(self) -> Belief:
        """What is believed now; something was seen."""
        if self._belief is None:
            level = self._levelled(self.seen)
            self.noise = level.noise
            self._belief = Belief(self._prior, self._told(self.seen, level))
        return self._belief

    def observe(self, place: int, scores: Sequence[float]) -> None:
        """The scores of a pipeline on its next block, in the order of its questions."""
        record = self._records.setdefault(place, _Record())
        record.scores = np.append(record.scores, scores)
        record.n_blocks += 1
        self.n_learnt += 1
        record.turn = self.n_learnt
        self._belief = None

    def replaced(self, places: Sequence[int]) -> None:
        """Other pipelines are at some places that were never seen."""
        self._prior.replace(self._kernel, self._hyper, places)
        self._belief = None

    def fit(self, *, now: bool = False) -> bool:
        """Fit the model to what was seen, if that has grown enough. It is fitted at no other time:
        who asks what is believed meanwhile changes nothing.

        Args:
            now: If anything was seen since it was fitted last.

        Returns:
            Whether it was fitted.
        """
        n = len(self._records)
        is_due = n >= max(FEWEST_TO_FIT, FIT_GROWTH * self._n_fitted)
        if not is_due and not (now and n >= FEWEST_TO_FIT and self.n_learnt > self._fitted_at):
            return False
        places = self.seen
        self._hyper = fitted(self._kernel, self._told(places, self._levelled(places)), self._hyper)
        self._prior = Prior(self._kernel, self._hyper, self._n_pool)
        self.n_fits, self._n_fitted, self._belief = self.n_fits + 1, n, None
        self._fitted_at = self.n_learnt
        return True

    def _levelled(self, places: Sequence[int]) -> Level:
        return levelled([self._records[place].scores for place in places], self._n_questions)

    def _told(self, places: Sequence[int], level: Level) -> Seen:
        """What the model is told of: all, or what is surely best, what is new, and some of each."""
        chosen = list(range(len(places)))
        if len(places) > MOST_SEEN:
            lower = level.means - np.sqrt(level.variances)
            best = np.argsort(-lower, kind="stable")[: MOST_SEEN // 2].tolist()
            rest = sorted(set(chosen).difference(best))
            newest = sorted(rest, key=lambda i: -self._records[places[i]].turn)[: MOST_SEEN // 4]
            rest = sorted(set(rest).difference(newest))
            n_left = MOST_SEEN - len(best) - len(newest)
            some = np.linspace(0, len(rest) - 1, min(n_left, len(rest))).round().astype(int)
            chosen = sorted({*best, *newest, *(rest[i] for i in some)})
        kept = tuple(places[i] for i in chosen)
        return Seen(kept, level.means[chosen], level.variances[chosen])
