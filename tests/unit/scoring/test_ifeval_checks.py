"""Every check of IFEval on one text that follows the instruction and one that does not."""

from __future__ import annotations

from importlib import import_module

import orjson
import pytest

from archon.benchmarks.examples import Example
from archon.core.candidates import Answer
from archon.core.messages import ask
from archon.scoring.table import build_scorer

PROMPT = "Write a poem."
SCORER = build_scorer({"kind": "ifeval"})
CHECKS: list[tuple[str, dict[str, object], str, str]] = [
    ("keywords:existence", {"keywords": ["cat", "dog"]}, "Cat DOG", "cat"),
    ("keywords:frequency", {"keyword": "cat", "frequency": 2, "relation": "at least"}, "cat Cat",
     "cat"),
    ("keywords:forbidden_words", {"forbidden_words": ["cat"]}, "category", "a cat"),
    ("keywords:letter_frequency",
     {"letter": "c", "let_frequency": 2, "let_relation": "at least"}, "Cc", "c"),
    ("keywords:letter_frequency",
     {"letter": "!", "let_frequency": 2, "let_relation": "at least"}, "Hey! You!", "Hey! You."),
    ("keywords:letter_frequency",
     {"letter": "#", "let_frequency": 2, "let_relation": "less than"}, "# a", "# a #"),
    ("language:response_language", {"language": "de"},
     "Das ist ein deutscher Satz über Katzen und Hunde.", "This is English, on cats and dogs."),
    ("length_constraints:number_sentences", {"num_sentences": 3, "relation": "at least"},
     "One. Two! Three?", "One. Two."),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 2}, "a\n***\nb", "a\nb"),
    ("length_constraints:number_words", {"num_words": 3, "relation": "at least"}, "a b c", "a b"),
    ("length_constraints:nth_paragraph_first_word",
     {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "then"}, "One.\n\nThen two.",
     "One.\n\nNow two."),
    ("detectable_content:number_placeholders", {"num_placeholders": 2}, "[a] and [b]", "[a]"),
    ("detectable_content:postscript", {"postscript_marker": "P.S."}, "Hi\nP.S. bye", "Hi"),
    ("detectable_format:number_bullet_lists", {"num_bullets": 2}, "* a\n* b", "* a"),
    ("detectable_format:constrained_response", {}, "My answer is yes.", "yes"),
    ("detectable_format:number_highlighted_sections", {"num_highlights": 2}, "*a* and *b*", "*a*"),
    ("detectable_format:multiple_sections", {"section_spliter": "SECTION", "num_sections": 2},
     "SECTION 1\nx\nSECTION 2\ny", "SECTION 1\nx"),
    ("detectable_format:json_format", {}, '```json\n{"a": 1}\n```', "a: 1"),
    ("detectable_format:title", {}, "<<My title>>\ntext", "My title"),
    ("combination:two_responses", {}, "One ****** Two", "One ***** Two"),
    ("combination:repeat_prompt", {"prompt_to_repeat": PROMPT}, PROMPT + " Roses", "Roses"),
    ("startend:end_checker", {"end_phrase": "Bye now"}, "Hello. Bye now", "Bye now. Hello"),
    ("change_case:capital_word_frequency",
     {"capital_frequency": 2, "capital_relation": "at least"}, "NASA and ESA fly.", "NASA flies."),
    ("change_case:english_capital", {}, "THIS IS AN ENGLISH TEXT ABOUT CATS.",
     "This is an English text about cats."),
    ("change_case:english_lowercase", {}, "this is an english text about cats and dogs.",
     "This is an English text about cats and dogs."),
    ("punctuation:no_comma", {}, "a b", "a, b"),
    ("startend:quotation", {}, '"all of it"', 'all of "it"'),
]  # fmt: skip


@pytest.mark.parametrize(("name", "given", "good", "bad"), CHECKS, ids=[c[0] for c in CHECKS])
async def test_ifeval_check_tells_followed_from_not(
    name: str, given: dict[str, object], good: str, bad: str
) -> None:
    metadata = orjson.dumps({"instruction_id_list": [name], "kwargs": [given]}).decode()
    subject = Example("e", ask(PROMPT), None, (), metadata)
    for _ in range(3):  # and tells them apart every time
        assert (await SCORER.score(subject, Answer(good))).value == 1.0
        assert (await SCORER.score(subject, Answer(bad))).value == 0.0


def test_ifeval_checks_all_have_a_known_answer() -> None:
    registry = import_module("if_verifiable.ifeval.instructions_registry")
    assert {name for name, *_ in CHECKS} == set(registry.INSTRUCTION_DICT)
    assert len(registry.INSTRUCTION_DICT) == 25
