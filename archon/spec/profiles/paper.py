"""The profile ``paper``: the construction rules of the Archon paper and its six axes.

Source: Archon, arXiv 2409.15254, sections 3.2 and 3.3. One kind of component a layer; generators
first and only there; several fusers may share a layer; the last layer is one fuser.

    generators > [critique > rank > fusers] x (fusion layers - 1) > check > critique > rank > fuse

The paper leaves open in which order the parts of a stage stand. Here what drops candidates comes
before what reads all of them, so that nothing is said of a candidate that is dropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from archon.search.grammar import Step, grammar
from archon.search.space import (
    NOTHING,
    Chain,
    ComponentNode,
    EnsembleNode,
    Grammar,
    LayerNode,
    Node,
    OneOf,
    Repeat,
    bare,
)
from archon.spec.profiles.options import OptionReader
from archon.spec.profiles.samples import among, ensemble, lowest, with_value

KINDS = ("generate", "critique", "rank", "fuse", "verify", "write_tests", "judge_tests")
OPTIONS = (
    "models",
    "generators",
    "candidates",
    "fusion_layers",
    "fusers",
    "funnel",
    "critics",
    "checks",
    *KINDS,
)
CHECKS = (NOTHING, "verify", "unit_tests")
MOST_GENERATORS = 10
MOST_LAYERS_OF_FUSERS = 4
SAMPLES = range(1, 6)
CANDIDATES = 24
"""Most answers of all generators together."""
FUSERS = range(2, 11, 2)
"""In each layer of fusers but the last."""
KEPT = 5
"""Candidates that a ranker passes on."""


def paper(read: OptionReader) -> Chain:
    """The space of the paper, within its options. Problems are noted by ``read``."""
    generators = _generators(read)
    fusion = read.numbers("fusion_layers", range(1, 5), low=1, high=MOST_LAYERS_OF_FUSERS)
    if fusion.step != 1:
        read.findings.add("space.fusion_layers", "layers are counted one by one.", "Remove step.")
    stages = _Stages.read(read)
    if stages.critics == "both":
        rest: Node = OneOf(
            (
                ("critics", stages.all_of(fusion, has_critics=True)),
                ("no_critics", stages.all_of(fusion, has_critics=False)),
            )
        )
        return Chain((generators, rest))
    rest = stages.all_of(fusion, has_critics=stages.critics == "always")
    return Chain((generators, *rest.nodes))


def _generators(read: OptionReader) -> LayerNode:
    node = read.dealt("generate")
    most = min(MOST_GENERATORS, max(1, len(node.models)))
    sizes = read.numbers("generators", range(1, most + 1), low=1, high=max(1, len(node.models)))
    candidates = read.number("candidates", CANDIDATES, low=1, high=1000)
    samples = dict(node.params).get("samples", among(SAMPLES))
    members = ensemble(with_value(node, "samples", samples), sizes, candidates, is_in_order=True)
    if members is None:
        message = f"{sizes[0]} x {lowest(samples)} answers are more than {candidates} candidates."
        read.findings.add("space.candidates", message, "Allow more.")
        return LayerNode((node,))
    return LayerNode((members,))


@dataclass(frozen=True, slots=True)
class _Stages:
    """The layers behind the generators, in stages that end in fusers each."""

    critique: ComponentNode
    rank: ComponentNode
    fuse: ComponentNode
    widths: range
    checks: tuple[tuple[str, Chain], ...]
    critics: str
    is_funnel: bool

    @classmethod
    def read(cls, read: OptionReader) -> _Stages:
        instead = {"samples": "Write fusers: {from: 2, to: 10, step: 2}; each writes one answer."}
        judge = read.best_first()[:1]
        nodes = {kind: read.component(kind, judge) for kind in KINDS if kind in _JUDGES}
        verify, tests, judged = (nodes[k] for k in ("verify", "write_tests", "judge_tests"))
        checks = {
            NOTHING: Chain(),
            "verify": Chain((LayerNode((verify,)),)),
            "unit_tests": Chain((LayerNode((tests,)), LayerNode((judged,)))),
        }
        return cls(
            critique=nodes["critique"],
            rank=read.component("rank", judge, keep=KEPT),
            fuse=read.dealt("fuse", set_here=instead),
            widths=read.numbers("fusers", FUSERS, low=1, high=16),
            checks=tuple((name, checks[name]) for name in read.words("checks", CHECKS, CHECKS)),
            critics=read.word("critics", "always", ("always", "never", "both")),
            is_funnel=read.truth("funnel"),
        )

    def all_of(self, fusion: range, *, has_critics: bool) -> Chain:
        """Every number of fusion layers; the last stage begins with the check."""
        critics: tuple[LayerNode, ...] = ()
        if has_critics:
            critics = (LayerNode((self.critique,)), LayerNode((self.rank,)))
        last = (*_one_of(self.checks), *critics, self._fusers(range(1, 2)))
        low, high = fusion[0] - 1, fusion[-1] - 1
        if high == 0:
            return Chain(last)
        if self.is_funnel:
            return Chain((self._narrowing(critics, low, high), *last))
        earlier = Chain((*critics, self._fusers(self.widths)))
        return Chain((Repeat(earlier, low, high), *last))

    def _fusers(self, widths: range) -> LayerNode:
        members = EnsembleNode(self.fuse, widths[0], widths[-1], widths.step, is_in_order=True)
        return LayerNode((members,))

    def _narrowing(self, critics: tuple[LayerNode, ...], low: int, high: int) -> Grammar:
        """``low`` to ``high`` stages, none with more fusers than the one before.

        A stage is known by how wide it may be, and by how many there must be from it on.
        """
        steps: dict[str, list[Step]] = {}
        for must, most in product(range(low + 1), self.widths):
            name = _stage(must, most)
            for layer in critics:
                kind = bare(layer.components[0]).kind
                steps[name] = [Step(_EFFECTS[kind], kind, layer, f"{name}-{kind}")]
                name = f"{name}-{kind}"
            steps[name] = [
                Step(
                    "produce",
                    str(n),
                    self._fusers(range(n, n + 1)),
                    _stage(max(0, must - 1), n),
                    is_width=True,
                )
                for n in self.widths
                if n <= most
            ]
        start = _stage(low, self.widths[-1])
        final = frozenset(_stage(0, most) for most in self.widths)
        found = grammar(steps, start=start, final=final, most=high * (len(critics) + 1))
        assert found is not None  # ``low`` of the narrowest stages are in it
        return found


def _stage(must: int, most: int) -> str:
    return f"at_most_{most}-{must}_to_come" if must else f"at_most_{most}"


_EFFECTS = {"critique": "annotate", "rank": "select"}
_JUDGES = frozenset(KINDS) - {"generate", "fuse", "rank"}


def _one_of(alternatives: Sequence[tuple[str, Chain]]) -> tuple[Node, ...]:
    """A choice, or the layers themselves where there is none."""
    if len(alternatives) == 1:
        return alternatives[0][1].nodes
    return (OneOf(tuple(alternatives)),)
