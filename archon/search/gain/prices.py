"""What one more unit of a pipeline would take, given what is bought already.

A pipeline is a list of parts. Samples of one model are bought one by one, so that eight cost four
where four are there; a later layer is bought as a whole, for everything that comes before it. How
long replies are is an assumption until some were seen; then it is corrected, part by part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from archon.components.base import Component
from archon.components.table import COMPONENTS
from archon.core.architecture import Architecture, ComponentSpec, Layer
from archon.core.calls import Price
from archon.scoring.cost import NO_JUDGE, JudgeCost
from archon.search.ceiling import Ceiling, Judged, sizes_of
from archon.search.lengths import USUAL, Lengths

Array = NDArray[np.float64]
Unit = Literal["tokens", "usd"]

_RIDGE = 0.3
_LOWEST, _HIGHEST = 0.05, 5.0


@dataclass(frozen=True, slots=True)
class Part:
    """What is bought together."""

    key: str
    """Equal parts of two pipelines are one purchase."""
    signature: tuple[str, str]
    """Kind and model: what the length of replies depends on."""
    amount: int
    """Samples."""
    each: float
    """Price of one for one question."""


class Prices:
    """Prices of the pipelines of a pool; remembers what was bought."""

    def __init__(
        self,
        pool: Sequence[Architecture],
        *,
        question_tokens: float,
        prices: Mapping[str, Price],
        unit: Unit,
        judge: JudgeCost = NO_JUDGE,
        lengths: Lengths = USUAL,
        table: Mapping[str, type[Component]] = COMPONENTS,
    ) -> None:
        """Nothing is bought yet.

        Args:
            pool: Pipelines in canonical form.
            question_tokens: Mean length of a question.
            prices: Of each model alias.
            unit: What is to be saved.
            judge: What scoring an answer asks of a model: paid for whenever a pipeline is seen.
            lengths: How long prompts and replies are taken to be.
            table: Component kinds.

        Raises:
            SpecError: A component cannot be built.
        """
        self._cutter = _Cutter(question_tokens, prices, unit, judge, lengths, table)
        self.parts = [self._cutter.parts_of(one) for one in pool]
        self._judged = self._cutter.judged(pool[0]) if pool else 0.0
        self._bought: dict[int, dict[str, int]] = {}
        self._ratios: dict[tuple[str, str], float] = {}
        self._seen: dict[int, tuple[float, int]] = {}
        self._fit = _Fit()
        self._usual = 1.0

    def deployed(self) -> Array:
        """What each pipeline takes a question when nothing is bought."""
        return np.array([self._priced(parts, {}) for parts in self.parts])

    def of_next(self, blocks: Sequence[int], besides: Sequence[tuple[int, int]] = ()) -> Array:
        """What each pipeline's next unit takes a question.

        Args:
            blocks: The next block of each pipeline.
            besides: Units that are bought at the same time, (place, block): what they buy is
                there.
        """
        there = dict(self._bought)
        for place, block in besides:
            there[block] = self._with(place, there.get(block, {}))
        return self._judged + np.array(
            [
                self._priced(parts, there.get(block, {}))
                for parts, block in zip(self.parts, blocks, strict=True)
            ]
        )

    def replace(self, place: int, architecture: Architecture) -> None:
        """Another pipeline at a place of which nothing was bought."""
        self.parts[place] = self._cutter.parts_of(architecture)

    def buy(self, place: int, block: int) -> None:
        """From now on the parts of a pipeline are there for a block of questions."""
        self._bought[block] = self._with(place, self._bought.get(block, {}))

    def _with(self, place: int, bought: Mapping[str, int]) -> dict[str, int]:
        more = {part.key: part.amount for part in self.parts[place]}
        return {**bought, **{key: max(bought.get(key, 0), n) for key, n in more.items()}}

    def learn(self, place: int, taken: float, n: int = 1) -> None:
        """Correct what replies take from what a pipeline was seen to take, deployed.

        Args:
            place: In the pool.
            taken: Mean over questions that were not told of before.
            n: How many.
        """
        before, n_before = self._seen.get(place, (0.0, 0))
        mean = (before * n_before + taken * n) / (n_before + n)
        self._seen[place] = (mean, n_before + n)
        self._fit.add(self._shares(place, before), -1)
        self._fit.add(self._shares(place, mean), 1)
        self._usual, self._ratios = self._fit.ratios()

    def _shares(self, place: int, taken: float) -> dict[tuple[str, str], float]:
        """What each kind of part was assumed to take, as shares of what all took together."""
        found: dict[tuple[str, str], float] = {}
        for part in self.parts[place] if taken > 0.0 else ():
            share = part.amount * part.each / taken
            found[part.signature] = found.get(part.signature, 0.0) + share
        return found

    def _priced(self, parts: Sequence[Part], bought: Mapping[str, int]) -> float:
        return sum(
            max(0, part.amount - bought.get(part.key, 0))
            * part.each
            * self._ratios.get(part.signature, self._usual)
            for part in parts
        )


class _Fit:
    """How much longer replies are than assumed, by least squares: shares times ratios make 1.

    Ratios are drawn to the one that explains most. Pipelines come and go without a look at others.
    """

    def __init__(self) -> None:
        self._columns: dict[tuple[str, str], int] = {}
        self._gram = np.zeros((0, 0))
        self._wanted = np.zeros(0)
        self._sums = np.zeros(2)
        """Of all shares of a pipeline, and of their squares."""

    def add(self, shares: Mapping[tuple[str, str], float], sign: int) -> None:
        """A pipeline comes (1), or one that came goes (-1)."""
        if not shares:
            return
        for signature in shares:
            if signature not in self._columns:
                self._columns[signature] = len(self._columns)
        n = len(self._columns)
        row = np.zeros(n)
        for signature, share in shares.items():
            row[self._columns[signature]] = share
        more = n - len(self._wanted)
        self._gram = np.pad(self._gram, (0, more)) + sign * np.outer(row, row)
        self._wanted = np.pad(self._wanted, (0, more)) + sign * row
        self._sums += sign * np.array([row.sum(), row.sum() ** 2])

    def ratios(self) -> tuple[float, dict[tuple[str, str], float]]:
        """The ratio that explains most, and that of each kind of part that was seen."""
        if not self._columns:
            return 1.0, {}
        usual = _within(float(self._sums[0]) / max(1e-12, float(self._sums[1])))
        left = self._gram + _RIDGE * np.eye(len(self._wanted))
        found = np.linalg.solve(left, self._wanted + _RIDGE * usual)
        return usual, {
            signature: _within(float(found[i])) for signature, i in self._columns.items()
        }


def _within(ratio: float) -> float:
    return min(_HIGHEST, max(_LOWEST, ratio))


@dataclass(frozen=True, slots=True)
class _Cutter:
    question_tokens: float
    prices: Mapping[str, Price]
    unit: Unit
    judge: JudgeCost
    lengths: Lengths
    table: Mapping[str, type[Component]]

    def judged(self, architecture: Architecture) -> float:
        """What a judge takes for one answer."""
        return self._of(self._sizes(architecture).judge)

    def parts_of(self, architecture: Architecture) -> tuple[Part, ...]:
        found: list[Part] = []
        before = 0.0
        for i, layer in enumerate(architecture.layers):
            prefix = architecture.prefix(i + 1)
            total = self._size(prefix)
            if i == 0:
                found += [self._samples(spec) for spec in layer]
            elif total > before:
                signature = ("+".join(s.kind for s in layer), "+".join(s.model for s in layer))
                found.append(Part(prefix.canonical_json(), signature, 1, total - before))
            before = total
        return tuple(found)

    def _samples(self, spec: ComponentSpec) -> Part:
        one: Layer = (replace(spec, params=tuple(p for p in spec.params if p[0] != "samples")),)
        amount = spec.param("samples", 1)
        n = amount if isinstance(amount, int) else 1
        alone = Architecture((one,))
        key, signature = alone.canonical_json(), (spec.kind, spec.model)
        return Part(key, signature, n, self._size(Architecture(((spec,),))) / n)

    def _size(self, architecture: Architecture) -> float:
        return self._of(self._sizes(architecture).pipeline)

    def _sizes(self, architecture: Architecture) -> Judged:
        return sizes_of(
            architecture,
            question_tokens=self.question_tokens,
            prices=self.prices,
            judge=self.judge,
            table=self.table,
            lengths=self.lengths,
        )

    def _of(self, found: Ceiling) -> float:
        return (found.cost_usd or 0.0) if self.unit == "usd" else found.tokens
