"""Critique: strengths and weaknesses of each candidate, for fusers and rankers to read.

Source: Archon, arXiv 2409.15254, section 3.1. A critique is a fact of its candidate: it goes where
the candidate goes, and a new text has none. ``faults_only`` asks for what a second try can mend, as
Self-Refine does (arXiv 2303.17651): the first error by its place, since models mend errors better
than they find them (arXiv 2311.08516). It lets a critic find none, for critics also make faults up
(CriticGPT, arXiv 2407.00215).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

from archon.components.base import Bounds, Declaration, Interval, RunContext, Sizes, knob
from archon.components.parsing_lists import read_critiques
from archon.components.repair import Ask, attempt, restated, second_ask
from archon.components.showing import ORDERS, arranged, exhibit, fitting
from archon.components.together import together
from archon.core.calls import ModelReply, ModelRequest, Sampling
from archon.core.candidates import Candidate, LayerState
from archon.core.messages import ask
from archon.prompts import load

Critiques = Mapping[int, str]
"""By the candidate's place in the state."""

_WORDINGS: Mapping[str, str] = {"both_sides": "critique", "faults_only": "critique_faults_only"}
_PARTS: Mapping[str, tuple[str, ...]] = {
    "both_sides": ("strengths", "weaknesses"),
    "faults_only": ("faults",),
}
"""What a critique is made of."""
_MAY_BE_EMPTY: Mapping[str, str] = {"faults_only": "faults"}
"""The part that a critic who found nothing leaves empty, where it may find nothing."""


@dataclass(frozen=True, slots=True)
class Critique:
    """Add a critique to each candidate: all in one call, or each in its own.

    Critiques are read by the numbers in the reply. Those that are missing are asked for once more,
    for the missing ones alone; a candidate without one then stays as it was.
    """

    model: str
    scope: str = knob(
        "batch", "one call for all candidates, or for each", options=("batch", "each")
    )
    order: str = knob("as_is", "order in which candidates are shown", options=ORDERS)
    temperature: float = knob(0.7, "sampling temperature; 0 is greedy", low=0.0, high=2.0)
    max_tokens: int = knob(1024, "longest completion, tokens", low=1, high=131072)
    top_p: float | None = knob(None, "nucleus: smallest mass kept", low=0.01, high=1.0)
    prompt: str = knob(
        "both_sides", "strengths and weaknesses, or faults alone", options=tuple(_WORDINGS)
    )

    kind: ClassVar[str] = "critique"
    declares: ClassVar[Declaration] = Declaration(
        reads=frozenset({"question", "candidates"}),
        writes=frozenset({"critique"}),
        effect="annotate",
        usual_reply=300,
        usual_replies={"faults_only": 200},
    )

    def simplified(self) -> Critique:
        """Without an order where each candidate is shown alone."""
        return replace(self, order="as_is") if self.scope == "each" else self

    def bounds(self, arriving: Sizes) -> Bounds:
        """One call if any candidate arrives, or one for each; as many for what is missing."""
        n = arriving.candidates
        if self.scope == "batch":
            n = Interval(min(1, n.low), min(1, n.high))
        return Bounds(n, n.high, arriving)

    def prompts(self) -> tuple[str, ...]:
        """See ``ChoosesPrompts``."""
        return (_WORDINGS[self.prompt],)

    async def run(self, state: LayerState, context: RunContext) -> LayerState:
        """Return the same candidates, each with what was said about it."""
        if not state.candidates:
            context.count("empty_input")
            return state
        shown = arranged(state.candidates, self.order, context)
        groups = [shown] if self.scope == "batch" else [(place,) for place in shown]
        found = await together([self._critiques(state, context, group) for group in groups])
        critiques = {place: text for group in found for place, text in group.items()}
        if missing := len(state.candidates) - len(critiques):
            context.count("fallback", missing)
        candidates = [
            _with_critique(candidate, critiques.get(place, ""))
            for place, candidate in enumerate(state.candidates)
        ]
        return replace(state, candidates=tuple(candidates))

    async def _critiques(
        self, state: LayerState, context: RunContext, places: tuple[int, ...]
    ) -> Critiques:
        """Critiques of the candidates at ``places``, as far as they can be read in two asks."""
        first = self._ask(state, places)
        (reply,) = await context.sample(first.request, purpose="critique")
        found = attempt(first, reply, context) or {}
        missing = tuple(place for place in places if place not in found)
        if not missing:
            return found
        again = self._again(state, context, reply, places, missing)
        if again is None:
            return found
        reply = await context.follow(again.request, reply, purpose="repair")
        more = attempt(again, reply, context) or {}
        if more:
            context.count("repaired")
        return {**found, **more}

    def _again(
        self,
        state: LayerState,
        context: RunContext,
        reply: ModelReply,
        places: tuple[int, ...],
        missing: tuple[int, ...],
    ) -> Ask[Critiques] | None:
        """What to ask for those that are missing; None where asking again cannot help."""
        if len(missing) < len(places):
            return restated(self._ask(state, missing))

        def fewer() -> Ask[Critiques] | None:
            shown = fitting(state.candidates, places)
            return self._ask(state, shown, n_left_out=len(places) - len(shown)) if shown else None

        return second_ask(self._ask(state, places), reply, context, fewer)

    def _ask(
        self, state: LayerState, places: Sequence[int], *, n_left_out: int = 0
    ) -> Ask[Critiques]:
        shown = [state.candidates[place] for place in places]
        quoted = exhibit(state.question, shown, has_critiques=False)
        parts = dict.fromkeys(_PARTS[self.prompt], "...")
        example = json.dumps([{"id": number, **parts} for number in range(1, len(places) + 1)])
        prompt = load(_WORDINGS[self.prompt]).fill(
            question=quoted.question, answers=quoted.answers, example=example
        )
        sampling = Sampling(self.temperature, self.max_tokens, self.top_p)
        return Ask(
            request=ModelRequest(self.model, ask(prompt), sampling),
            read=partial(_read, places=places, may_be_empty=_MAY_BE_EMPTY.get(self.prompt, "")),
            form=example,
            n_left_out=n_left_out,
            is_readable_in_part=True,
        )


def _read(reply: str, *, places: Sequence[int], may_be_empty: str) -> Critiques:
    found = read_critiques(reply, len(places), may_be_empty=may_be_empty)
    return {places[i]: text for i, text in found.items()}


def _with_critique(candidate: Candidate, text: str) -> Candidate:
    """The candidate with one more critique below those that it has."""
    critiques = [critique for critique in (candidate.critique, text) if critique]
    return replace(candidate, critique="\n\n".join(critiques))
