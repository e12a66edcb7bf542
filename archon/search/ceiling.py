"""What a pipeline can take for one question, and a judge of it, before a single call is made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from archon.components.base import Component, Fact, Sizes
from archon.components.estimate_calls import keeps_arriving, layer_bounds
from archon.components.table import COMPONENTS, build
from archon.core.architecture import Architecture, ComponentSpec, Layer
from archon.core.calls import Price
from archon.runtime.budget import PROMPT_OVERHEAD_TOKENS
from archon.scoring.cost import NO_JUDGE, RUBRIC_TOKENS, JudgeCost
from archon.search.lengths import Lengths

TEMPLATE_TOKENS = 400
"""More than the instructions of a prompt that shows candidates or asks for tests. Those of one that
only puts the question are short, and lie within the overhead of a request."""


@dataclass(frozen=True, slots=True)
class Ceiling:
    """Upper bounds for one question, when every reply can be read."""

    calls: float = 0
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

    def times(self, factor: float) -> Ceiling:
        """The same for so many questions, or pipelines of this size."""
        cost = None if self.cost_usd is None else factor * self.cost_usd
        return replace(self, calls=factor * self.calls, tokens=factor * self.tokens, cost_usd=cost)


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


LONGEST = Lengths(PROMPT_OVERHEAD_TOKENS, TEMPLATE_TOKENS, RUBRIC_TOKENS)
"""Nothing is longer than these."""


def sizes_of(
    architecture: Architecture,
    *,
    question_tokens: float,
    prices: Mapping[str, Price],
    table: Mapping[str, type[Component]] = COMPONENTS,
    judge: JudgeCost = NO_JUDGE,
    lengths: Lengths = LONGEST,
) -> Judged:
    """The same for a pipeline and for a judge of its answers, with replies of any length.

    Args:
        architecture: What would run.
        question_tokens: Length of a question.
        prices: Of each model alias.
        table: The component kinds.
        judge: What scoring an answer asks of a model.
        lengths: How long everything else is.

    Raises:
        SpecError: A component cannot be built.
    """
    asking = _Asking(question_tokens, prices, lengths)
    parts, text = asking.walk(architecture, table)
    total = sum((size for _, size in parts), Ceiling())
    return Judged(total, asking.of_judge(judge, text))


def bought_once(
    architectures: Iterable[Architecture],
    *,
    question_tokens: float,
    prices: Mapping[str, Price],
    table: Mapping[str, type[Component]] = COMPONENTS,
    lengths: Lengths = LONGEST,
) -> Ceiling:
    """What pipelines take together where each completion is bought once; without a judge.

    Components that ask the same of a model share their calls: those behind equal layers, and those
    that see the question alone. Of more and fewer samples of one request, the more are bought.

    Raises:
        SpecError: A component cannot be built.
    """
    asking = _Asking(question_tokens, prices, lengths)
    bought: dict[_Request, Ceiling] = {}
    for architecture in architectures:
        own: dict[_Request, Ceiling] = {}
        for request, size in asking.walk(architecture, table)[0]:
            own[request] = own.get(request, Ceiling()) + size
        for request, size in own.items():
            if request not in bought or bought[request].calls < size.calls:
                bought[request] = size
    return sum(bought.values(), Ceiling())


_Request = tuple[tuple[Layer, ...], ComponentSpec]
"""What decides which request a component makes: the layers that it sees, and all its parameters but
the number of samples."""


@dataclass(frozen=True, slots=True)
class _Asking:
    """What requests and replies take, given how long questions and replies are."""

    question_tokens: float
    prices: Mapping[str, Price]
    lengths: Lengths

    def walk(
        self, architecture: Architecture, table: Mapping[str, type[Component]]
    ) -> tuple[list[tuple[_Request, Ceiling]], float]:
        """Every component with what it takes, and how long the answer is."""
        found: list[tuple[_Request, Ceiling]] = []
        arriving = _Arriving(Sizes())
        for i, layer in enumerate(architecture.layers):
            components = [build(spec, table) for spec in layer]
            for spec, component in zip(layer, components, strict=True):
                sees_question_alone = component.declares.reads <= {"question"}
                seen = () if sees_question_alone else architecture.layers[:i]
                params = tuple(pair for pair in spec.params if pair[0] != "samples")
                request = (seen, replace(spec, params=params))
                found.append((request, self.of_component(component, arriving)))
            arriving = self.after(components, arriving)
        return found, arriving.text

    def of_component(self, component: Component, arriving: _Arriving) -> Ceiling:
        bounds = component.bounds(arriving.sizes)
        calls, (reply, _) = bounds.calls.high, self.lengths.reply(component)
        prompt = self.lengths.overhead + self.question_tokens
        shows_candidates = "candidates" in component.declares.reads
        if shows_candidates or component.declares.effect != "produce":
            prompt += self.lengths.template
        if shows_candidates:
            n = arriving.sizes.candidates.high
            shown = n if component.declares.most_shown is None else component.declares.most_shown
            prompt += min(n, shown) * arriving.text
            prompt += arriving.critiques * min(1.0, shown / n if n else 0.0)
            # A second step is shown the reply of the first beside the rest.
            prompt += reply
        if "tests" in component.declares.reads:
            prompt += arriving.tests
        n_prompts = self.lengths.n_prompts(component, calls)
        prompt *= n_prompts / calls if calls else 0.0
        return self._of_calls(component.model, calls, prompt, reply, bounds.max_repairs)

    def of_judge(self, judge: JudgeCost, answer: float) -> Ceiling:
        prompt = self.lengths.overhead + self.lengths.rubric + self.question_tokens
        prompt += judge.n_answers * answer
        reply = self.lengths.grade(judge.model, judge.max_tokens).written
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
        text = max((self.lengths.reply(writer).shown for writer in writers), default=0.0)
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
        return sum(c.bounds(arriving).calls.high * self.lengths.reply(c).shown for c in writers)


def _usd(price: Price, prompt: float, reply: float) -> float:
    return (prompt * price.input_usd_per_mtok + reply * price.output_usd_per_mtok) / 1e6
