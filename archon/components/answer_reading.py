"""The formula, the words or whatever fits that a reply gives, read out of its places."""

from __future__ import annotations

import re
from collections.abc import Iterator

from archon.components.answer_keys import letter_of, looks_like_math, without_text_commands
from archon.components.answer_numbers import literal_number
from archon.components.answer_places import (
    bold,
    dollars,
    explained_line,
    first_clause,
    first_sentence,
    last_line,
)
from archon.components.answer_reading_numbers import (
    FILLER,
    NO_ANSWER,
    declared_spans,
    is_prose,
    last_line_result,
    last_number,
    only_number,
    opening_number,
)

_FUNCTION = re.compile(r"sin|cos|tan|cot|sec|log|ln|exp|sqrt|pi|mod|and|or", re.IGNORECASE)
_FACTORIAL = re.compile(r"\$?[0-9]{1,9}!\$?")
_PLAIN_WORD = re.compile(r"(?<!\\)\b[^\W\d_]{2,}")
_RELATION = re.compile(r"[<>≤≥≠]")


def is_formula(line: str) -> bool:
    """Whether a line is an expression in signs, without a word of prose."""
    is_long_enough = any(sign in line for sign in "+-=^*/,<>≤≥|(!") and "$" not in line
    is_prose_free = all(_FUNCTION.fullmatch(word) for word in _PLAIN_WORD.findall(line))
    return is_long_enough and bool(line) and "\\" not in line and is_prose_free


def _math_of(span: str) -> Iterator[str]:
    """The mathematics of a declared span: within dollars, a number with its unit, or all of it."""
    inside = dollars(span)
    if inside and literal_number(span) is None:
        yield inside[0]
    clause = first_clause(span)
    is_number = literal_number(clause) is not None or not looks_like_math(clause)
    if is_number and (number := opening_number(span)) is not None:
        yield _without_unit(number)
    if not is_prose(span):
        yield clause.strip(" *")


def _math_of_box(box: str) -> Iterator[str]:
    """All of a box, where punctuation ends nothing; a number in it without its unit."""
    number = None if box.rstrip().endswith("!") else literal_number(box)
    yield box if number is None else number


def _without_unit(number: str) -> str:
    return literal_number(number) or number


def _opens_with_math(span: str) -> bool:
    return not NO_ANSWER.match(span) and (bool(dollars(span)) or not is_prose(span))


def declared_math(text: str) -> Iterator[str]:
    """The mathematics that is declared, or stands in a first line that is explained."""
    yield from declared_spans(text, _opens_with_math, _math_of, _math_of_box)
    if (line := explained_line(text)) is not None:
        yield from _math_of(line)


def last_line_math(text: str) -> Iterator[str]:
    """The result or formula of the last line; a number of a sentence unless it is a bound."""
    line = last_line(text)
    if _FACTORIAL.fullmatch(line):
        yield line
    if (number := opening_number(line)) is not None:
        yield _without_unit(number)
    if is_formula(line):
        yield line
    yield from dollars(line)[-1:]
    if not looks_like_math(line) and " " in line:
        yield from last_line_result(text)
        if not _RELATION.search(line):
            yield from last_number(line)
    yield line


def _text_of(span: str) -> Iterator[str]:
    """A name or phrase without the reason that follows it."""
    bare = without_text_commands(span).strip(" *_`\t")
    filler = FILLER.match(bare)
    yield first_sentence(bare[filler.end() :] if filler and filler.group()[0] in "tcids" else bare)


def _opens_with_text(span: str) -> bool:
    return not NO_ANSWER.match(span)


def declared_text(text: str) -> Iterator[str]:
    """The words that are declared, or stand in a first line that is explained."""
    yield from declared_spans(text, _opens_with_text, _text_of)
    if (line := explained_line(text)) is not None:
        yield from _text_of(line)


def bold_or_last_line(text: str) -> Iterator[str]:
    """The last bold words, else the last line."""
    yield from _text_of(bold(text) or last_line(text))


def _any_of(span: str) -> Iterator[str]:
    """A number where the span is or gives just one; else a letter, mathematics or words."""
    if (number := opening_number(span)) is not None:
        yield number
    elif looks_like_math(span) and (inside := dollars(span)):
        yield inside[0] if span.startswith("$") or len(inside) == 1 else span
    elif not looks_like_math(span) and (number := only_number(span)) is not None:
        yield number
    elif letter_of(first_clause(span)) is not None:
        yield first_clause(span)
    yield first_clause(span).strip() if looks_like_math(span) else next(_text_of(span))


def _opens_with_any(span: str) -> bool:
    return opening_number(span) is not None or not NO_ANSWER.match(span)


def declared_any(text: str) -> Iterator[str]:
    """Whatever is declared, or stands in a first line that is explained."""
    yield from declared_spans(text, _opens_with_any, _any_of)
    if (line := explained_line(text)) is not None:
        yield from _any_of(line)


def last_line_any(text: str) -> Iterator[str]:
    """Whatever the last bold words or the last line give."""
    yield from _any_of(bold(text) or last_line(text))
