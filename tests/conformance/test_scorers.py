"""Every scorer kind against the one suite; a new kind costs one line here."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import orjson
import pytest

from archon.benchmarks.examples import Example
from archon.core.candidates import Answer
from archon.core.errors import ScoringError
from archon.core.messages import Conversation, ask
from archon.core.results import Score
from archon.scoring.base import checked
from archon.scoring.table import SCORERS, build_scorer
from archon.testing.scorers import ScorerCase, check_scorer


class LikesKites:
    """A judge that prefers whatever speaks of kites, and grades by it."""

    async def ask(
        self, messages: Conversation, *, temperature: float, max_tokens: int, sample: int
    ) -> str:
        prompt = messages[0].content
        first, _, second = prompt.partition("The second answer")
        if second:
            return '{"verdict": "first"}' if "kite" in first else '{"verdict": "second"}'
        grade = 5 if "kite" in prompt else 1
        return f'{{"correctness": {grade}, "usefulness": {grade}}}'


def example(target: object = None, **metadata: object) -> Example:
    choices = ("a pear", "a plum") if target == "B" else ()
    text = orjson.dumps(metadata).decode()
    targets = tuple(target) if isinstance(target, list) else target
    return Example("e", ask("Well?"), targets, choices, text)  # type: ignore[arg-type]


JUDGE = {"model": "judge"}
NO_COMMA = example(instruction_id_list=["punctuation:no_comma"], kwargs=[{}])
CASES: dict[str, tuple[dict[str, object], Example, str, str]] = {
    "exact": ({}, example(["Danube", "Donau"]), "the Danube.", "the Rhine"),
    "numeric": ({}, example("18"), "9 + 9 = 18", "19"),
    "choice": ({}, example("B"), "The answer is (B).", "A"),
    "f1": ({}, example("a red kite"), "red kite", "red"),
    "contains": ({}, example("goat", distractors=["cat"]), "a goat", "a goat or a cat"),
    "keywords": ({}, example(keywords=["gate", "wasp"]), "A wasp at the gate.", "A wasp."),
    "ifeval": ({}, NO_COMMA, "Rain falls.", "Rain, again, falls."),
    "regex": ({"pattern": r"\bkite\b"}, example(), "my kite flies", "my dog runs"),
    "json_schema": ({"schema": '{"type": "array"}'}, example(), "[1]", '{"a": 1}'),
    "math": ({}, example("\\frac{1}{2}"), "It is $0.5$.", "It is $0.6$."),
    "game24": ({}, example(numbers=[4, 4, 6, 8]), "(4 + 8) * (6 - 4)", "4 * 6"),
    "judge": (JUDGE, example(), "Fly a kite.", "Sleep in."),
    "judge_pairwise": (JUDGE, example(baseline_output="Stay in."), "Fly a kite.", "Sleep in."),
}


def test_scorer_kinds_all_have_a_case() -> None:
    assert CASES.keys() == SCORERS.keys()


@pytest.mark.parametrize("kind", CASES)
async def test_scorer_keeps_the_contract(kind: str) -> None:
    params, subject, right, wrong = CASES[kind]
    scorer = build_scorer({"kind": kind, **params}, lambda alias: LikesKites())
    assert scorer.kind == kind
    await check_scorer(ScorerCase(scorer, subject, right, wrong))


@dataclass(frozen=True)
class Broken:
    result: object
    kind: ClassVar[str] = "broken"

    def missing(self, example: Example) -> str:
        return ""

    async def score(self, example: Example, answer: Answer) -> Score:
        if isinstance(self.result, Exception):
            raise self.result
        return self.result  # type: ignore[return-value]


BAD_RESULTS = {
    "nan": Score(math.nan),
    "infinite": Score(math.inf),
    "above 1": Score(1.5),
    "below 0": Score(-0.1),
    "text": Score("1.0"),  # type: ignore[arg-type]
    "true": Score(True),
    "nothing": None,
    "number": 1.0,
    "raises": ZeroDivisionError("division by zero"),
}


@pytest.mark.parametrize("result", BAD_RESULTS.values(), ids=BAD_RESULTS)
async def test_scorer_that_breaks_its_promise_is_an_error_and_never_a_score(result: object) -> None:
    with pytest.raises(ScoringError, match=r"'broken'.*'e'"):
        await checked(Broken(result)).score(example(), Answer("hello"))


async def test_suite_finds_a_scorer_that_likes_everything() -> None:
    case = ScorerCase(Broken(Score(1.0)), example(), "right", "wrong")
    with pytest.raises(AssertionError, match="the wrong answer got"):
        await check_scorer(case)


async def test_scorer_does_not_see_the_reasoning_block() -> None:
    scorer = build_scorer({"kind": "keywords"})
    subject = example(keywords=["gate"])
    hidden = await scorer.score(subject, Answer("<think>use gate</think>A wasp."))
    shown = await scorer.score(subject, Answer("<think>hm</think>A gate."))
    assert (hidden.value, shown.value) == (0.0, 1.0)
