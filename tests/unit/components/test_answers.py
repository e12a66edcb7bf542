"""Finding answers in replies, and their canonical keys."""

from __future__ import annotations

import time
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archon.components.answers import KINDS, answer_key, canon, extract, options_in, visible

NUMBER_REPLIES = {
    "explicit line": ("First 3, then 4.\nAnswer: 12", "12"),
    "bold marker": ("**Answer:** 12", "12"),
    "the answer is": ("So the final answer is 1,234.", "1234"),
    "marker, more prose": ("The answer is 5. Hope this helps with 7 other things!", "5"),
    "gsm8k": ("3*4=12\n#### 12", "12"),
    "last marker wins": ("Answer: 3\nWait.\nAnswer: 4", "4"),
    "boxed": (r"Thus \boxed{42}.", "42"),
    "boxed fraction": (r"Thus \boxed{\frac{2}{4}}.", "1/2"),
    "boxed in marked line": (r"The answer is $\boxed{\dfrac{3}{6}}$", "1/2"),
    "currency": ("Answer: $1,250.50", "2501/2"),
    "sign before currency": ("Answer: -$5", "-5"),
    "unicode minus": ("Answer: \u22127", "-7"),
    "difference is not a sign": ("We have 10-5", "5"),
    "digits within digits": ("It is 15", "15"),
    "digits in a word": ("See H2O", None),
    "percent is its own unit": ("Answer: 50%", "50%"),
    "percent in words": ("Answer: 50 percent", "50%"),
    "mixed": ("Answer: 2 1/2", "5/2"),
    "exponent": ("Answer: 1.5e3.", "1500"),
    "equation": ("Answer: 3 + 4 = 7", "7"),
    "last number": ("She has 3 apples and buys 4, so 7 apples", "7"),
    "bold number": ("The total is **18** dollars for the 2 of them", "18"),
    "bold heading": ("**Step 1:** add\nThat makes 9.", "9"),
    "reasoning block": ("<think>maybe 9</think>It is 8", "8"),
    "reasoning cut off": ("<think>maybe 9", None),
    "commas that group nothing": ("Answer: 12,34", None),
    "infinite": ("Answer: inf", None),
    "division by zero": ("Answer: 1/0", None),
    "nothing": ("", None),
    "words only": ("I do not know", None),
}


@pytest.mark.parametrize(("text", "key"), NUMBER_REPLIES.values(), ids=list(NUMBER_REPLIES))
def test_number_is_read_where_the_reply_states_it(text: str, key: str | None) -> None:
    assert answer_key(text, "number") == key


CHOICE_REPLIES = {
    "lone": ("B", "B"),
    "brackets": ("(B)", "B"),
    "full stop": ("B.", "B"),
    "bold": ("**B**", "B"),
    "with its text": ("B) Paris", "B"),
    "bold with text": ("I think:\n**C. Rome**", "C"),
    "marked": ("The answer is (D).", "D"),
    "marked, reason": ("The answer is A because it is.", "A"),
    "marked, reason for B": ("The answer is B because of A cat", "B"),
    "lower case": ("Answer: c", "C"),
    "boxed text": (r"\boxed{\text{B}}", "B"),
    "boxed letter": (r"\boxed{B}", "B"),
    "two letters": ("Answer: A or B", None),
    "two letters in brackets": ("Answer: (A) and (B)", None),
    "article": ("Answer: A cat", None),
    "vitamin": ("It is in vitamin C tablets", None),
    "option word": ("I would go for option C here", "C"),
    "last option word": ("Not choice A. Rather choice D!", "D"),
    "not a letter of options": ("Answer: Z", None),
}


@pytest.mark.parametrize(("text", "key"), CHOICE_REPLIES.values(), ids=list(CHOICE_REPLIES))
def test_choice_is_a_letter_in_a_marked_position(text: str, key: str | None) -> None:
    assert answer_key(text, "choice") == key


