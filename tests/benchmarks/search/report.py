"""Tables and figures of ``make bench-search``."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

from archon.world.worlds import HELD_BACK
from tests.benchmarks.report import Figure
from tests.benchmarks.search.baselines import NSGA2, TPE, TPE_REUSE
from tests.benchmarks.search.measure import (
    SHARES,
    Until,
    Volume,
    median,
    ratio,
    regret,
    tokens_until_near,
    tokens_until_near_for_good,
)
from tests.benchmarks.search.recorded import (
    RECORDED,
    RecordedTable,
    doubt,
    regret_of_seeing_all,
)
from tests.benchmarks.search.runs import (
    CONTENDERS,
    OURS,
    RACING,
    Outcome,
    cached_table,
    judged_table,
)
from tests.benchmarks.search.table import Table

Results = Mapping[str, list[Outcome]]
"""By world."""

TO_REACH, TO_REACH_OVER_REUSE = 10.0, 3.0
FEWEST_TRUE_WINNERS = 0.95
MOST_STOPPED = 0.05
NOMINAL, MOST_OFF = 0.95, 0.02
FRONTS_AT = (0.1, 0.5, 1.0)
"""Shares of plain TPE's spend at which fronts are compared. At the first NSGA-II has hardly seen
one generation; at the last a search of ours has long ended by itself."""
_UNTIL: Mapping[str, Until] = {"": tokens_until_near_for_good, "first_": tokens_until_near}
"""The figure that counts, and the one that counts who passes by."""


def print_world(world: str, outcomes: Sequence[Outcome]) -> None:
    """One world: regret over spend, tokens to near the best, fronts."""
    table = cached_table(world)
    apart = "  (held back: nothing is tuned on it)" if world in HELD_BACK else ""
    if world in RECORDED:
        apart = f"  (recorded: real calls for {len(table.numbers)} questions)"
    spend = fmean(one.trails[TPE.name].tokens for one in outcomes)
    quality, single = table.quality, max(table.quality[list(table.space.singles)])
    print(f"\n== {world}{apart}: {len(quality)} pipelines, {len(outcomes)} seeds")
    n_near = int((quality >= quality.max() - 0.01).sum())
    print(f"   best {quality.max():.3f}, {n_near} within one point, best single call {single:.3f}")
    if isinstance(table, RecordedTable):
        _print_doubt(table, outcomes)
    print(f"   100 % is {spend / 1e6:.1f} million tokens: {TPE.name}'s own\n")
    shares = "".join(f"{share:>7.0%}" for share in SHARES)
    print(
        f"   {'regret, points':<14}{shares}   {'M tokens to 1 point':>20}{'never':>7}{'trials':>8}"
    )
    for name in outcomes[0].trails:
        print(f"   {name:<14}{_regrets(outcomes, name, fmean)}   {_until(outcomes, name)}")
    if world in RECORDED:
        print(f"\n   {'their medians':<14}{shares}")
        for name in outcomes[0].trails:
            print(f"   {name:<14}{_regrets(outcomes, name, statistics.median)}")
    if outcomes[0].fronts:
        print(f"\n   {'front, volume':<14}{shares}")
        for name in outcomes[0].fronts:
            print(f"   {name:<14}" + "".join(f"{v:>7.3f}" for v in volumes(table, outcomes, name)))


def _print_doubt(table: RecordedTable, outcomes: Sequence[Outcome]) -> None:
    """How little is true here, so that nobody reads points where there are none."""
    seeds = [one.task.seed for one in outcomes]
    knowing = fmean(regret_of_seeing_all(table, seed) for seed in seeds)
    n_seen, points = doubt(table, seeds[0])
    n_others = len(table.numbers) - n_seen
    print(
        f"   these are of all questions; a study sees {n_seen}, its truth is the other {n_others}:"
    )
    print(f"   a noisy one, ±{points:.0f} points for a difference of two pipelines. Running all of")
    print(f"   them on all that is seen, and naming the best, has a regret of {knowing:.1f} points")


def _table_of(outcome: Outcome) -> Table:
    return judged_table(outcome.task.world, outcome.task.seed)


def _regrets(
    outcomes: Sequence[Outcome], name: str, middle: Callable[[Sequence[float]], float]
) -> str:
    reached = [
        middle(
            [
                regret(_table_of(one), one.trails[name], share * one.trails[TPE.name].tokens)
                for one in outcomes
            ]
        )
        for share in SHARES
    ]
    return "".join(f"{points:>7.1f}" for points in reached)


def _until(outcomes: Sequence[Outcome], name: str) -> str:
    text, width = "", 20
    for until in (tokens_until_near, tokens_until_near_for_good):
        tokens = [until(_table_of(one), one.trails[name]) for one in outcomes]
        text += f"{median(tokens) / 1e6:>{width}.2f}{sum(map(math.isinf, tokens)):>7}"
        width = 10
    return f"{text}{fmean(one.trails[name].n_trials for one in outcomes):>8.0f}"


def volumes(table: Table, outcomes: Sequence[Outcome], name: str) -> list[float]:
    """Mean volume of the named front at each share of plain TPE's spend."""
    volume = Volume(table)
    return [
        fmean(
            volume.share(one.fronts[name].at(share * one.trails[TPE.name].tokens))
            for one in outcomes
        )
        for share in SHARES
    ]


