"""Calls bought once, durably: how many a second, and what one costs in CPU.

Every call is claimed (the store looks, and records the intent in one commit) and stored (a second
commit), by many tasks of one event loop, as in a search. Run: ``make bench-store``, with
``ARGS='--url URL --calls N --tasks N'`` for another database or load.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from archon.core.calls import CallBatch, ModelReply, ModelRequest, Usage
from archon.core.messages import ask
from archon.store import Store, open_store
from tests.benchmarks.report import Figure, print_figures

IDENTITY = "bench/model@1"
TARGET_CALLS_PER_S = 1_500
TARGET_CPU_MS = 0.25


@dataclass(frozen=True)
class Measured:
    """One run: rate of calls, CPU of the whole process per call, longest wait of one call."""

    calls_per_s: float
    cpu_ms: float
    slowest_ms: float


def make_batches(name: str, n: int) -> list[CallBatch]:
    """Different requests with prompts of about 1 kB."""
    requests = [
        ModelRequest("bench", ask(f"{name} {i}: " + "What follows? " * 75)) for i in range(n)
    ]
    return [CallBatch(request, request.digest(IDENTITY), (0,)) for request in requests]


async def buy(store: Store, batches: list[CallBatch], n_tasks: int) -> Measured:
    """Claim and store every batch; where it is stored already, only claim it."""
    calls = store.calls("bench")
    waiting = iter(batches)
    slowest = 0.0

    async def work() -> None:
        nonlocal slowest
        for batch in waiting:
            began = time.perf_counter()
            found = await calls.claim(batch, IDENTITY, reserved_nusd=1000, reserved_tokens=800)
            if not found:
                (key,) = batch.keys()
                usage = Usage(260, 120, 260)
                reply = ModelReply(key, "An answer. " * 50, usage=usage, latency_s=0.05)
                await calls.put((reply,), (900,))
            slowest = max(slowest, time.perf_counter() - began)

    wall, cpu = time.perf_counter(), time.process_time()
    async with asyncio.TaskGroup() as group:
        for _ in range(n_tasks):
            group.create_task(work())
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Measured(len(batches) / wall, cpu / len(batches) * 1000, slowest * 1000)


def measure(url: str, n_calls: int, n_tasks: int) -> dict[str, Measured]:
    """Buy calls with many tasks, find them again, and buy with a single task."""
    with open_store(url) as store:
        asyncio.run(buy(store, make_batches("warm-up", 200), n_tasks))
        batches = make_batches("many", n_calls)
        return {
            "bought": asyncio.run(buy(store, batches, n_tasks)),
            "reused": asyncio.run(buy(store, batches, n_tasks)),
            "bought_one_at_a_time": asyncio.run(buy(store, make_batches("one", 400), 1)),
        }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="an empty database; a fresh SQLite file if left out")
    parser.add_argument("--calls", type=int, default=6_000)
    parser.add_argument("--tasks", type=int, default=64)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = options.url or f"sqlite:///{Path(folder) / 'bench.db'}"
        found = measure(url, options.calls, options.tasks)
    print(f"{options.calls} calls, {options.tasks} tasks, every call in two durable commits")
    print(f"{'':<22}{'calls/s':>10}{'CPU ms/call':>14}{'slowest ms':>13}")
    for name, m in found.items():
        print(f"{name:<22}{m.calls_per_s:>10.0f}{m.cpu_ms:>14.3f}{m.slowest_ms:>13.1f}")
    bought = found["bought"]
    print_figures(
        "store",
        (
            Figure("durable_calls_per_s", bought.calls_per_s, TARGET_CALLS_PER_S),
            Figure("cpu_ms_per_call", bought.cpu_ms, TARGET_CPU_MS, is_at_most=True),
        ),
    )


if __name__ == "__main__":
    main()
