"""Who lives in a world: models with set skills as writers, judges, critics and fusers."""

from __future__ import annotations

from dataclasses import dataclass

from archon.core.calls import Price

FREE = Price()


@dataclass(frozen=True, slots=True)
class JudgeSkills:
    """How well a model judges answers; rates and weights are true of every question alike."""

    true_positive: float = 0.85
    """Chance that it verifies a right answer, in (0, 1)."""
    false_positive: float = 0.2
    """Chance that it verifies a wrong one."""
    stubbornness: float = 0.5
    """Correlation of its repeated verdicts on one answer to one question, in [0, 1]."""
    separation: float = 1.5
    """Of the grades of right and wrong answers, in standard deviations."""
    reliability: float = 1.5
    """Weight of rightness, in logits, when it compares or orders answers."""
    place_bias: float = 0.1
    """What each place further back costs an answer, in logits."""
    fault_found: float = 0.8
    """Chance that its critique faults a wrong answer."""
    fault_imagined: float = 0.2
    """Chance that its critique faults a right one."""
    test_too_strict: float = 0.1
    """Chance that one of its tests fails a right answer."""
    test_too_lax: float = 0.4
    """Chance that one of its tests passes a wrong one."""


@dataclass(frozen=True, slots=True)
class FuserSkills:
    """What a model makes of several answers."""

    copies: float = 0.7
    """Chance that it takes one of them over; else it works alone."""
    discernment: float = 0.8
    """Weight of a right answer when it takes one over, in logits."""
    trust: float = 1.0
    """Weight that an answer loses by a critique that faults it, in logits."""
    distraction: float = 0.5
    """Share of its own chance that it loses where all that it is shown is wrong."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Lengths and times of a model's replies; both are log-normal."""

    tokens: float = 120.0
    """Median length of an answer."""
    tokens_sd: float = 0.3
    first_s: float = 0.4
    """Median time to the first token, seconds."""
    first_sd: float = 0.3
    tokens_per_s: float = 80.0


@dataclass(frozen=True, slots=True)
class SimulatedModel:
    """One model of a world."""

    name: str
    skill: float
    """On the scale of the questions' difficulties."""
    family: str = ""
    price: Price = FREE
    judge: JudgeSkills = JudgeSkills()
    fuser: FuserSkills = FuserSkills()
    pace: Pace = Pace()
    junk: float = 1.0
    """How fast its answers become random at temperatures over 1."""
    garbled: float = 0.0
    """Chance that a judgement is not in the form that was asked for."""
