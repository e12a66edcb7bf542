"""Candidates and the state that layers hand on. Facts about a candidate live on the candidate."""

from __future__ import annotations

from dataclasses import dataclass, replace

from archon.core.calls import CallKey
from archon.core.messages import Conversation


@dataclass(frozen=True, slots=True)
class Candidate:
    """A text with what is known about it. A new text is a new candidate: no critique, no scores."""

    text: str
    call: CallKey
    """The call that wrote it: leads to cost, prompt and trace; unique within one run."""
    model: str
    author: str
    """Path of the component that wrote it, e.g. ``layers[0].generate[1]``."""
    parents: tuple[CallKey, ...] = ()
    is_truncated: bool = False
    critique: str = ""
    scores: tuple[tuple[str, float], ...] = ()
    """(source, value) sorted by source; at most one value per source."""
    verdicts: tuple[bool | None, ...] = ()
    """One per unit test of the state; None = not judged, which is not "failed"."""

    def score(self, source: str) -> float | None:
        """The score that ``source`` gave, or None if it gave none."""
        return next((value for name, value in self.scores if name == source), None)

    def with_score(self, source: str, value: float) -> Candidate:
        """The same candidate with ``source``'s score set to ``value``."""
        kept = [(name, old) for name, old in self.scores if name != source]
        return replace(self, scores=tuple(sorted([*kept, (source, value)])))


@dataclass(frozen=True, slots=True)
class LayerState:
    """What one layer hands to the next. Components return a new one and never change it."""

    question: Conversation
    candidates: tuple[Candidate, ...] = ()
    """Best first once an ordering layer has run; otherwise in order of component and slot."""
    unit_tests: tuple[str, ...] = ()
    extras: tuple[tuple[str, str], ...] = ()
    """Named values of plug-in components, sorted by name."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a pipeline returns for one question. ``call`` is None when no candidate was left."""

    text: str
    call: CallKey | None = None

    @classmethod
    def first_of(cls, state: LayerState) -> Answer:
        """The first candidate of the last layer, by the stated rule; empty if there is none."""
        if not state.candidates:
            return cls("")
        return cls(state.candidates[0].text, state.candidates[0].call)
