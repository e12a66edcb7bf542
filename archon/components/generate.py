"""Repeated sampling: draw answers to the question from one model.

Several models stand side by side in one layer (an ensemble). Sources: repeated sampling,
arXiv 2407.21787; ensembling, Archon, arXiv 2409.15254, section 3.1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from archon.components.base import Bounds, Declaration, Interval, RunContext, Sizes, knob
from archon.components.writing import candidates_from
from archon.core.calls import ModelRequest, Sampling
from archon.core.candidates import LayerState
from archon.core.messages import Conversation
from archon.prompts import load


@dataclass(frozen=True, slots=True)
class Generate:
    """Draw ``samples`` answers. They are appended to the candidates that arrive, if any."""

    model: str
    samples: int = knob(1, "independent answers to draw", low=1, high=1000)
    temperature: float = knob(0.7, "sampling temperature; 0 is greedy", low=0.0, high=2.0)
    max_tokens: int = knob(512, "longest completion, tokens", low=1, high=131072)
    top_p: float | None = knob(None, "nucleus: smallest mass kept", low=0.01, high=1.0)
    prompt: str = knob(
        "direct", "how the question is put", options=("direct", "step_by_step", "plan_first")
    )

    kind: ClassVar[str] = "generate"
    declares: ClassVar[Declaration] = Declaration(
        reads=frozenset({"question"}),
        writes=frozenset({"candidates"}),
        effect="produce",
        usual_replies={"step_by_step": 300, "plan_first": 350},
    )

    def bounds(self, arriving: Sizes) -> Bounds:
        """Exactly ``samples`` calls; one redraw for each empty reply."""
        after = arriving.candidates + Interval(0, self.samples)
        return Bounds(
            calls=Interval(self.samples, self.samples),
            max_repairs=self.samples,
            after=replace(arriving, candidates=after),
        )

    async def run(self, state: LayerState, context: RunContext) -> LayerState:
        """Append one candidate per non-empty reply, in slot order."""
        request = ModelRequest(
            self.model,
            self._messages(state.question),
            Sampling(self.temperature, self.max_tokens, self.top_p),
        )
        replies = await context.sample(request, self.samples, purpose="answer")
        written = await candidates_from(replies, request, context)
        return replace(state, candidates=state.candidates + written)

    def prompts(self) -> tuple[str, ...]:
        """See ``ChoosesPrompts``."""
        return () if self.prompt == "direct" else (f"generate_{self.prompt}",)

    def _messages(self, question: Conversation) -> Conversation:
        if self.prompt == "direct":
            return question
        return load(f"generate_{self.prompt}").around(question)
