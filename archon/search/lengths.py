"""How long prompts and replies are taken to be: the longest that they can be, or usual ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from archon.components.base import Component
from archon.core.calls import Sampling

USUAL_OVERHEAD_TOKENS = 10
"""Around the messages of a request, as chat templates add it."""
USUAL_TEMPLATE_TOKENS = 140
"""Of the instructions that show candidates or ask for tests, with the markers around a few."""
USUAL_RUBRIC_TOKENS = 250
USUAL_GRADE_TOKENS = 150
"""Of a judge's reply: a few sentences and its grades."""
JUDGE, ANSWER = "judge", "answer"
"""In the place of a component's kind: the scorer, and all that writes answers."""


class Reply(NamedTuple):
    """How long a reply is, in tokens."""

    written: float
    """With the reasoning, which is paid for."""
    shown: float
    """What the next component is shown of it."""


@dataclass(frozen=True, slots=True)
class Lengths:
    """All in tokens."""

    overhead: float
    """Around the messages of one request."""
    template: float
    """Instructions of a prompt that shows candidates or asks for tests."""
    rubric: float
    """Instructions and rubric of a judge."""
    is_longest: bool = True
    """Whether replies are as long as they may be."""
    recorded: Mapping[tuple[str, str], Reply] = field(default_factory=dict)
    """Means of the replies that are known, by model alias and component kind."""
    reads_once: frozenset[str] = frozenset()
    """Aliases of the models that are sent the prompt of several samples once."""

    def reply(self, component: Component) -> Reply:
        """One that a component asks for."""
        longest = getattr(component, "max_tokens", None)
        most = longest if isinstance(longest, int) else Sampling().max_tokens
        declared = component.declares
        kinds = (component.kind, ANSWER if declared.effect == "produce" else "")
        wording = getattr(component, "prompt", "")
        usual = declared.usual_replies.get(wording, declared.usual_reply)
        return self._reply(component.model, kinds, most, usual)

    def grade(self, model: str, longest: int) -> Reply:
        """One of a judge."""
        return self._reply(model, (JUDGE,), longest, USUAL_GRADE_TOKENS)

    def _reply(self, model: str, kinds: tuple[str, ...], longest: int, usual: int) -> Reply:
        if self.is_longest:
            return Reply(longest, longest)
        known = (self.recorded.get((model, kind)) for kind in kinds)
        found = next((reply for reply in known if reply is not None), Reply(usual, usual))
        return Reply(min(longest, found.written), min(longest, found.shown))

    def n_prompts(self, component: Component, n_calls: float) -> float:
        """Of so many calls of a component, those that are sent a prompt of their own.

        Samples share one where they see the question alone; candidates come in an order of each.
        """
        samples = getattr(component, "samples", 1)
        is_shared = component.model in self.reads_once and component.declares.reads <= {"question"}
        return n_calls / samples if is_shared and isinstance(samples, int) else n_calls


USUAL = Lengths(USUAL_OVERHEAD_TOKENS, USUAL_TEMPLATE_TOKENS, USUAL_RUBRIC_TOKENS, is_longest=False)
"""As models write where nothing is known of them."""
