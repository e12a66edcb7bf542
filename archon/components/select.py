"""Keep the best candidates by a score that is there, by length, or the first. No model call.

Best-of-n with a scorer is a scoring layer followed by this one (arXiv 2110.14168, section 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from archon.components.answers import KINDS, answer_key, options_in
from archon.components.base import Bounds, Declaration, Interval, RunContext, Sizes, knob
from archon.components.vote import finite_score
from archon.core.candidates import Candidate, LayerState
from archon.core.errors import Problem, SpecError
from archon.core.messages import last_question


@dataclass(frozen=True, slots=True)
class Select:
    """Drop repetitions, put the candidates in order, keep the first ``keep``.

    Equal candidates keep the order in which they arrive; one without the score comes last.
    """

    keep: int | None = knob(1, "candidates to keep; null keeps all", low=1, high=1000)
    order: str = knob(
        "given", "what comes first", options=("given", "score", "shortest", "longest")
    )
    by: str = knob("", "score that orders: name of its source")
    dedupe: str = knob("none", "which repetitions are dropped", options=("none", "text", "answer"))
    answer: str = knob("auto", "kind of answer that makes a repetition", options=KINDS)

    kind: ClassVar[str] = "select"
    model: ClassVar[str] = ""
    is_idempotent: ClassVar[bool] = True
    declares: ClassVar[Declaration] = Declaration(
        reads=frozenset({"question", "candidates", "scores"}),
        writes=frozenset(),
        effect="select",
        needs_model=False,
    )

    def __post_init__(self) -> None:
        """Refuse an order by score without the score's name, or a name without that order.

        Raises:
            SpecError: ``order`` and ``by`` do not go together.
        """
        if self.order == "score" and not self.by:
            raise SpecError([Problem("order: score needs the name of a score.", path="by")])
        if self.by and self.order != "score":
            raise SpecError(
                [Problem(f"{self.by!r} orders nothing.", path="by", hint="Add 'order: score'.")]
            )

    def simplified(self) -> Select:
        """Without a kind of answer where no answers are compared."""
        return self if self.dedupe == "answer" else replace(self, answer="auto")

    def is_idle(self, n_most: int) -> bool:
        """Whether all of up to ``n_most`` candidates stay, in the order in which they arrive."""
        keeps_all = self.keep is None or self.keep >= n_most
        return keeps_all and self.order == "given" and self.dedupe == "none"

    def bounds(self, arriving: Sizes) -> Bounds:
        """No calls; all but one may be repetitions."""
        n = arriving.candidates
        most = n.high if self.keep is None else min(self.keep, n.high)
        least = min(n.low, most) if self.dedupe == "none" else min(n.low, 1)
        return Bounds(Interval(0, 0), 0, replace(arriving, candidates=Interval(least, most)))

    async def run(self, state: LayerState, context: RunContext) -> LayerState:
        """Return the kept candidates, unchanged, best first."""
        if not state.candidates:
            context.count("empty_input")
            return state
        if self.order == "score":
            unscored = sum(finite_score(c, self.by) is None for c in state.candidates)
            if unscored == len(state.candidates):
                context.count("fallback")
        # Ordered first: of several that repeat each other the best stays.
        ordered = sorted(state.candidates, key=self._worth)
        different = self._different(ordered, options_in(last_question(state.question)))
        return replace(state, candidates=tuple(different[: self.keep]))

    def _worth(self, candidate: Candidate) -> float:
        match self.order:
            case "score":
                score = finite_score(candidate, self.by)
                return float("inf") if score is None else -score
            case "shortest":
                return len(candidate.text)
            case "longest":
                return -len(candidate.text)
            case _:
                return 0.0

    def _different(
        self, candidates: Sequence[Candidate], options: Sequence[str]
    ) -> Sequence[Candidate]:
        if self.dedupe == "none":
            return candidates
        first: dict[str, Candidate] = {}
        for candidate in candidates:
            text = " ".join(candidate.text.split())
            if self.dedupe == "text":
                key = text
            else:
                # Without an answer only the same words are a repetition.
                answer = answer_key(candidate.text, self.answer, options)
                key = f"text:{text}" if answer is None else f"answer:{answer}"
            first.setdefault(key, candidate)
        return list(first.values())
