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
    baseline: Measured | None,
    finalists: Sequence[Measured],
    objectives: Sequence[Objective],
    *,
    coverage: float = 0.95,
) -> Judgement:
    """Name the winner, or say why there is none.

    Args:
        baseline: The best single call; None or without scores: nothing can win.
        finalists: Pipelines with results on questions that did not choose them. One that is the
            baseline itself is not compared.
        objectives: Those of the job. With more than one, the cheapest finalist that cannot be told
            apart from the winner is named too.
        coverage: Chance, in (0, 1), that all comparisons with the baseline are right together.

    Returns:
        The judgement with its verdict. Pairs are formed of the questions that both pipelines have
        a score for; the others are counted.
    """
    base = baseline if baseline is not None and baseline.n_scored else None
    others = [one for one in finalists if base is None or one.pipeline_id != base.pipeline_id]
    scored = [one for one in others if one.n_scored]
    price = _price([*scored, *([base] if base else [])], objectives)
    standings = _standings(base, scored, price, coverage)
    winner = next((one for one in standings if one.is_proven), None)
    judgement = Judgement(
        objectives=tuple(objectives),
        price=price,
        coverage=coverage,
        baseline=None if base is None else standing_of(base, coverage=coverage),
        finalists=standings,
        unscored=tuple(one.pipeline_id for one in others if not one.n_scored),
        winner_id=None if winner is None else winner.pipeline_id,
        frugal=_frugal(standings, scored, price, coverage) if len(objectives) > 1 else None,
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


def _price(measured: Sequence[Measured], objectives: Sequence[Objective]) -> Objective:
    wanted = [objective for objective in objectives if objective != "quality"]
    if wanted:
        return wanted[0]
    return "cost" if any(one.mean("cost") > 0 for one in measured) else "tokens"


def _standings(
    base: Measured | None, scored: Sequence[Measured], price: Objective, coverage: float
) -> tuple[Standing, ...]:
    each = 1 - (1 - coverage) / max(1, len(scored))
    by_price = sorted(scored, key=lambda one: (one.mean(price), one.pipeline_id))
    standings = []
    for i, one in enumerate(by_price):
        cheaper = compare(one, by_price[i - 1], coverage=coverage) if i else None
        versus = None if base is None else compare(one, base, coverage=each)
        standing = standing_of(one, coverage=coverage)
        standings.append(replace(standing, versus_baseline=versus, versus_cheaper=cheaper))
    return tuple(sorted(standings, key=lambda one: -one.quality.value))


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
    standings: Sequence[Standing], scored: Sequence[Measured], price: Objective, coverage: float
) -> Comparison | None:
    """The cheapest of the proven that is cheaper than the best of them and not shown worse."""
    by_id = {one.pipeline_id: one for one in scored}
    proven = [one for one in standings if one.is_proven]
    if not proven:
        return None
    best = proven[0]
    for one in sorted(proven, key=lambda one: one.amount(price).value):
        if one.amount(price).value >= best.amount(price).value:
            return None
        found = compare(by_id[one.pipeline_id], by_id[best.pipeline_id], coverage=coverage)
        if found is not None and found.is_open:
            return found
    return None
