from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from archon.core.errors import Problem, SpecError
from archon.spec.job import JobSpec, read_job
from archon.spec.yaml_source import parse_document

JOB = """\
name: t
benchmark:
  file: questions.jsonl
  scorer: {kind: exact}
models:
  small: {engine: smollm2-135m-instruct}
  big: {litellm: openai/gpt-5, key_env: OPENAI_API_KEY}
  near: {url: "http://127.0.0.1:8000/v1", model: llama}
objectives: [quality, tokens]
budget: {trials: 12}
seed: 7
space:
  layers:
    - generate: {model: small, samples: {from: 1, to: 8}}
    - one_of: [nothing, {generate: {model: big}}]
"""

Change = tuple[str, str]


@pytest.fixture
def job() -> Callable[..., JobSpec]:
    """Reads the job above with some of its text replaced."""

    def read(*changes: Change) -> JobSpec:
        text = JOB
        for old, new in changes:
            assert text.count(old) == 1, f"{old!r} must stand in the job once"
            text = text.replace(old, new)
        return read_job(parse_document(text.encode(), str(Path("jobs") / "t.yaml")))

    return read


@pytest.fixture
def refusal(job: Callable[..., JobSpec]) -> Callable[..., tuple[Problem, ...]]:
    """The problems for which the changed job is refused."""

    def read(*changes: Change) -> tuple[Problem, ...]:
        with pytest.raises(SpecError) as refused:
            job(*changes)
        return refused.value.problems

    return read
