"""Fusion: one model reads all candidates and writes new answers from them.

Sources: Archon, arXiv 2409.15254, section 3.1; generative fusion, LLM-Blender, arXiv 2306.02561.
Several fusers share a layer, and layers of fusers make a mixture of agents (arXiv 2406.04692).
``reason_first`` reasons over what the candidates say before it answers, as multi-chain reasoning
does (arXiv 2304.13007); the answer stands alone on the last line, where votes and scorers read it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from archon.components.base import Bounds, Declaration, Interval, RunContext, Sizes, knob
from archon.components.showing import ORDERS, arranged, exhibit, fitting
from archon.components.together import together
from archon.components.writing import candidates_from
from archon.core.calls import ModelRequest, Sampling
from archon.core.candidates import Candidate, LayerState
from archon.prompts import load

_WORDINGS: Mapping[str, str] = {"merge": "fuse", "reason_first": "fuse_reason_first"}


@dataclass(frozen=True, slots=True)
class Fuse:
    """Write ``samples`` new answers out of the candidates, which they replace.

    Where a prompt does not fit the model's context, it is asked once more with fewer candidates.
    Where nothing is written at all, the first candidate that arrived stays.
    """

    model: str
    samples: int = knob(1, "new answers to write", low=1, high=5)
    temperature: float = knob(0.7, "sampling temperature; 0 is greedy", low=0.0, high=2.0)
    max_tokens: int = knob(512, "longest completion, tokens", low=1, high=131072)
    top_p: float | None = knob(None, "nucleus: smallest mass kept", low=0.01, high=1.0)
    order: str = knob("as_is", "order in which candidates are shown", options=ORDERS)
    keep_inputs: bool = knob(False, "the candidates that arrive stay, before the new ones")
    prompt: str = knob(
        "merge",
        "one answer out of all at once, or after weighing them",
        options=tuple(_WORDINGS),
    )

    kind: ClassVar[str] = "fuse"
    declares: ClassVar[Declaration] = Declaration(
        reads=frozenset({"question", "candidates", "critique"}),
        writes=frozenset({"candidates"}),
        effect="produce",
        usual_replies={"reason_first": 350},
    )

    def bounds(self, arriving: Sizes) -> Bounds:
        """``samples`` calls if any candidate arrives; one more each where a reply is no answer."""
        n = arriving.candidates
        calls = Interval(self.samples * min(1, n.low), self.samples * min(1, n.high))
        after = Interval(min(1, n.low), calls.high)
        if self.keep_inputs:
            after = Interval(n.low, n.high + calls.high)
        return Bounds(calls, calls.high, replace(arriving, candidates=after))

    def prompts(self) -> tuple[str, ...]:
        """See ``ChoosesPrompts``."""
        return (_WORDINGS[self.prompt],)

    async def run(self, state: LayerState, context: RunContext) -> LayerState:
        """Replace the candidates by what the model writes from them."""
        if not state.candidates:
            context.count("empty_input")
            return state
        # Shuffled, every sample sees another order; otherwise all of them are one request.
        orders = Counter(
            arranged(state.candidates, self.order, context, sample)
            for sample in range(self.samples)
        )
        written = await together(
            [self._written(shown, n, state, context) for shown, n in orders.items()]
        )
        new = tuple(candidate for group in written for candidate in group)
        if not new:
            context.count("fallback")
        kept = state.candidates if self.keep_inputs else state.candidates[: 0 if new else 1]
        return replace(state, candidates=(*kept, *new))

    async def _written(
        self, shown: tuple[int, ...], n: int, state: LayerState, context: RunContext
    ) -> tuple[Candidate, ...]:
        """``n`` answers from the candidates at ``shown``; from fewer where those do not fit."""
        request = self._request(state, shown)
        replies = await context.sample(request, n, purpose="fuse")
        parents = tuple(state.candidates[i].call for i in shown)
        too_long = [reply for reply in replies if reply.finish == "context"]
        fewer = fitting(state.candidates, shown) if too_long else ()
        if not fewer:
            return await candidates_from(replies, request, context, parents=parents)
        context.count("too_long", len(too_long))
        context.count("left_out", len(shown) - len(fewer))
        smaller = self._request(state, fewer)
        again = await together(
            [context.follow(smaller, reply, purpose="repair") for reply in too_long]
        )
        rest = [reply for reply in replies if reply.finish != "context"]
        fewer_parents = tuple(state.candidates[i].call for i in fewer)
        return (
            *await candidates_from(rest, request, context, parents=parents),
            *await candidates_from(
                again, smaller, context, parents=fewer_parents, may_redraw=False
            ),
        )

    def _request(self, state: LayerState, shown: Sequence[int]) -> ModelRequest:
        quoted = exhibit(state.question, [state.candidates[i] for i in shown])
        messages = load(_WORDINGS[self.prompt]).around(state.question, answers=quoted.answers)
        return ModelRequest(
            self.model, messages, Sampling(self.temperature, self.max_tokens, self.top_p)
        )
