"""The most that a pipeline can take for one question, before a single call is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from archon.components.base import Component, Fact, Sizes
from archon.components.estimate_calls import keeps_arriving, layer_bounds
from archon.components.table import COMPONENTS, build
from archon.core.architecture import Architecture
from archon.core.calls import Price, Sampling
from archon.runtime.budget import PROMPT_OVERHEAD_TOKENS

TEMPLATE_TOKENS = 400
"""More than the instructions of a prompt that shows candidates or asks for tests. Those of one that
only puts the question are short, and lie within the overhead of a request."""


@dataclass(frozen=True, slots=True)
class Ceiling:
    """Upper bounds for one question, when every reply can be read."""

    calls: int = 0
    max_repairs: int = 0
    """At most so many calls on top, when replies cannot be read or are empty."""
    tokens: float = 0.0
    """Prompt and completion tokens, every prompt being paid by itself."""
    cost_usd: float | None = 0.0
    """None where a model has no price."""

    def __add__(self, other: Ceiling) -> Ceiling:
        is_priced = self.cost_usd is not None and other.cost_usd is not None
        return Ceiling(
            calls=self.calls + other.calls,
            max_repairs=self.max_repairs + other.max_repairs,
            tokens=self.tokens + other.tokens,
            cost_usd=(self.cost_usd or 0.0) + (other.cost_usd or 0.0) if is_priced else None,
        )


@dataclass(frozen=True, slots=True)
class _Arriving:
    """What a layer may be shown: how much there is, and how long it can be in tokens."""

    sizes: Sizes
    text: int = 0
    """The longest candidate."""
    critiques: int = 0
    """All of them together; ``tests`` likewise."""
    tests: int = 0


def ceiling_of(
    architecture: Architecture,
    *,
    question_tokens: float,
    prices: Mapping[str, Price],
    table: Mapping[str, type[Component]] = COMPONENTS,
) -> Ceiling:
    """Add up the worst case of every component.

    Every reply is as long as its component allows, and a component that reads candidates is shown
    all of them, with what was written about them, in each of its calls.

    Args:
        architecture: What would run.
        question_tokens: Length of a question; a mean gives a bound on the mean.
        prices: Of each model alias; one that is missing leaves the cost unknown.
        table: The component kinds.

    Raises:
        SpecError: A component cannot be built.
    """
    total, arriving = Ceiling(), _Arriving(Sizes())
    for layer in architecture.layers:
        components = [build(spec, table) for spec in layer]
        for component in components:
            total += _of_component(component, arriving, question_tokens, prices)
        arriving = _after(components, arriving)
    return total


def _of_component(
    component: Component,
    arriving: _Arriving,
    question_tokens: float,
    prices: Mapping[str, Price],
) -> Ceiling:
    bounds = component.bounds(arriving.sizes)
    calls, reply = bounds.calls.high, _longest_reply(component)
    prompt = PROMPT_OVERHEAD_TOKENS + question_tokens
    shows_candidates = "candidates" in component.declares.reads
    if shows_candidates or component.declares.effect != "produce":
        prompt += TEMPLATE_TOKENS
    if shows_candidates:
        # A second step is shown the reply of the first beside the rest.
        prompt += arriving.sizes.candidates.high * arriving.text + arriving.critiques + reply
    if "tests" in component.declares.reads:
        prompt += arriving.tests
    price = prices.get(component.model)
    cost: float | None = 0.0
    if calls:
        cost = None if price is None else calls * _usd(price, prompt, reply)
    return Ceiling(calls, bounds.max_repairs, calls * (prompt + reply), cost)


def _usd(price: Price, prompt: float, reply: int) -> float:
    return (prompt * price.input_usd_per_mtok + reply * price.output_usd_per_mtok) / 1e6


def _after(components: Sequence[Component], arriving: _Arriving) -> _Arriving:
    writers = [c for c in components if "candidates" in c.declares.writes]
    text = max(map(_longest_reply, writers), default=0)
    keeps_old = not writers or all(map(keeps_arriving, components))
    critiques = arriving.critiques + _written("critique", components, arriving.sizes)
    return _Arriving(
        sizes=layer_bounds(components, arriving.sizes).after,
        text=max(text, arriving.text) if keeps_old else text,
        critiques=critiques if keeps_old else 0,
        tests=arriving.tests + _written("tests", components, arriving.sizes),
    )


def _written(fact: Fact, components: Sequence[Component], arriving: Sizes) -> int:
    """The most tokens of a kind that a layer adds."""
    writers = [c for c in components if fact in c.declares.writes]
    return sum(c.bounds(arriving).calls.high * _longest_reply(c) for c in writers)


def _longest_reply(component: Component) -> int:
    longest = getattr(component, "max_tokens", None)
    return longest if isinstance(longest, int) else Sampling().max_tokens
