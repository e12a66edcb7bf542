"""The pipeline runtime against a bare client loop: ``make bench-runtime``.

A stub in a process of its own answers after 50 ms. Three pipelines run 20 questions, one at a time
and 16 at a time, with every call recorded durably. The bare loop sends the very same requests in
the same order of dependence with aiohttp and keeps nothing. Both run in turns, so that a noisy
machine is noisy for both; a ratio is the median over the rounds. The garbage collector is set as in
``archon search``.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from archon.cli.running import spare_the_collector
from archon.core.architecture import Architecture, ComponentSpec
from archon.core.calls import CallBatch, CallKey, ModelCard, ModelClient, ModelReply
from archon.models.openai_endpoint import OpenAIEndpoint
from archon.models.wire import request_bytes
from archon.runtime.budget import Budget, Caps
from archon.runtime.clients import Budgeted, Reusing, Routed, Timely
from archon.runtime.gate import Gate, Limits
from archon.runtime.limits import Limited
from archon.runtime.pipeline import Pipeline
from archon.runtime.purchases import Purchases
from archon.runtime.trace import TracedCall
from archon.store.opening import Store, open_store
from tests.benchmarks.report import Figure, print_figures

LATENCY_S = 0.05
N_QUESTIONS = 20
AT_ONCE = (1, 16)
N_DURABLE = 3_000
DURABLE_AT_ONCE = 64
MOST_IN_FLIGHT = 512
"""More than any pipeline here needs: the bare loop has no limit either."""
WRITERS = tuple(f"writer{i}" for i in range(8))
ROLES = (*WRITERS, "ranker", "critic", "verifier", "fuser")

spec = ComponentSpec.of
PIPELINES: Mapping[str, tuple[Architecture, int, int]] = {
    "1 call": (Architecture(((spec("generate", "writer0"),),)), 1, 1),
    "8 models, rank to 5, critique, fuse": (
        Architecture(
            (
                tuple(spec("generate", model) for model in WRITERS),
                (spec("rank", "ranker", keep=5),),
                (spec("critique", "critic"),),
                (spec("fuse", "fuser"),),
            )
        ),
        11,
        4,
    ),
    "10 samples, verify, fuse": (
        Architecture(
            (
                (spec("generate", "writer0", samples=10),),
                (spec("verify", "verifier", mode="two_step"),),
                (spec("fuse", "fuser"),),
            )
        ),
        31,
        4,
    ),
}
"""Name -> architecture, calls a question, calls on the critical path."""


@dataclass(frozen=True, slots=True)
class Took:
    """One measurement."""

    wall_s: float
    cpu_s: float
    latencies_s: tuple[float, ...]
    """Of each question."""


@dataclass(frozen=True, slots=True)
class BareCall:
    """One request of the bare loop, and the requests it waits for."""

    body: bytes
    after: tuple[int, ...]


@dataclass
class Overheard:
    """A client that keeps what is asked, to build the bare loop from it."""

    inner: ModelClient
    asked: dict[CallKey, bytes] = field(default_factory=dict)

    async def complete(self, batch: CallBatch) -> tuple[ModelReply, ...]:
        body = request_bytes(batch.request.model, batch.request, 1)
        self.asked |= dict.fromkeys(batch.keys(), body)
        return await self.inner.complete(batch)


@contextlib.contextmanager
def stub_process(latency_s: float) -> Iterator[str]:
    """The stub on a core of its own; gives its address."""
    command = [sys.executable, "-m", "tests.stub", "--latency", str(latency_s)]
    command += ["--responder", "tests.benchmarks.roles:respond_by_role"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


class Bench:
    """One stub, one database, and every policy that a study has."""

    def __init__(self, url: str, store: Store) -> None:
        self.url = url
        self.endpoints = {role: OpenAIEndpoint(url, role, has_many_samples=False) for role in ROLES}
        self.cards = {role: ModelCard(role, f"stub/{role}") for role in ROLES}
        budget = Budget(Caps(tokens=10**15), time.monotonic)
        gate = Gate(Limits(start=MOST_IN_FLIGHT, most=MOST_IN_FLIGHT))
        calls = store.calls()
        purchases = Purchases(calls, dict.fromkeys(ROLES, gate))
        limited = {
            role: Limited(Budgeted(endpoint, budget, self.cards, purchases), gate, purchases.failed)
            for role, endpoint in self.endpoints.items()
        }
        routed = Timely(Routed(limited), budget)
        self.client = Reusing(routed, calls, self.cards, purchases)
        self.round = 0

    async def close(self) -> None:
        for endpoint in self.endpoints.values():
            await endpoint.aclose()

    async def plan(self, architecture: Architecture) -> list[BareCall]:
        """What the bare loop has to send for one question of a pipeline."""
        overheard = Overheard(self.client)
        ran = await Pipeline(architecture, overheard, self.cards).generate("the plan's question")
        calls = ran.trace.calls
        place = {call.key: i for i, call in enumerate(calls)}
        return [
            BareCall(overheard.asked[call.key], _waits_for(call, calls, place)) for call in calls
        ]

    async def archon(self, architecture: Architecture, n: int, at_once: int) -> Took:
        """Answer ``n`` new questions."""
        self.round += 1
        pipeline = Pipeline(architecture, self.client, self.cards)

        async def one(i: int) -> None:
            await pipeline.generate(f"question {i} of round {self.round}")

        return await measured(one, n, at_once)

    async def bare(self, plan: list[BareCall], n: int, at_once: int) -> Took:
        """Send the same requests with nothing around them."""
        connector = aiohttp.TCPConnector(limit=0)
        headers = {"Content-Type": "application/json"}
        async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

            async def send(call: BareCall, tasks: list[asyncio.Task[None]]) -> None:
                for i in call.after:
                    await tasks[i]
                async with session.post(f"{self.url}/chat/completions", data=call.body) as reply:
                    await reply.read()

            async def one(i: int) -> None:
                tasks: list[asyncio.Task[None]] = []
                for call in plan:
                    tasks.append(asyncio.ensure_future(send(call, tasks)))
                await asyncio.gather(*tasks)

            return await measured(one, n, at_once)


def _waits_for(
    call: TracedCall, calls: list[TracedCall], place: Mapping[CallKey, int]
) -> tuple[int, ...]:
    if call.after:
        return tuple(place[key] for key in call.after)
    return tuple(i for i, other in enumerate(calls) if other.layer == call.layer - 1)


async def measured(one: Callable[[int], Awaitable[None]], n: int, at_once: int) -> Took:
    """Run ``one`` for 0 to n - 1, so many at once."""
    places = asyncio.Semaphore(at_once)
    latencies: list[float] = []

    async def timed(i: int) -> None:
        async with places:
            started = time.perf_counter()
            await one(i)
            latencies.append(time.perf_counter() - started)

    started, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(timed(i) for i in range(n)))
    return Took(time.perf_counter() - started, time.process_time() - cpu, tuple(latencies))


async def compare(folder: Path, n_rounds: int) -> list[Figure]:
    """All pipelines, one at a time and many at a time, against the bare loop."""
    figures: list[Figure] = []
    print(f"{'pipeline':<38}{'at once':>8}{'calls/s':>9}{'bare':>7}{'ratio':>7}", end="")
    print(f"{'CPU/call':>10}{'bare':>9}{'latency':>10}{'bare':>9}")
    with stub_process(LATENCY_S) as url, open_store(f"sqlite:///{folder / 'compare.db'}") as store:
        bench = Bench(url, store)
        for name, (architecture, n_calls, n_steps) in PIPELINES.items():
            plan = await bench.plan(architecture)
            assert len(plan) == n_calls, f"{name}: {len(plan)} calls instead of {n_calls}"
            for at_once in AT_ONCE:
                rounds = [
                    (
                        await bench.archon(architecture, N_QUESTIONS, at_once),
                        await bench.bare(plan, N_QUESTIONS, at_once),
                    )
                    for _ in range(n_rounds)
                ]
                figures += _figures(name, n_calls, n_steps, at_once, rounds)
        await bench.close()
    return figures


def _figures(
    name: str, n_calls: int, n_steps: int, at_once: int, rounds: list[tuple[Took, Took]]
) -> list[Figure]:
    total = n_calls * N_QUESTIONS
    median = statistics.median
    ratio = median(bare.wall_s / ours.wall_s for ours, bare in rounds)
    speeds = [median(total / pair[i].wall_s for pair in rounds) for i in (0, 1)]
    cpus = [median(1000 * pair[i].cpu_s / total for pair in rounds) for i in (0, 1)]
    latencies = [median(median(pair[i].latencies_s) for pair in rounds) * 1000 for i in (0, 1)]
    print(f"{name:<38}{at_once:>8}{speeds[0]:>9.0f}{speeds[1]:>7.0f}{ratio:>7.2f}", end="")
    print(f"{cpus[0]:>8.2f}ms{cpus[1]:>7.2f}ms{latencies[0]:>8.0f}ms{latencies[1]:>7.0f}ms")
    key = f"{n_calls}_calls"
    if at_once > 1:
        return [Figure(f"{key}_ratio_at_{at_once}", ratio, 0.8)]
    ceiling_ms = 1.05 * n_steps * LATENCY_S * 1000 + 10
    return [Figure(f"{key}_latency_ms", latencies[0], ceiling_ms, is_at_most=True)]


async def durable(folder: Path, n_rounds: int) -> list[Figure]:
    """Calls a second at no latency, each on disk before its answer is used."""
    architecture = PIPELINES["1 call"][0]
    speeds, cpus = [], []
    with stub_process(0.0) as url, open_store(f"sqlite:///{folder / 'durable.db'}") as store:
        bench = Bench(url, store)
        await bench.archon(architecture, DURABLE_AT_ONCE, DURABLE_AT_ONCE)
        for _ in range(n_rounds):
            took = await bench.archon(architecture, N_DURABLE, DURABLE_AT_ONCE)
            speeds.append(N_DURABLE / took.wall_s)
            cpus.append(1000 * took.cpu_s / N_DURABLE)
        await bench.close()
    speed = statistics.median(speeds)
    print(f"\nrecorded durably, no latency, {DURABLE_AT_ONCE} at once:", end=" ")
    print(f"{speed:.0f} calls/s, {statistics.median(cpus):.2f} ms of CPU a call")
    return [Figure("durable_calls_per_s", speed, 1500)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each kind")
    rounds = parser.parse_args().rounds
    spare_the_collector()
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(compare(Path(folder), rounds))
        figures += asyncio.run(durable(Path(folder), rounds))
    print_figures("runtime", figures)


if __name__ == "__main__":
    main()
