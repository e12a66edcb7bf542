"""Which pipeline to see on its next block of questions: gain per price, a unit at a time."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from archon.core.architecture import Architecture
from archon.search.front import undominated
from archon.search.gain.amounts import Amounts
from archon.search.gain.features import Features
from archon.search.gain.model import Model
from archon.search.gain.prices import Prices
from archon.search.gain.surrogate import Belief
from archon.search.gain.worth import knowledge_gradient, moved, volume_gain

Array = NDArray[np.float64]
Places = NDArray[np.int64]

MOST_LOOKS = 128
"""So many pipelines at most are weighed exactly at a step: those that look best at first sight."""
N_NEAREST = 8
"""So many pipelines are looked at where none is likely to keep to the ceilings."""
LEAST_PRICE = 0.02
"""A unit that buys nothing is taken to cost this share of the middle one."""
SURE = 1.0
"""The pipeline that is named best is the one whose mean less so many standard deviations is."""
_OUT_OF_REACH = -10.0
"""Below every score."""


@dataclass(frozen=True, slots=True)
class Choice:
    """How choices are made."""

    price_weight: float = 0.7
    """Gain is divided by the price to this power: 1 looks at cheap pipelines only."""
    horizons: tuple[int, ...] = (1, 2, 4, 8)
    """A look is weighed as if it were over so many blocks, whichever is worth most for each: one
    block of a few questions alone may be worth nothing (Frazier & Powell 2010, KG(*))."""


@dataclass(slots=True)
class _Looks:
    """The pipelines that are weighed at a step, and what is known of them."""

    belief: Belief
    places: Places
    next_block: Places
    """Of every pipeline of the pool."""
    is_fit: NDArray[np.bool_]
    """Of every pipeline: whether it counts, and keeps to the ceilings as far as is known."""
    costs: Array | None
    """Of every pipeline, shape (pool, amounts); None where quality alone counts."""
    front: Places
    """Of what was seen; where quality alone counts it does not matter."""
    covariances: Array
    """Of ``places`` with the pool, as they will be when what was taken is seen."""
    rows: list[int] = field(default_factory=list)
    """In ``places``: those that were taken."""

    @property
    def units(self) -> list[tuple[int, int]]:
        """Pipelines and blocks that were taken."""
        places = (int(self.places[row]) for row in self.rows)
        return [(place, int(self.next_block[place])) for place in places]

    def take(self, row: int, noise: float) -> None:
        """One is seen at this step: what it will tell needs no second look beside it.

        Of two that look alike only one tells much; what it will show is not known, so means stay
        (the fantasies of Ginsbourger, Le Riche & Carraro 2010, where a mean stands for a result).
        """
        self.rows.append(row)
        place = self.places[row]
        told = self.covariances[row] / (self.covariances[row, place] + noise)
        self.covariances = self.covariances - np.outer(self.covariances[:, place], told)


class Chooser:
    """Chooses units; for one thread. The same observations in the same order, the same choices."""

    def __init__(
        self,
        pool: Sequence[Architecture],
        features: Features,
        prices: Prices,
        *,
        blocks: Sequence[int],
        n_costs: int = 0,
        ceilings: Sequence[float] = (),
        n_hidden: int = 0,
        choice: Choice = Choice(),
    ) -> None:
        """Nothing was seen yet.

        Args:
            pool: Pipelines in canonical form.
            features: By which they are told apart.
            prices: Of the pool.
            blocks: How many questions each block has, in the shared order.
            n_costs: How many objectives there are besides quality.
            ceilings: The most that further amounts may be, on average, of what is named.
            n_hidden: So many pipelines at the end of the pool count only once they were seen.
            choice: How choices are made.
        """
        self._features = features
        self._points = features.points(pool)
        self._n_pool = len(pool)
        self._prices = prices
        self._blocks = np.array(blocks)
        self._n_costs = n_costs
        self._log_ceilings = np.log(np.array(ceilings, dtype=float))
        self._amounts = Amounts(self._points, n_costs + len(ceilings))
        self._choice = choice
        self._is_there = np.arange(self._n_pool) < self._n_pool - n_hidden
        self.model = Model(self._points, features.groups, n_questions=int(self._blocks.sum()))

    def observe(
        self, place: int, scores: Sequence[float], taken: float, amounts: Sequence[float] = ()
    ) -> None:
        """A pipeline was seen on its next block.

        Args:
            place: In the pool.
            scores: On the questions of the block, in their order.
            taken: What it took a question, as deployed, in the unit of the prices.
            amounts: The objectives besides quality, then what has a ceiling; means over the block.
        """
        self._prices.buy(place, self.model.n_blocks(place))
        self.model.observe(place, scores)
        self._is_there[place] = True
        self._prices.learn(place, taken, len(scores))
        if len(self._amounts):
            self._amounts.learn(place, amounts, len(scores))

    def next(
        self, n: int, allowed: Sequence[int] | None = None, *, least: float = 0.0
    ) -> list[int]:
        """Pipelines to see on one more block each, the one worth most first; fewer at the end.

        Args:
            n: How many, each another pipeline.
            allowed: Among which; all if left out.
            least: Of less expected gain, in score, none is chosen.
        """
        if not self.model.n_seen:
            # Nothing is believed yet: the cheapest first.
            among = range(self._n_pool) if allowed is None else allowed
            taken = self._prices.deployed()
            there = [place for place in among if self._is_there[place]]
            return sorted(there, key=lambda place: (taken[place], place))[:n]
        self.model.fit()
        is_allowed = self._is_there.copy()
        if allowed is not None:
            is_named = np.zeros(self._n_pool, dtype=bool)
            is_named[list(allowed)] = True
            is_allowed &= is_named
        looks = self._looks_at(is_allowed)
        chosen: list[int] = []
        while looks is not None and len(chosen) < n:
            per_price, worth = self._weighed(looks)
            per_price[worth < least] = -1.0
            per_price[looks.rows] = -1.0
            row = int(per_price.argmax())
            if per_price[row] < 0.0:
                break
            chosen.append(int(looks.places[row]))
            looks.take(row, self.model.noise / self._blocks[looks.next_block[looks.places[row]]])
        return chosen

    def drop(self, place: int) -> None:
        """A pipeline can neither be seen further nor named: nothing is to be gained over it."""
        self._is_there[place] = False

    def by_reach(self) -> list[int]:
        """Places of all pipelines that count, the one that may be best first; at the end those that
        are taken to pass a ceiling.
        """
        belief = self.model.belief
        reach = belief.means + 2.0 * np.sqrt(belief.variances)
        is_fit = self._is_there & self._keeps(self._amounts.predicted(self._prices.deployed()))
        order = np.lexsort((-reach, ~is_fit))
        return [int(place) for place in order if self._is_there[place]]

    def replace(self, changes: Mapping[int, Architecture]) -> None:
        """Put other pipelines at some places that were never seen."""
        places = list(changes)
        self._points[places] = self._features.points(list(changes.values()))
        for place, architecture in changes.items():
            self._prices.replace(place, architecture)
        self.model.replaced(places)

    def best(self, without: Collection[int] = ()) -> int:
        """The pipeline to name now: seen, and surely good.

        Args:
            without: Pipelines that cannot be named, unless there is no other.
        """
        lower = self.lower_bounds()
        seen = self.model.seen
        named = [place for place in seen if place not in without] or seen
        return max(named, key=lambda place: (lower[place], -place))

    def lower_bounds(self) -> Array:
        """What every pipeline of the pool is worth at least, surely enough."""
        belief = self.model.belief
        return np.asarray(belief.means - SURE * np.sqrt(belief.variances))

    def _looks_at(self, is_allowed: NDArray[np.bool_]) -> _Looks | None:
        """What can be seen on one more block; None where nothing is left."""
        belief = self.model.belief
        n_done = np.zeros(self._n_pool, dtype=int)
        for place in self.model.seen:
            n_done[place] = self.model.n_blocks(place)
        logs = self._amounts.predicted(self._prices.deployed())
        is_left = is_allowed & (n_done < len(self._blocks))
        is_fit = self._is_there & self._keeps(logs)
        if not (is_left & is_fit).any():
            is_fit = self._is_there & self._nearest(logs, is_left)
        is_open = is_left & is_fit
        if not is_open.any():
            return None
        next_block = np.minimum(n_done, len(self._blocks) - 1)
        price = self._priced(next_block, ()) * self._blocks[next_block]
        places = self._most_promising(belief, is_open, price)
        costs = self._scaled(logs[:, : self._n_costs], is_fit) if self._n_costs else None
        front = places if costs is None else self._front(belief, costs, is_fit)
        covariances = belief.covariances(places.tolist())
        return _Looks(belief, places, next_block, is_fit, costs, front, covariances)

    def _weighed(self, looks: _Looks) -> tuple[Array, Array]:
        """Of one more block of every pipeline: gain per price, and gain."""
        places, next_block = looks.places, looks.next_block
        price = self._priced(next_block, looks.units)[places] * self._blocks[next_block[places]]
        own = looks.covariances[np.arange(len(places)), places]
        size = self._blocks[next_block[places]]
        left = len(self._blocks) - next_block[places]
        gains, worths = np.full(len(places), -1.0), np.zeros(len(places))
        for horizon in self._choice.horizons:
            n_blocks = np.minimum(horizon, left)
            shifts = moved(looks.covariances, own, self.model.noise / (size * n_blocks))
            worth = self._worth(looks, shifts)
            per_price = worth / (price * n_blocks) ** self._choice.price_weight
            gains = np.maximum(gains, per_price)
            worths = np.maximum(worths, worth)
        return gains, worths

    def _priced(self, next_block: Places, besides: Sequence[tuple[int, int]]) -> Array:
        """What a question of the next unit takes; one that takes nothing new still takes time."""
        taken = self._prices.of_next(next_block.tolist(), besides)
        positive = taken[self._is_there & (taken > 0.0)]
        floor = LEAST_PRICE * float(np.median(positive)) if len(positive) else 1.0
        return np.asarray(np.maximum(taken, floor))

    def _worth(self, looks: _Looks, shifts: Array) -> Array:
        if looks.costs is None:
            means = np.where(looks.is_fit, looks.belief.means, _OUT_OF_REACH)
            return knowledge_gradient(means, np.where(looks.is_fit, shifts, 0.0), looks.places)
        own = shifts[np.arange(len(looks.places)), looks.places]
        return volume_gain(looks.belief.means, looks.costs, looks.places, own, looks.front)

    def _keeps(self, logs: Array) -> NDArray[np.bool_]:
        """Which pipelines keep to the ceilings, by the logarithms of what each takes; of those that
        were not seen, which may keep to them.
        """
        slack = 2.0 * self._amounts.spread[self._n_costs :]
        least = np.where(self._amounts.is_seen()[:, None], 0.0, slack)
        return np.asarray((logs[:, self._n_costs :] - least <= self._log_ceilings).all(1))

    def _nearest(self, logs: Array, is_left: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Where nothing that is left is likely to keep to the ceilings: what is nearest to it."""
        over = (logs[:, self._n_costs :] - self._log_ceilings).max(1, initial=-np.inf)
        over[~is_left | self._amounts.is_seen()] = np.inf
        found = np.zeros(self._n_pool, dtype=bool)
        order = np.argsort(over, kind="stable")[:N_NEAREST]
        found[order[np.isfinite(over[order])]] = True
        return found

    def _scaled(self, logs: Array, is_fit: NDArray[np.bool_]) -> Array:
        """What each pipeline takes, from 0 (least) to 1 (most) for each cost."""
        low, high = logs[is_fit].min(0), logs[is_fit].max(0)
        return np.asarray(np.clip((logs - low) / np.maximum(1e-9, high - low), 0.0, 1.0))

    def _front(self, belief: Belief, costs: Array, is_fit: NDArray[np.bool_]) -> Places:
        seen = np.array([place for place in self.model.seen if is_fit[place]], dtype=int)
        values = np.column_stack([belief.means[seen], -costs[seen]])
        return np.asarray(seen[undominated(values)])

    def _most_promising(self, belief: Belief, is_open: NDArray[np.bool_], price: Array) -> Places:
        """Those that may be worth most: by how far their belief reaches over the best."""
        places = np.flatnonzero(is_open)
        if len(places) <= MOST_LOOKS:
            return places
        reach = belief.means + 2.0 * np.sqrt(belief.variances)
        half = MOST_LOOKS // 2
        by_reach = places[np.argsort(-reach[places], kind="stable")[:half]]
        best = float(belief.means[self._is_there].max())
        over = np.maximum(reach - best, 1e-6) / price**self._choice.price_weight
        rest = np.setdiff1d(places, by_reach)
        by_price = rest[np.argsort(-over[rest], kind="stable")[: MOST_LOOKS - half]]
        return np.sort(np.concatenate([by_reach, by_price]))
