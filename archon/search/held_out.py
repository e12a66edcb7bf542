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
from archon.search.evaluate import Evaluator, Unit, is_scored, without_traces
from archon.search.objectives import Measured
from archon.search.watch import Watcher


async def run_held_out(
    chosen: Sequence[Measured],
    examples: Sequence[Example],
    *,
    block_size: int,
    evaluator: Evaluator,
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
        The pipelines with their held-out results, in the order of the examples; and why
        some are missing, "" if none is.

    Raises:
        ArchonError: As ``Evaluator.evaluate``, but for the budget: what it does not allow is
            missing.
    """
    watcher.held_out_begins(len(chosen), len(examples))
    results = {one.pipeline_id: list(done.get(one.pipeline_id, ())) for one in chosen}
    for came in results.values():
        watcher.results_came(came)

    async def run(unit: Unit) -> str:
        end = await evaluator.evaluate(unit)
        came = [result for result in end.results if is_scored(result)]
        await log.record(came)
        results[unit.pipeline_id] += without_traces(came)
        watcher.results_came(came)
        return end.stopped

    try:
        async with asyncio.TaskGroup() as group:
            units = _units(chosen, examples, block_size, results)
            tasks = [group.create_task(run(unit)) for unit in units]
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
    """Units in the order in which they start: a block of all pipelines, then the next block."""
    units = []
    done = {key: {result.example_id for result in came} for key, came in results.items()}
    for block in blocks(examples, block_size):
        for one in chosen:
            missing = tuple(e for e in block if e.id not in done[one.pipeline_id])
            if missing:
                units.append(Unit(one.pipeline_id, one.architecture, HELD_OUT_SPLIT, missing))
    return units
