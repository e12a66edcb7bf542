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
        self._seen[place] = ((before * n_before + taken * n) / (n_before + n), n_before + n)
        signatures = sorted({part.signature for i in self._seen for part in self.parts[i]})
        column = {signature: i for i, signature in enumerate(signatures)}
        rows, wanted = [], []
        for i, (seen, _) in self._seen.items():
            row = np.zeros(len(signatures))
            for part in self.parts[i]:
                row[column[part.signature]] += part.amount * part.each
            if seen > 0.0 and row.any():
                rows.append(row / seen)
                wanted.append(1.0)
        if not rows:
            return
        a, b = np.array(rows), np.array(wanted)
        usual = _overall(a, b)
        left = a.T @ a + _RIDGE * np.eye(len(signatures))
        found = np.linalg.solve(left, a.T @ b + _RIDGE * usual)
        self._ratios = {
            signature: float(min(_HIGHEST, max(_LOWEST, found[i])))
            for signature, i in column.items()
        }
        self._usual = usual

    def _priced(self, parts: Sequence[Part], bought: Mapping[str, int]) -> float:
        return sum(
            max(0, part.amount - bought.get(part.key, 0))
            * part.each
            * self._ratios.get(part.signature, self._usual)
            for part in parts
        )


def _overall(a: Array, b: Array) -> float:
    """The one ratio that explains most."""
    sums = a.sum(1)
    return float(min(_HIGHEST, max(_LOWEST, (sums @ b) / max(1e-12, sums @ sums))))


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
