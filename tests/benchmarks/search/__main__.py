"""How the search compares, where the truth is known and on real calls: ``make bench-search``.

Every method replays studies on the table of a world (``table.py``), with the same questions for the
same seed and as many tokens as plain TPE takes for its trials. Tables are made once and kept in the
user's cache, as are the trails of the methods that are not Archon's. One table is of real calls
and comes with the code (``recorded.py``).

    python -m tests.benchmarks.search --quick
    python -m tests.benchmarks.search --worlds easy noisy --seeds 8 --methods archon --no-claims
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor

from tests.benchmarks.report import print_figures
from tests.benchmarks.search.product import N_OURS
from tests.benchmarks.search.recorded import RECORDED
from tests.benchmarks.search.report import Results, figures, print_claims, print_world
from tests.benchmarks.search.runs import METHODS, USUAL, Outcome, Task, cached_table, run
from tests.benchmarks.search.spaces import NAMES, OPEN
from tests.benchmarks.search.table import load_table
from tests.benchmarks.search.thinking import thinking

ALL = (*NAMES, *RECORDED)
N_SEEDS = 20
QUICK_WORLDS, N_QUICK_SEEDS, N_QUICK_TRIALS = ("easy",), 3, 50


def main() -> None:
    """Measure and print."""
    options = _options()
    began = time.monotonic()
    for world in options.worlds:
        if world in RECORDED:
            cached_table(world)
        else:
            load_table(world, n_processes=options.processes)
    tasks = [
        Task(
            world,
            seed,
            tuple(options.methods),
            # A recorded task's calls are free, and it has no further questions.
            has_fronts=not options.no_fronts and world not in RECORDED,
            has_claims=not options.no_claims and world not in RECORDED,
            n_trials=options.trials,
        )
        for world in options.worlds
        for seed in range(options.seeds)
    ]
    results: Results = {world: [] for world in options.worlds}
    for outcome in _done(tasks, options.processes):
        found = results[outcome.task.world]
        found.append(outcome)
        if len(found) == options.seeds:
            print_world(outcome.task.world, found)
    print_claims(results)
    print(f"\n{len(tasks)} tasks in {time.monotonic() - began:.0f} s")
    thought = [] if options.no_thinking else thinking()
    print_figures("search", [*figures(results), *thought])


def _done(tasks: Sequence[Task], n_processes: int) -> Iterator[Outcome]:
    """The outcomes in the order of the tasks."""
    if n_processes == 1:
        yield from map(run, tasks)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(n_processes, context) as pool:
        yield from pool.map(run, tasks)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one world, few seeds")
    parser.add_argument("--worlds", nargs="+", choices=ALL, help="all, if left out")
    parser.add_argument("--open", action="store_true", help="without the worlds held back")
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=USUAL)
    parser.add_argument("--trials", type=int, help="of Archon's own studies")
    parser.add_argument("--no-fronts", action="store_true", help="quality alone")
    parser.add_argument("--no-thinking", action="store_true", help="nothing on time and memory")
    parser.add_argument("--no-claims", action="store_true", help="no held-out runs")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    everything = QUICK_WORLDS if options.quick else (*OPEN, *RECORDED) if options.open else ALL
    options.worlds = options.worlds or list(everything)
    options.seeds = options.seeds or (N_QUICK_SEEDS if options.quick else N_SEEDS)
    options.trials = options.trials or (N_QUICK_TRIALS if options.quick else N_OURS)
    return options


if __name__ == "__main__":
    main()
