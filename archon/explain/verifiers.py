"""The verifier report: what a verifier, a check, unit tests or a ranker can reach.

Source and formulas: ``archon.explain.resampling``.

Intervals of what is computed from several estimates come from values that they might all have: the
questions drawn anew (bootstrap) for how the skill is spread, Jeffreys' posterior of as many
independent candidates as tell as much for each rate, the likelihood of a ranker's weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from archon.explain.choices import Choice, Choices, choices_of, weights_drawn
from archon.explain.rates import Group, Rates, Verdict, groups_of, rates_of
from archon.explain.resampling import (
    MOST_SAMPLES,
    Resampled,
    Verdicts,
    best_number,
    ceiling,
    multiplied,
    resampled,
)
from archon.explain.skill import Floats, Skill, fit_skill
from archon.search.intervals import Interval, effective_size

NUMBERS = (1, 2, 4, 8, 16, 32)
"""Of samples, for which a report says what they reach."""
_N_DRAWS = 400


@dataclass(frozen=True, slots=True)
class BestNumber:
    """The best number of samples, where no answer is given if none passes."""

    n: int
    """0: better no answer. ``MOST_SAMPLES``: that many or more."""
    low: int
    high: int
    value: float
    """What it is worth a question, in right answers; no answer is worth 0."""
    cost_of_wrong: float
    price: float
    """Of a sample and its check, in right answers."""

    @property
    def is_endless(self) -> bool:
        """Whether more samples were better at every number that was looked at."""
        return self.n >= MOST_SAMPLES

    def to_data(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "n": self.n,
            "low": self.low,
            "high": self.high,
            "value": self.value,
            "most_looked_at": MOST_SAMPLES,
            "cost_of_wrong": self.cost_of_wrong,
            "price": self.price,
        }


@dataclass(frozen=True, slots=True)
class VerifierReport:
    """One layer that passes or orders candidates, against the benchmark's scorer."""

    n_questions: int
    rates: Rates
    """Of a ranker: shares of candidates put on top, which depend on how many there are."""
    choices: Choices | None
    """Of a ranker; None for all else."""
    skill: Skill | None
    """How right candidates are spread over questions; None where no question has two."""
    ceiling: Interval | None
    """Share of right answers with ever more candidates like those that arrive."""
    curve: tuple[Resampled, ...]
    """With ``NUMBERS`` of samples; none of a ranker, which always answers."""
    best: BestNumber | None
    """None of a ranker: with more candidates it only gets better, if it is better than chance."""

    def to_data(self) -> dict[str, Any]:
        """Plain data."""
        skill = self.skill
        return {
            "n_questions": self.n_questions,
            **self.rates.to_data(),
            "choices": None if self.choices is None else self.choices.to_data(),
            "single_sample": None if skill is None else skill.mean,
            "skill": None if skill is None else {"a": skill.a, "b": skill.b},
            "ceiling": None if self.ceiling is None else self.ceiling.to_data(),
            "curve": [one.to_data() for one in self.curve],
            "best": None if self.best is None else self.best.to_data(),
        }


