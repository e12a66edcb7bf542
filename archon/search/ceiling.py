"""What a pipeline can take for one question, and a judge of it, before a single call is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from archon.components.base import Component, Fact, Sizes
from archon.components.estimate_calls import keeps_arriving, layer_bounds
from archon.components.table import COMPONENTS, build
from archon.core.architecture import Architecture
from archon.core.calls import Price, Sampling
from archon.runtime.budget import PROMPT_OVERHEAD_TOKENS
from archon.scoring.cost import NO_JUDGE, RUBRIC_TOKENS, JudgeCost

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
class Judged:
    """A pipeline, and the model that scores its answers, which a deployed one does without."""

    pipeline: Ceiling
    judge: Ceiling

    @property
    def together(self) -> Ceiling:
        """What a study pays."""
        return self.pipeline + self.judge


@dataclass(frozen=True, slots=True)
class _Arriving:
    """What a layer may be shown: how much there is, and how long it can be in tokens."""

    sizes: Sizes
    text: float = 0.0
    """The longest candidate."""
    critiques: float = 0.0
    """All of them together; ``tests`` likewise."""
    tests: float = 0.0


def sizes_of(
    architecture: Architecture,
    *,
    question_tokens: float,
    prices: Mapping[str, Price],
    table: Mapping[str, type[Component]] = COMPONENTS,
    judge: JudgeCost = NO_JUDGE,
    reply_share: float = 1.0,
) -> Judged:
    """The same for a pipeline and for a judge of its answers, with replies of any length.

    Args:
        architecture: What would run.
        question_tokens: Length of a question.
        prices: Of each model alias.
        table: The component kinds.
        judge: What scoring an answer asks of a model.
        reply_share: How long replies are, as a share of the longest that is allowed, in (0, 1].

    Raises:
        SpecError: A component cannot be built.
    """
    asking = _Asking(question_tokens, prices, reply_share)
    total, arriving = Ceiling(), _Arriving(Sizes())
    for layer in architecture.layers:
        components = [build(spec, table) for spec in layer]
        for component in components:
            total += asking.of_component(component, arriving)
        arriving = asking.after(components, arriving)
    return Judged(total, asking.of_judge(judge, arriving.text))


@dataclass(frozen=True, slots=True)
class _Asking:
    """What requests and replies take, given how long questions and replies are."""

    question_tokens: float
    prices: Mapping[str, Price]
    reply_share: float

    def of_component(self, component: Component, arriving: _Arriving) -> Ceiling:
        bounds = component.bounds(arriving.sizes)
        calls, reply = bounds.calls.high, self._reply(component)
        prompt = PROMPT_OVERHEAD_TOKENS + self.question_tokens
        shows_candidates = "candidates" in component.declares.reads
        if shows_candidates or component.declares.effect != "produce":
            prompt += TEMPLATE_TOKENS
        if shows_candidates:
            # A second step is shown the reply of the first beside the rest.
            prompt += arriving.sizes.candidates.high * arriving.text + arriving.critiques + reply
        if "tests" in component.declares.reads:
            prompt += arriving.tests
        return self._of_calls(component.model, calls, prompt, reply, bounds.max_repairs)

    def of_judge(self, judge: JudgeCost, answer: float) -> Ceiling:
        prompt = PROMPT_OVERHEAD_TOKENS + RUBRIC_TOKENS + self.question_tokens
        prompt += judge.n_answers * answer
        reply = judge.max_tokens * self.reply_share
        return self._of_calls(judge.model, judge.calls, prompt, reply, judge.calls)

    def _of_calls(
        self, model: str, calls: int, prompt: float, reply: float, max_repairs: int
    ) -> Ceiling:
        price = self.prices.get(model)
        cost: float | None = 0.0
        if calls:
            cost = None if price is None else calls * _usd(price, prompt, reply)
        return Ceiling(calls, max_repairs, calls * (prompt + reply), cost)

    def after(self, components: Sequence[Component], arriving: _Arriving) -> _Arriving:
        """What the next layer may be shown."""
        writers = [c for c in components if "candidates" in c.declares.writes]
        text = max(map(self._reply, writers), default=0.0)
        keeps_old = not writers or all(map(keeps_arriving, components))
        critiques = arriving.critiques + self._written("critique", components, arriving.sizes)
        return _Arriving(
            sizes=layer_bounds(components, arriving.sizes).after,
            text=max(text, arriving.text) if keeps_old else text,
            critiques=critiques if keeps_old else 0.0,
            tests=arriving.tests + self._written("tests", components, arriving.sizes),
        )

    def _written(self, fact: Fact, components: Sequence[Component], arriving: Sizes) -> float:
        """The most tokens of a kind that a layer adds."""
        writers = [c for c in components if fact in c.declares.writes]
        return sum(c.bounds(arriving).calls.high * self._reply(c) for c in writers)

    def _reply(self, component: Component) -> float:
        longest = getattr(component, "max_tokens", None)
        return self.reply_share * (longest if isinstance(longest, int) else Sampling().max_tokens)


def _usd(price: Price, prompt: float, reply: float) -> float:
    return (prompt * price.input_usd_per_mtok + reply * price.output_usd_per_mtok) / 1e6
