"""What is not known of a pipeline because nobody has bought its calls, and what they would take."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from archon.components.base import Component, Interval, Sizes
from archon.components.estimate_calls import layer_bounds
from archon.components.table import COMPONENTS, build
from archon.core.architecture import Architecture
from archon.core.calls import ModelCard
from archon.runtime.trace import Trace

_KIND = re.compile(r"layers\[\d+\]\.(\w+)\[\d+\]")

Asking = tuple[str, str]
"""Kind of a component, and alias of its model: calls of the same cost about the same."""


@dataclass(frozen=True, slots=True)
class Amounts:
    """About so much; no bound."""

    calls: float = 0.0
    tokens: float = 0.0
    cost_usd: float = 0.0

    def __add__(self, other: Amounts) -> Amounts:
        return Amounts(
            self.calls + other.calls, self.tokens + other.tokens, self.cost_usd + other.cost_usd
        )

    def times(self, n: float) -> Amounts:
        """So often."""
        return Amounts(n * self.calls, n * self.tokens, n * self.cost_usd)

    def to_data(self) -> dict[str, Any]:
        """Plain data."""
        return {"calls": self.calls, "tokens": self.tokens, "cost_usd": self.cost_usd}


def mean_calls(traces: Iterable[Trace], cards: Mapping[str, ModelCard]) -> dict[Asking, Amounts]:
    """What one call took on average, as it is paid, by who asked what."""
    sums: dict[Asking, Amounts] = {}
    for trace in traces:
        for call in trace.calls:
            found = _KIND.fullmatch(call.component)
            paid = call.prompt_tokens if call.pays_prompt else 0
            cost = cards[call.model].price.cost_nusd(
                paid, call.completion_tokens, of_prompt=call.prompt_tokens
            )
            one = Amounts(1, paid + call.completion_tokens, cost / 1e9)
            key = (found[1] if found else "", call.model)
            sums[key] = sums.get(key, Amounts()) + one
    return {key: total.times(1 / total.calls) for key, total in sums.items()}


def calls_left(
    architecture: Architecture, trace: Trace, table: Mapping[str, type[Component]] = COMPONENTS
) -> Counter[Asking]:
    """The calls that a run would still make which came as far as its trace says.

    What arrives at the layer that could not end is known; from there on the most is counted that
    the components of each layer can ask where every reply can be read.

    Args:
        architecture: In canonical form, as it ran.
        trace: Of the run that lacked a call.
        table: Component kinds.
    """
    left: Counter[Asking] = Counter()
    n_done = len(trace.states)
    arriving = Sizes()
    if n_done:
        n_candidates, n_tests = len(trace.states[-1].candidates), len(trace.states[-1].unit_tests)
        arriving = Sizes(Interval(n_candidates, n_candidates), Interval(n_tests, n_tests))
    found = Counter(call.component for call in trace.calls if call.layer == n_done)
    for i, layer in enumerate(architecture.layers[n_done:], start=n_done):
        components = [build(spec, table) for spec in layer]
        for j, component in enumerate(components):
            n = component.bounds(arriving).calls.high - found[f"layers[{i}].{component.kind}[{j}]"]
            left[component.kind, component.model] += max(0, n)
        arriving = layer_bounds(components, arriving).after
    return +left


def priced(calls: Mapping[Asking, int], means: Mapping[Asking, Amounts], usual: Amounts) -> Amounts:
    """About what calls take; those of a kind that was never seen are like the ``usual`` call."""
    return sum((means.get(key, usual).times(n) for key, n in calls.items()), start=Amounts())


def leading(blocks: Sequence[Sequence[str]], settled: Collection[str]) -> tuple[str, ...]:
    """The questions of the first blocks, up to the first block that is not settled as a whole.

    Which questions cost nothing more is no matter of chance (a judge is not asked about a single
    candidate), so those that happen to be known say nothing of the others. Purchases go block by
    block, whatever each question costs.
    """
    found: list[str] = []
    for block in blocks:
        if not all(question in settled for question in block):
            break
        found += block
    return tuple(found)
