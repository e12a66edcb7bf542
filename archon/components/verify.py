"""Verification: a model checks each candidate and says whether it is correct.

Source: Archon, arXiv 2409.15254, section 3.1, which reasons in one call and decides in another;
both in one call, generative verifiers, arXiv 2408.15240. The wording is neutral: asked why an
answer is correct, a model says that it is. ``solve_first`` has it solve the question by itself and
then compare, against errors that it only repeats while it follows an answer (MT-Bench, arXiv
2306.05685, section 3.4; chain of verification, arXiv 2309.11495).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from archon.components.base import (
    Bounds,
    Declaration,
    Interval,
    RunContext,
    Sizes,
    fault_of,
    knob,
)
from archon.components.parsing import read_verdict
from archon.components.repair import Ask, read_twice
from archon.components.showing import Exhibit, exhibit, without_reasoning
from archon.components.together import together
from archon.core.calls import ModelReply, ModelRequest, Sampling
from archon.core.candidates import Candidate, LayerState
from archon.core.messages import Conversation, ask
from archon.prompts import load

_MARKER = "Verdict"
_CORRECT, _INCORRECT = "correct", "incorrect"
_UNKNOWN = 0.5
"""Worth less than a candidate found correct, more than one found incorrect."""
_FORMS = {word: f"{_MARKER}: {word}" for word in (_CORRECT, _INCORRECT)}
_REASONS: Mapping[str, str] = {
    "walk_through": "verify_reason",
    "solve_first": "verify_reason_solve_first",
}
"""Templates of the first of two calls, by wording."""
_AT_ONCE: Mapping[str, str] = {
    "walk_through": "verify_at_once",
    "solve_first": "verify_at_once_solve_first",
}
_VERDICT = "verify_verdict"


@dataclass(frozen=True, slots=True)
class Verify:
    """Put candidates found correct first, then those without a verdict; drop the others.

    The score "verify" is 1 or 0, one half without a verdict. A verdict that cannot be read is asked
    for once more. Where all are found incorrect, the first candidate stays.
    """

    model: str
    mode: str = knob(
        "two_step",
        "reasons and verdict in two calls, or in one",
        options=("two_step", "one_step"),
    )
    drop: bool = knob(True, "candidates found incorrect are dropped; else they come last")
    temperature: float = knob(0.0, "sampling temperature; 0 is greedy", low=0.0, high=2.0)
    max_tokens: int = knob(512, "longest completion, tokens", low=1, high=131072)
    top_p: float | None = knob(None, "nucleus: smallest mass kept", low=0.01, high=1.0)
    prompt: str = knob(
        "walk_through",
        "checked along its own steps, or against a solution made first",
        options=tuple(_REASONS),
    )

    kind: ClassVar[str] = "verify"
    declares: ClassVar[Declaration] = Declaration(
        reads=frozenset({"question", "candidates", "critique"}),
        writes=frozenset({"scores"}),
        effect="select",
        most_shown=1,
        usual_reply=150,
        usual_replies={"solve_first": 250},
    )

    def bounds(self, arriving: Sizes) -> Bounds:
        """Two calls a candidate, or one; one more for each verdict that cannot be read."""
        n, each = arriving.candidates, 2 if self.mode == "two_step" else 1
        after = Interval(min(1, n.low), n.high) if self.drop else n
        calls = Interval(each * n.low, each * n.high)
        return Bounds(calls, n.high, replace(arriving, candidates=after))

    def prompts(self) -> tuple[str, ...]:
        """See ``ChoosesPrompts``."""
        if self.mode == "one_step":
            return (_AT_ONCE[self.prompt],)
        return (_REASONS[self.prompt], _VERDICT)

    async def run(self, state: LayerState, context: RunContext) -> LayerState:
        """Return the candidates that pass, unchanged but for the score."""
        if not state.candidates:
            context.count("empty_input")
            return state
        verdicts = await together(
            [self._verdict(state.question, each, context) for each in state.candidates]
        )
        if unknown := verdicts.count(None):
            context.count("unknown_verdict", unknown)
        if unknown == len(verdicts):
            context.count("fallback")
        worth = [_UNKNOWN if verdict is None else float(verdict) for verdict in verdicts]
        best_first = sorted(range(len(worth)), key=lambda i: (-worth[i], i))
        passing = [i for i in best_first if worth[i] > 0 or not self.drop]
        if not passing:
            context.count("none_passed")
            passing = best_first[:1]
        kept = [state.candidates[i].with_score(self.kind, worth[i]) for i in passing]
        return replace(state, candidates=tuple(kept))

    async def _verdict(
        self, question: Conversation, candidate: Candidate, context: RunContext
    ) -> bool | None:
        """Whether the candidate is correct; None where the model gives no readable verdict."""
        if self.mode == "one_step":
            quoted = exhibit(question, [candidate])
            at_once = self._ask(_AT_ONCE[self.prompt], quoted)
            (reply,) = await context.sample(at_once.request, purpose="verdict")
            return (await read_twice(at_once, reply, context)).value
        reasons = await self._reasons(question, candidate, context)
        if reasons.finish == "length":
            context.count("truncated")
        elif reasons.finish != "stop":
            context.count(fault_of(reasons))
        if reasons.finish in ("filtered", "refused", "context"):
            return None
        notes = without_reasoning(reasons.text)
        quoted = exhibit(question, [candidate], also=[notes])
        verdict = self._ask(_VERDICT, quoted, notes=quoted.fence.quote("notes", notes))
        reply = await context.follow(verdict.request, reasons, purpose="verdict")
        return (await read_twice(verdict, reply, context)).value

    async def _reasons(
        self, question: Conversation, candidate: Candidate, context: RunContext
    ) -> ModelReply:
        quoted = exhibit(question, [candidate])
        template = load(_REASONS[self.prompt])
        prompt = template.fill(question=quoted.question, answers=quoted.answers)
        (reply,) = await context.sample(self._request(prompt), purpose="reasons")
        return reply

    def _ask(self, template: str, quoted: Exhibit, **values: str) -> Ask[bool]:
        prompt = load(template).fill(
            question=quoted.question, answers=quoted.answers, **_FORMS, **values
        )
        return Ask(
            self._request(prompt), _is_correct, form=" or ".join(f'"{f}"' for f in _FORMS.values())
        )

    def _request(self, prompt: str) -> ModelRequest:
        return ModelRequest(
            self.model, ask(prompt), Sampling(self.temperature, self.max_tokens, self.top_p)
        )


def _is_correct(reply: str) -> bool:
    return read_verdict(reply, _MARKER, tuple(_FORMS)) == _CORRECT
