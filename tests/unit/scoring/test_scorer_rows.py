"""Replies as models write them, and what the scorers of short answers make of them."""

from __future__ import annotations

import time

import orjson
import pytest

from archon.benchmarks.examples import Example
from archon.core.candidates import Answer
from archon.core.messages import ask
from archon.scoring.table import build_scorer
from archon.scoring.text import has_words, normalised

MATHEMATICS = build_scorer({"kind": "math"})
"""One for all rows: its library loads slowly."""


async def scored(
    data: dict[str, object],
    text: str,
    target: str | tuple[str, ...] | None = None,
    question: str = "Well?",
    **metadata: object,
) -> float:
    subject = Example("e", ask(question), target, (), orjson.dumps(metadata).decode())
    scorer = MATHEMATICS if data == {"kind": "math"} else build_scorer(data)
    return (await scorer.score(subject, Answer(text))).value


STATED = [
    "Oslo",
    "oslo.",
    "**Answer**: Oslo",
    "**Final Answer**: Oslo",
    "### Answer\nOslo\n\nOslo is the capital.",
    r"\boxed{\text{Oslo}}",
    "<answer>Oslo</answer>",
    "Answer = Oslo",
    '{"answer": "Oslo"}',
    "The correct answer should be Oslo",
    "Norway, let me think. It has fjords.\n\nAnswer: Oslo",
    "So the answer is Oslo because it is the capital.",
    "The answer is Oslo. It has been the capital since 1814.",
    "Oslo\n\nExplanation: this follows from the question.",
    "Oslo\n\nOslo is the capital of Norway.",
    "I know that.\n\nIt is **Oslo**.",
]


@pytest.mark.parametrize("text", STATED)
@pytest.mark.parametrize("kind", ["exact", "f1"])
async def test_stated_answer_is_right_by_default(kind: str, text: str) -> None:
    assert await scored({"kind": kind}, text, "Oslo") == 1


@pytest.mark.parametrize("text", ["Not Oslo", "The answer is Bergen, not Oslo.", "Bergen\nOslo?no"])
async def test_other_answer_is_not_right(text: str) -> None:
    assert await scored({"kind": "exact"}, text, "Oslo") == 0


@pytest.mark.parametrize("target", ["First line.\nSecond line.", "The answer is blowing", "Answer"])
@pytest.mark.parametrize("kind", ["exact", "f1"])
async def test_target_itself_is_right_whatever_it_looks_like(kind: str, target: str) -> None:
    assert await scored({"kind": kind}, target, target) == 1


DATES = "Which date?\nOptions:\n(A) 12/25/1936\n(B) 12/25/1937\n(C) 01/25/1937"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("So the answer is (B) 12/25/1937.", 1),
        ("(B)", 1),
        ("B", 1),
        ("The correct option is (B).", 1),
        ("**(B) 12/25/1937**", 1),
        ("So the answer is (B) because of the date.", 1),
        ("12/25/1937", 1),
        ("So the answer is (A) 12/25/1936.", 0),
        ("(A) or (B)", 0),
        ("a", 0),
    ],
)
async def test_target_in_brackets_is_a_letter(text: str, value: float) -> None:
    assert await scored({"kind": "exact"}, text, "(B)", DATES) == value


@pytest.mark.parametrize(
    ("text", "target", "value"),
    [
        ("The answer is ] ) }.", "] ) }", 1),
        ("])}", "] ) }", 1),
        ("So the answer is > ).", "> )", 1),
        ("] }", "] ) }", 0),
        ("1914–1918", "1914-1918", 1),
        ("5-10", "510", 0),
        ("1/2", "12", 0),
        ("10:30", "1030", 0),
        ("C++", "C", 0),
        ("C#", "C", 0),
        ("c++", "C++", 1),
        (".5", "5", 0),
        ("北京。", "北京", 1),
        ("well-known", "wellknown", 1),
        ("1,000", "1000", 1),
    ],
)
async def test_punctuation_that_means_something_is_compared(
    text: str, target: str, value: float
) -> None:
    assert await scored({"kind": "exact"}, text, target) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Let me think. No passage says otherwise.\nAnswer: yes", 1),
        ("Yes.\n\nThe passage says that no other drug needs one.", 1),
        ("**Answer**: Yes", 1),
        ("The answer is no, as yes would be wrong.", 0),
        ("The answer is not known. Yes is a guess.", 1),
    ],
)
async def test_option_is_read_where_the_answer_stands(text: str, value: float) -> None:
    assert await scored({"kind": "exact", "options": ["yes", "no"]}, text, "yes") == value


