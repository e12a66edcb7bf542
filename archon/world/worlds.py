"""The worlds that ship with Archon: one to show, and seven to measure the search on.

What a search does well in one world may be what fails it in the next, so they differ in what pays.
Their parameters, and the spaces that go with them in ``tests/benchmarks/search/``, were set before
any method was tuned on them and stay as they are: figures from before and after a change of a
world do not compare. ``HELD_BACK`` are never looked at while a method is being changed.

Open-ended quality, step-level search and load on an endpoint are in none of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from archon.core.calls import Price
from archon.world.cast import FuserSkills, JudgeSkills, Pace, SimulatedModel
from archon.world.questions import QuestionRules
from archon.world.world import World


def default_world(seed: int = 0) -> World:
    """A weak cheap model, two middling ones of a family, a strong one 30 times as dear."""
    return World(
        "default",
        (
            SimulatedModel("weak", -0.5, "alpha", Price(0.1, 0.4), pace=Pace(first_s=0.2)),
            SimulatedModel("middle", 0.3, "beta", Price(0.5, 2.0)),
            SimulatedModel("middle-too", 0.5, "beta", Price(0.6, 2.4)),
            SimulatedModel(
                "strong",
                0.9,
                "gamma",
                Price(3.0, 12.0),
                judge=JudgeSkills(true_positive=0.9, false_positive=0.1, reliability=2.5),
                fuser=FuserSkills(copies=0.6, discernment=1.5, distraction=0.3),
                pace=Pace(tokens=160.0, first_s=0.8, tokens_per_s=50.0),
            ),
        ),
        seed=seed,
    )


def easy_world(seed: int = 1) -> World:
    """Skill goes with price, errors scatter, judges and fusers are good: every technique pays."""
    able = JudgeSkills(true_positive=0.85, false_positive=0.2, stubbornness=0.3, reliability=2.0)
    sharp = JudgeSkills(true_positive=0.93, false_positive=0.07, stubbornness=0.3, reliability=3.5)
    return World(
        "easy",
        (
            SimulatedModel("tiny", -1.2, "alpha", Price(0.05, 0.2), pace=Pace(tokens=90.0)),
            SimulatedModel("small", -0.4, "alpha", Price(0.15, 0.6), judge=able),
            SimulatedModel("medium", 0.4, "beta", Price(0.5, 2.0), judge=able),
            SimulatedModel(
                "large",
                1.1,
                "gamma",
                Price(2.0, 8.0),
                judge=sharp,
                fuser=FuserSkills(copies=0.75, discernment=2.5, distraction=0.2),
                pace=Pace(tokens=160.0, first_s=0.8, tokens_per_s=50.0),
            ),
        ),
        QuestionRules(own_sd=0.8, shared=0.3, concentration=2.0),
        seed=seed,
    )


def noisy_world(seed: int = 2) -> World:
    """Models that are nearly alike, questions that are not, judges that help a little."""
    judge = JudgeSkills(true_positive=0.75, false_positive=0.4, stubbornness=0.8, reliability=0.9)
    dull = FuserSkills(copies=0.6, discernment=0.5, distraction=0.6)
    keen = FuserSkills(copies=0.6, discernment=1.0, distraction=0.4)
    return World(
        "noisy",
        (
            SimulatedModel("north", -0.2, "n", Price(0.4, 1.6), judge=judge, garbled=0.05),
            SimulatedModel("east", 0.0, "e", Price(0.6, 2.4), judge=judge, fuser=dull),
            SimulatedModel("south", 0.1, "s", Price(0.5, 2.0), judge=judge, fuser=keen),
            SimulatedModel("west", 0.3, "w", Price(0.9, 3.6), judge=judge, fuser=dull),
        ),
        QuestionRules(difficulty_sd=1.8, own_sd=1.6, shared=0.2, n_wrong=3, concentration=0.8),
        seed=seed,
    )


def fusion_hurts_world(seed: int = 3) -> World:
    """Fusers copy at random and are led astray by what they read; ranking and voting pay."""
    fuser = FuserSkills(copies=0.85, discernment=-0.3, trust=0.0, distraction=0.8)
    judge = JudgeSkills(true_positive=0.88, false_positive=0.15, reliability=2.2)
    return World(
        "fusion-hurts",
        (
            SimulatedModel("pupil", -0.8, "alpha", Price(0.1, 0.4), fuser=fuser),
            SimulatedModel("clerk", 0.1, "beta", Price(0.3, 1.2), judge=judge, fuser=fuser),
            SimulatedModel("scribe", 0.3, "beta", Price(0.6, 2.4), fuser=fuser),
            SimulatedModel(
                "master", 1.0, "gamma", Price(2.5, 10.0), fuser=fuser, pace=Pace(tokens=200.0)
            ),
        ),
        QuestionRules(concentration=1.0),
        seed=seed,
    )


def verifiers_lie_world(seed: int = 4) -> World:
    """Judges that take wrong answers for right ones and like what stands first; votes pay."""
    liar = JudgeSkills(
        true_positive=0.55,
        false_positive=0.75,
        stubbornness=0.9,
        separation=-0.3,
        reliability=-0.5,
        place_bias=0.4,
        fault_found=0.25,
        fault_imagined=0.5,
    )
    useless = JudgeSkills(
        true_positive=0.7,
        false_positive=0.7,
        stubbornness=0.6,
        separation=0.0,
        reliability=0.1,
        place_bias=0.3,
        fault_found=0.4,
        fault_imagined=0.4,
    )
    reader = FuserSkills(copies=0.7, discernment=0.9, trust=1.5, distraction=0.4)
    return World(
        "verifiers-lie",
        (
            SimulatedModel("one", -0.6, "alpha", Price(0.1, 0.4), judge=useless),
            SimulatedModel("two", -0.1, "beta", Price(0.2, 0.8), judge=useless),
            SimulatedModel("three", 0.3, "gamma", Price(0.6, 2.4), judge=liar),
            SimulatedModel("four", 0.7, "delta", Price(1.5, 6.0), judge=liar, fuser=reader),
        ),
        QuestionRules(own_sd=1.4, concentration=1.0),
        seed=seed,
    )


def dominant_world(seed: int = 5) -> World:
    """One model that all others only dilute; what pays is more of it alone, and that a little."""
    fuser = FuserSkills(copies=0.5, discernment=0.6, distraction=0.6)
    judge = JudgeSkills(true_positive=0.7, false_positive=0.5, reliability=0.5)
    return World(
        "dominant",
        (
            SimulatedModel("ant", -1.5, "alpha", Price(0.05, 0.2), judge=judge, fuser=fuser),
            SimulatedModel("bee", -1.0, "alpha", Price(0.1, 0.4), judge=judge, fuser=fuser),
            SimulatedModel("cat", -0.6, "beta", Price(0.4, 1.6), judge=judge, fuser=fuser),
            SimulatedModel("dog", -0.3, "beta", Price(0.8, 3.2), judge=judge, fuser=fuser),
            SimulatedModel(
                "elephant",
                1.6,
                "gamma",
                Price(2.5, 10.0),
                judge=JudgeSkills(true_positive=0.75, false_positive=0.55, reliability=0.4),
                fuser=fuser,
                pace=Pace(tokens=180.0, first_s=0.8, tokens_per_s=50.0),
            ),
        ),
        QuestionRules(difficulty_sd=1.2, own_sd=2.5, shared=0.3, concentration=0.4),
        seed=seed,
    )


def misled_world(seed: int = 6) -> World:
    """Families share their misconceptions, so votes confirm them; who checks whom decides."""
    strict = JudgeSkills(true_positive=0.6, false_positive=0.03, stubbornness=0.7, reliability=2.8)
    lenient = JudgeSkills(true_positive=0.97, false_positive=0.5, stubbornness=0.7, reliability=0.6)
    return World(
        "misled",
        (
            SimulatedModel("ada", -0.3, "alpha", Price(0.2, 0.8), judge=lenient),
            SimulatedModel("ann", 0.0, "alpha", Price(0.3, 1.2), judge=lenient),
            SimulatedModel("bob", 0.2, "beta", Price(0.4, 1.6), judge=strict),
            SimulatedModel("ben", 0.6, "beta", Price(1.0, 4.0), judge=lenient),
        ),
        QuestionRules(own_sd=1.5, shared=0.9, n_wrong=4, concentration=0.2),
        seed=seed,
    )


def upside_down_world(seed: int = 7) -> World:
    """The dear model writes badly and judges well; fusers need the critiques that they read."""
    critic = JudgeSkills(
        true_positive=0.9,
        false_positive=0.15,
        reliability=1.0,
        fault_found=0.92,
        fault_imagined=0.05,
    )
    poor = JudgeSkills(
        true_positive=0.7,
        false_positive=0.5,
        reliability=0.3,
        fault_found=0.5,
        fault_imagined=0.4,
    )
    heedful = FuserSkills(copies=0.85, discernment=0.2, trust=2.5, distraction=0.3)
    return World(
        "upside-down",
        (
            SimulatedModel("penny", 0.8, "alpha", Price(0.05, 0.2), judge=poor, fuser=heedful),
            SimulatedModel("dime", 0.5, "beta", Price(0.2, 0.8), judge=poor, fuser=heedful),
            SimulatedModel("dollar", 0.1, "beta", Price(1.0, 4.0), judge=poor, fuser=heedful),
            SimulatedModel("gold", -0.7, "gamma", Price(4.0, 16.0), judge=critic),
        ),
        QuestionRules(difficulty_sd=1.4, concentration=0.8),
        seed=seed,
    )


HELD_BACK = ("misled", "upside-down")
"""Worlds that no method is tuned on: ``make bench-search`` reports them apart."""

WORLDS: Mapping[str, World] = MappingProxyType(
    {
        world.name: world
        for world in (
            default_world(),
            easy_world(),
            noisy_world(),
            fusion_hurts_world(),
            verifiers_lie_world(),
            dominant_world(),
            misled_world(),
            upside_down_world(),
        )
    }
)
"""The worlds that job files can name."""
