"""The profile ``free``: any layer that can read what stands before it, no fuser needed.

What may follow is derived from what components declare, so that a component of one's own takes
part as soon as it is in the table. Beyond being well typed, no pipeline holds a part that could be
left out: what an annotator adds is read by the next layer, nothing chooses among one candidate,
generators do not follow each other, and a list that nobody put in order is not the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import MISSING, dataclass

from archon.components.base import Component, Interval, Sizes
from archon.components.canonical import Idempotent, MaybeIdle
from archon.components.estimate_calls import layer_bounds
from archon.components.facts import facts_after, facts_read, facts_required, facts_written, is_met
from archon.components.table import build, parameters
from archon.components.vote import Vote
from archon.search.grammar import Step, grammar
from archon.search.space import Chain, ComponentNode, EnsembleNode, Fixed, LayerNode
from archon.spec.profiles.options import OptionReader
from archon.spec.profiles.samples import ensemble, samples_of, several_of, single_of, with_value
from archon.spec.variants import Variants

OPTIONS = ("models", "components", "most_layers", "ensemble", "candidates")
"""Beside a section for each kind of component."""
MOST_LAYERS = 7
CANDIDATES = 32
"""Most candidates that one layer writes."""
WIDEST = 16
"""Components of one layer."""
MOST_SAMPLES = 16
"""Of one component, where its section does not say, and it may have so many."""
_SCORE = "scores:"
_EFFECTS = ("select", "produce", "annotate")
"""In this order they are offered; what stands first is the plainest."""
_SEVERAL = 8
"""A number of candidates that stands for several."""


def free(read: OptionReader) -> Chain:
    """Every well-typed pipeline of the components, within the options."""
    kinds = _kinds(read)
    most = read.number("most_layers", MOST_LAYERS, low=1, high=16)
    layers = [form for kind in kinds for form in _forms(read, kind, kinds)]
    if read.findings.has_any("space"):
        return Chain()
    variants = Variants(read.table)
    parts = [_part(label, layer, variants) for label, layer in layers]
    parts.sort(key=lambda part: _EFFECTS.index(part.effect))
    steps, final = _automaton(parts)
    found = grammar(steps, start=_Before().name, final=final, most=most)
    if found is None:
        message = f"no pipeline of at most {most} layers can be made of these components."
        read.findings.add("space.components", message, "Offer generate, and what chooses: vote.")
        return Chain()
    return Chain((found,))


def _kinds(read: OptionReader) -> tuple[str, ...]:
    """The components that take part: those that ask a model, votes, and those with a section.

    One that has to be told something takes part only where its section says it.
    """
    usual = [
        name
        for name, kind in read.table.items()
        if name in read.data
        or ((kind.declares.needs_model or name == Vote.kind) and not _must_be_told(kind))
    ]
    kinds = read.words("components", usual, tuple(read.table))
    for kind in read.table:
        if kind in read.data and kind not in kinds:
            message = f"{kind} is not among the components."
            read.findings.add(f"space.{kind}", message, "Add it to components, or remove this.")
    return kinds


def _must_be_told(kind: type[Component]) -> bool:
    known = parameters(kind).values()
    return any(one.default is MISSING and one.default_factory is MISSING for one in known)


def _forms(
    read: OptionReader, kind: str, kinds: Sequence[str]
) -> Iterator[tuple[str, ComponentNode | EnsembleNode]]:
    """A single one; where it samples, also several samples of one model, or of several models."""
    by_itself = "A vote by the last score stands beside the plain one by itself."
    set_here = {name: by_itself for name in ("by", "weight") if kind == Vote.kind}
    node = read.component(kind, read.models(), set_here=set_here)
    if "samples" not in parameters(read.table[kind]):
        yield kind, node
        if kind == Vote.kind:
            yield from _weighted_votes(read, node, kinds)
        return
    candidates = read.number("candidates", CANDIDATES, low=2, high=1000)
    samples = samples_of(node, read.table, min(MOST_SAMPLES, candidates))
    if (one := single_of(samples)) is not None:
        yield kind, with_value(node, "samples", one)
    if (more := several_of(samples, candidates)) is not None:
        yield f"{kind}_samples", with_value(node, "samples", more)
    if len(node.models) < 2:
        return
    sizes = range(2, min(WIDEST, len(node.models)) + 1)
    sizes = read.numbers("ensemble", sizes, low=2, high=len(node.models))
    if (members := ensemble(with_value(node, "samples", samples), sizes, candidates)) is not None:
        yield f"{kind}_ensemble", members


def _weighted_votes(
    read: OptionReader, vote: ComponentNode, kinds: Sequence[str]
) -> Iterator[tuple[str, ComponentNode]]:
    """A vote that each kind of score weighs."""
    for kind in kinds:
        if kind != Vote.kind and "scores" in read.table[kind].declares.writes:
            weighted = with_value(vote, "weight", Fixed("score"))
            yield f"vote_by_{kind}", with_value(weighted, "by", Fixed(kind))


@dataclass(frozen=True, slots=True)
class _Part:
    """A layer of one kind of component, with the layers that stand for all of its settings."""

    label: str
    layer: LayerNode
    settings: tuple[tuple[Component, ...], ...]

    @property
    def first(self) -> Component:
        """Any of its components."""
        return self.settings[0][0]

    @property
    def effect(self) -> str:
        """See ``Declaration``."""
        return self.first.declares.effect

    @property
    def is_generator(self) -> bool:
        """Whether it writes candidates out of the question alone."""
        return self.effect == "produce" and "candidates" not in self.first.declares.reads

    @property
    def required(self) -> frozenset[str]:
        """What it has to find, whatever its settings."""
        return frozenset[str]().union(*(facts_required(one) for s in self.settings for one in s))

    @property
    def written(self) -> frozenset[str]:
        """What it adds."""
        return frozenset[str]().union(*(facts_written(one) for s in self.settings for one in s))

    def reads(self, fact: str) -> bool:
        """Whether it reads what was added, whatever its settings."""
        added = frozenset({fact})
        return all(
            any(is_met(read, added) for one in s for read in facts_read(one)) for s in self.settings
        )

    def is_idle(self, n: int) -> bool:
        """Whether it leaves ``n`` candidates as they are, whatever its settings."""
        return all(isinstance(s[0], MaybeIdle) and s[0].is_idle(n) for s in self.settings)

    def facts_after(self, before: frozenset[str]) -> frozenset[str]:
        """What is known in any case after it."""
        return frozenset.intersection(*(facts_after(s, before) for s in self.settings))

    def leaves(self, n: int) -> int:
        """Most candidates after it, where ``n`` arrive; no more than ``_SEVERAL``."""
        arriving = Sizes(Interval(n, n), Interval(1, 1))
        most = max(layer_bounds(s, arriving).after.candidates.high for s in self.settings)
        return most if most < 2 else _SEVERAL


def _part(label: str, node: ComponentNode | EnsembleNode, variants: Variants) -> _Part:
    layer = LayerNode((node,))
    specs = dict.fromkeys(
        one for is_high in (False, True) for one in variants.of(layer, is_high=is_high)
    )
    built = tuple(tuple(build(spec, variants.table) for spec in one) for one in specs)
    return _Part(label, layer, built)


@dataclass(frozen=True, slots=True)
class _Before:
    """What stands before the next layer, as far as it decides what that may be."""

    n: int = 0
    """Most candidates: 0, 1 or ``_SEVERAL``."""
    facts: frozenset[str] = frozenset()
    """What later layers may read; of scores the last one."""
    unread: frozenset[str] = frozenset()
    """Those of them that the next layer has to read."""
    last: str = ""
    """What kind of layer was the last one, where that matters."""

    @property
    def name(self) -> str:
        """Stands in the names of questions."""
        if not self.n:
            return "start"
        facts = sorted(fact.removeprefix(_SCORE) for fact in self.facts)
        marked = "with_" + "_".join(facts) if facts else ""
        unread = "unread_" + "_".join(sorted(self.unread)) if self.unread else ""
        after = f"after_{self.last}" if self.last else ""
        words = ("one" if self.n == 1 else "several", marked, unread, after)
        return "-".join(word for word in words if word)

    @property
    def may_end(self) -> bool:
        """Whether the pipeline may end here: one answer, or a list in an order that is meant."""
        return not self.unread and (self.n == 1 or self.last.startswith("select"))

    def allows(self, part: _Part) -> bool:
        """Whether the layer may come next."""
        if part.is_generator:
            return not self.unread and self.last != "generate"
        if not self.n or not all(map(part.reads, self.unread)):
            return False
        if not all(is_met(fact, self.facts) for fact in part.required):
            return False
        if part.effect == "annotate":
            return not part.written <= self.facts
        if part.effect == "select":
            is_again = self.last == f"select_{part.first.kind}"
            return self.n > 1 and not is_again and not part.is_idle(_SEVERAL)
        return True

    def after(self, part: _Part, useful: frozenset[str]) -> _Before:
        """What stands before the layer behind that."""
        n = part.leaves(self.n)
        facts = part.facts_after(self.facts) & useful
        if scores := frozenset(fact for fact in part.written & useful if fact.startswith(_SCORE)):
            facts = frozenset(f for f in facts if not f.startswith(_SCORE)) | scores
        if n == 1:
            facts = frozenset(f for f in facts if not f.startswith(_SCORE))
        last = "generate" if part.is_generator else ""
        if part.effect == "select" and n > 1:
            is_idempotent = isinstance(part.first, Idempotent) and part.first.is_idempotent
            last = f"select_{part.first.kind}" if is_idempotent else "select"
        unread = part.written if part.effect == "annotate" else frozenset[str]()
        return _Before(n, facts | unread, unread, last)


def _automaton(parts: Sequence[_Part]) -> tuple[dict[str, list[Step]], frozenset[str]]:
    """What may follow what, by the names of states, and the states in which a pipeline may end."""
    wanted = frozenset[str]().union(*(part.required for part in parts))
    written = frozenset[str]().union(*(part.written for part in parts))
    useful = frozenset(
        fact
        for fact in written
        if (fact in wanted if fact.startswith(_SCORE) else any(part.reads(fact) for part in parts))
    )
    steps: dict[str, list[Step]] = {}
    final: set[str] = set()
    for before in (ways := [_Before()]):
        if before.name in steps:
            continue
        steps[before.name] = []
        if before.n and before.may_end:
            final.add(before.name)
        for part in filter(before.allows, parts):
            after = before.after(part, useful)
            step = Step(part.effect, part.label, part.layer, after.name)
            steps[before.name].append(step)
            ways.append(after)
    return steps, frozenset(final)