@pytest.mark.parametrize(
    ("text", "part", "is_in"),
    [
        ("Paris—the City of Light—is the capital.", "Paris", True),
        ("Paris's mayor", "Paris", True),
        ("Paris’s mayor", "Paris", True),
        ("Paris/Île-de-France", "Paris", True),
        ("Paris;London", "Paris", True),
        ("Paris→France", "Paris", True),
        ("It is Paris: the capital", "Paris", True),
        ("Rome—not Oslo", "Rome", True),
        ("AC/DC is a band", "AC/DC", True),
        ("the years 1914–1918", "1914-1918", True),
        ("Parisian", "Paris", False),
        ("C++ is a language", "C", False),
        ("1/2 of it", "2", False),
        ("1/2 of it", "12", False),
        ("1914-1918", "1918", False),
        ("at 10:30", "30", False),
    ],
)
def test_words_end_where_readers_see_them_end(text: str, part: str, is_in: bool) -> None:
    assert has_words(text, part) == is_in


async def test_distractor_that_is_refused_is_not_named() -> None:
    for text, value in (("Rome—not Oslo", 1), ("Rome, not oslo.", 1), ("Rome, Oslo, not Oslo", 0)):
        assert await scored({"kind": "contains"}, text, "Rome", distractors=["Oslo"]) == value


@pytest.mark.parametrize(
    "text", ["a/" * 50_000, "1-" * 50_000, "+" * 50_000, "'s" * 50_000, "] " * 50_000]
)
def test_long_text_is_normalised_at_once(text: str) -> None:
    started = time.process_time()
    normalised(text)
    has_words(text, "x")
    assert time.process_time() - started < 1.0


MATH = [
    ("\\$32,\\!348", "\\$32,\\!348", 1),
    ("$32,348", "\\$32,\\!348", 1),
    ("\\boxed{18.90}", "\\$18.90", 1),
    ("\\$36", "\\$36", 1),
    ("The answer is 36 dollars.", "\\$36", 1),
    ("2√3", "2\\sqrt{3}", 1),
    ("The answer is 2√3.", "\\sqrt{12}", 1),
    ("**Answer**: \\frac{14}{3}", "\\frac{14}{3}", 1),
    ("**Answer**: p - q", "p - q", 1),
    ("p - q\n\nExplanation: this follows from the question.", "p - q", 1),
    (
        "(3, \\frac{\\pi}{2})\n\nExplanation: by definition.",
        "\\left( 3, \\frac{\\pi}{2} \\right)",
        1,
    ),
    ("y = 2x + 3", "y = 2x + 3", 1),
    ("The answer is 5x - 7y + 4 = 0.", "5x - 7y + 4 = 0", 1),
    ("So the answer is $7$, where $n = 2$ was used.", "7", 1),
    ("The answer is 7. We note that $3+4=7$ and $x=2$", "7", 1),
    ("I get 12 but wait, so 7", "7", 1),
    ("The answer is Evelyn.", "\\text{Evelyn}", 1),
    ("\\boxed{\\text{6:00 PM}}", "\\text{6:00 PM}", 1),
    ("11,\\! 111,\\! 100", "11111100", 1),
    ("7x", "7", 0),
    ("x > 7", "7", 0),
    ("7!", "7", 0),
    ("7:1", "7", 0),
    ("Not 7", "7", 0),
    ("7^2", "7", 0),
    ("7 or 8", "7", 0),
]


@pytest.mark.parametrize(("text", "target", "value"), MATH)
async def test_math_reads_the_answer_and_not_a_number_in_it(
    text: str, target: str, value: float
) -> None:
    assert await scored({"kind": "math"}, text, target) == value
