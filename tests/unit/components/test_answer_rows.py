"""Replies as models write them, and the answer that each of them gives."""

from __future__ import annotations

import time

import pytest

from archon.components.answers import KINDS, answer_key, canon, options_in

FRUIT = ("a pear", "a plum", "a fig", "an apple")

GIVES_B = [
    "B\n\nExplanation: plums are purple.",
    "B. a plum\n\nExplanation: plums are purple.",
    "B) a plum\n\nA pear is green and C is a fig.",
    "B\nPlums are stone fruit.",
    "The correct option is B.",
    "The correct option is B. a plum",
    "The right choice is b.",
    "Correct option: B",
    "My choice: B",
    "B is correct.",
    "B is the correct answer.",
    "**B** is the best choice here.",
    "I would choose B.",
    "I choose B.",
    "Let's go with B",
    "So, (B).",
    "So B.",
    "Therefore: B",
    "Therefore, B",
    "The answer is B because A is a pear.",
    "Answer: (B) because A is wrong.",
    "The correct answer is (B) a plum, because A is wrong.",
    "The answer is B, not A.",
    "The answer should be B.",
    "Hence the answer must be B.",
    "It's B",
    "I think it's B.",
    "Answer - B",
    "Answer B",
    "<answer>B</answer>",
    '"B"',
    "'B'",
    '{"reason": "A is a pear.", "answer": "B"}',
    "The answer is B. Option A is incorrect because it is a pear.",
    "The correct choice is B. Options A, C and D are pome fruits.",
    "Option B is correct because option A is not a stone fruit.",
    "It is a stone fruit, so option B is right and option A is wrong.",
    "A is wrong, C is wrong, D is wrong, so B is right.",
    "### Answer\n\nB. a plum\n\n### Explanation\nIt is a stone fruit.",
    "A. a pear is green.\nB. a plum is purple.\nThe answer: B",
    "The answer is a plum, not a fig.",
    "Answer: B\n\nA. a pear\nB. a plum\nC. a fig\nD. an apple",
    "The answer is not A but B.",
    "B - a plum",
    "Therefore B is correct.",
    "The answer is clearly B.",
    "The best answer would be to choose option B",
    "Neither A nor C is correct; B is correct.",
    "If A is correct, it is green. B is correct.",
    "答案：B",
    "(B) a plum\n\nI hope this helps!",
]


@pytest.mark.parametrize("text", GIVES_B)
def test_choice_is_read_in_the_styles_of_models(text: str) -> None:
    assert answer_key(text, "choice", FRUIT) == "B"


GIVES_NONE = [
    "The answer is not B.",
    "Answer: A or B",
    "Answer: (A) and (B)",
    "The answer is A, B or C.",
    "Option A or option B",
    "Neither A nor B is correct",
    "Vitamin B is best",
    "A. a pear: green.\nB. a plum: purple.\nC. a fig: brown.",
    "We can rule out A. The answer is I am not sure.",
    "B is correct. No, C is correct.",
    "Answer: A vegetable",
    "I go by train.",
]


@pytest.mark.parametrize("text", GIVES_NONE)
def test_choice_is_not_guessed(text: str) -> None:
    assert answer_key(text, "choice", FRUIT) is None


@pytest.mark.parametrize(
    ("text", "options", "key"),
    [
        ("The answer is Vitamin C.", ("Vitamin C", "Vitamin B", "Vitamin A"), "A"),
        ("The answer is hepatitis B.", ("hepatitis B", "hepatitis A"), "A"),
        ("The answer is Plan B", ("Plan B", "Plan A"), "A"),
        ("Answer: A car is faster", ("A car", "A bus"), "A"),
        ("The answer is A car.", ("A bus", "A car"), "B"),
        ("The capital is Paris, not London.", ("Paris", "London"), "A"),
        ("#### Option A\nLondon\n#### Option B\nParis\n\n**B**", ("London", "Paris"), "B"),
        ("The answer is B.", ("A", "C", "B"), "B"),
    ],
)
def test_choice_by_text_comes_before_the_letters_in_it(
    text: str, options: tuple[str, ...], key: str | None
) -> None:
    assert answer_key(text, "choice", options) == key


@pytest.mark.parametrize(
    "question",
    [
        "Which?\nA) red\nB) blue",
        "Q: Which?\na) red\nb) blue",
        "Which?\n**A)** red\n**B)** blue",
        "Which?\n**A**. red\n**B**. **blue**",
        "Which?\n- A) red\n- B) blue",
        "Which?\n[A] red\n[B] blue",
        "I. Newton asks: which?\nA. red\nB. blue",
        "A) old\nB) new\nWhich?\nA) red\nB) blue\nAnswer with a letter.",
    ],
)
def test_options_are_read_in_the_styles_of_questions(question: str) -> None:
    assert options_in(question) == ("red", "blue")


@pytest.mark.parametrize(
    "question", ["I. one\nII. two", "A. Einstein was born.\nWhen?", "B) x\nC) y"]
)
def test_options_are_not_read_where_none_are_listed(question: str) -> None:
    assert options_in(question) == ()


NUMBERS = {
    r"\boxed{10,\!000}": "10000",
    "Answer: 10{,}000": "10000",
    r"\boxed{1{,}234{,}567}": "1234567",
    "Answer: –3": "-3",
    "Answer: − 3": "-3",
    "The answer is minus 5.": "-5",
    "Answer: $-12": "-12",
    "Answer: 1.5 million": "1500000",
    "Answer: $1.5M": "1500000",
    "300 million": "300000000",
    "Answer: $20k": "20000",
    "Answer: 20k": None,
    "The answer is 3.5 × 10^3": "3500",
    r"Answer: $3 \times 10^{8}$ m/s": "300000000",
    "Answer: 3×10⁸": "300000000",
    "Answer: 10^6": "1000000",
    "Answer: 2^10": None,
    r"Answer: \sqrt{2}": None,
    r"\boxed{2\sqrt{3}}": None,
    r"Answer: 3\pi": None,
    "Answer: 42x": None,
    "Answer: 1 000 000": "1000000",
    "Answer: €1.234,56": "30864/25",
    "Answer: 5-7": None,
    "Answer: 5–7": None,
    "Answer: 12 or 13": None,
    "The answer is 3, 4, and 5": None,
    "Answer: 5 minutes and 30 seconds": None,
    "The answer is 5 + 3": None,
    "Answer: 10:30": None,
    "Answer: 2/3/2021": None,
    "Answer: 2024-05-01": None,
    "Answer: 4½": "9/2",
    "Answer: ½": "1/2",
    r"Answer: \frac34": "3/4",
    "Total: 18 m^2": "18",
    "Thus the answer is 18, since 3+4=7.": "18",
    "The answer is 18 because 3 + 4 = 7": "18",
    "The answer is 8 = 5 + 3": "8",
    "The answer is 5 + 3 = 8": "8",
    "The answer is not 5 but 6": "6",
    "Answer: 100 (one hundred)": "100",
    "Answer: USD 500": "500",
    "#### Step 2: Multiply\n3*4 = 12\n\nSo we get \\boxed{12}": "12",
    "#### Step 2\nSo we have 7+2=9\n\nThe total is 9": "9",
    "The answer is 12.\n\n#### Verification\n12*2=24": "12",
    "#### 12\n\nHope this helps with question 3!": "12",
    "The answer is 12. Note: the answer is obtained by adding 5 and 7.": "12",
    "The answer is the sum of 3 and 4.\nSo 3+4=7.\n\\boxed{7}": "7",
    "The answer is 3 more than 4, so it is \\boxed{7}": "7",
    "The answer is 7\n\nNote: The answer is in the range 1-10.": "7",
    "### Answer\n42 dollars": "42",
    "**Final Answer**\n\n42": "42",
    "18\n\nExplanation: 16 - 3 - 4 = 9 eggs at $2.": "18",
    "So she makes 18 dollars.\n\nLet me know if you have 2 more questions!": "18",
    '{"reasoning": "3+4=7", "answer": "7"}': "7",
}


@pytest.mark.parametrize(("text", "key"), NUMBERS.items())
def test_number_is_read_whole_or_not_at_all(text: str, key: str | None) -> None:
    assert answer_key(text, "number") == key


DIFFERENT = [
    ("10:30", "10:45"),
    ("1, 2", "1, 3"),
    ("2x+3", "2x+5"),
    ("2x", "2y"),
    ("3 March", "3 May"),
    ("3 march", "3 may"),
    ("7 Samurai", "7 Dwarfs"),
    ("12 March 2020", "12 May 2020"),
    ("March 12, 2020", "March 13, 2020"),
    ("2020-03-12", "2020-03-13"),
    ("$5 million", "$5 billion"),
    ("3 PM", "3 AM"),
    ("3 pm", "3 am"),
    ("2 + 3i", "2 - 3i"),
    ("7th century", "7th grade"),
    ("5 < x < 7", "5 < x < 9"),
    ("2 cats and 3 dogs", "2 cats and 4 dogs"),
    ("1990s", "1990"),
    ("World War 2", "Apollo 2"),
    ("x = 3 or x = -3", "x = 5 or x = -3"),
    ("C#", "C"),
    ("The best film of 1994", "The worst film of 1994"),
    ("the man on page 3", "the dog on page 3"),
    ("5-7", "5-8"),
]


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
@pytest.mark.parametrize("form", ["Answer: {}", "So it is clear.\n{}", "The answer is {}."])
def test_auto_gives_different_answers_different_keys(one: str, other: str, form: str) -> None:
    keys = {answer_key(form.format(text), "auto") for text in (one, other)}
    assert len(keys) == 2
    assert None not in keys


SAME = [
    ("Answer: The total is $12.", "12"),
    ("Answer: there are 12 apples.", "12"),
    ("**Answer:** There are 12 apples in total.", "12"),
    ("The answer is therefore 12.", "12"),
    ("The answer is clearly **12**.", "12"),
    ("Answer: x = 12", "12"),
    ("She pays a total of 12 dollars.", "12"),
    ("Answer: 12 apples are left", "12"),
    ("Answer: 12 kg", "12"),
    (r"Answer: $\boxed{12}$", "12"),
    ("Answer: 1.5 million dollars", "1500000"),
    ("The answer is Oslo because it is the capital.", "oslo"),
    ("<answer>Oslo</answer>", "oslo"),
    (r"\boxed{\text{Oslo}}", "oslo"),
    ("The answer is Mr. Smith. He is the owner.", "mr smith"),
    ("#### Conclusion\nThe red one is **blue**", "blue"),
]


@pytest.mark.parametrize(("text", "key"), SAME)
def test_auto_gives_one_answer_one_key(text: str, key: str) -> None:
    assert answer_key(text, "auto") == key


MATH = {
    r"\boxed{\$5}": "5",
    r"The value is \(\frac{3}{4}\).": "3/4",
    "Thus we have\n\\[\nx = \\frac{3}{4}\n\\]": "3/4",
    "Thus we have\n$$\nx = \\frac{3}{4}\n$$": "3/4",
    "The answer is 12 cm.": "12",
    "The answer is 42 apples.": "42",
    r"The answer is $\frac{3}{4}$ of the pie.": "3/4",
    r"So the answer is $7$, where $n = 2$ was used.": "7",
    r"\boxed{10{,}000}": "10000",
    r"\boxed{2k}": "2k",
    r"\boxed{7!}": "7!",
    r"\boxed{12 cm}": "12",
    "The answer is 7!": "7",
    "Answer: $.35$": "7/20",
    "y = 2x + 3": "2x+3",
    "-2 + 7i": "-2+7i",
    "The answer is 5x - 7y + 4 = 0.": "5x-7y+4=0",
    "3 + 4 = 7": "7",
    "Answer: 11,\\! 111,\\! 100": "11111100",
    "The total is 3 + 4 = 7": "7",
    r"\boxed{5 \text{ cm}^2}": "5",
    r"\boxed{1.5 \times 10^{3}}": "1500",
    "The answer is 2√3.": r"2\sqrt{3}",
    "The answer is the following:\n\n$x=3$": "3",
    "**Answer**: p - q": "p-q",
    r"The answer is \frac{x}{2}.": r"\frac{x}{2}",
    "p - q\n\nExplanation: this follows.": "p-q",
}


@pytest.mark.parametrize(("text", "key"), MATH.items())
def test_math_is_read_out_of_sentences(text: str, key: str) -> None:
    assert answer_key(text, "math") == key


TEXTS = {
    "**Answer**: Oslo": "oslo",
    "### Answer\nOslo\n\nOslo is the capital.": "oslo",
    "The correct answer should be Oslo": "oslo",
    "The answer to the question is Oslo.": "oslo",
    "Answer = Oslo": "oslo",
    "The answer is indeed Oslo": "oslo",
    "The answer is ] ) }.": "])}",
    "The answer is St. Louis. It lies on a river.": "st louis",
    "The answer is J. R. R. Tolkien.": "j r r tolkien",
    "The answer is Oslo. Note: the answer is well known.": "oslo",
    "Oslo\n\nExplanation: it is the capital.": "oslo",
    "Oslo\n\nOslo is the capital of Norway.": "oslo",
    "Let me think step by step.\n\nIt is in Norway.\n\nOslo": "oslo",
}


@pytest.mark.parametrize(("text", "key"), TEXTS.items())
def test_text_is_read_where_it_is_stated(text: str, key: str) -> None:
    assert answer_key(text, "text") == key


HOSTILE = [
    "1,1" * 7_000, "Answer: " + "1," * 10_000, "Answer: " + "1-" * 10_000, "...." * 5_000,
    "Aa. " * 5_000, "Answer: " + "Aa. " * 5_000, "####\n" * 4_000, "#### 1\n" * 3_000,
    "<answer>" * 2_500, "\\[" * 10_000, "\\(" * 10_000, "$$" * 10_000, "$a" * 10_000,
    "answer to answer to " * 1_000, "option " * 3_000, "not A or B " * 2_000, "A) x\n" * 4_000,
    "Answer: " + "is " * 6_000, "Answer: is" + " " * 18_000 + "x", "√(" * 10_000,
    "10^10" * 4_000, "1 000" * 4_000, "\\text{" * 3_000, "Answer: " + "about " * 3_000,
    "it is " * 3_000, "A is " * 4_000, "½" * 20_000, "Answer:\n" * 2_500,
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:12].strip())
def test_long_text_is_answered_at_once(text: str, kind: str) -> None:
    started = time.process_time()
    answer_key(text, kind, FRUIT)
    canon(text, kind)
    options_in(text)
    assert time.process_time() - started < 1.0
