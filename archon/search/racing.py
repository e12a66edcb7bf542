"""Whether a trial is beaten already, as tests that may be looked at after every block.

Questions come in one order by chance that all trials share, so a trial is compared with another on
the very same ones. What is tested is how the comparison will stand once all questions are asked:
the questions so far are a sample without replacement of those. Each answer is bet upon; money that
grows is evidence, and by Ville's inequality it grows to 1/alpha with a probability of at most alpha
however often one looks, if the trial will not be behind in the end.

Sources: testing by betting, Shafer (2021); bets on bounded means, with and without replacement,
Waudby-Smith & Ramdas, arXiv 2010.09686, sections 4 and 5; a mixture over bets instead of a rule
for them, since a rule would have to be tuned.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from archon.benchmarks.examples import Example
from archon.core.records import ProposalRow
from archon.core.results import ExampleResult
from archon.search.front import front
from archon.search.objectives import Measured, Objective, mean_of

ALPHA = 0.05
"""Chance that a trial is stopped although nothing that it is compared with dominates it in the
end; all comparisons of one trial together."""

STAKES = (0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9)
"""Shares of the most that can be bet without debt; the evidence is the mean over them."""

FEWEST_FOR_AMOUNTS = 5
SURE = 4.0
"""A cost, length or time is called higher where its mean paired difference is so many standard
errors above 0. They are known nearly exactly beside scores, which decide."""


@dataclass(frozen=True, slots=True)
class Beaten:
    """A trial that will end behind another one in every objective."""

    by: str
    """The other pipeline's id."""
    n_questions: int
    """On so many it was seen."""
    mean: float
    """Its mean score on them; ``rival_mean`` is the other's on the same."""
    rival_mean: float
    evidence: float
    """How many times the money of who bet on it has grown."""
    expected: tuple[float, ...]
    """What its objectives would have been at the end, as far as they can be told."""


