"""What components tell and what they need, derived from their declarations.

A fact is "critique", "tests", or a score under its source's name, "scores:check". Scores carry
the name of the component kind that gives them, or begin with it ("verify:judge"). A component with
a parameter ``by`` reads that score only; one without reads every score if it declares "scores".
"""

from __future__ import annotations

from collections.abc import Sequence

from archon.components.base import Component
from archon.components.estimate_calls import keeps_arriving

ANY_SCORE = "scores:*"
_SCORE = "scores:"
_ON_CANDIDATES = ("critique", _SCORE)


def facts_written(component: Component) -> frozenset[str]:
    """The facts that it adds, besides candidates."""
    return frozenset(
        _SCORE + component.kind if fact == "scores" else str(fact)
        for fact in component.declares.writes - {"candidates"}
    )


def facts_read(component: Component) -> frozenset[str]:
    """The facts that can change what it does, besides question and candidates."""
    facts: frozenset[str] = frozenset(
        component.declares.reads - {"question", "candidates", "scores"}
    )
    if "scores" not in component.declares.reads:
        return facts
    source = score_source(component)
    if source is None:
        return facts | {ANY_SCORE}
    return facts | {_SCORE + source} if source else facts


def facts_required(component: Component) -> frozenset[str]:
    """The facts without which it has nothing to work with."""
    facts = {ANY_SCORE if fact == "scores" else fact for fact in component.declares.requires}
    if source := score_source(component):
        facts = (facts - {ANY_SCORE}) | {_SCORE + source}
    return frozenset(facts - {"question", "candidates"})


def score_source(component: Component) -> str | None:
    """The score that it is told to go by: "" for none, None if it has no such parameter."""
    source = getattr(component, "by", None)
    return source if isinstance(source, str) else None


def is_met(read: str, written: frozenset[str]) -> bool:
    """Whether any of the facts written is what is read."""
    return any(_is_same(fact, read) for fact in written)


def name_of(fact: str) -> str:
    """How a user calls it: ``critique``, ``tests``, ``scores``."""
    return fact.partition(":")[0]


def facts_after(layer: Sequence[Component], before: frozenset[str]) -> frozenset[str]:
    """The facts that the state may hold after a layer, given those it may hold before."""
    return _surviving(layer, before).union(*map(facts_written, layer))


def live_before(layer: Sequence[Component], live: frozenset[str]) -> frozenset[str]:
    """The facts that somebody reads from a layer on, given those read after it."""
    return _surviving(layer, live).union(*map(facts_read, layer))


def _surviving(layer: Sequence[Component], facts: frozenset[str]) -> frozenset[str]:
    # A new text has neither critique nor score; tests belong to the question and stay.
    if all(c.declares.effect != "produce" or keeps_arriving(c) for c in layer):
        return facts
    return frozenset(fact for fact in facts if not fact.startswith(_ON_CANDIDATES))


def _is_same(written: str, read: str) -> bool:
    if read == ANY_SCORE:
        return written.startswith(_SCORE)
    return read == written or (written.startswith(_SCORE) and read.startswith(written + ":"))
