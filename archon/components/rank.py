"""Listwise ranking: a model sees all candidates at once and puts them in order.

Sources: Archon, arXiv 2409.15254, section 3.1; windows over long lists after RankGPT, arXiv
2304.09542, section 3.2, with the last window at the very front; several orders against the bias
for places, permutation self-consistency, arXiv 2310.07712. ``criteria_first`` has the model set
criteria for the question and weigh the candidates by them before it orders, against the biases for
length and place (branch-solve-merge, arXiv 2310.15123, there in several calls).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

from archon.components.base import Bounds, Declaration, Interval, RunContext, Sizes, knob
from archon.components.parsing import read_order
from archon.components.repair import Ask, read_twice
from archon.components.showing import ORDERS, arranged, exhibit, fitting
from archon.components.together import together
from archon.core.calls import ModelReply, ModelRequest, Sampling
from archon.core.candidates import LayerState
from archon.core.messages import ask
from archon.prompts import load

_WORDINGS: Mapping[str, str] = {"order_only": "rank", "criteria_first": "rank_criteria_first"}


@dataclass(frozen=True, slots=True)
class Rank:
    """Order the candidates, best first, and keep the first ``keep``.

    Each permutation is one pass over the candidates in another order; their score "rank" is the
    mean of (n - position) / (n - 1), the Borda count in [0, 1]. A list longer than ``window`` is
    ranked from its end in windows that overlap by half or more, so that the best ``keep`` of them
    (fewer than ``window``) reach the front. A pass that cannot be read is left out; if all are,
    the candidates stay in the order in which they arrived, without a score. ``criteria_first``
    needs ``max_tokens`` for some words on every candidate of a window.
    """

    model: str
    keep: int | None = knob(
        None, "candidates to keep, best first; null keeps all", low=1, high=1000
    )
    permutations: int = knob(1, "passes, each in another order", low=1, high=5)
    window: int = knob(20, "most candidates in one call", low=2, high=100)
    order: str = knob("shuffled", "order of the first pass", options=ORDERS)
    temperature: float = knob(0.0, "sampling temperature; 0 is greedy", low=0.0, high=2.0)
    max_tokens: int = knob(512, "longest completion, tokens", low=1, high=131072)
    top_p: float | None = knob(None, "nucleus: smallest mass kept", low=0.01, high=1.0)
    prompt: str = knob(
        "order_only",
        "the order alone, or criteria and reasons before it",
        options=tuple(_WORDINGS),
    )

    kind: ClassVar[str] = "rank"
    declares: ClassVar[Declaration] = Declaration(
        reads=frozenset({"question", "candidates", "critique"}),
        writes=frozenset({"scores"}),
        effect="select",
        usual_reply=20,
        usual_replies={"criteria_first": 250},
    )

    def bounds(self, arriving: Sizes) -> Bounds:
        """``permutations`` calls for each window of a list of two or more; one repair of each."""
        n = arriving.candidates
        calls = Interval(self._n_calls(n.low), self._n_calls(n.high))
        most = n.high if self.keep is None else self.keep
        after = Interval(min(most, n.low), min(most, n.high))
        return Bounds(calls, calls.high, replace(arriving, candidates=after))

    def prompts(self) -> tuple[str, ...]:
        """See ``ChoosesPrompts``."""
        return (_WORDINGS[self.prompt],)

    async def run(self, state: LayerState, context: RunContext) -> LayerState:
        """Return the best candidates in order, each with its score "rank"."""
        n = len(state.candidates)
        if not n:
            context.count("empty_input")
            return state
        if n == 1:
            (only,) = state.candidates
            return replace(state, candidates=(only.with_score(self.kind, 1.0),))
        passes = await together([self._pass(state, context, i) for i in range(self.permutations)])
        orders = [order for order in passes if order is not None]
        if not orders:
            context.count("fallback")
            return replace(state, candidates=state.candidates[: self.keep])
        scores = borda(orders)
        best_first = sorted(range(n), key=lambda i: (-scores[i], i))
        ranked = [state.candidates[i].with_score(self.kind, scores[i]) for i in best_first]
        return replace(state, candidates=tuple(ranked[: self.keep]))

    def _n_calls(self, n: int) -> int:
        return self.permutations * len(window_starts(n, self.window, self._step())) if n > 1 else 0

    def _step(self) -> int:
        """How far a window moves: what it leaves behind must have room for the best ``keep``."""
        half = self.window // 2
        fits = self.keep is not None and self.keep < self.window
        return max(1, min(half, self.window - (self.keep or 0))) if fits else half

    async def _pass(
        self, state: LayerState, context: RunContext, permutation: int
    ) -> list[int] | None:
        """All places in one model's order, window by window; None if none could be read."""
        first = arranged(state.candidates, self.order, context)
        order = turned(first, permutation, self.permutations)
        n_read = 0
        last: ModelReply | None = None
        for start in window_starts(len(order), self.window, self._step()):
            places = order[start : start + self.window]
            salt = f"{permutation}.{start}"
            whole = self._ask(state, context, places, places, salt)
            last = await self._reply(whole.request, context, last)
            fewer = partial(self._fewer, state, context, places, salt)
            reading = await read_twice(whole, last, context, fewer)
            last = reading.reply
            n_read += reading.value is not None
            order[start : start + self.window] = reading.value or sorted(places)
        return order if n_read else None

    async def _reply(
        self, request: ModelRequest, context: RunContext, last: ModelReply | None
    ) -> ModelReply:
        if last is not None:
            return await context.follow(request, last, purpose="window")
        (reply,) = await context.sample(request, purpose="rank")
        return reply

    def _fewer(
        self, state: LayerState, context: RunContext, places: Sequence[int], salt: str
    ) -> Ask[list[int]] | None:
        shown = fitting(state.candidates, places)
        return self._ask(state, context, shown, places, salt) if len(shown) > 1 else None

    def _ask(
        self,
        state: LayerState,
        context: RunContext,
        shown: Sequence[int],
        places: Sequence[int],
        salt: str,
    ) -> Ask[list[int]]:
        """Show some places of a window and read an order of all of them.

        Args:
            state: Holds the candidates.
            context: Counts an order that had to be completed.
            shown: Places in the order in which they are numbered.
            places: All places of the window; those not named come last, in order of arrival.
            salt: Tells windows and passes apart that show equal texts.
        """
        after_notes = self.prompt == "criteria_first"

        def read(reply: str) -> list[int]:
            order = read_order(reply, len(shown), after_notes=after_notes)
            named = [shown[i] for i in order]
            if len(named) < len(shown):
                context.count("repaired")
            return [*named, *sorted(set(places) - set(named))]

        quoted = exhibit(state.question, [state.candidates[i] for i in shown], salt=salt)
        # Not an order that could be copied: a model that repeats the form has ranked nothing.
        example = " > ".join(["<best>", *["<next>"] * (len(shown) - 2), "<last>"])
        prompt = load(_WORDINGS[self.prompt]).fill(
            question=quoted.question, answers=quoted.answers, example=example
        )
        sampling = Sampling(self.temperature, self.max_tokens, self.top_p)
        return Ask(
            request=ModelRequest(self.model, ask(prompt), sampling),
            read=read,
            form=example,
            n_left_out=len(places) - len(shown),
        )


