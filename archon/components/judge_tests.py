"""Unit tests in words, judged: a model says which of the tests each candidate passes.

Source: Archon, arXiv 2409.15254, section 3.1. The tests come from ``write_tests``.
``verdicts_only`` asks for no reasons: a small part of the price, but ratings without reasons agree
less with people (arXiv 2310.05657).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

from archon.components.base import Bounds, Declaration, Interval, RunContext, Sizes, knob
from archon.components.parsing_lists import read_test_verdicts
from archon.components.repair import Ask, read_twice
from archon.components.showing import exhibit
from archon.components.together import together
from archon.core.calls import ModelRequest, Sampling
from archon.core.candidates import Candidate, LayerState
from archon.core.messages import ask
from archon.prompts import load

Verdicts = tuple[bool | None, ...]

_WORDINGS: Mapping[str, str] = {
    "reason_first": "judge_tests",
    "verdicts_only": "judge_tests_verdicts_only",
}


@dataclass(frozen=True, slots=True)
class JudgeTests:
    """Order the candidates by the share of tests that they pass, keep the first ``keep``.

    The score "judge_tests" is that share: a test without a verdict is not passed, and is counted
    apart. A candidate of which nothing can be read has no score, and stands with those that pass
    nothing. Without tests there is no call and nothing changes.
    """

    model: str
    keep: int | None = knob(
        None, "candidates to keep, best first; null keeps all", low=1, high=1000
    )
    temperature: float = knob(0.0, "sampling temperature; 0 is greedy", low=0.0, high=2.0)
    max_tokens: int = knob(1024, "longest completion, tokens", low=1, high=131072)
    top_p: float | None = knob(None, "nucleus: smallest mass kept", low=0.01, high=1.0)
    prompt: str = knob(
        "reason_first",
        "reasons and then verdicts, or verdicts alone",
        options=tuple(_WORDINGS),
    )

    kind: ClassVar[str] = "judge_tests"
    declares: ClassVar[Declaration] = Declaration(
        reads=frozenset({"question", "candidates", "tests"}),
        writes=frozenset({"scores"}),
        effect="select",
        most_shown=1,
        requires=frozenset({"tests"}),
        usual_replies={"verdicts_only": 40},
    )

    def bounds(self, arriving: Sizes) -> Bounds:
        """One call for each candidate if there are tests; one repair of each."""
        n, tests = arriving.candidates, arriving.tests
        calls = Interval(n.low * min(1, tests.low), n.high * min(1, tests.high))
        most = n.high if self.keep is None else self.keep
        after = Interval(min(most, n.low), min(most, n.high))
        return Bounds(calls, calls.high, replace(arriving, candidates=after))

    def prompts(self) -> tuple[str, ...]:
        """See ``ChoosesPrompts``."""
        return (_WORDINGS[self.prompt],)

    async def run(self, state: LayerState, context: RunContext) -> LayerState:
        """Return the best candidates in order, each with a verdict per test and its score."""
        if not state.candidates or not state.unit_tests:
            context.count("fallback" if state.candidates else "empty_input")
            return replace(state, candidates=state.candidates[: self.keep])
        found = await together([self._verdicts(state, each, context) for each in state.candidates])
        if all(verdicts is None for verdicts in found):
            context.count("fallback")
        n_tests = len(state.unit_tests)
        unknown = sum(n_tests if verdicts is None else verdicts.count(None) for verdicts in found)
        if unknown:
            context.count("unknown_verdict", unknown)
        shares = [0.0 if verdicts is None else verdicts.count(True) / n_tests for verdicts in found]
        best_first = sorted(range(len(found)), key=lambda i: (-shares[i], i))[: self.keep]
        judged = [
            self._judged(state.candidates[i], found[i], shares[i], n_tests) for i in best_first
        ]
        return replace(state, candidates=tuple(judged))

    def _judged(
        self, candidate: Candidate, verdicts: Verdicts | None, share: float, n_tests: int
    ) -> Candidate:
        if verdicts is None:
            return replace(candidate, verdicts=(None,) * n_tests)
        return replace(candidate, verdicts=verdicts).with_score(self.kind, share)

    async def _verdicts(
        self, state: LayerState, candidate: Candidate, context: RunContext
    ) -> Verdicts | None:
        """A verdict per test; None where nothing can be read."""
        judging = self._ask(state, candidate, state.unit_tests)
        (reply,) = await context.sample(judging.request, purpose="judge")
        return (await read_twice(judging, reply, context)).value

    def _ask(self, state: LayerState, candidate: Candidate, tests: Sequence[str]) -> Ask[Verdicts]:
        quoted = exhibit(state.question, [candidate], also=tests, has_critiques=False)
        listed = [
            quoted.fence.quote(f"test {number}", test) for number, test in enumerate(tests, start=1)
        ]
        form = json.dumps({str(number): "pass or fail" for number in range(1, len(tests) + 1)})
        prompt = load(_WORDINGS[self.prompt]).fill(
            question=quoted.question, answers=quoted.answers, tests="\n".join(listed), form=form
        )
        sampling = Sampling(self.temperature, self.max_tokens, self.top_p)
        return Ask(
            request=ModelRequest(self.model, ask(prompt), sampling),
            read=partial(read_test_verdicts, n=len(tests)),
            form=form,
        )
