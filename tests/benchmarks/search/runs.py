"""One seed of one world: every method once, and what the product's study claims at its end."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import optuna

from archon.search.objectives import Objective
from archon.service.settings import load_settings
from tests.benchmarks.search.arena import Arena, Contender, Named, Trail, played, study_questions
from tests.benchmarks.search.baselines import (
    GREEDY,
    N_TRIALS,
    NSGA2,
    RANDOM,
    TPE,
    TPE_REUSE,
    by_optuna,
    plain_tpe,
)
from tests.benchmarks.search.gp import GP
from tests.benchmarks.search.measure import true_front
from tests.benchmarks.search.product import Settings, search
from tests.benchmarks.search.recorded import (
    RECORDED,
    RecordedTable,
    judged_by_unseen,
    load_recorded,
)
from tests.benchmarks.search.spaces import FOLDER
from tests.benchmarks.search.table import Table, load_table
from tests.benchmarks.search.verdicts import Claims, Stops, claims, stops

CONTENDERS = {one.name: one for one in (TPE, TPE_REUSE, RANDOM, GREEDY, GP)}
"""Methods that do not change with the product: their trails are kept. A new one is a line here."""
OURS, RACING = "archon", "archon-tpe"
PRODUCT: Mapping[str, Settings] = {
    OURS: Settings(),
    RACING: Settings(sampler="tpe"),
    "archon-no-race": Settings(sampler="tpe", is_racing=False),
    "archon-random": Settings(sampler="random"),
}
"""The product's search in several ways. A new setting of a job file is a line here."""
METHODS = (*CONTENDERS, *PRODUCT)
USUAL = (*CONTENDERS, OURS, RACING)
"""Those that are run if nothing is said."""
QUALITY: tuple[Objective, ...] = ("quality",)
BOTH: tuple[Objective, ...] = ("quality", "cost")


@dataclass(frozen=True, slots=True)
class Task:
    """What one process does at once."""

    world: str
    seed: int
    methods: tuple[str, ...]
    has_fronts: bool
    """Whether studies of two objectives are run as well."""
    has_claims: bool
    """Whether finalists are run on held-out questions."""
    n_trials: int
    """Of the product's studies."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a task."""

    task: Task
    trails: dict[str, Trail]
    fronts: dict[str, Trail]
    claims: Claims | None
    stops: Stops | None


def run(task: Task) -> Outcome:
    """Run a task."""
    table = judged_table(task.world, task.seed)
    # Everybody has as many tokens as the plain search takes for its trials.
    plain = _kept(_fitting(TPE, table), table, task.seed, float("inf"))
    trails = {TPE.name: plain}
    claimed: Claims | None = None
    for name in task.methods:
        if name in PRODUCT:
            arena = _arena(table, task.seed, QUALITY, plain.tokens)
            end, _ = search(arena, task.seed, _settings(name, task))
            trails[name] = arena.trail()
            if name == OURS and task.has_claims:
                claimed = claims(arena, task.seed, end)
        elif name != TPE.name:
            contender = _fitting(CONTENDERS[name], table)
            trails[name] = _kept(contender, table, task.seed, plain.tokens)
    fronts: dict[str, Trail] = {}
    stopped: Stops | None = None
    if task.has_fronts:
        fronts[NSGA2.name] = _kept(NSGA2, table, task.seed, plain.tokens, BOTH)
        for name in (one for one in (OURS, RACING) if one in task.methods):
            arena = _arena(table, task.seed, BOTH, plain.tokens)
            _, follower = search(arena, task.seed, _settings(name, task))
            fronts[name] = arena.trail()
            if name == RACING:
                stopped = stops(follower, table, true_front(table))
    return Outcome(task, trails, fronts, claimed, stopped)


def _settings(name: str, task: Task) -> Settings:
    ours = PRODUCT[name]
    # A search by units ends by what further questions promise, not by a number of pipelines.
    return replace(ours, n_trials=None if ours.is_by_units else task.n_trials)


@cache
def cached_table(world: str) -> Table:
    """The table of a world or of a recorded task, once for each process."""
    return load_recorded(world) if world in RECORDED else load_table(world)


@cache
def judged_table(world: str, seed: int) -> Table:
    """The same with the truth by which the study of a seed is judged."""
    table = cached_table(world)
    return judged_by_unseen(table, seed) if isinstance(table, RecordedTable) else table


def _fitting(contender: Contender, table: Table) -> Contender:
    """Plain TPE with no more trials than there are pipelines; others as they are."""
    n_pipelines = len(table.space.pipelines)
    if contender in (TPE, TPE_REUSE) and n_pipelines < N_TRIALS:
        return replace(contender, run=by_optuna(plain_tpe, n_pipelines))
    return contender


def _arena(table: Table, seed: int, objectives: tuple[Objective, ...], limit: float) -> Arena:
    return Arena(table, study_questions(table, seed), objectives, True, limit)


def _kept(
    contender: Contender,
    table: Table,
    seed: int,
    limit: float,
    objectives: tuple[Objective, ...] = QUALITY,
) -> Trail:
    """A trail of a method that no change of the product changes, from the cache if it is there."""
    parts = [contender.name, table.name, seed, limit, objectives]
    digest = hashlib.sha256(repr((*parts, optuna.__version__)).encode())
    for source in ("arena.py", "baselines.py", "gp.py"):
        digest.update((FOLDER / source).read_bytes())
    folder = load_settings().cache_dir / "bench-search" / "trails"
    file = folder / f"{contender.name}-{digest.hexdigest()[:16]}.json"
    if file.exists():
        return _read(file)
    trail = played(contender, table, seed, objectives=objectives, limit=limit)
    folder.mkdir(parents=True, exist_ok=True)
    names = [[name.tokens, name.pipelines] for name in trail.names]
    data = {"names": names, "tokens": trail.tokens, "n_trials": trail.n_trials}
    partial = file.with_suffix(f".{seed}.part")
    partial.write_text(json.dumps(data))
    partial.replace(file)
    return trail


def _read(file: Path) -> Trail:
    data = json.loads(file.read_text())
    names: Sequence[tuple[int, list[int]]] = data["names"]
    named = tuple(Named(tokens, tuple(pipelines)) for tokens, pipelines in names)
    return Trail(named, data["tokens"], data["n_trials"])