def print_claims(results: Results) -> None:
    """What studies claimed, and what racing stopped, world by world."""
    print(f"\n{'':<16}{'named':>8}{'truly better':>14}{'intervals':>11}{'families':>10}", end="")
    print(f"{'front stopped':>15}")
    for world, outcomes in results.items():
        known = [one.claims for one in outcomes if one.claims]
        stopped = [one.stops for one in outcomes if one.stops]
        if not known and not stopped:
            continue
        n_named = sum(one.is_named for one in known)
        intervals = _share(
            sum(one.n_covering for one in known), sum(one.n_intervals for one in known)
        )
        families = _share(sum(one.is_family_covered for one in known), len(known))
        begun, lost = sum(one.n_begun for one in stopped), sum(one.n_stopped for one in stopped)
        print(f"{world:<16}{n_named:>8}{sum(one.is_better for one in known):>14}", end="")
        print(f"{intervals:>11.3f}{families:>10.3f}{f'{lost} of {begun}':>15}")


def figures(results: Results) -> list[Figure]:
    """What is to be reached: on worlds that may be tuned on, on those held back, on real calls.

    With a noisy truth the targets of the last are for comparison.
    """
    found: list[Figure] = []
    held = {world: outcomes for world, outcomes in results.items() if world in HELD_BACK}
    real = {world: outcomes for world, outcomes in results.items() if world in RECORDED}
    free = {world: results[world] for world in results if world not in (*held, *real)}
    for prefix, part in (("", free), ("held_back_", held), ("recorded_", real)):
        if part:
            found += _ratios(prefix, part)
            found += _volumes(prefix, part)
            found += _claimed(prefix, part)
    return found


def _ratios(prefix: str, results: Results) -> list[Figure]:
    """The median over worlds and seeds of how many times the tokens of ours each other takes."""
    methods = next(iter(results.values()))[0].trails
    if OURS not in methods:
        return []
    found: list[Figure] = []
    for name in (one for one in methods if one in CONTENDERS or one == RACING):
        target = TO_REACH_OVER_REUSE if name in (TPE_REUSE.name, RACING) else TO_REACH
        label = name.replace("+", "_").replace("-", "_")
        for start, until in _UNTIL.items():
            ratios = [
                ratio(one.trails[name], one.trails[OURS], _table_of(one), until)
                for outcomes in results.values()
                for one in outcomes
            ]
            title = f"{prefix}{start}tokens_{label}_over_archon"
            found.append(Figure(title, median(ratios), target))
    missed = [
        math.isinf(tokens_until_near_for_good(_table_of(one), one.trails[OURS]))
        for outcomes in results.values()
        for one in outcomes
    ]
    plain = [
        math.isinf(tokens_until_near_for_good(_table_of(one), one.trails[TPE.name]))
        for outcomes in results.values()
        for one in outcomes
    ]
    share = fmean(missed)
    found.append(Figure(f"{prefix}share_never_near", share, fmean(plain), is_at_most=True))
    return found


def _volumes(prefix: str, results: Results) -> list[Figure]:
    """The mean over worlds of our volume over NSGA-II's, early in the search and at its end."""
    found: list[Figure] = []
    for share in FRONTS_AT:
        at = SHARES.index(share)
        ratios = [
            volumes(table, outcomes, OURS)[at] / volumes(table, outcomes, NSGA2.name)[at]
            for world, outcomes in results.items()
            if OURS in outcomes[0].fronts
            for table in (cached_table(world),)
        ]
        name = f"{prefix}front_volume_over_nsga2_at_{share:.0%}".replace("%", "_percent")
        found += [Figure(name, fmean(ratios), 1.0)] if ratios else []
    return found


def _claimed(prefix: str, results: Results) -> list[Figure]:
    outcomes = [one for part in results.values() for one in part]
    known = [one.claims for one in outcomes if one.claims]
    stopped = [one.stops for one in outcomes if one.stops]
    found: list[Figure] = []
    if n_named := sum(one.is_named for one in known):
        share = sum(one.is_better for one in known) / n_named
        found.append(Figure(f"{prefix}winners_truly_better", share, FEWEST_TRUE_WINNERS))
    if n_intervals := sum(one.n_intervals for one in known):
        coverage = sum(one.n_covering for one in known) / n_intervals
        off = abs(coverage - NOMINAL)
        found.append(Figure(f"{prefix}coverage_off_nominal", off, MOST_OFF, is_at_most=True))
    if n_begun := sum(one.n_begun for one in stopped):
        lost = sum(one.n_stopped for one in stopped) / n_begun
        found.append(Figure(f"{prefix}front_stopped", lost, MOST_STOPPED, is_at_most=True))
    return found


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan
