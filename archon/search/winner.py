"""Who won on the held-out questions, and whether it is more than luck.

The claim that a winner is better than the best single call is made for several finalists at once.
Their intervals are widened for that (Bonferroni: each may miss with the share of one among them),
so what is named is wrong in at most the stated share of studies, and the intervals that a report
shows are the very ones that decided. A step-down method (Holm) would name a little more, but no
longer what its intervals say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from archon.search.intervals import Interval, mean_amount, mean_score, paired_difference
from archon.search.judgement import Comparison, Judgement, Standing
from archon.search.objectives import Measured, Objective, mean_of
from archon.search.power import shown_by
from archon.search.verdict import verdict_of


def judge(
    singles: Sequence[Measured],
    finalists: Sequence[Measured],
    objectives: Sequence[Objective],
    *,
    coverage: float = 0.95,
) -> Judgement:
    """Name the winner, or say why there is none.

    Args:
        singles: Single calls. The best of them here is the baseline, but a winner is better than
            each: which one looked best may be chance. Nothing wins where one of them has no scored
            question in common with a finalist.
        finalists: Pipelines with results on questions that did not choose them. One that is a
            single call of the others is not compared.
        objectives: Those of the job. With more than one, the cheapest finalist that cannot be told
            apart from the winner is named too; without a winner, from the best single call.
        coverage: Chance, in (0, 1), that all comparisons with the baseline are right together.

    Returns:
        The judgement with its verdict. Pairs are formed of the questions that both pipelines have
        a score for; the others are counted.
    """
    known = [one for one in singles if one.n_scored]
    ids = {one.pipeline_id for one in known}
    others = [one for one in finalists if one.pipeline_id not in ids]
    scored = [one for one in others if one.n_scored]
    price = _price([*scored, *known], objectives)
    base = min(
        known,
        key=lambda one: (-one.mean("quality"), one.mean(price), one.pipeline_id),
        default=None,
    )
    standings = _standings(known, scored, price, coverage)
    uncompared = _uncompared(singles, scored)
    proven = [] if uncompared else [one for one in standings if one.is_proven]
    judgement = Judgement(
        objectives=tuple(objectives),
        price=price,
        coverage=coverage,
        baseline=None if base is None else standing_of(base, coverage=coverage),
        finalists=standings,
        unscored=tuple(one.pipeline_id for one in others if not one.n_scored),
        uncompared=uncompared,
        singles=tuple(
            sorted(
                ((one.pipeline_id, one.mean("quality")) for one in known),
                key=lambda single: (-single[1], single[0]),
            )
        ),
        winner_id=proven[0].pipeline_id if proven else None,
        frugal=(
            _frugal(proven, standings, scored, base, price, coverage)
            if len(objectives) > 1
            else None
        ),
    )
    return replace(judgement, verdict=verdict_of(judgement))


def compare(one: Measured, other: Measured, *, coverage: float = 0.95) -> Comparison | None:
    """Compare two pipelines on the questions that both have a score for; None if there is none."""
    ours, theirs = one.scores(), other.scores()
    shared = [example_id for example_id in ours if example_id in theirs]
    if not shared:
        return None
    scores, others = [ours[i] for i in shared], [theirs[i] for i in shared]
    pairs = list(zip(scores, others, strict=True))
    asked = {result.example_id for result in (*one.results, *other.results)}
    return Comparison(
        pipeline_id=one.pipeline_id,
        other_id=other.pipeline_id,
        mean=mean_of(scores),
        other_mean=mean_of(others),
        difference=paired_difference(scores, others, coverage=coverage),
        coverage=coverage,
        n_wins=sum(a > b for a, b in pairs),
        n_losses=sum(a < b for a, b in pairs),
        n_ties=sum(a == b for a, b in pairs),
        n_left_out=len(asked) - len(shared),
        smallest_difference=shown_by(scores, others, coverage=coverage),
    )


def _uncompared(singles: Sequence[Measured], scored: Sequence[Measured]) -> tuple[str, ...]:
    """Single calls that share no scored question with one of the finalists that have any."""
    ours = [one.scores().keys() for one in scored]
    return tuple(
        single.pipeline_id
        for single in singles
        if any(single.scores().keys().isdisjoint(keys) for keys in ours)
    )


def _price(measured: Sequence[Measured], objectives: Sequence[Objective]) -> Objective:
    wanted = [objective for objective in objectives if objective != "quality"]
    if wanted:
        return wanted[0]
    return "cost" if any(one.mean("cost") > 0 for one in measured) else "tokens"


def _standings(
    singles: Sequence[Measured], scored: Sequence[Measured], price: Objective, coverage: float
) -> tuple[Standing, ...]:
    each = 1 - (1 - coverage) / max(1, len(scored))
    by_price = sorted(scored, key=lambda one: (one.mean(price), one.pipeline_id))
    standings = []
    for i, one in enumerate(by_price):
        cheaper = compare(one, by_price[i - 1], coverage=coverage) if i else None
        versus = _hardest(one, singles, each)
        standing = standing_of(one, coverage=coverage)
        standings.append(replace(standing, versus_baseline=versus, versus_cheaper=cheaper))
    return tuple(sorted(standings, key=lambda one: -one.quality.value))


def _hardest(one: Measured, singles: Sequence[Measured], coverage: float) -> Comparison | None:
    """The comparison with the single call that it is least clearly better than.

    To be better than all of them each comparison has to say so, and all do if this one does; so
    they need no widening for their number (an intersection-union test, Berger 1982).
    """
    found = [compare(one, single, coverage=coverage) for single in singles]
    return min(
        (versus for versus in found if versus is not None),
        key=lambda versus: (versus.difference.low, versus.other_id),
        default=None,
    )


def standing_of(measured: Measured, *, coverage: float = 0.95) -> Standing:
    """One pipeline by itself: what it reached and takes a question, with intervals."""

    def amount(objective: Objective) -> Interval:
        return mean_amount(measured.each(objective), coverage=coverage)

    return Standing(
        pipeline_id=measured.pipeline_id,
        architecture=measured.architecture,
        n_scored=measured.n_scored,
        n_missing=measured.n_missing,
        quality=mean_score(measured.each("quality"), coverage=coverage),
        cost=amount("cost"),
        calls=amount("calls"),
        tokens=amount("tokens"),
        latency=amount("latency"),
    )


def _frugal(
    proven: Sequence[Standing],
    standings: Sequence[Standing],
    scored: Sequence[Measured],
    base: Measured | None,
    price: Objective,
    coverage: float,
) -> Comparison | None:
    """The cheapest that is cheaper than the winner and indistinguishable from it.

    Only among those that are better than the single calls too; without a winner, the same against
    the best single call among all.
    """
    by_id = {one.pipeline_id: one for one in scored}
    best = by_id[proven[0].pipeline_id] if proven else base
    if best is None:
        return None
    for one in sorted(proven or standings, key=lambda one: one.amount(price).value):
        if one.amount(price).value >= best.mean(price):
            return None
        found = compare(by_id[one.pipeline_id], best, coverage=coverage)
        if found is not None and found.is_open:
            return found
    return None