def verifier_report(
    questions: Sequence[Sequence[Verdict]],
    *,
    cost_of_wrong: float = 1.0,
    price: float = 0.0,
    coverage: float = 0.95,
) -> VerifierReport:
    """A layer that says of each candidate by itself whether it passes.

    Args:
        questions: All candidates that arrive, for each question.
        cost_of_wrong: What a wrong answer costs, in right answers.
        price: What a sample and its check cost, in right answers.
        coverage: Two-sided coverage of each interval, in (0, 1).
    """
    rates = rates_of(questions, coverage=coverage)
    counts = _counts([[one.is_right for one in question] for question in questions])
    skill = fit_skill(counts)
    t, f = rates.true_positive, rates.false_positive
    if skill is None or t is None or f is None:
        return VerifierReport(len(counts), rates, None, skill, None, (), None)
    verdicts = Verdicts(t.value, f.value)
    chance = np.random.default_rng(0)  # the same runs always give the same report
    skills = _drawn_skills(counts, chance)
    rights, wrongs = (groups_of(questions, is_right=side) for side in (True, False))
    drawn = [
        Verdicts(*pair)
        for pair in zip(
            _drawn_rates(rights, chance, coverage),
            _drawn_rates(wrongs, chance, coverage),
            strict=True,
        )
    ]
    pairs = list(zip(skills, drawn, strict=True))

    def best(skill: Skill, verdicts: Verdicts) -> tuple[int, float]:
        found = best_number(skill.nodes, verdicts, cost_of_wrong=cost_of_wrong, price=price)
        return found.n, found.value

    n, value = best(skill, verdicts)
    numbers = [best(*pair)[0] for pair in pairs]
    low, high = _quantiles(numbers, coverage)
    return VerifierReport(
        n_questions=len(counts),
        rates=rates,
        choices=None,
        skill=skill,
        ceiling=_interval(
            ceiling(skill.nodes, verdicts), [ceiling(s.nodes, v) for s, v in pairs], coverage
        ),
        curve=tuple(resampled(skill.nodes, verdicts, k) for k in NUMBERS),
        best=BestNumber(n, min(n, round(low)), max(n, round(high)), value, cost_of_wrong, price),
    )


def ranker_report(questions: Sequence[Sequence[bool]], *, coverage: float = 0.95) -> VerifierReport:
    """A layer that orders candidates: what it puts on top is what it passes.

    Args:
        questions: For each question whether each candidate is right, as they are ordered, all that
            arrive and at least one.
        coverage: Two-sided coverage of each interval, in (0, 1).
    """
    several = [question for question in questions if len(question) > 1]
    passed = [
        [Verdict(is_right, i == 0) for i, is_right in enumerate(question)] for question in several
    ]
    rates = rates_of(passed, coverage=coverage)
    made = [Choice(len(question), sum(question), question[0]) for question in several]
    choices = choices_of(made, coverage=coverage)
    counts = _counts(questions)
    skill = fit_skill(counts)
    reached: Interval | None = None
    if skill is not None and choices.weight is not None:
        chance = np.random.default_rng(0)
        pairs = zip(
            _drawn_skills(counts, chance), weights_drawn(made, _N_DRAWS, chance), strict=True
        )
        reached = _interval(
            multiplied(skill.nodes, choices.weight.value, 1.0),
            [multiplied(drawn.nodes, float(weight), 1.0) for drawn, weight in pairs],
            coverage,
        )
    return VerifierReport(len(questions), rates, choices, skill, reached, (), None)


def _counts(questions: Sequence[Sequence[bool]]) -> np.ndarray[Any, np.dtype[np.int64]]:
    pairs = [(sum(question), len(question)) for question in questions if question]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _drawn_skills(
    counts: np.ndarray[Any, np.dtype[np.int64]], chance: np.random.Generator
) -> list[Skill]:
    """How the skill might be spread: fitted to questions drawn anew."""
    found: list[Skill] = []
    while len(found) < _N_DRAWS:
        skill = fit_skill(counts[chance.integers(0, len(counts), len(counts))])
        if skill is not None:
            found.append(skill)
    return found


def _drawn_rates(groups: Sequence[Group], chance: np.random.Generator, coverage: float) -> Floats:
    n = effective_size(groups, coverage=coverage)
    hits = n * sum(hits for hits, _ in groups) / sum(size for _, size in groups)
    return chance.beta(hits + 0.5, n - hits + 0.5, _N_DRAWS)


def _interval(value: float, drawn: Sequence[float], coverage: float) -> Interval:
    low, high = _quantiles(drawn, coverage)
    return Interval(value, min(value, low), max(value, high))


def _quantiles(drawn: Sequence[float], coverage: float) -> tuple[float, float]:
    tail = (1 - coverage) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail], method="inverted_cdf")
    return float(low), float(high)
