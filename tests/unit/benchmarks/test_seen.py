"""Questions are told again by their digests, which do not hold them."""

from __future__ import annotations

import re

from archon.benchmarks.examples import Example
from archon.benchmarks.seen import PATTERN, count_seen, digests_of
from archon.core.messages import Message, ask

QUESTIONS = [ask(f"What is {i} + {i}?") for i in range(300)]


def test_questions_that_were_asked_are_told_from_those_that_were_not() -> None:
    text = digests_of(QUESTIONS[:200])
    assert re.fullmatch(PATTERN, text)
    assert len(text) == 8 * 200
    examples = [Example(f"q{i}", question) for i, question in enumerate(QUESTIONS)]
    assert count_seen(text, examples) == 200
    assert count_seen(text, examples[200:]) == 0
    assert count_seen("", examples) == 0


def test_white_space_does_not_make_another_question_but_a_turn_does() -> None:
    text = digests_of([ask("What is\n it?")])
    assert count_seen(text, [Example("a", ask(" What is it?\r\n"))]) == 1
    longer = (Message("system", "Be brief."), *ask("What is it?"))
    assert count_seen(text, [Example("a", longer)]) == 0


def test_order_and_repetitions_of_questions_do_not_change_their_digests() -> None:
    assert digests_of([*QUESTIONS[:5], *QUESTIONS[:2]]) == digests_of(QUESTIONS[4::-1])
