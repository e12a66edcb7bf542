"""What it costs to think: time of a choice with what is told of it, and memory, as a search grows.

Histories are made up, in a space that is large beside the largest of them: what is measured depends
neither on what pipelines are worth nor on how many are left.
"""

from __future__ import annotations

import multiprocessing
import random
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from archon.core.records import ProposalRow
from archon.core.results import Completed
from archon.search.choices import to_json
from archon.search.gain.chooser import Chooser
from archon.search.gain.features import Features
from archon.search.gain.pool import MOST_POOL, pool_of
from archon.search.gain.prices import Prices
from archon.search.size import count_walks
from archon.search.walk_order import shuffled, walk_at
from archon.service.study_run import proposer_of
from archon.spec.job import load_job
from tests.benchmarks.report import Figure

JOB = Path(__file__).with_name("thinking.yaml")
MARKS = (100, 1_000, 10_000)
"""Trials, or units of a search by units, that are known when time is taken."""
N_TIMED = 15
FLAT = 2.0
BLOCK_SIZE, N_BLOCKS = 20, 12


@dataclass(frozen=True, slots=True)
class Cost:
    """At one mark."""

    seconds: float
    """Of one choice, what came of it told: the middle of several."""
    megabytes: float
    """Of the process."""


def costs(of: Callable[[], list[Cost]]) -> list[Cost]:
    """Measured in a process of its own, one for each mark."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(of)


def of_gain() -> list[Cost]:
    """The search by units, with two objectives."""
    job = load_job(JOB)
    pipelines = [one.architecture for one in pool_of(job.space, seed=0, most=MOST_POOL)]
    prices = Prices(pipelines, question_tokens=60.0, prices={}, unit="tokens")
    blocks = [BLOCK_SIZE] * N_BLOCKS
    chooser = Chooser(pipelines, Features(pipelines), prices, blocks=blocks, n_costs=1)
    chance, taken = random.Random(0), prices.deployed()

    def tell(place: int) -> None:
        scores = [float(chance.random() < 0.6) for _ in range(BLOCK_SIZE)]
        chooser.observe(place, scores, float(taken[place]), [float(taken[place])])

    def once() -> None:
        allowed = [i for i in range(len(pipelines)) if chooser.model.n_blocks(i) < N_BLOCKS]
        tell(chooser.next(1, allowed)[0])

    found, n = [], 0
    for mark in MARKS:
        while n < mark:
            if chooser.model.n_blocks(place := chance.randrange(len(pipelines))) < N_BLOCKS:
                tell(place)
                n += 1
        found.append(_timed(once))
        n += N_TIMED + 1
    return found


def of_tpe() -> list[Cost]:
    """The proposer with TPE, with two objectives."""
    job = replace(load_job(JOB), sampler="tpe")
    asked = proposer_of(job)
    n_walks = count_walks(job.space) or 0
    walks = (walk_at(job.space, number) for number in shuffled(n_walks, seed=1))
    chance = random.Random(0)

    def tell(number: int) -> None:
        asked.tell(number, Completed((chance.random(), chance.random()), BLOCK_SIZE))

    def once() -> None:
        row = asked.ask()
        assert row is not None
        tell(row.number)

    found = []
    for mark in MARKS:
        while asked.n_proposed < mark:
            (known, answers), number = next(walks), asked.n_proposed
            row = ProposalRow(number, known.pipeline_id(), known, to_json(answers), "search")
            asked.restore(row)
            tell(number)
        found.append(_timed(once))
    return found


def _timed(once: Callable[[], None]) -> Cost:
    once()  # what happens but now and then, a fit or a forgetting, is not what is measured
    times = []
    for _ in range(N_TIMED):
        began = time.perf_counter()
        once()
        times.append(time.perf_counter() - began)
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Cost(statistics.median(times), used / 1024)


def thinking() -> list[Figure]:
    """Measure, print a table, and give the growth from the first mark to the last."""
    print(f"\n   {'thinking':<14}" + "".join(f"{mark:>10,}" for mark in MARKS))
    found: list[Figure] = []
    for name, of in {"archon": of_gain, "archon-tpe": of_tpe}.items():
        measured = costs(of)
        print(f"   {name:<14}" + "".join(f"{one.seconds * 1e3:>7.0f} ms" for one in measured))
        print(f"   {'':<14}" + "".join(f"{one.megabytes:>7.0f} MB" for one in measured))
        label = name.replace("-", "_")
        time_growth = measured[-1].seconds / measured[0].seconds
        memory_growth = measured[-1].megabytes / measured[0].megabytes
        found += [
            Figure(f"time_growth_{label}", time_growth, FLAT, is_at_most=True),
            Figure(f"memory_growth_{label}", memory_growth, FLAT, is_at_most=True),
        ]
    return found