class Race:
    """The trials of one study against those that ended before their batch began.

    Trials of one batch do not see each other: what is stopped does not depend on which was faster.
    """

    def __init__(
        self, objectives: Sequence[Objective], examples: Sequence[Example], block_size: int
    ) -> None:
        """Nobody has ended yet.

        Args:
            objectives: Those of the study.
            examples: The questions of the search in their shared order.
            block_size: Questions in one unit.
        """
        self._objectives = tuple(objectives)
        self._order = {example.id: i for i, example in enumerate(examples)}
        self._block_size = block_size
        self._rivals: tuple[Measured, ...] = ()

    def admit(self, ended: Iterable[Measured]) -> None:
        """From now on trials run against these too, as far as they are on the front."""
        # Once a batch and from the last front on: at every look, over all trials, it would cost
        # more the longer a study is.
        self._rivals = front((*self._rivals, *ended), self._objectives)

    def n_blocks(self, n_done: int) -> int:
        """How many blocks a trial has run when it is looked at next: 1, 2, 4, 8 and so on.

        All of them at once while there is nobody to be beaten by.
        """
        if not self._rivals:
            return -(-len(self._order) // self._block_size)
        return 1 << n_done.bit_length() if n_done else 1

    def beaten(self, proposal: ProposalRow, results: Sequence[ExampleResult]) -> Beaten | None:
        """By whom a trial is dominated; looks only where ``n_blocks`` says, and not at baselines.

        Single calls run to their end, since every winner is compared with them.
        """
        blocks, rest = divmod(len(results), self._block_size)
        is_time = rest == 0 and blocks > 0 and blocks & (blocks - 1) == 0
        if proposal.origin == "baseline" or not is_time or len(results) >= len(self._order):
            return None
        ordered = sorted(results, key=lambda result: self._order[result.example_id])
        trial = Measured(proposal.pipeline_id, proposal.architecture, tuple(ordered))
        return beaten(trial, self._rivals, self._objectives, len(self._order))


def evidence_behind(differences: Sequence[float], n_all: int) -> float:
    """Evidence that the sum of all differences will be below 0; 1 is none, 20 is strong.

    Args:
        differences: Score of the one less score of the other, each in [-1, 1], for the questions
            that were asked so far, in their shared order.
        n_all: How many there will be, at least as many as ``differences``.

    Returns:
        An e-value, the highest on the way: where the sum will not be below 0 it reaches 1/a with a
        probability of at most a. Infinite once nothing can lift the sum to 0 any more.
    """
    money = [1.0] * len(STAKES)
    best, total = 1.0, 0.0
    for i, difference in enumerate(differences):
        fair = -total / (n_all - i)  # the least mean of the rest with which the sum is not below 0
        if fair > 1.0:
            return math.inf
        surprise = (fair - difference) / (1.0 - fair) if fair < 1.0 else 1.0 - difference
        money = [have * (1.0 + stake * surprise) for have, stake in zip(money, STAKES, strict=True)]
        best = max(best, math.fsum(money) / len(money))
        total += difference
    left = n_all - len(differences)
    return math.inf if total + left < 0.0 else best


def beaten(
    trial: Measured,
    others: Sequence[Measured],
    objectives: Sequence[Objective],
    n_all: int,
    *,
    alpha: float = ALPHA,
) -> Beaten | None:
    """Whether a trial is dominated by one of those that were evaluated to the end.

    Args:
        trial: With its results so far.
        others: Pipelines with results on all questions.
        objectives: Those of the study.
        n_all: Questions of the search.
        alpha: Chance that the answer is wrong at any time, in (0, 1).

    Returns:
        By whom, with the most evidence; None while nobody is.
    """
    rivals = front(others, objectives)  # whoever is beaten is beaten by one of these
    found: list[Beaten] = []
    for rival in rivals:
        seen = _evidence(trial, rival, objectives, n_all)
        if seen >= len(rivals) / alpha:  # each comparison has its share of alpha
            found.append(_beaten_by(rival, trial, objectives, seen))
    return max(found, key=lambda one: (one.evidence, one.by), default=None)


def _beaten_by(
    rival: Measured, trial: Measured, objectives: Sequence[Objective], evidence: float
) -> Beaten:
    mine, theirs = trial.scores(), rival.scores()
    shared = [i for i in mine if i in theirs]
    mean, rival_mean = mean_of([mine[i] for i in shared]), mean_of([theirs[i] for i in shared])
    # Questions differ in difficulty: the difference to the rival says more than the bare mean.
    at_the_end = min(1.0, max(0.0, rival.mean("quality") + mean - rival_mean))
    expected = tuple(at_the_end if o == "quality" else trial.mean(o) for o in objectives)
    return Beaten(rival.pipeline_id, len(shared), mean, rival_mean, evidence, expected)


def _evidence(
    trial: Measured, rival: Measured, objectives: Sequence[Objective], n_all: int
) -> float:
    """Evidence that the rival dominates; 1 where an amount speaks against it."""
    amounts = [objective for objective in objectives if objective != "quality"]
    if not all(_is_higher(trial, rival, objective) for objective in amounts):
        return 1.0
    mine, theirs = trial.scores(), rival.scores()
    shared = [mine[i] - theirs[i] for i in mine if i in theirs]
    if "quality" not in objectives:
        return math.inf if shared else 1.0
    return evidence_behind(shared, max(n_all, len(shared)))


def _is_higher(trial: Measured, rival: Measured, objective: Objective) -> bool:
    """Whether the trial clearly takes more a question; an amount that is equal on all does not."""
    mine, theirs = _amounts(trial, objective), _amounts(rival, objective)
    differences = [mine[i] - theirs[i] for i in mine if i in theirs]
    n = len(differences)
    if n < FEWEST_FOR_AMOUNTS:
        return False
    mean = math.fsum(differences) / n
    variance = math.fsum((each - mean) ** 2 for each in differences) / (n - 1)
    return mean > SURE * math.sqrt(variance / n) and mean > 0.0


def _amounts(one: Measured, objective: Objective) -> Mapping[str, float]:
    return dict(zip(one.scores(), one.each(objective), strict=True))
