"""Small components that declare what real ones do, for rules that look at declarations only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import ClassVar

from archon.components.base import (
    Bounds,
    Component,
    Declaration,
    Fact,
    Interval,
    RunContext,
    Sizes,
    knob,
)
from archon.components.table import COMPONENTS
from archon.core.candidates import LayerState


def _reads(*facts: Fact) -> frozenset[Fact]:
    return frozenset({"question", "candidates", *facts})


@dataclass(frozen=True, slots=True)
class _StandIn:
    model: str

    async def run(self, state: LayerState, context: RunContext) -> LayerState:
        """Never run: only what is declared counts here."""
        raise AssertionError("a stand-in does not run")


@dataclass(frozen=True, slots=True)
class Fuse(_StandIn):
    samples: int = knob(1, "samples", low=1, high=5)
    temperature: float = knob(0.7, "temperature", low=0.0, high=2.0)
    kind: ClassVar[str] = "fuse"
    declares: ClassVar[Declaration] = Declaration(
        _reads("critique"), frozenset({"candidates"}), "produce"
    )

    def bounds(self, arriving: Sizes) -> Bounds:
        n = arriving.candidates
        made = Interval(self.samples * min(1, n.low), self.samples * min(1, n.high))
        return Bounds(made, made.high, replace(arriving, candidates=made))


@dataclass(frozen=True, slots=True)
class Rank(_StandIn):
    keep: int = knob(5, "keep", low=1, high=100)
    kind: ClassVar[str] = "rank"
    declares: ClassVar[Declaration] = Declaration(
        _reads("critique"), frozenset({"scores"}), "select"
    )

    def bounds(self, arriving: Sizes) -> Bounds:
        n = arriving.candidates
        calls = Interval(int(n.low > 1), int(n.high > 1))
        after = Interval(min(self.keep, n.low), min(self.keep, n.high))
        return Bounds(calls, calls.high, replace(arriving, candidates=after))


@dataclass(frozen=True, slots=True)
class Critique(_StandIn):
    kind: ClassVar[str] = "critique"
    declares: ClassVar[Declaration] = Declaration(_reads(), frozenset({"critique"}), "annotate")

    def bounds(self, arriving: Sizes) -> Bounds:
        n = arriving.candidates
        calls = Interval(min(1, n.low), min(1, n.high))
        return Bounds(calls, calls.high, arriving)


@dataclass(frozen=True, slots=True)
class Verify(_StandIn):
    kind: ClassVar[str] = "verify"
    declares: ClassVar[Declaration] = Declaration(_reads(), frozenset({"scores"}), "select")

    def bounds(self, arriving: Sizes) -> Bounds:
        n = arriving.candidates
        after = replace(arriving, candidates=Interval(min(1, n.low), n.high))
        return Bounds(Interval(2 * n.low, 2 * n.high), n.high, after)


@dataclass(frozen=True, slots=True)
class WriteTests(_StandIn):
    kind: ClassVar[str] = "write_tests"
    declares: ClassVar[Declaration] = Declaration(
        frozenset({"question"}), frozenset({"tests"}), "annotate"
    )

    def bounds(self, arriving: Sizes) -> Bounds:
        tests = Interval(arriving.tests.low, arriving.tests.high + 8)
        return Bounds(Interval(1, 1), 1, replace(arriving, tests=tests))


@dataclass(frozen=True, slots=True)
class JudgeTests(_StandIn):
    keep: int = knob(1, "keep", low=1, high=100)
    kind: ClassVar[str] = "judge_tests"
    declares: ClassVar[Declaration] = Declaration(
        _reads("tests"), frozenset({"scores"}), "select", requires=frozenset({"tests"})
    )

    def bounds(self, arriving: Sizes) -> Bounds:
        n = arriving.candidates
        calls = Interval(n.low * min(1, arriving.tests.low), n.high * min(1, arriving.tests.high))
        after = Interval(min(self.keep, n.low), min(self.keep, n.high))
        return Bounds(calls, calls.high, replace(arriving, candidates=after))


STANDINS: Mapping[str, type[Component]] = MappingProxyType(
    {
        **{name: COMPONENTS[name] for name in ("generate", "vote", "check", "select")},
        **{c.kind: c for c in (Fuse, Rank, Critique, Verify, WriteTests, JudgeTests)},
    }
)
