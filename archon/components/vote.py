"""Majority and weighted vote over the answers that candidates give. No model call.

Source: self-consistency, arXiv 2203.11171; weighted by a verifier, DiVeRSe, arXiv 2206.02336.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from archon.components.answers import KINDS, answer_key, options_in
from archon.components.base import Bounds, Declaration, Interval, RunContext, Sizes, knob
from archon.core.candidates import Candidate, LayerState
from archon.core.errors import Problem, SpecError
from archon.core.messages import last_question


@dataclass(frozen=True, slots=True)
class Vote:
    """Keep one candidate of the answer with the most weight (of each of the ``keep`` first).

    The weight of an answer is the sum over its candidates of 1, or of exp(beta * score). Ties go
    to the higher sum of the ``by`` scores, then to the answer that was reached first. Of its
    candidates the one with the highest ``by`` score stands for an answer, then the shortest that
    was not cut off, then the first. Candidates without an answer have no vote.
    """

    answer: str = knob("auto", "kind of answer that is counted", options=KINDS)
    weight: str = knob("none", "weight of a candidate's vote", options=("none", "score"))
    by: str = knob("", "score that weighs votes or breaks ties: name of its source")
    beta: float = knob(1.0, "how sharply scores weigh; 0 is a plain majority", low=0.0, high=10.0)
    keep: int = knob(1, "answers to keep, best first", low=1, high=5)

    kind: ClassVar[str] = "vote"
    model: ClassVar[str] = ""
    declares: ClassVar[Declaration] = Declaration(
        reads=frozenset({"question", "candidates", "scores"}),
        writes=frozenset({"scores"}),
        effect="select",
        needs_model=False,
    )

    def __post_init__(self) -> None:
        """Refuse a weighted vote that does not say which score weighs.

        Raises:
            SpecError: ``weight`` is "score" and ``by`` is empty.
        """
        if self.weight == "score" and not self.by:
            raise SpecError([Problem("weight: score needs the name of a score.", path="by")])

    def simplified(self) -> Vote:
        """Without the sharpness of a weight that is not used."""
        return self if self.weight == "score" else replace(self, beta=1.0)

    def bounds(self, arriving: Sizes) -> Bounds:
        """No calls; at least one candidate stays, at most ``keep``."""
        n = arriving.candidates
        after = Interval(min(1, n.low), min(self.keep, n.high))
        return Bounds(Interval(0, 0), 0, replace(arriving, candidates=after))

    async def run(self, state: LayerState, context: RunContext) -> LayerState:
        """Keep the winners, each with the share of the weight as its score "vote"."""
        if not state.candidates:
            context.count("empty_input")
            return state
        options = options_in(last_question(state.question))
        keys = [answer_key(c.text, self.answer, options) for c in state.candidates]
        if missing := keys.count(None):
            context.count("no_answer", missing)
        if missing == len(keys):
            context.count("fallback")
            return replace(state, candidates=(first_untruncated(state.candidates),))
        weights = self._log_weights(state.candidates, context)
        classes = _classes(keys)
        total = _log_sum([weights[i] for members in classes.values() for i in members])
        ranked = sorted(
            classes.values(),
            key=lambda members: (
                -_log_sum([weights[i] for i in members]),
                -math.fsum(self._score(state.candidates[i]) for i in members),
                members[0],
            ),
        )
        winners = [
            self._representative(state.candidates, members).with_score(
                self.kind, math.exp(_log_sum([weights[i] for i in members]) - total)
            )
            for members in ranked[: self.keep]
        ]
        return replace(state, candidates=tuple(winners))

    def _log_weights(self, candidates: Sequence[Candidate], context: RunContext) -> list[float]:
        # A candidate without the score weighs as much as the worst that has it.
        scores = [finite_score(candidate, self.by) for candidate in candidates]
        known = [score for score in scores if score is not None]
        if self.weight == "none" or not known:
            if self.weight == "score":
                context.count("fallback")
            return [0.0] * len(candidates)
        return [self.beta * (min(known) if score is None else score) for score in scores]

    def _score(self, candidate: Candidate) -> float:
        return finite_score(candidate, self.by) or 0.0

    def _representative(self, candidates: Sequence[Candidate], members: Sequence[int]) -> Candidate:
        def worth(i: int) -> tuple[float, bool, int, int]:
            score = finite_score(candidates[i], self.by)
            best_first = math.inf if score is None else -score
            return (best_first, candidates[i].is_truncated, len(candidates[i].text), i)

        return candidates[min(members, key=worth)]


def first_untruncated(candidates: Sequence[Candidate]) -> Candidate:
    """The first candidate that was not cut off, else the first."""
    return next((c for c in candidates if not c.is_truncated), candidates[0])


def finite_score(candidate: Candidate, source: str) -> float | None:
    """The score of ``source`` where there is one to compare; None also for inf and nan."""
    score = candidate.score(source) if source else None
    return score if score is not None and math.isfinite(score) else None


def _classes(keys: Sequence[str | None]) -> Mapping[str, list[int]]:
    """Places of the candidates of each answer, answers in the order in which they appear."""
    classes: dict[str, list[int]] = {}
    for i, key in enumerate(keys):
        if key is not None:
            classes.setdefault(key, []).append(i)
    return classes


def _log_sum(logs: Sequence[float]) -> float:
    """log(sum(exp(x))), in whatever order, without ever leaving the range of a float."""
    top = max(logs)
    return top + math.log(math.fsum(math.exp(x - top) for x in logs))
