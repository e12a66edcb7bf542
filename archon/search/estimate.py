"""What a job would take and what it could show, before anything is paid."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import NamedTuple

from archon.components.base import Component
from archon.components.table import COMPONENTS
from archon.core.architecture import Architecture
from archon.core.calls import Price
from archon.core.errors import Problem, SpecError
from archon.core.seeds import derive_seed
from archon.scoring.cost import NO_JUDGE, JudgeCost
from archon.search.baselines import N_SINGLE_CALLS
from archon.search.ceiling import LONGEST, Ceiling, Judged, bought_once, sizes_of
from archon.search.choices import Chance, walks
from archon.search.draw import draw
from archon.search.feasible import feasible
from archon.search.lengths import USUAL, Lengths
from archon.search.power import smallest_difference_of_shares
from archon.search.size import count_walks
from archon.search.space import Space

MOST_WALKS = 20_000
"""Up to here every pipeline is looked at, in some ten seconds; beyond, a sample is."""
N_SAMPLE = 1000
N_DRAWS = 4
"""So often the pipelines of a search are drawn, to see how many calls they share."""
ASSUMED_DISCORDANCE = 0.5
"""Two unrelated pipelines, each right on half the questions, disagree so often; related ones less,
and then smaller differences show."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a job means to run."""

    n_trials: int | None
    """None: as many as there are pipelines."""
    n_search_questions: int
    n_held_out_questions: int
    n_finalists: int
    question_tokens: float
    """Mean length of a question in tokens."""
    prices: Mapping[str, Price]
    """By model alias."""
    seed: int = 0
    judge: JudgeCost = NO_JUDGE
    """What scoring an answer asks of a model; it counts in all sums of the job."""
    lengths: Lengths = USUAL
    """What is likely."""
    n_recorded: int = 0
    """Calls of the job's models that the lengths come from."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Over the pipelines that were looked at."""

    low: float
    median: float
    high: float


@dataclass(frozen=True, slots=True)
class Totals:
    """All of a job or of a trial, with the calls of a judge that scores."""

    calls: float
    tokens: float
    cost_usd: float | None
    """None where a model has no price."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Figures a question are upper bounds for one pipeline; figures in all are for the job."""

    n_walks: int | None
    """Ways to answer the space's questions; None: a number is open, so they have no end."""
    n_pipelines: int | None
    """Different pipelines within ``max_calls``, exactly; None where not every walk was looked at,
    and then there are at most ``n_walks``."""
    n_looked_at: int
    """Different pipelines that the figures below come from: all of them, or a seeded sample."""
    calls: Spread
    """The most calls a question, when every reply can be read."""
    max_repairs: int
    """The most calls on top for one question of any pipeline, when replies cannot be read."""
    tokens: Spread
    cost_usd: Spread | None
    """None where a model has no price."""
    likely_tokens: Spread
    """A question, with replies as long as those that are recorded, or as usual; so is
    ``likely_cost_usd``. Questions are counted by their bytes."""
    likely_cost_usd: Spread | None
    judge_calls: int
    """A question, on top, by the model that scores; none of them is a deployed pipeline's."""
    likely_trial: Totals
    """One pipeline of average size on the questions of the search, with likely replies."""
    likely: Totals | None
    """The whole job (every trial on every search question, then the held-out run) so, each
    completion bought once. Trials that are stopped early take less."""
    typical: Totals | None
    """At most, with pipelines of average size and nothing reused; None where neither trials nor
    pipelines have an end, and so is ``likely``."""
    most: Totals | None
    """With the dearest pipelines that were looked at, nothing reused, repairs left out; a limit of
    the job may come first."""
    smallest_difference: float
    """Score points that the held-out questions would show in four studies of five, of one finalist
    among all, at 95 % for all together; scores of 0 and 1."""
    n_recorded: int
    """Recorded calls that tell how long replies are; 0: they are taken to be of a usual length."""
    assumed_discordance: float = ASSUMED_DISCORDANCE

    @property
    def is_exact(self) -> bool:
        """Whether every pipeline was looked at."""
        return self.n_pipelines is not None


