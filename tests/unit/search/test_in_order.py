from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field, replace
from pathlib import Path

from archon.core.architecture import Architecture, ComponentSpec
from archon.core.calls import CallBatch, ModelReply, Usage
from archon.core.records import TrialLog
from archon.core.results import TrialOutcome
from archon.search.evaluate import Evaluator, Unit, UnitEnd
from archon.search.in_order import InOrder
from archon.search.propose import Proposer, Start
from archon.search.study import History, Plan, Search, SearchEnd
from tests.unit.search.spaces import small_space
from tests.unit.search.world import ScriptedModel, World, examples

FUSE = (ComponentSpec.of("fuse", "small"),)


def pipeline(samples: int, *layers: tuple[ComponentSpec, ...], warmth: float = 1.0) -> Start:
    drawn = ComponentSpec.of("generate", "small", samples=samples, temperature=warmth)
    return Start(Architecture(((drawn,), *layers)), "seed")


STARTS = (
    pipeline(1, warmth=0.1),
    pipeline(1, warmth=0.2),
    pipeline(1, warmth=0.3),
    pipeline(2, FUSE),
    pipeline(5),
    pipeline(8, FUSE),
)
"""In batches of three, the second of which shares samples; its first is slower than its second."""


@dataclass
class UnevenModel(ScriptedModel):
    """Bills the prompt of a request once, and takes its time by chance."""

    chance: random.Random = field(default_factory=random.Random)

    async def complete(self, batch: CallBatch) -> tuple[ModelReply, ...]:
        await asyncio.sleep(self.chance.random() * 0.004)
        replies = await super().complete(batch)
        return tuple(
            replace(reply, usage=Usage(60, 4 + i, 0 if i else 60))
            for i, reply in enumerate(replies)
        )


class SharingWorld(World):
    async def made(
        self, plan: Plan, evaluator: Evaluator, log: TrialLog, history: History
    ) -> SearchEnd:
        proposer = Proposer(self.space, None, seed=0, starts=STARTS)
        return await Search(plan, proposer, evaluator, log, self.watcher, history).run()


async def outcomes(folder: Path, speeds: int, *, is_in_order: bool) -> dict[int, TrialOutcome]:
    folder.mkdir()
    asked = SharingWorld(
        folder,
        small_space(),
        model=UnevenModel(chance=random.Random(speeds)),
        n_trials=len(STARTS),
        n_parallel=3,
        n_examples=12,
        block_size=1,
        is_racing=True,
        is_in_order=is_in_order,
    )
    await asked.search()
    return asked.watcher.outcomes


async def test_what_pipelines_take_that_share_samples_does_not_depend_on_speed(
    tmp_path: Path,
) -> None:
    first = await outcomes(tmp_path / "0", 0, is_in_order=True)
    assert len(first) == len(STARTS)
    for speeds in (1, 2):
        assert await outcomes(tmp_path / f"{speeds}", speeds, is_in_order=True) == first


@dataclass
class SlowFirst:
    """Runs units, the first pipeline's slowly; fails on request."""

    ran: list[tuple[str, str]] = field(default_factory=list)
    fails: bool = False

    async def evaluate(self, unit: Unit, *, is_again: bool = False) -> UnitEnd:
        await asyncio.sleep(0.002 if unit.pipeline_id == "a" else 0)
        self.ran.append((unit.pipeline_id, unit.examples[0].id))
        if self.fails:
            raise RuntimeError("gone")
        return UnitEnd((), "")


def unit(pipeline_id: str, question: int) -> Unit:
    return Unit(pipeline_id, Architecture(()), "search", (examples(3)[question],))


async def test_pipeline_waits_for_those_before_it_on_its_own_questions_only() -> None:
    inner = SlowFirst()
    runner = InOrder(inner, {"a": ["q2"], "b": []})
    await asyncio.gather(
        *(runner.evaluate(unit("b", i)) for i in (0, 2)), runner.evaluate(unit("a", 0))
    )
    assert inner.ran == [("b", "q2"), ("a", "q0"), ("b", "q0")]


async def test_nobody_waits_for_a_pipeline_that_has_left_or_failed() -> None:
    inner = SlowFirst()
    runner = InOrder(inner, {"a": [], "b": []})
    waits = asyncio.ensure_future(runner.evaluate(unit("b", 1)))
    await asyncio.sleep(0)
    assert not inner.ran
    runner.leave("a")
    await waits
    inner.fails = True
    runner = InOrder(inner, {"a": [], "b": []})
    ended = await asyncio.gather(
        *(runner.evaluate(unit(one, 0)) for one in "ba"), return_exceptions=True
    )
    assert all(isinstance(error, RuntimeError) for error in ended)
    assert inner.ran == [("b", "q1"), ("a", "q0"), ("b", "q0")]
