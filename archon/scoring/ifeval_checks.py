"""The IFEval checks themselves; only ``Worker`` imports this module, in a child process.

Two of the library's checks want data that NLTK would download at run time. They are done here
with the library's own sentence splitter and NLTK's rule-based word tokenizer, which need none;
a count of sentences can therefore differ by one from the paper's where abbreviations abound.
A third, the count of a letter, is done here because the library draws another one at random where
it is told to count a sign ("!").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import langdetect
from if_verifiable.common import get_loose_transformations
from if_verifiable.ifeval.instructions_registry import INSTRUCTION_DICT
from if_verifiable.ifeval.instructions_util import split_into_sentences
from nltk.tokenize import NLTKWordTokenizer

Check = Callable[[str], bool]

# The detector draws at random by default; one text must always get one score.
langdetect.DetectorFactory.seed = 0


def followed(
    names: list[str],
    arguments: list[Mapping[str, Any] | None],
    question: str,
    text: str,
    is_loose: bool,
) -> list[bool]:
    """Whether each instruction is followed.

    Args:
        names: Checks, e.g. "punctuation:no_comma".
        arguments: The arguments of each; null ones count as absent.
        question: The prompt, which some checks look at.
        text: The answer.
        is_loose: Accept the variants of the paper's loose criterion.

    Raises:
        ValueError: A check is unknown, or lacks an argument.
    """
    variants = get_loose_transformations(text) if is_loose else [text]
    checks = [_check(name, given, question) for name, given in zip(names, arguments, strict=True)]
    return [any(v.strip() and check(v) for v in variants) for check in checks]


def _check(name: str, given: Mapping[str, Any] | None, question: str) -> Check:
    values = {key: value for key, value in (given or {}).items() if value is not None}
    if name == "length_constraints:number_sentences":
        return _sentences(**values)
    if name == "change_case:capital_word_frequency":
        return _capital_words(**values)
    if name == "keywords:letter_frequency" and "letter" in values:
        return _letters(**values)
    if name not in INSTRUCTION_DICT:
        raise ValueError(f"there is no check {name!r}")
    checker = INSTRUCTION_DICT[name](name)
    # With an argument left out the library would draw one at random.
    absent = sorted(set(checker.get_instruction_args_keys()) - values.keys())
    if absent:
        raise ValueError(f"check {name!r} lacks {', '.join(absent)}")
    checker.build_description(**values)
    if "prompt" in (checker.get_instruction_args() or {}):
        checker.build_description(prompt=question)
    return lambda text: bool(checker.check_following(text))


def _sentences(*, num_sentences: int, relation: str) -> Check:
    compare = _comparison(relation, int(num_sentences))
    return lambda text: compare(len(split_into_sentences(text)))


def _letters(*, letter: str, let_frequency: int, let_relation: str) -> Check:
    compare = _comparison(let_relation, int(let_frequency))
    sought = letter.strip().lower()
    return lambda text: compare(text.lower().count(sought))


def _capital_words(*, capital_frequency: int, capital_relation: str) -> Check:
    compare = _comparison(capital_relation, int(capital_frequency))
    tokenizer = NLTKWordTokenizer()
    return lambda text: compare(sum(word.isupper() for word in tokenizer.tokenize(text)))


def _comparison(relation: str, threshold: int) -> Callable[[int], bool]:
    if relation == "less than":
        return lambda number: number < threshold
    if relation == "at least":
        return lambda number: number >= threshold
    raise ValueError(f"there is no relation {relation!r}")
