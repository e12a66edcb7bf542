"""A judgement in sentences for somebody who wants to know what to ship."""

from __future__ import annotations

from collections.abc import Iterator

from archon.search.intervals import Interval
from archon.search.judgement import Comparison, Judgement, Standing
from archon.search.objectives import Objective


def verdict_of(judgement: Judgement) -> str:
    """Who won and by how much, or why nobody did; whole sentences, no markup."""
    return " ".join(_sentences(judgement))


def _sentences(judgement: Judgement) -> Iterator[str]:
    compared = [one.versus_baseline for one in judgement.finalists if one.versus_baseline]
    if not judgement.finalists:
        yield from _without_finalists(judgement)
    elif judgement.baseline is None:
        best = judgement.finalists[0]
        yield "No winner: there is no scored single call to compare with."
        yield f"{best.pipeline_id} scored highest, {_on(best)}."
    elif not compared:
        yield "No winner: no finalist shares a scored question with the best single call."
    elif judgement.uncompared:
        yield from _uncompared(judgement, compared)
    elif (winner := judgement.winner) is not None:
        yield from _won(judgement, winner)
    else:
        yield from _not_won(judgement, compared)
    if judgement.unscored and judgement.finalists:
        yield f"Without any score, so not compared: {', '.join(judgement.unscored)}."


def _without_finalists(judgement: Judgement) -> Iterator[str]:
    if judgement.unscored:
        yield f"No winner: no question of {', '.join(judgement.unscored)} has a score."
        yield "See the errors of the questions."
    elif judgement.baseline is not None:
        yield "No winner: there is no finalist besides the best single call,"
        yield f"which scored {_on(judgement.baseline)}."
    else:
        yield "No winner: there is no finalist, since no pipeline was evaluated to the end."


def _uncompared(judgement: Judgement, compared: list[Comparison]) -> Iterator[str]:
    missing = ", ".join(judgement.uncompared)
    is_one = len(judgement.uncompared) == 1
    yield f"No winner: the single call{'' if is_one else 's'} {missing}"
    yield f"{'has' if is_one else 'have'} no score on the questions of the finalists, and might be"
    yield "the best. See the errors of the questions."
    best = max(compared, key=lambda one: one.difference.value)
    yield f"Against the others {best.pipeline_id} does best: {_means(best)}, a difference of"
    yield f"{_range(best.difference)} {_confidence(judgement)}."


def _won(judgement: Judgement, winner: Standing) -> Iterator[str]:
    versus, price = winner.versus_baseline, judgement.price
    if versus is None or judgement.baseline is None:
        raise AssertionError("a winner has beaten the best single call")
    if versus.other_id == judgement.baseline.pipeline_id:
        yield f"{winner.pipeline_id} is better than the best single call: {_means(versus)},"
    else:
        # The claim is made against every one; its figures are those of the one that it rests on.
        yield f"{winner.pipeline_id} is better than the best single call and than the others, least"
        yield f"surely than {versus.other_id}: {_means(versus)},"
    yield f"a gain of {_range(versus.difference)} {_confidence(judgement)}."
    yield f"It wins {versus.n_wins}, loses {versus.n_losses} and ties {versus.n_ties}."
    yield f"It takes {_amount(winner, price)} a question, the best single call"
    yield f"{_amount(judgement.baseline, price)}."
    yield from _left_out(versus)
    yield from _cheaper(judgement, winner)


def _cheaper(judgement: Judgement, winner: Standing) -> Iterator[str]:
    if (frugal := judgement.frugal) is not None:
        cheap = next(o for o in judgement.finalists if o.pipeline_id == frugal.pipeline_id)
        yield f"{cheap.pipeline_id} is better than the single call too, cannot be told apart from"
        yield f"the winner ({_range(frugal.difference)} against it) and takes"
        yield f"{_amount(cheap, judgement.price)} a question."
    elif (cheaper := winner.versus_cheaper) is not None and cheaper.is_open:
        yield f"It is indistinguishable from the next cheaper finalist, {cheaper.other_id}"
        yield f"({_range(cheaper.difference)} against it)."


