"""Constraints on a text that can be checked without knowing the answer.

Every constraint is a pure predicate over one text. Patterns run in RE2, which takes time linear
in the text, so that neither a job file nor a question can stall a worker. The kinds follow the
verifiable instructions of IFEval (arXiv 2311.07911).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import re2

from archon.components.answer_keys import LETTERS
from archon.components.answers import LIKELY_LETTERS, answer_key

Predicate = Callable[[str], bool]

_LONGEST_PATTERN = 2_000


@lru_cache(maxsize=1024)
def pattern(source: str, *, ignore_case: bool = False) -> Any:
    """A compiled RE2 pattern.

    Raises:
        ValueError: It is not a pattern of RE2 (no look-around, no back-references).
    """
    if len(source) > _LONGEST_PATTERN:
        raise ValueError(f"the pattern has {len(source)} characters; at most {_LONGEST_PATTERN}.")
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = not ignore_case
    try:
        return re2.compile(encodable(source), options)
    except re2.error as error:
        reason = error.args[0]
        reason = reason.decode(errors="replace") if isinstance(reason, bytes) else reason
        raise ValueError(f"not a pattern of RE2: {reason}.") from error


def encodable(text: str) -> str:
    """The text without lone surrogates, which cannot be written as UTF-8."""
    return text.encode("utf-8", "replace").decode("utf-8")


def matches(source: str) -> Predicate:
    """The pattern occurs in the text."""
    compiled = pattern(source)
    return lambda text: compiled.search(encodable(text)) is not None


def contains(words: str, *, whole_words: bool, ignore_case: bool) -> Predicate:
    """The words occur in the text; ``whole_words``: not as a part of longer words."""
    edge_left = r"(?:^|[^\pL\pN_])" if whole_words else ""
    edge_right = r"(?:$|[^\pL\pN_])" if whole_words else ""
    quoted = re2.escape(encodable(words))
    compiled = pattern(f"{edge_left}{quoted}{edge_right}", ignore_case=ignore_case)
    return lambda text: compiled.search(encodable(text)) is not None


def negated(predicate: Predicate) -> Predicate:
    """The opposite constraint."""
    return lambda text: not predicate(text)


def starts_with(start: str, *, ignore_case: bool) -> Predicate:
    """The text begins so, blanks aside."""
    fold = str.casefold if ignore_case else str
    return lambda text: fold(text.lstrip()).startswith(fold(start))


def ends_with(end: str, *, ignore_case: bool) -> Predicate:
    """The text ends so, blanks aside."""
    fold = str.casefold if ignore_case else str
    return lambda text: fold(text.rstrip()).endswith(fold(end))


def size(measure: Callable[[str], int], least: int, most: int) -> Iterator[Predicate]:
    """A lower and an upper limit, each a constraint of its own; 0 means no limit."""
    if least:
        yield lambda text: measure(text) >= least
    if most:
        yield lambda text: measure(text) <= most


def count_words(text: str) -> int:
    """Words between blanks."""
    return len(text.split())


def has_number(text: str) -> bool:
    """An answer that is a number can be found in the text."""
    return answer_key(text, "number") is not None


def has_choice(letters: str) -> Predicate:
    """An answer that is one of ``letters`` can be found in the text."""
    allowed = frozenset(letters)
    n_options = 1 + max(map(LETTERS.index, letters))
    # Options without a text: their number alone says how far the letters go.
    options = ("",) * n_options if n_options > len(LIKELY_LETTERS) else ()
    return lambda text: answer_key(text, "choice", options) in allowed


def question_pattern(source: str) -> Any:
    """A compiled pattern that says, in its group 1, which words a question asks for.

    Raises:
        ValueError: It is not a pattern of RE2, or has no group.
    """
    compiled = pattern(source)
    if compiled.groups < 1:
        raise ValueError("the pattern has no group; put round brackets around the words it reads.")
    return compiled


def required_words(source: str, question: str) -> tuple[str, ...]:
    """What group 1 of the pattern matches in the question, each once, in order."""
    found = question_pattern(source).finditer(encodable(question))
    return tuple(dict.fromkeys(word for match in found if (word := match.group(1))))


def fits_schema(source: str) -> Predicate:
    """The text is, or holds, JSON that the schema allows: whole, last fenced block, first value.

    Args:
        source: JSON schema (draft 2020-12) as JSON text. ``format`` is not checked.

    Raises:
        ValueError: It is not a schema, refers outside itself, or uses ``patternProperties``
            (which would run patterns outside RE2).
    """
    # What reads schemas takes longer to load than all other constraints, and few jobs have one.
    from archon.components.schema_constraint import fits

    return fits(source)
