"""``archon estimate`` beside what the same job then really takes."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.commands import archon
from tests.jobs import write_job
from tests.stub import Stub, running_stub
from tests.stub.texts import Turn, respond

WITHIN = 3.0
PICKS: list[object] = ["nothing", {"rank": {"model": "small"}}, {"vote": {"answer": "number"}}]
ENDS: list[object] = [
    "nothing",
    {"fuse": {"model": "small"}},
    [{"critique": {"model": "small"}}, {"fuse": {"model": "small"}}],
]


def in_short(model: str, messages: Sequence[Turn], slot: int) -> str:
    """Sums in four words, and orders and reviews in the form that is asked for."""
    prompt = messages[-1]["content"]
    if "names every number once" in prompt:
        return " > ".join(dict.fromkeys(re.findall(r"answer (\d+)", prompt)))
    if "has one object for every number" in prompt:
        ids = dict.fromkeys(re.findall(r"answer (\d+)", prompt))
        said = " ".join(["It", "is", "right", "as", "far", "as", "I", "see."] * 3)
        return json.dumps([{"id": int(i), "strengths": said, "weaknesses": said} for i in ids])
    return respond(model, messages, slot)


def at_length(model: str, messages: Sequence[Turn], slot: int) -> str:
    """The same with the reasoning that a usual model writes, some 120 words."""
    said = in_short(model, messages, slot)
    is_answer = said.startswith("The answer is")
    return " ".join(["I add them up digit by digit."] * 17 + [said]) if is_answer else said


@pytest.fixture
async def stub() -> AsyncIterator[Stub]:
    async with running_stub(Stub()) as stub:
        yield stub


def job_of(folder: Path, stub: Stub, trials: int) -> Path:
    """Usual pipelines of one model, whose replies may be long and are not."""
    layers = [
        {"generate": {"model": "small", "samples": [1, 2, 4, 8], "temperature": [0.3, 1.0]}},
        {"one_of": PICKS},
        {"one_of": ENDS},
    ]
    budget = {"trials": trials}
    return write_job(folder, stub.base_url, budget=budget, space={"layers": layers})


async def estimated(job: Path) -> dict[str, Any]:
    ran = await archon("estimate", str(job), "--json", folder=job.parent)
    assert ran.code == 0, ran.err
    found: dict[str, Any] = json.loads(ran.out)
    return found


def ratios(likely: dict[str, float], stub: Stub) -> list[float]:
    """Estimated by real: calls, and tokens as they were billed."""
    ledger = stub.ledger
    tokens = ledger.billed_prompt_tokens + ledger.billed_completion_tokens
    return [likely["calls"] / ledger.completions, likely["tokens"] / tokens]


async def test_what_is_likely_is_near_what_models_that_write_usual_replies_take(
    stub: Stub, tmp_path: Path
) -> None:
    stub.responder = at_length
    job = job_of(tmp_path, stub, trials=12)
    found = await estimated(job)
    assert (await archon("search", str(job), folder=tmp_path)).code == 0
    assert all(1 / WITHIN < ratio < WITHIN for ratio in ratios(found["likely"], stub)), ratios(
        found["likely"], stub
    )


async def test_once_a_few_calls_are_recorded_short_replies_are_expected_of_who_writes_them(
    stub: Stub, tmp_path: Path
) -> None:
    stub.responder = in_short
    await archon("search", str(job_of(tmp_path, stub, trials=2)), folder=tmp_path)
    job = job_of(tmp_path, stub, trials=12)
    found = await estimated(job)
    said = (await archon("estimate", str(job), folder=tmp_path)).out
    assert "recorded" in said
    assert (await archon("search", str(job), folder=tmp_path)).code == 0
    assert all(1 / WITHIN < ratio < WITHIN for ratio in ratios(found["likely"], stub)), ratios(
        found["likely"], stub
    )