def _not_won(judgement: Judgement, compared: list[Comparison]) -> Iterator[str]:
    nearest = max(compared, key=lambda one: one.difference.value)
    n = _questions(nearest.n_pairs)
    if all(one.n_ties == one.n_pairs for one in compared):
        yield "No winner: every finalist has the same score as the best single call"
        yield f"on each question ({nearest.mean:.2f} on average over {n})."
    elif nearest.difference.value <= 0:
        yield "No winner: the best single call itself is not beaten by any finalist."
        yield f"Nearest is {nearest.pipeline_id}: {_means(nearest, judgement)}, a difference of"
        yield f"{_range(nearest.difference)} {_confidence(judgement)}."
    else:
        yield "No winner: no finalist is shown to be better than the best single call."
        yield f"Nearest is {nearest.pipeline_id}: {_means(nearest, judgement)}, but a difference of"
        yield f"{_range(nearest.difference)} {_confidence(judgement)} may be chance."
    if not nearest.is_worse:
        yield from _power(nearest)
    yield from _left_out(nearest)
    if (frugal := judgement.frugal) is not None and judgement.baseline is not None:
        cheap = next(o for o in judgement.finalists if o.pipeline_id == frugal.pipeline_id)
        yield f"{cheap.pipeline_id} takes {_amount(cheap, judgement.price)} a question where"
        yield f"the single call takes {_amount(judgement.baseline, judgement.price)}, and cannot be"
        yield f"told apart from it ({_range(frugal.difference)} against it)."


def _power(comparison: Comparison) -> Iterator[str]:
    least = comparison.smallest_difference
    if least > 0.995:
        yield f"{_questions(comparison.n_pairs).capitalize()} cannot show any difference."
    else:
        yield f"{_questions(comparison.n_pairs).capitalize()} can be expected to show"
        yield f"a difference of {least:.2f} or more; hold out more to see a smaller one."


def _left_out(comparison: Comparison) -> Iterator[str]:
    if comparison.n_left_out:
        yield f"Left out: {_questions(comparison.n_left_out)} without a score for both."


def _means(comparison: Comparison, judgement: Judgement | None = None) -> str:
    """Both scores; with a judgement also whose the other is, where not the best single call's."""
    best = judgement.baseline if judgement else None
    is_other = best is not None and comparison.other_id != best.pipeline_id
    whose = f" of {comparison.other_id}" if is_other else ""
    n = _questions(comparison.n_pairs)
    return f"{comparison.mean:.2f} against {comparison.other_mean:.2f}{whose} on {n}"


def _range(difference: Interval) -> str:
    return f"{difference.value:+.2f} [{_bound(difference.low)}, {_bound(difference.high)}]"


def _bound(bound: float) -> str:
    """With more digits where it would be rounded to the 0 that decides."""
    return f"{bound:+.4f}" if 0 < abs(bound) < 0.005 else f"{bound:+.2f}"


def _confidence(judgement: Judgement) -> str:
    n = sum(one.versus_baseline is not None for one in judgement.finalists)
    level = f"at {100 * judgement.coverage:g} % confidence"
    return level if n == 1 else f"{level} for {n} finalists together"


def _on(standing: Standing) -> str:
    value = standing.quality
    return (
        f"{value.value:.2f} [{value.low:.2f}, {value.high:.2f}] on {_questions(standing.n_scored)}"
    )


def _questions(n: int) -> str:
    return f"{n} question" if n == 1 else f"{n} questions"


def _amount(standing: Standing, objective: Objective) -> str:
    value = standing.amount(objective).value
    match objective:
        case "cost":
            return f"${value:.3g}"
        case "latency":
            return f"{value:.3g} s"
        case "calls" | "tokens":
            return f"{value:,.0f} {objective}" if value >= 100 else f"{value:.3g} {objective}"
        case "quality":
            return f"{value:.2f}"