OPTIONS = ("a cat", "a dog", "Paris")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Answer: a dog", "B"),
        ("Answer: A cat", "A"),
        ("It must be Paris, surely", "C"),
        ("A cat or a dog, one of the two", None),
        ("Answer: D", None),
    ],
    ids=["spelt out", "article", "within the last line", "two options", "beyond the options"],
)
def test_choice_by_the_options_text(text: str, key: str | None) -> None:
    assert answer_key(text, "choice", OPTIONS) == key


def test_options_are_read_from_the_question_only_when_they_start_at_a() -> None:
    assert options_in("Which?\nA) red\n(B) blue\nC. green") == ("red", "blue", "green")
    assert options_in("Which?\nB) red\nC) blue") == ()
    assert options_in("Plan A: go") == ()


THIRTEEN = "Which?\n" + "\n".join(f"{letter}. item {ord(letter)}" for letter in "ABCDEFGHIJKLM")


@pytest.mark.parametrize(
    ("text", "key"),
    [("The answer is M.", "M"), ("Answer: (K)", "K"), ("It is item 76", "L"), ("Answer: N", None)],
    ids=["last", "in brackets", "spelt out", "beyond the options"],
)
def test_choice_reads_as_many_letters_as_the_question_has_options(
    text: str, key: str | None
) -> None:
    options = options_in(THIRTEEN)
    assert len(options) == 13
    assert answer_key(text, "choice", options) == key


def test_choice_of_unknown_options_is_not_the_name_of_a_value() -> None:
    assert answer_key("Answer: X", "choice") is None


MATH_PAIRS = {
    "short fraction": (r"\frac12", r"\dfrac{1}{2}"),
    "slash": ("1/2", r"\tfrac{1}{2}"),
    "decimal": ("0.5", "1/2"),
    "spaces": (r"x^2 + 1", "x^2+1"),
    "left right": (r"\left( 1, 2 \right)", "(1,2)"),
    "named": ("x = 5", "5"),
    "unit": (r"5\text{ cm}", "5"),
    "degrees": (r"90^\circ", "90"),
    "dollars": ("$3x$", "3x"),
    "set order": (r"\{2, 1\}", r"\{1,2\}"),
    "full stop": ("3x.", "3x"),
    "text": (r"\text{Evelyn}", "Evelyn"),
    "thousands": ("10{,}000".replace("{,}", ","), "10000"),
}


@pytest.mark.parametrize(("one", "other"), MATH_PAIRS.values(), ids=list(MATH_PAIRS))
def test_math_in_two_writings_has_one_key(one: str, other: str) -> None:
    assert canon(one, "math") is not None
    assert canon(one, "math") == canon(other, "math")


@pytest.mark.parametrize(
    ("one", "other"),
    [("(1,2)", "(2,1)"), ("5x", "5"), ("x^2", "x2"), ("-3", "3"), ("50%", "1/2")],
    ids=["tuples are ordered", "factor", "power", "sign", "percent"],
)
def test_math_that_differs_has_two_keys(one: str, other: str) -> None:
    assert canon(one, "math") != canon(other, "math")


def test_box_ends_at_its_own_brace() -> None:
    assert extract(r"so \boxed{\frac{1}{\{2\}}} and } more", "math") == r"\frac{1}{\{2\}}"


def test_box_that_never_closes_is_no_answer() -> None:
    assert extract(r"\boxed{1", "math") != "1"


def test_text_ignores_case_articles_and_punctuation() -> None:
    assert answer_key("Answer: The U.S.A.!", "text") == answer_key("Answer: usa", "text") == "usa"
    assert answer_key("Answer: 3.14", "text") != answer_key("Answer: 314", "text")


def test_long_text_has_no_key() -> None:
    assert answer_key("word " * 200, "text") is None


AUTO_REPLIES = {
    "number": ("Answer: 0.50", "1/2"),
    "letter": ("Answer: (B)", "B"),
    "latex": (r"\boxed{\frac{x}{2}}", r"\frac{x}{2}"),
    "words": ("It is clear.\nAnswer: The red one.", "red one"),
    "number in the last line": ("Tom has 7 apples in total.", "7"),
    "equation": ("3 + 4 = 7", "7"),
}


