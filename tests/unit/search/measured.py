"""Pipelines with made-up results, for tests of what is computed from results."""

from __future__ import annotations

from collections.abc import Sequence

from archon.core.architecture import Architecture, ComponentSpec
from archon.core.candidates import Answer
from archon.core.results import ExampleResult, ExampleStatus, Score, Spending
from archon.search.objectives import Measured

NOTHING = Spending()


def result(
    score: float | None,
    example_id: str = "q0",
    *,
    pipeline_id: str = "p",
    status: ExampleStatus = "ok",
    spending: Spending = NOTHING,
) -> ExampleResult:
    return ExampleResult(
        pipeline_id=pipeline_id,
        example_id=example_id,
        split="held_out",
        status=status,
        answer=Answer("text"),
        score=None if score is None else Score(score),
        deployed=spending,
        bought=NOTHING,
    )


def pipeline(
    pipeline_id: str,
    scores: Sequence[float | None],
    *,
    cost_nusd: int = 0,
    calls: int = 1,
    tokens: int = 100,
    latency_s: float = 1.0,
) -> Measured:
    """One result per score, for the examples q0, q1, ...; None: the infrastructure failed."""
    spending = Spending(calls, tokens, 0, cost_nusd, latency_s)
    results = tuple(
        result(
            score,
            f"q{i}",
            pipeline_id=pipeline_id,
            status="infra_fault" if score is None else "ok",
            spending=spending,
        )
        for i, score in enumerate(scores)
    )
    spec = ComponentSpec.of("generate", "small", samples=calls)
    return Measured(pipeline_id, Architecture(((spec,),)), results)
