"""Ranking by grades: a model grades each candidate alone, the best stay.

Sources: best-of-n by a scorer, arXiv 2110.14168, section 3; grades with reasons first and the mean
of several, G-Eval, arXiv 2303.16634, section 2. ``grade_only`` asks for no reasons: a small part
of the price, but such grades agree less with people (arXiv 2310.05657).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

from archon.components.base import Bounds, Declaration, Interval, RunContext, Sizes, knob
from archon.components.parsing import read_grade
from archon.components.repair import Ask, read_twice
from archon.components.showing import exhibit
from archon.components.together import together
from archon.core.calls import ModelRequest, Sampling
from archon.core.candidates import Candidate, LayerState
from archon.core.messages import Conversation, ask
from archon.prompts import load

_MARKER = "Grade"
_LOWEST = 1
_WORDINGS: Mapping[str, str] = {
    "reason_first": "rank_scores",
    "grade_only": "rank_scores_grade_only",
}


@dataclass(frozen=True, slots=True)
class RankScores:
    """Order the candidates by the mean of ``votes`` grades each, keep the first ``keep``.

    The score "rank_scores" is that mean, scaled to [0, 1]. A grade that is off the scale is
    unreadable, never clipped. Candidates without a grade come last and have no score; where there
    is none at all, the candidates stay in the order in which they arrived.
    """

    model: str
    keep: int | None = knob(
        None, "candidates to keep, best first; null keeps all", low=1, high=1000
    )
    votes: int = knob(1, "grades for each candidate; more need a temperature", low=1, high=32)
    scale: int = knob(10, "highest grade; the lowest is 1", low=2, high=100)
    temperature: float = knob(0.0, "sampling temperature; 0 is greedy", low=0.0, high=2.0)
    max_tokens: int = knob(512, "longest completion, tokens", low=1, high=131072)
    top_p: float | None = knob(None, "nucleus: smallest mass kept", low=0.01, high=1.0)
    prompt: str = knob(
        "reason_first", "reasons and then a grade, or a grade alone", options=tuple(_WORDINGS)
    )

    kind: ClassVar[str] = "rank_scores"
    declares: ClassVar[Declaration] = Declaration(
        reads=frozenset({"question", "candidates", "critique"}),
        writes=frozenset({"scores"}),
        effect="select",
        most_shown=1,
        usual_reply=80,
        usual_replies={"grade_only": 5},
    )

    def bounds(self, arriving: Sizes) -> Bounds:
        """``votes`` calls for each candidate, one more for each that cannot be read."""
        n = arriving.candidates
        most = n.high if self.keep is None else self.keep
        after = Interval(min(most, n.low), min(most, n.high))
        calls = Interval(self.votes * n.low, self.votes * n.high)
        return Bounds(calls, calls.high, replace(arriving, candidates=after))

    def prompts(self) -> tuple[str, ...]:
        """See ``ChoosesPrompts``."""
        return (_WORDINGS[self.prompt],)

    async def run(self, state: LayerState, context: RunContext) -> LayerState:
        """Return the best candidates in order, each with its score "rank_scores"."""
        if not state.candidates:
            context.count("empty_input")
            return state
        means = await together(
            [self._mean(state.question, each, context) for each in state.candidates]
        )
        if missing := means.count(None):
            context.count("unknown_verdict", missing)
        if missing == len(means):
            context.count("fallback")
        worth = [-math.inf if mean is None else mean for mean in means]
        best_first = sorted(range(len(worth)), key=lambda i: (-worth[i], i))
        ranked = [self._scored(state.candidates[i], means[i]) for i in best_first[: self.keep]]
        return replace(state, candidates=tuple(ranked))

    def _scored(self, candidate: Candidate, mean: float | None) -> Candidate:
        if mean is None:
            return candidate
        return candidate.with_score(self.kind, (mean - _LOWEST) / (self.scale - _LOWEST))

    async def _mean(
        self, question: Conversation, candidate: Candidate, context: RunContext
    ) -> float | None:
        """The mean of the grades that can be read; None if there is none."""
        graded = self._ask(question, candidate)
        replies = await context.sample(graded.request, self.votes, purpose="grade")
        readings = await together([read_twice(graded, reply, context) for reply in replies])
        grades = [reading.value for reading in readings if reading.value is not None]
        return math.fsum(grades) / len(grades) if grades else None

    def _ask(self, question: Conversation, candidate: Candidate) -> Ask[float]:
        quoted = exhibit(question, [candidate])
        form = f"{_MARKER}: <{_LOWEST} to {self.scale}>"
        prompt = load(_WORDINGS[self.prompt]).fill(
            question=quoted.question,
            answers=quoted.answers,
            low=str(_LOWEST),
            high=str(self.scale),
            form=form,
        )
        return Ask(
            request=ModelRequest(
                self.model, ask(prompt), Sampling(self.temperature, self.max_tokens, self.top_p)
            ),
            read=partial(read_grade, marker=_MARKER, low=_LOWEST, high=self.scale),
            form=form,
        )
