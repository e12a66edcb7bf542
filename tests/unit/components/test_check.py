"""Checks see the conversation only, take linear time, and never lose the last candidate."""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archon.components.base import Interval, RunContext, Sizes
from archon.components.check import Check
from archon.components.table import problems_of
from archon.core.architecture import ComponentSpec, ParamValue
from archon.core.calls import CallKey
from archon.core.candidates import Candidate, LayerState
from archon.core.errors import SpecError
from archon.core.messages import Message, ask

QUOTED = '"([^"]+)"'
KEYWORDS = (
    "Write one sentence about cooking dinner. "
    'The sentence must contain the words "pocket" and "winter".'
)


class Counting:
    """Counts degradations; a call would fail, as there is nothing to answer it."""

    def __init__(self) -> None:
        self.counted: Counter[str] = Counter()

    def count(self, what: str, n: int = 1) -> None:
        self.counted[what] += n


def state_of(*texts: str, question: str = "?") -> LayerState:
    candidates = tuple(Candidate(t, CallKey("d", i), "m", "a") for i, t in enumerate(texts))
    return LayerState(ask(question), candidates)


async def run(check: Check, state: LayerState) -> tuple[list[str], list[float], Counter[str]]:
    context = Counting()
    after = await check.run(state, cast(RunContext, context))
    scores = [candidate.score("check") for candidate in after.candidates]
    assert None not in scores
    texts = [candidate.text for candidate in after.candidates]
    return texts, cast(list[float], scores), context.counted


async def share(text: str, question: str = "?", **parameters: object) -> float:
    check = Check(**parameters)  # type: ignore[arg-type]
    return (await run(check, state_of(text, question=question)))[1][0]


SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {"n": {"type": "integer"}, "s": {"$ref": "#/$defs/s"}},
        "required": ["n"],
        "$defs": {"s": {"type": "string", "pattern": "^a+$"}},
    }
)
CASES: dict[str, tuple[dict[str, object], str, float]] = {
    "contains": ({"contains": ("Pocket", "winter")}, "a pocket", 0.5),
    "case": ({"contains": ("Pocket",), "ignore_case": False}, "a pocket", 0.0),
    "part of a word": ({"contains": ("art",)}, "party", 1.0),
    "whole words": ({"contains": ("art",), "whole_words": True}, "party", 0.0),
    "whole words, edges": ({"contains": ("art",), "whole_words": True}, "(Art)", 1.0),
    "special characters": ({"contains": ("a.b",)}, "axb", 0.0),
    "not contains": ({"not_contains": ("bad",)}, "good", 1.0),
    "regex": ({"regex": ("^[A-Z]", r"\d{4}")}, "In 1999", 1.0),
    "starts": ({"starts_with": "dear"}, "  Dear Sir", 1.0),
    "ends": ({"ends_with": "bye", "ignore_case": False}, "Bye\n", 0.0),
    "words": ({"min_words": 2, "max_words": 3}, "one two three four", 0.5),
    "chars": ({"min_chars": 2, "max_chars": 3}, "abc", 1.0),
    "number": ({"number": True}, "It is 5.", 1.0),
    "no number": ({"number": True}, "It is five.", 0.0),
    "choice": ({"choice": "ABCD"}, "Answer: (B)", 1.0),
    "other choice": ({"choice": "ABCD"}, "Answer: (E)", 0.0),
    "thirteenth choice": ({"choice": "ABCDEFGHIJKLM"}, "Answer: (M)", 1.0),
    "json": ({"json_schema": SCHEMA}, '{"n": 1, "s": "aa"}', 1.0),
    "json pattern": ({"json_schema": SCHEMA}, '{"n": 1, "s": "b"}', 0.0),
    "json in a fence": ({"json_schema": SCHEMA}, 'So:\n```json\n{"n": 1}\n```\nDone', 1.0),
    "json in prose": ({"json_schema": SCHEMA}, 'It is {"n": 1}, I think', 1.0),
    "json nowhere": ({"json_schema": SCHEMA}, "{n: 1}", 0.0),
    "not a number of JSON": ({"json_schema": SCHEMA}, '{"n": NaN}', 0.0),
    "endless reference": ({"json_schema": '{"$ref": "#"}'}, "1", 0.0),
    "deep json": ({"json_schema": SCHEMA}, "[" * 100_000, 0.0),
    "lone surrogate": ({"regex": ("a",), "contains": ("b",)}, "a\ud800b", 1.0),
}


@pytest.mark.parametrize(("parameters", "text", "wanted"), CASES.values(), ids=list(CASES))
async def test_check_scores_the_share_of_constraints_met(
    parameters: dict[str, object], text: str, wanted: float
) -> None:
    assert await share(text, **parameters) == wanted


async def test_check_reads_required_words_out_of_the_question() -> None:
    texts = ("Dinner.", "A winter dinner.", "Dinner in my pocket in winter.")
    state = state_of(*texts, question=KEYWORDS)
    kept, scores, counted = await run(Check(contains_from_question=QUOTED), state)
    assert kept == list(reversed(texts))
    assert scores == [1.0, 0.5, 0.0]
    assert not counted