def estimate(
    space: Space,
    plan: Plan,
    *,
    table: Mapping[str, type[Component]] = COMPONENTS,
    most_walks: int = MOST_WALKS,
    n_sample: int = N_SAMPLE,
) -> Estimate:
    """Look at every pipeline of a space, or at a sample of a large one.

    Figures a question are the pipelines' own; what a judge takes is in the sums.

    Args:
        space: The job's space.
        plan: What the job means to run.
        table: The component kinds.
        most_walks: Spaces up to this size are enumerated.
        n_sample: Draws from larger ones.

    Raises:
        SpecError: No pipeline that was looked at is one that the search could propose.
    """
    n_walks = count_walks(space)
    is_exact = n_walks is not None and n_walks <= most_walks
    drawn = _all(space) if is_exact else _sample(space, plan.seed, n_sample)
    found = _sizes(drawn, space, plan, table)
    if not found:
        message = "nothing that was drawn from the space is a pipeline within its max_calls."
        raise SpecError([Problem(message, path="space", hint="Raise max_calls, or offer less.")])
    n_trials = plan.n_trials
    if is_exact:
        n_trials = len(found) if n_trials is None else min(n_trials, len(found))
    dearest = _all_different if is_exact else _like_the_dearest
    alpha = 0.05 / max(1, plan.n_finalists)
    alone = [one.most.pipeline for one in found]
    likely_alone = [one.likely.pipeline for one in found]
    most, likely = [one.most.together for one in found], [one.likely.together for one in found]
    return Estimate(
        n_walks=n_walks,
        n_pipelines=len(found) if is_exact else None,
        n_looked_at=len(found),
        calls=_spread([one.calls for one in alone]),
        max_repairs=max(one.max_repairs for one in alone),
        tokens=_spread([one.tokens for one in alone]),
        cost_usd=_cost_spread(alone),
        likely_tokens=_spread([one.tokens for one in likely_alone]),
        likely_cost_usd=_cost_spread(likely_alone),
        judge_calls=plan.judge.calls,
        likely_trial=_trial(likely, plan),
        likely=None if n_trials is None else _likely_total(found, n_trials, plan, table),
        typical=None if n_trials is None else _total(most, n_trials, plan, _like_the_mean),
        most=None if n_trials is None else _total(most, n_trials, plan, dearest),
        smallest_difference=smallest_difference_of_shares(
            plan.n_held_out_questions, discordance=ASSUMED_DISCORDANCE, coverage=1 - alpha
        ),
        n_recorded=plan.n_recorded,
    )


class _Sizes(NamedTuple):
    """One pipeline, with its judge."""

    pipeline: Architecture
    most: Judged
    likely: Judged


def _all(space: Space) -> Iterator[Architecture]:
    return (architecture for architecture, _ in walks(space))


def _sample(space: Space, seed: int, n: int) -> Iterator[Architecture]:
    for i in range(n):
        yield draw(space, Chance(derive_seed(seed, "estimate", i)))


def _sizes(
    drawn: Iterator[Architecture],
    space: Space,
    plan: Plan,
    table: Mapping[str, type[Component]],
) -> list[_Sizes]:
    """One for each different pipeline that the search could propose."""
    found: dict[str, _Sizes] = {}
    for architecture in drawn:
        pipeline = feasible(space, architecture, table)
        if pipeline is None or (pipeline_id := pipeline.pipeline_id()) in found:
            continue
        most, likely = (
            sizes_of(
                pipeline,
                question_tokens=plan.question_tokens,
                prices=plan.prices,
                table=table,
                judge=plan.judge,
                lengths=lengths,
            )
            for lengths in (LONGEST, plan.lengths)
        )
        found[pipeline_id] = _Sizes(pipeline, most, likely)
    return list(found.values())


