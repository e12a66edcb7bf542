"""What is known at the end of a study, as values that survive JSON to the last digit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from archon.core.architecture import Architecture
from archon.search.front import non_dominated
from archon.search.intervals import Interval
from archon.search.objectives import DIRECTIONS, Objective


@dataclass(frozen=True, slots=True)
class Comparison:
    """The scores of one pipeline against another's, on the questions that both have."""

    pipeline_id: str
    other_id: str
    mean: float
    """Mean score over those questions; ``other_mean`` likewise."""
    other_mean: float
    difference: Interval
    """``mean - other_mean``, in score points."""
    coverage: float
    """Of the interval. Comparisons of one family share what may go wrong, so it is higher there."""
    n_wins: int
    n_losses: int
    n_ties: int
    n_left_out: int
    """Questions of one of the two where the other has no score."""
    smallest_difference: float
    """What these questions would have shown in four studies of five, in score points."""

    @property
    def n_pairs(self) -> int:
        """Questions compared."""
        return self.n_wins + self.n_losses + self.n_ties

    @property
    def is_better(self) -> bool:
        """Whether the pipeline is shown to be better than the other."""
        return self.difference.low > 0

    @property
    def is_worse(self) -> bool:
        """Whether it is shown to be worse."""
        return self.difference.high < 0

    @property
    def is_open(self) -> bool:
        """Whether the two are indistinguishable: the interval holds 0."""
        return not self.is_better and not self.is_worse

    def to_data(self) -> dict[str, object]:
        """Plain data."""
        return {
            "pipeline_id": self.pipeline_id,
            "other_id": self.other_id,
            "mean": self.mean,
            "other_mean": self.other_mean,
            "difference": self.difference.to_data(),
            "coverage": self.coverage,
            "n_wins": self.n_wins,
            "n_losses": self.n_losses,
            "n_ties": self.n_ties,
            "n_left_out": self.n_left_out,
            "smallest_difference": self.smallest_difference,
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Comparison:
        """The inverse of ``to_data``."""
        return cls(**{**data, "difference": Interval.from_data(data["difference"])})


@dataclass(frozen=True, slots=True)
class Standing:
    """One pipeline with what it reached and what it takes a question, all with intervals."""

    pipeline_id: str
    architecture: Architecture
    n_scored: int
    n_missing: int
    quality: Interval
    """Mean score in [0, 1]."""
    cost: Interval
    """USD a question as deployed: nothing reused."""
    calls: Interval
    tokens: Interval
    latency: Interval
    """Seconds on the critical path of a question."""
    versus_baseline: Comparison | None = None
    """None for the baseline itself, and where the two share no scored question."""
    versus_cheaper: Comparison | None = None
    """Against the finalist that comes next in price; None for the cheapest."""

    @property
    def is_proven(self) -> bool:
        """Whether it is shown to be better than every single call that it is compared with."""
        return self.versus_baseline is not None and self.versus_baseline.is_better

    def amount(self, objective: Objective) -> Interval:
        """The interval of any objective by its name."""
        by_name: dict[Objective, Interval] = {
            "quality": self.quality,
            "cost": self.cost,
            "calls": self.calls,
            "tokens": self.tokens,
            "latency": self.latency,
        }
        return by_name[objective]

    def to_data(self) -> dict[str, object]:
        """Plain data."""
        intervals: dict[str, object] = {name: self.amount(name).to_data() for name in DIRECTIONS}
        return intervals | {
            "pipeline_id": self.pipeline_id,
            "architecture": self.architecture.to_data(),
            "n_scored": self.n_scored,
            "n_missing": self.n_missing,
            "versus_baseline": _data(self.versus_baseline),
            "versus_cheaper": _data(self.versus_cheaper),
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Standing:
        """The inverse of ``to_data``."""
        read: dict[str, Any] = {name: Interval.from_data(data[name]) for name in DIRECTIONS}
        read |= {key: _comparison(data[key]) for key in ("versus_baseline", "versus_cheaper")}
        read["architecture"] = Architecture.from_data(data["architecture"])
        return cls(**{**data, **read})


@dataclass(frozen=True, slots=True)
class Judgement:
    """Which pipeline won, if any, and everything that decided it."""

    objectives: tuple[Objective, ...]
    price: Objective
    """What "cheaper" means here: the job's first objective besides quality, else cost or tokens."""
    coverage: float
    """Of all comparisons with the baseline together; of every other interval by itself."""
    baseline: Standing | None
    """The best single call."""
    finalists: tuple[Standing, ...]
    """Best quality first, the cheaper one first where that is equal."""
    unscored: tuple[str, ...] = ()
    """Finalists without any scored question."""
    uncompared: tuple[str, ...] = ()
    """Single calls that a finalist shares no scored question with. Nothing wins while there is one:
    it might be the best of them."""
    singles: tuple[tuple[str, float], ...] = ()
    """Every single call that was run, by its pipeline's id, with its mean score. Each finalist is
    compared with the one of them that speaks most against it."""
    winner_id: str | None = None
    """The best finalist that is shown to be better than the best single call."""
    frugal: Comparison | None = None
    """The cheapest finalist that is also shown to be better, against the winner, where it is
    cheaper and they are indistinguishable; without a winner the cheapest one that is cheaper than
    the best single call, against that. None for a study of quality alone."""
    verdict: str = ""
    """The same in plain sentences."""

    @property
    def winner(self) -> Standing | None:
        """The winner's standing."""
        return next((one for one in self.finalists if one.pipeline_id == self.winner_id), None)

    @property
    def proven(self) -> tuple[Standing, ...]:
        """The finalists that are shown to be better than the best single call."""
        if self.uncompared:
            return ()
        return tuple(one for one in self.finalists if one.is_proven)

    @property
    def standings(self) -> tuple[Standing, ...]:
        """The finalists, then the best single call."""
        return (*self.finalists, *(() if self.baseline is None else (self.baseline,)))

    @property
    def front_ids(self) -> frozenset[str]:
        """Those of them that none of the others beats in every objective on these questions."""
        signs = [1 if DIRECTIONS[name] == "maximize" else -1 for name in self.objectives]
        points = {
            i: [s * one.amount(o).value for s, o in zip(signs, self.objectives, strict=True)]
            for i, one in enumerate(self.standings)
        }
        return frozenset(self.standings[i].pipeline_id for i in non_dominated(points))

    def to_data(self) -> dict[str, object]:
        """Plain data."""
        return {
            "objectives": list(self.objectives),
            "price": self.price,
            "coverage": self.coverage,
            "baseline": None if self.baseline is None else self.baseline.to_data(),
            "finalists": [one.to_data() for one in self.finalists],
            "unscored": list(self.unscored),
            "uncompared": list(self.uncompared),
            "singles": [list(one) for one in self.singles],
            "front": sorted(self.front_ids),
            "winner_id": self.winner_id,
            "frugal": _data(self.frugal),
            "verdict": self.verdict,
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Judgement:
        """The inverse of ``to_data``."""
        baseline = data["baseline"]
        found: Sequence[Mapping[str, Any]] = data["finalists"]
        read = {
            "objectives": tuple(data["objectives"]),
            "baseline": None if baseline is None else Standing.from_data(baseline),
            "finalists": tuple(Standing.from_data(one) for one in found),
            "unscored": tuple(data["unscored"]),
            "uncompared": tuple(data.get("uncompared", ())),
            "singles": tuple((name, mean) for name, mean in data.get("singles", ())),
            "frugal": _comparison(data["frugal"]),
        }
        known = {name: value for name, value in data.items() if name != "front"}
        return cls(**{**known, **read})


def _data(comparison: Comparison | None) -> dict[str, object] | None:
    return None if comparison is None else comparison.to_data()


def _comparison(data: Mapping[str, Any] | None) -> Comparison | None:
    return None if data is None else Comparison.from_data(data)
