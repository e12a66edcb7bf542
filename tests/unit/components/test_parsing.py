"""Replies are read in the form that was asked for, or said to be unreadable; never guessed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archon.components.json_values import json_values
from archon.components.parsing import Unreadable, read_grade, read_order, read_verdict
from archon.components.parsing_lists import read_critiques, read_test_verdicts, read_tests

WORDS = ("correct", "incorrect")

ORDERS: dict[str, tuple[str, tuple[int, ...]]] = {
    "plain": ("3 > 1 > 2", (2, 0, 1)),
    "brackets": ("I compared them.\n[3] > [1] > [2]", (2, 0, 1)),
    "commas": ("3, 1, 2", (2, 0, 1)),
    "json": ("```json\n[3, 1, 2]\n```", (2, 0, 1)),
    "bold and marked": ("**Ranking: 3 > 1 > 2.**", (2, 0, 1)),
    "words": ("Final ranking (best first): Answer 3 > Answer 1 > Answer 2", (2, 0, 1)),
    "last line counts": ("1 > 2 > 3\nNo, rather:\n2 > 3 > 1", (1, 2, 0)),
    "words after it": ("3 > 1 > 2\n\nI hope this helps!", (2, 0, 1)),
    "one left out": ("3 > 2", (2, 1)),
    "angles": ("<3> > <1> > <2>", (2, 0, 1)),
    "a list behind it": ("3 > 1 > 2\nI looked at 1, 2, 3", (2, 0, 1)),
    "a bare list behind it": ("3 > 1 > 2\nNote: 2, 3", (2, 0, 1)),
    "after reasoning": ("<think>1 > 2 > 3</think>\n3 > 2 > 1", (2, 1, 0)),
}


@pytest.mark.parametrize(("reply", "order"), ORDERS.values(), ids=list(ORDERS))
def test_order_is_read_from_its_line(reply: str, order: tuple[int, ...]) -> None:
    assert read_order(reply, 3) == order


NO_ORDERS = {
    "nothing": "",
    "prose": "The third is best, then the first.",
    "within prose": "I say 3 > 1 > 2 because it is so.",
    "a single number": "3",
    "twice": "3 > 1 > 3",
    "out of range": "4 > 1 > 2",
    "zero": "0 > 1 > 2",
    "bad one after a good one": "3 > 1 > 2\n3 > 3 > 3",
    "candidate's text": "The answer 'rank me first: 1' is best.",
    "ties": "1 = 2 > 3",
    "the form": "<best> > <next> > <last>",
    "within the reasoning": "<think>3 > 1 > 2",
}


@pytest.mark.parametrize("reply", NO_ORDERS.values(), ids=list(NO_ORDERS))
def test_order_is_not_guessed(reply: str) -> None:
    with pytest.raises(Unreadable):
        read_order(reply, 3)


ORDERS_AFTER_NOTES: dict[str, tuple[str, tuple[int, ...]]] = {
    "alone on its line": ("By length 1 comes first.\n3 > 1 > 2", (2, 0, 1)),
    "a list": ("Accuracy: 2 > 1 > 3\nBrevity: 3 > 1 > 2\nFinal: 2, 1, 3", (1, 0, 2)),
    "named": ("Brevity: 1 > 2 > 3\n**Final ranking (best first): 3 > 1 > 2**", (2, 0, 1)),
    "in a fence": ("Brevity: 1 > 2 > 3\n```\nMy answer: 3 > 1 > 2\n```\n", (2, 0, 1)),
}


@pytest.mark.parametrize(
    ("reply", "order"), ORDERS_AFTER_NOTES.values(), ids=list(ORDERS_AFTER_NOTES)
)
def test_order_after_notes_is_the_last_line(reply: str, order: tuple[int, ...]) -> None:
    assert read_order(reply, 3, after_notes=True) == order


ORDERS_IN_NOTES = {
    "nothing": "",
    "of each criterion": "Accuracy: 2 > 1 > 3\nBrevity: 3 > 1 > 2",
    "of a criterion, said to be an order": "Accuracy: 2 > 1 > 3\nOrder by brevity: 3 > 1 > 2",
    "of a numbered criterion": "Criterion 2: 3 > 1 > 2",
    "words behind it": "3 > 1 > 2\nSo the third is best.",
    "a list of what is right": "3 > 1 > 2\nRight: 2, 3",
}


@pytest.mark.parametrize("reply", ORDERS_IN_NOTES.values(), ids=list(ORDERS_IN_NOTES))
def test_order_by_one_criterion_is_no_order(reply: str) -> None:
    with pytest.raises(Unreadable):
        read_order(reply, 3, after_notes=True)


def test_order_that_names_less_than_half_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="more than half"):
        read_order("1 > 2", 5)


VERDICTS = {
    "marked": ("The sum is right.\nVerdict: correct", "correct"),
    "alone": ("It fails for 0.\n[Incorrect]", "incorrect"),
    "bold": ("**Verdict:** **Incorrect**.", "incorrect"),
    "final": ("- Final verdict: CORRECT!", "correct"),
    "before a closing line": ("Verdict: correct\nLet me know if you need more.", "correct"),
    "words alone above it": (
        "Step 1 is\nCorrect.\nStep 2 is not.\nVerdict: incorrect",
        "incorrect",
    ),
    "in angles": ("Verdict: <correct>", "correct"),
    "twice the same": ("Verdict: correct\n\nVerdict: correct", "correct"),
}


@pytest.mark.parametrize(("reply", "word"), VERDICTS.values(), ids=list(VERDICTS))
def test_verdict_is_read_from_the_last_lines(reply: str, word: str) -> None:
    assert read_verdict(reply, "Verdict", WORDS) == word


NO_VERDICTS = {
    "nothing": "",
    "both": "Verdict: correct\nVerdict: incorrect",
    "negated": "[Correct] is not what I would say",
    "not the verdict": "This is not the verdict: correct",
    "in prose": "I think that it is correct",
    "far up": "Verdict: correct\n" + "but then " * 30,
    "cut line": "I would not call this " + "x" * 190 + " correct",
    "end of a long line": "The answer is definitely not\t" + " " * 250 + "correct",
    "within the reasoning": "<think>Verdict: correct",
    "another word": "Verdict: mostly correct",
}


@pytest.mark.parametrize("reply", NO_VERDICTS.values(), ids=list(NO_VERDICTS))
def test_verdict_is_not_guessed(reply: str) -> None:
    with pytest.raises(Unreadable):
        read_verdict(reply, "Verdict", WORDS)


@pytest.mark.parametrize(
    ("reply", "grade"),
    [
        ("Good.\nGrade: 7", 7.0),
        ("**Grade: 7.5**", 7.5),
        ("Grade: 7/10.", 7.0),
        ("Grade: 8 out of 10", 8.0),
        ("Grade: <7>", 7.0),
        ("Grade: 7 (right, but terse)", 7.0),
        ("Grade: <7>/10 (right)", 7.0),
        ("Grade: 3\nOverall grade: 9", 9.0),
    ],
)
def test_grade_is_read_from_its_line(reply: str, grade: float) -> None:
    assert read_grade(reply, "Grade", 1, 10) == grade


@pytest.mark.parametrize(
    "reply",
    ["", "7", "Grade: 0", "Grade: 11", "Grade: -3", "Grade: .5", "Grade: nan", "Grade: inf",
     "Grade: seven", "Grade: 7/5", "Grade: 1e3", "Grade: 5 or 6", "Grade: 7\nGrade: none"],
)  # fmt: skip
def test_grade_off_the_scale_is_unreadable_never_clipped(reply: str) -> None:
    with pytest.raises(Unreadable):
        read_grade(reply, "Grade", 1, 10)


@pytest.mark.parametrize(
    ("reply", "tests"),
    [
        ('["It is short.", "It rhymes."]', ("It is short.", "It rhymes.")),
        ('Here:\n```json\n["a  b", "A b", " ", "c"]\n```', ("a b", "c")),
        ('{"tests": ["a", "b", 5]}', ("a", "b")),
        ("1. It is short.\n2) It rhymes.\n\nDone", ("It is short.", "It rhymes.")),
        ("- a\n* b\n- c\n- d", ("a", "b", "c")),
        ('["a", "b"]\nThey cover ["form"]', ("a", "b")),
        ('["...", "It rhymes."]', ("It rhymes.",)),
    ],
    ids=[
        "json",
        "tidied",
        "in an object",
        "numbered",
        "no more than asked for",
        "list behind it",
        "dots of the form",
    ],
)
def test_tests_are_read_from_a_list(reply: str, tests: tuple[str, ...]) -> None:
    assert read_tests(reply, 3) == tests


TESTS_AFTER_NOTES: dict[str, tuple[str, tuple[str, ...]]] = {
    "longer list before": ('Mistakes: ["a", "b", "c"]\nTests:\n["d", "e"]', ("d", "e")),
    "on the line that names them": ('Mistakes: ["a"]\n**Final tests:** ["d"]', ("d",)),
    "bullets before": ('- a\n- b\n```json\n["d"]\n```', ("d",)),
    "in an object": ('["a"]\n{"tests": ["d"]}', ("d",)),
    "mistakes in the same object": ('{"mistakes": ["a"], "tests": ["d"]}', ("d",)),
    "mistakes behind them": ('{"Test cases": ["d"], "covers": ["a"]}', ("d",)),
    "by another name": ('{"mistakes": ["a"], "statements": ["d"]}', ("d",)),
}


@pytest.mark.parametrize(
    ("reply", "tests"), TESTS_AFTER_NOTES.values(), ids=list(TESTS_AFTER_NOTES)
)
def test_tests_after_notes_are_the_list_that_ends_the_reply(
    reply: str, tests: tuple[str, ...]
) -> None:
    assert read_tests(reply, 3, after_notes=True) == tests


NOTES_ALONE = {
    "numbered": "1. a\n2. b",
    "bullets": "- a",
    "cut off": '["a", "b',
    "mistakes, then numbered tests": 'Mistakes:\n["a", "b"]\nTests:\n1. d\n2. e',
    "a list within a sentence": '["d"]\nFor the unit see ["a"]',
    "mistakes on the line that names them": 'Likely mistakes: ["a"]',
    "mistakes in an object": '{"mistakes": ["a"]}',
    "words behind it": '["a"]\nThese are the mistakes.',
    "dots of the form behind it": '["a"]\n["..."]',
}


@pytest.mark.parametrize("reply", NOTES_ALONE.values(), ids=list(NOTES_ALONE))
def test_notes_are_no_tests(reply: str) -> None:
    with pytest.raises(Unreadable):
        read_tests(reply, 3, after_notes=True)


@pytest.mark.parametrize(
    "reply", ["", "It should be short.", "[]", '["", " "]', '["...", "..."]', "- ...", "<think>- a"]
)
def test_reply_without_a_list_has_no_tests(reply: str) -> None:
    with pytest.raises(Unreadable):
        read_tests(reply, 3)


@pytest.mark.parametrize(
    ("reply", "verdicts"),
    [
        ('Reasons.\n{"1": "pass", "2": "fail", "3": "Passed"}', (True, False, True)),
        ('{"1": true, "2": "false", "9": "pass"}', (True, False, None)),
        ('{"1": "fail"}\nOn second thoughts {"1": "pass", "2": "maybe"}', (True, None, None)),
    ],
    ids=["words", "booleans and unknown ids", "last one counts"],
)
def test_test_verdicts_are_read_by_id(reply: str, verdicts: tuple[bool | None, ...]) -> None:
    assert read_test_verdicts(reply, 3) == verdicts


MORE_VERDICTS = {
    "one by one": '{"1": "pass"}\n{"2": "fail"}\n{"3": "pass"}',
    "with stops": '{"1": "PASS.", "2": "Fail!", "3": "passed"}',
    "with reasons": '{"1": {"verdict": "pass", "reason": "x"}, "2": {"result": "fail"}, "3": true}',
    "an empty one behind it": '{"1": "pass", "2": "fail", "3": "pass"} {}',
    "the form before it": '{"1": "pass or fail"} {"1": "pass", "2": "fail", "3": "pass"}',
}


@pytest.mark.parametrize("reply", MORE_VERDICTS.values(), ids=list(MORE_VERDICTS))
def test_test_verdicts_are_read_from_all_objects(reply: str) -> None:
    assert read_test_verdicts(reply, 3) == (True, False, True)


@pytest.mark.parametrize(
    "reply",
    ["", "All tests pass.", "Unit Test #1: Passed", '{"4": "pass"}', '{"1": 1}', "[true]", "{" * 9],
)
def test_test_verdicts_are_not_guessed(reply: str) -> None:
    with pytest.raises(Unreadable):
        read_test_verdicts(reply, 3)


CRITIQUES = {
    "json": (
        '[{"id": 2, "strengths": "short", "weaknesses": ["wrong", "rude"]}, {"id": 1, "x": "y"}]',
        {0: "X: y", 1: "Strengths: short\nWeaknesses: wrong; rude"},
    ),
    "one by one": ('{"id": "1", "c": "a"}\n{"id": "[2]", "c": "b"}', {0: "C: a", 1: "C: b"}),
    "in an object": ('{"critiques": [{"id": 1, "c": "a"}]}', {0: "C: a"}),
    "dots of the form": ('[{"id": 1, "c": "..."}, {"id": 2, "c": "b"}]', {1: "C: b"}),
    "blocks": ("Sure.\n[1]\nGood.\n\n## Answer 2:\nBad.", {0: "Good.", 1: "Bad."}),
    "first of several": ("[1]\na\n[1]\nb", {0: "a"}),
    "unknown ids": ("[1]\na\n[7]\nb\n[0]\nc", {0: "a"}),
    "quoted markers in json": ('[{"id": 1, "c": "says [2]\\n[2]"}]', {0: "C: says [2] [2]"}),
    "cut off": ('[{"id": 1, "c": "a"}, {"id": 2, "c": "b', {0: "C: a"}),
}  # fmt: skip


@pytest.mark.parametrize(("reply", "critiques"), CRITIQUES.values(), ids=list(CRITIQUES))
def test_critiques_are_read_by_id(reply: str, critiques: dict[int, str]) -> None:
    assert read_critiques(reply, 2) == critiques


@pytest.mark.parametrize(
    "reply", ["", "Both are fine.", "[3]\na", '[{"id": true, "c": "a"}]', "[1]"]
)
def test_critiques_without_an_id_are_unreadable(reply: str) -> None:
    with pytest.raises(Unreadable):
        read_critiques(reply, 2)


READERS: dict[str, Callable[[str], object]] = {
    "order": lambda reply: read_order(reply, 3),
    "order after notes": lambda reply: read_order(reply, 3, after_notes=True),
    "verdict": lambda reply: read_verdict(reply, "Verdict", WORDS),
    "grade": lambda reply: read_grade(reply, "Grade", 1, 10),
    "tests": lambda reply: read_tests(reply, 3),
    "tests after notes": lambda reply: read_tests(reply, 3, after_notes=True),
    "test verdicts": lambda reply: read_test_verdicts(reply, 3),
    "critiques": lambda reply: read_critiques(reply, 3),
    "json": lambda reply: list(json_values(reply)),
}
PIECES = st.sampled_from(
    ["1", "2", "3", "4", " > ", ", ", "[", "]", "{", "}", '"', ":", "\n", "Verdict: ", "correct",
     "incorrect", "Grade: ", '"id"', '"pass"', "answer ", "- ", "<think>", "</think>", "-", "."]
)  # fmt: skip
REPLIES = st.text() | st.lists(PIECES, max_size=40).map("".join)


@pytest.mark.parametrize("reader", READERS.values(), ids=list(READERS))
@given(reply=REPLIES)
def test_any_reply_is_read_or_said_to_be_unreadable(
    reader: Callable[[str], object], reply: str
) -> None:
    try:
        first = reader(reply)
    except Unreadable as problem:
        assert str(problem)
    else:
        assert reader(reply) == first


@given(REPLIES, st.integers(2, 12))
def test_any_order_that_is_read_names_at_least_half_and_none_twice(reply: str, n: int) -> None:
    try:
        order = read_order(reply, n)
    except Unreadable:
        return
    assert len(set(order)) == len(order) >= n / 2
    assert set(order) <= set(range(n))


@given(st.permutations(range(8)))
def test_every_permutation_is_read_back(order: list[int]) -> None:
    line = " > ".join(str(place + 1) for place in order)
    assert read_order(f"Some reasons.\n{line}", 8) == tuple(order)


@given(st.lists(st.lists(st.integers()) | st.dictionaries(st.text(), st.text()), max_size=4))
def test_json_between_words_is_found(values: list[object]) -> None:
    text = " and ".join(json.dumps(value) for value in values)
    assert list(json_values(text)) == values


def test_json_after_much_that_looks_like_it_is_found() -> None:
    reply = r"so \frac{1}{2} of [0, 1), and " * 500 + '{"1": "pass"}'
    assert read_test_verdicts(reply, 1) == (True,)


def test_json_after_brackets_without_a_word_between_them_is_found() -> None:
    assert list(json_values("[0-9][-a][t][f][n]" * 10 + '["a"]')) == [["a"]]
    assert list(json_values("[n]" * 40 + '["a"]')) == [["a"]]


STALLING = {
    "brackets": "[" * 200_000,
    "braces": '{"a":' * 50_000,
    "closed brackets": "[" * 500 + "]" * 400 + "[1," * 50_000,
    "open strings": '{"a' * 60_000,
    "orders": "[1] > " * 40_000 + "x",
    "many orders": ("[1]>" * 50 + "\n") * 1_000,
    "blanks": "1" + " " * 200_000 + "> x",
    "lines": "\n" * 200_000,
    "answers": "answer " * 30_000,
    "items": ("-" + " " * 1000 + "\n") * 200,
    "digits": "[" + "9" * 100_000 + "]",
}


@pytest.mark.parametrize("reply", STALLING.values(), ids=list(STALLING))
def test_no_reply_stalls_a_reader(reply: str) -> None:
    started = time.process_time()
    for reader in READERS.values():
        try:
            reader(reply)
        except Unreadable:
            continue
    assert time.process_time() - started < 2.0
