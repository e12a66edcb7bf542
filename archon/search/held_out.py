"""The held-out run: what was chosen on the search examples, on examples it never saw.

Samples are fresh (their slots begin elsewhere), so a pipeline that was chosen for lucky samples
is found out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from archon.benchmarks.examples import Example
from archon.benchmarks.splits import blocks
from archon.core.records import HELD_OUT_SPLIT, TrialLog
from archon.core.results import ExampleResult
from archon.runtime.failures import first_cause
from archon.search.evaluate import N_CHANCES, RunsUnits, Unit, is_scored, without_traces
from archon.search.objectives import Measured
from archon.search.watch import Watcher


async def run_held_out(
    chosen: Sequence[Measured],
    examples: Sequence[Example],
    *,
    block_size: int,
    evaluator: RunsUnits,
    log: TrialLog,
    watcher: Watcher,
    done: Mapping[str, Sequence[ExampleResult]],
) -> tuple[tuple[Measured, ...], str]:
    """Run pipelines on held-out examples, all of them on one block before the next.

    Args:
        chosen: The pipelines; their own results are those of the search, and are not used.
        examples: The held-out examples in their shared order.
        block_size: Examples in one unit.
        evaluator: Runs the units.
        log: Where results are recorded.
        watcher: Told of results.
        done: Results of an earlier run by pipeline; they have scores.

    Returns:
        The pipelines with their held-out results, in the order of the examples, those without a
        score included; and why some are missing, "" if none is. What a fault left without a score
        is asked once more at the end.

    Raises:
        ArchonError: As ``Evaluator.evaluate``, but for the budget: what it does not allow is
            missing.
    """
    watcher.held_out_begins(len(chosen), len(examples))
    results = {one.pipeline_id: list(done.get(one.pipeline_id, ())) for one in chosen}
    for came in results.values():
        watcher.results_came(came)

    async def run(unit: Unit, *, is_again: bool) -> str:
        end = await evaluator.evaluate(unit, is_again=is_again)
        await log.record(end.results)
        asked = {result.example_id for result in end.results}
        kept = [r for r in results[unit.pipeline_id] if r.example_id not in asked]
        results[unit.pipeline_id] = [*kept, *without_traces(end.results)]
        watcher.results_came(end.results)
        return end.stopped

    stopped = ""
    for chance in range(N_CHANCES):
        units = _units(chosen, examples, block_size, results)
        if stopped or not units:
            break
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(run(unit, is_again=chance > 0)) for unit in units]
        except ExceptionGroup as failures:
            raise first_cause(failures) from failures
        stopped = next((reason for task in tasks if (reason := task.result())), "")
    order = {example.id: i for i, example in enumerate(examples)}
    return tuple(
        Measured(
            one.pipeline_id,
            one.architecture,
            tuple(sorted(results[one.pipeline_id], key=lambda result: order[result.example_id])),
        )
        for one in chosen
    ), stopped


def _units(
    chosen: Sequence[Measured],
    examples: Sequence[Example],
    block_size: int,
    results: Mapping[str, Sequence[ExampleResult]],
) -> list[Unit]:
    """Units of what has no score, in the order in which they start: a block of all pipelines, then
    the next block.
    """
    units = []
    done = {
        key: {result.example_id for result in came if is_scored(result)}
        for key, came in results.items()
    }
    for block in blocks(examples, block_size):
        for one in chosen:
            missing = tuple(e for e in block if e.id not in done[one.pipeline_id])
            if missing:
                units.append(Unit(one.pipeline_id, one.architecture, HELD_OUT_SPLIT, missing))
    return units