def window_starts(n: int, window: int, step: int) -> list[int]:
    """Where windows over a list of ``n`` begin: from its end to its front, the last at 0."""
    n_moves = -(-max(0, n - window) // step)
    return [max(0, n - window - i * step) for i in range(n_moves + 1)]


def turned(order: Sequence[int], i: int, n_orders: int) -> list[int]:
    """The ``i``-th of ``n_orders`` orders: evenly spread rotations, each followed by its reverse.

    A model that likes places, whatever stands there, then likes all candidates equally where the
    number of orders is even: what it gives to a place in one order it takes in the reverse.
    """
    n_rotations = -(-n_orders // 2)
    offset = (i // 2) * len(order) // n_rotations
    rotated = [*order[offset:], *order[:offset]]
    return rotated[::-1] if i % 2 else rotated


def borda(orders: Sequence[Sequence[int]]) -> list[float]:
    """Mean over the orders of (n - position) / (n - 1), for each of the n >= 2 places.

    Args:
        orders: Each holds every place once, best first; at least one.

    Returns:
        Shape (n,), in [0, 1].
    """
    n = len(orders[0])
    totals = [0] * n
    for order in orders:
        for position, place in enumerate(order, start=1):
            totals[place] += n - position
    return [total / ((n - 1) * len(orders)) for total in totals]
