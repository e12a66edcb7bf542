"""Unit tests in words: a model writes statements that a good answer to the question meets.

Source: Archon, arXiv 2409.15254, section 3.1. They are judged by ``judge_tests``.
``mistakes_first`` aims them at wrong answers. Which is better has to be tried: the more a model's
tests reveal errors, the less they are right themselves (of code: UTGen, arXiv 2502.01619).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

from archon.components.base import Bounds, Declaration, Interval, RunContext, Sizes, knob
from archon.components.parsing_lists import read_tests
from archon.components.repair import Ask, read_twice
from archon.components.showing import exhibit
from archon.core.calls import ModelRequest, Sampling
from archon.core.candidates import LayerState
from archon.core.messages import Conversation, ask
from archon.prompts import load

_FORM = '["...", "..."]'
_WORDINGS: Mapping[str, str] = {
    "requirements": "write_tests",
    "mistakes_first": "write_tests_mistakes_first",
}


@dataclass(frozen=True, slots=True)
class WriteTests:
    """Add up to ``tests`` tests of the question to those that are there.

    They are written without a look at the candidates. Where none can be read, none are added.
    """

    model: str
    tests: int = knob(5, "tests to write", low=1, high=20)
    temperature: float = knob(0.7, "sampling temperature; 0 is greedy", low=0.0, high=2.0)
    max_tokens: int = knob(512, "longest completion, tokens", low=1, high=131072)
    top_p: float | None = knob(None, "nucleus: smallest mass kept", low=0.01, high=1.0)
    prompt: str = knob(
        "requirements",
        "tests of what is asked for, or against likely mistakes, named first",
        options=tuple(_WORDINGS),
    )

    kind: ClassVar[str] = "write_tests"
    declares: ClassVar[Declaration] = Declaration(
        reads=frozenset({"question"}),
        writes=frozenset({"tests"}),
        effect="annotate",
        usual_reply=120,
        usual_replies={"mistakes_first": 200},
    )

    def bounds(self, arriving: Sizes) -> Bounds:
        """One call, and one more where the tests cannot be read."""
        tests = Interval(arriving.tests.low, arriving.tests.high + self.tests)
        return Bounds(Interval(1, 1), 1, replace(arriving, tests=tests))

    def prompts(self) -> tuple[str, ...]:
        """See ``ChoosesPrompts``."""
        return (_WORDINGS[self.prompt],)

    async def run(self, state: LayerState, context: RunContext) -> LayerState:
        """Return the state with the new tests after the old ones, none twice."""
        writing = self._ask(state.question)
        (reply,) = await context.sample(writing.request, purpose="tests")
        tests = (await read_twice(writing, reply, context)).value
        if tests is None:
            context.count("fallback")
            return state
        return replace(state, unit_tests=tuple(dict.fromkeys([*state.unit_tests, *tests])))

    def _ask(self, question: Conversation) -> Ask[tuple[str, ...]]:
        prompt = load(_WORDINGS[self.prompt]).fill(
            question=exhibit(question, []).question, n=str(self.tests), form=_FORM
        )
        sampling = Sampling(self.temperature, self.max_tokens, self.top_p)
        return Ask(
            request=ModelRequest(self.model, ask(prompt), sampling),
            read=partial(read_tests, most=self.tests, after_notes=self.prompt == "mistakes_first"),
            form=_FORM,
        )