async def test_check_reads_the_last_question_only() -> None:
    check = Check(contains_from_question=QUOTED)
    history = (Message("user", 'Say "one".'), Message("assistant", '"two"'))
    state = LayerState((*history, *ask('Say "three".')), state_of("three").candidates)
    assert (await run(check, state))[1] == [1.0]


async def test_check_of_a_question_that_asks_nothing_passes_everything() -> None:
    assert await share("x", "Say something.", contains_from_question=QUOTED) == 1.0


async def test_check_filter_drops_what_fails_and_keeps_the_order() -> None:
    state = state_of("b", "ab", "a", "ba")
    kept, _, counted = await run(Check(mode="filter", contains=("a",)), state)
    assert kept == ["ab", "a", "ba"]
    assert not counted


async def test_check_filter_that_nobody_passes_keeps_the_best_and_says_so() -> None:
    state = state_of("x", "a", "b")
    kept, _, counted = await run(Check(mode="filter", contains=("a", "b")), state)
    assert kept == ["a"]
    assert counted == {"none_passed": 1}


async def test_check_order_is_stable() -> None:
    kept, _, _ = await run(Check(contains=("a",)), state_of("x", "a1", "y", "a2"))
    assert kept == ["a1", "a2", "x", "y"]


async def test_check_of_nothing_gives_nothing() -> None:
    assert await run(Check(number=True), state_of()) == ([], [], {"empty_input": 1})


REFUSED: dict[str, tuple[dict[str, ParamValue], str, str]] = {
    "nothing to check": ({}, "", "no constraint"),
    "broken pattern": ({"regex": ("ok", "(a")}, "regex[1]", "RE2"),
    "look-ahead": ({"regex": ("(?=a)",)}, "regex[0]", "RE2"),
    "pattern too long": ({"regex": ("a" * 5000,)}, "regex[0]", "5000"),
    "no group": ({"contains_from_question": "a"}, "contains_from_question", "group"),
    "empty word": ({"contains": ("",)}, "contains[0]", "text"),
    "word that is none": ({"contains": (1,)}, "contains[0]", "text"),
    "text for a list": ({"contains": "word"}, "contains", "tuple"),
    "not JSON": ({"json_schema": "{"}, "json_schema", "JSON"),
    "not a schema": ({"json_schema": '{"type": 1}'}, "json_schema", "schema"),
    "remote reference": (
        {"json_schema": '{"$ref": "http://127.0.0.1:9/x"}'},
        "json_schema",
        "127.0.0.1",
    ),
    "reference to nothing": ({"json_schema": '{"$ref": "#/$defs/x"}'}, "json_schema", "nowhere"),
    "pattern in a schema": ({"json_schema": '{"pattern": "(?=a)"}'}, "json_schema", "RE2"),
    "pattern properties": (
        {"json_schema": '{"patternProperties": {"a": {}}}'},
        "json_schema",
        "patternProperties",
    ),
    "limits crossed": ({"min_words": 5, "max_words": 3}, "min_words", "max_words, 3"),
    "unknown letters": ({"choice": "ABz"}, "choice", "'z'"),
}


@pytest.mark.parametrize(("parameters", "path", "says"), REFUSED.values(), ids=list(REFUSED))
def test_check_that_cannot_work_is_refused_before_any_call(
    parameters: dict[str, ParamValue], path: str, says: str
) -> None:
    problems = problems_of(ComponentSpec.of("check", **parameters))
    assert [problem.path for problem in problems] == [path]
    assert says in problems[0].message


def test_check_names_all_that_is_wrong() -> None:
    with pytest.raises(SpecError) as caught:
        Check(regex=("(",), json_schema="{", min_chars=2, max_chars=1)
    assert [p.path for p in caught.value.problems] == ["regex[0]", "json_schema", "min_chars"]


async def test_check_pattern_cannot_stall() -> None:
    started = time.process_time()
    assert await share("a" * 50_000 + "!", regex=("^(a+)+$",)) == 0.0
    assert await share('"' + "a" * 50_000 + '!"', json_schema='{"pattern": "^(a+)+$"}') == 0.0
    assert time.process_time() - started < 1.0


@given(st.lists(st.text(), min_size=1, max_size=5), st.text(min_size=1, max_size=3))
async def test_check_leaves_as_many_as_its_bounds_say(texts: list[str], word: str) -> None:
    for mode in ("score", "filter"):
        check = Check(mode=mode, contains=(word,), json_schema=SCHEMA)
        kept, scores, _ = await run(check, state_of(*texts))
        bounds = check.bounds(Sizes(candidates=Interval(len(texts), len(texts))))
        assert bounds.calls == Interval(0, 0)
        assert bounds.after.candidates.low <= len(kept) <= bounds.after.candidates.high
        assert all(0.0 <= score <= 1.0 for score in scores)