@pytest.mark.parametrize(("text", "key"), AUTO_REPLIES.values(), ids=list(AUTO_REPLIES))
def test_auto_takes_the_kind_that_fits(text: str, key: str) -> None:
    assert answer_key(text, "auto") == key


def test_unknown_kind_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"'maths'.*number"):
        canon("1", "maths")
    with pytest.raises(ValueError, match="'maths'"):
        extract("1", "maths")


def test_visible_text_drops_reasoning_whose_opening_is_missing() -> None:
    assert visible("so 5</think>6") == "6"


FRACTIONS = st.fractions(max_denominator=10**6)
MIDS = st.sampled_from(["{}", " {} ", "{}.", "**{}**", "${}$", r"\({}\)"])


def _written(value: Fraction, style: int) -> str:
    if style == 0:
        return f"{value.numerator}/{value.denominator}"
    sign = "-" if value < 0 else ""
    top = abs(value.numerator)
    if style == 1:
        return rf"{sign}\frac{{{top}}}{{{value.denominator}}}"
    if value.denominator == 1:
        return f"{value.numerator:,}" if style == 2 else f"{value.numerator}.00"
    return f"{3 * value.numerator}/{3 * value.denominator}"


@given(FRACTIONS, FRACTIONS, st.integers(0, 3), st.integers(0, 3))
def test_numbers_have_one_key_exactly_when_they_are_equal(
    a: Fraction, b: Fraction, style_a: int, style_b: int
) -> None:
    for kind in ("number", "math", "auto"):
        key_a, key_b = canon(_written(a, style_a), kind), canon(_written(b, style_b), kind)
        assert key_a is not None
        assert (key_a == key_b) == (a == b)
        assert Fraction(key_a) == a


@given(FRACTIONS, st.integers(0, 3), MIDS)
def test_number_keeps_its_key_however_it_is_wrapped(value: Fraction, style: int, mid: str) -> None:
    written = _written(value, style)
    for wrapped in (
        f"Answer: {mid.format(written)}",
        f"Because 1 + 1 = 2.\nThe answer is {mid.format(written)}",
        rf"We get \boxed{{{written}}}.",
    ):
        for kind in ("number", "math", "auto"):
            assert answer_key(wrapped, kind) == str(value), (wrapped, kind)


@given(st.text(), st.sampled_from(KINDS))
def test_key_is_its_own_key(text: str, kind: str) -> None:
    key = canon(text, kind)
    assert key is None or canon(key, kind) == key


PIECES = [
    *"0123456789xyAB(){}[],.;:$%^_=+-/*\\ \n",
    *(r"\frac", r"\text{", r"\left", r"\boxed{", "Answer:", "the answer is ", "####", "**"),
    *("<think>", "</think>", "option ", "1e9", "\ud800"),
]
LATEX = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


@given(LATEX, st.sampled_from(KINDS))
def test_any_text_has_a_stable_key_or_none(text: str, kind: str) -> None:
    key = answer_key(text, kind)
    assert key is None or canon(key, kind) == key


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "text",
    [
        "Answer: 1e999999999",
        "Answer: " + "9" * 100_000,
        "1," * 50_000,
        "answer " * 20_000,
        r"\boxed{" * 20_000,
        "**a" * 30_000,
        "-" * 100_000,
        "1/" * 50_000,
        "Answer: {" + "(," * 50_000,
        "<think>" * 20_000 + "</think>",
    ],
    ids=[
        "exponent",
        "digits",
        "commas",
        "markers",
        "boxes",
        "bold",
        "signs",
        "slashes",
        "sets",
        "thoughts",
    ],
)
def test_hostile_text_is_answered_at_once(text: str, kind: str) -> None:
    started = time.process_time()
    answer_key(text, kind)
    assert time.process_time() - started < 1.0