def _spread(numbers: Sequence[float]) -> Spread:
    return Spread(min(numbers), median(numbers), max(numbers))


def _cost_spread(found: Sequence[Ceiling]) -> Spread | None:
    costs = [one.cost_usd for one in found if one.cost_usd is not None]
    return _spread(costs) if len(costs) == len(found) else None


_Sum = Callable[[Sequence[float], int], float]
"""What so many pipelines take together, given what each of those looked at takes."""


def _like_the_mean(numbers: Sequence[float], n: int) -> float:
    return n * sum(numbers) / len(numbers)


def _like_the_dearest(numbers: Sequence[float], n: int) -> float:
    return n * max(numbers)


def _all_different(numbers: Sequence[float], n: int) -> float:
    # No pipeline is tried twice; single calls may lie outside the space.
    dearest = sorted(numbers, reverse=True)[:n]
    return sum(dearest) + dearest[0] * (n - len(dearest))


def _trial(found: Sequence[Ceiling], plan: Plan) -> Totals:
    """A trial of average size."""
    n = plan.n_search_questions
    costs = [one.cost_usd for one in found if one.cost_usd is not None]
    return Totals(
        calls=n * fmean(one.calls for one in found),
        tokens=n * fmean(one.tokens for one in found),
        cost_usd=n * fmean(costs) if len(costs) == len(found) else None,
    )


def _likely_total(
    found: Sequence[_Sizes], n_trials: int, plan: Plan, table: Mapping[str, type[Component]]
) -> Totals:
    """Of pipelines drawn from those that were looked at, which share calls as in a search."""
    n_again = min(n_trials, plan.n_finalists)
    n_singles = min(n_trials, N_SINGLE_CALLS)
    fewest = min(one.likely.pipeline.calls for one in found)
    singles = [one.likely for one in found if one.likely.pipeline.calls == fewest]

    def bought(n: int, draw: int, what: str) -> Ceiling:
        chance = random.Random(derive_seed(plan.seed, "estimate", what, draw))
        picked = chance.sample(found, min(n, len(found)))
        once = bought_once(
            [one.pipeline for one in picked],
            question_tokens=plan.question_tokens,
            prices=plan.prices,
            table=table,
            lengths=plan.lengths,
        )
        together = sum((one.likely.judge for one in picked), once)
        return together.times(n / len(picked)) if picked else together

    def mean_of(n: int, what: str) -> Ceiling:
        draws = [bought(n, draw, what) for draw in range(N_DRAWS if n < len(found) else 1)]
        return sum(draws, Ceiling()).times(1 / len(draws))

    single = sum((one.together for one in singles), Ceiling()).times(n_singles / len(singles))
    search = mean_of(n_trials, "search").times(plan.n_search_questions)
    again = (mean_of(n_again, "held out") + single).times(plan.n_held_out_questions)
    total = search + again
    return Totals(total.calls, total.tokens, total.cost_usd)


def _total(found: Sequence[Ceiling], n_trials: int, plan: Plan, add: _Sum) -> Totals:
    n_again = min(n_trials, plan.n_finalists)
    n_singles = min(n_trials, N_SINGLE_CALLS)
    fewest = min(one.calls for one in found)

    def both(numbers: Sequence[float]) -> float:
        search = add(numbers, n_trials) * plan.n_search_questions
        # Single calls are run again beside the finalists. None takes more than the dearest of the
        # pipelines with the fewest calls, also where they lie outside the space.
        single = max(n for n, one in zip(numbers, found, strict=True) if one.calls == fewest)
        again = add(numbers, n_again) + n_singles * single
        return search + again * plan.n_held_out_questions

    costs = [one.cost_usd for one in found if one.cost_usd is not None]
    return Totals(
        calls=both([one.calls for one in found]),
        tokens=both([one.tokens for one in found]),
        cost_usd=both(costs) if len(costs) == len(found) else None,
    )
