"""What a pipeline is truly worth in a world, by running it on many questions of its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from archon.core.architecture import Architecture
from archon.runtime.clients import Routed
from archon.runtime.pipeline import Pipeline, PipelineResult
from archon.runtime.slots import EVALUATION_SLOT
from archon.world.world import World

FIRST_QUESTION = 1_000_000
"""Questions from here on are for the truth: no benchmark of a world reaches so far."""


@dataclass(frozen=True, slots=True)
class Truth:
    """Means a question as deployed, and how far they may be off."""

    quality: float
    """Share of right answers, in [0, 1]."""
    quality_se: float
    """Standard error over questions."""
    calls: float
    tokens: float
    cost_usd: float
    latency_s: float


async def true_value(
    architecture: Architecture, world: World, questions: Sequence[int] | int = 1_000
) -> Truth:
    """Run a pipeline on questions of a world, once each.

    Args:
        architecture: Its models are named as in the world.
        world: Where it runs.
        questions: Their numbers; or how many that nothing else uses.

    Raises:
        SpecError: The architecture is not well typed.
        KeyError: The world has no such model.
    """
    if isinstance(questions, int):
        questions = range(FIRST_QUESTION, FIRST_QUESTION + questions)
    names = architecture.models()
    client = Routed({name: world.client(name) for name in names})
    pipeline = Pipeline(architecture, client, {name: world.card(name) for name in names})
    rights: list[bool] = []
    results: list[PipelineResult] = []
    for number in questions:
        asked = world.questions.example(number).question
        ran = await pipeline.generate(asked, first_slot=EVALUATION_SLOT)
        mark = world.mark_of(ran.answer.text)
        rights.append(mark is not None and mark.question == number and mark.is_right)
        results.append(ran)
    n = len(results)
    quality = sum(rights) / n
    return Truth(
        quality=quality,
        quality_se=math.sqrt(quality * (1.0 - quality) / n),
        calls=sum(one.deployed.calls for one in results) / n,
        tokens=sum(one.deployed.tokens for one in results) / n,
        cost_usd=sum(one.deployed.cost_nusd for one in results) / n / 1e9,
        latency_s=math.fsum(one.deployed.latency_s for one in results) / n,
    )
