"""Examples come back from a study's own copy as they were."""

from __future__ import annotations

import json

import pytest

from archon.benchmarks.examples import Example
from archon.core.messages import Message, ask

EXAMPLES = [
    Example("q1", ask("What is 2 + 2?"), "4"),
    Example("q2", (Message("system", "Be brief."), Message("user", "Why?")), ("a", "b")),
    Example("q3", ask("Which?"), "B", ("one", "two"), '{"topic":"sums","n":3}'),
    Example("q4", ask("Write \U0001f600 and é."), None, metadata_json='{"words":["é"]}'),
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.id)
def test_example_survives_json(example: Example) -> None:
    assert Example.from_data(json.loads(json.dumps(example.to_data()))) == example
