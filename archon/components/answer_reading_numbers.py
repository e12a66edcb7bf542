"""The number that a reply gives, read out of the places where an answer can stand."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from archon.components.answer_keys import without_text_commands
from archon.components.answer_numbers import (
    MONTHS,
    NUMBER,
    literal_number,
    number_key,
    plain_numbers,
)
from archon.components.answer_places import (
    bold,
    boxed,
    explained_line,
    first_clause,
    first_sentence,
    last_line,
    marked,
)

Reading = Callable[[str], Iterator[str]]

UNREADABLE = "\0"
"""What a place gives that holds the answer, in a form that has no key: "5-7" is no number."""

FILLER = re.compile(
    r"(?:(?:about|approximately|roughly|around|exactly|therefore|thus|clearly|indeed|simply|just"
    r"|definitely|now|equal to|only|either|at (?:least|most)|[≈~]|\\approx)\s{0,3}){1,3}"
)
_POINTER = re.compile(r"[*_\s]{0,4}(?:as follows|(?:in )?the following|below|above)\b")
"""What points at an answer instead of giving one."""
NO_ANSWER = re.compile(
    r"[*_\s]{0,4}(?:obtained|found|given|computed|calculated|derived|determined|based|as follows"
    r"|the following|below|above|in the|between|correct|wrong|not\b|well[- ]known|always|supposed"
    r"|the (?:sum|product|number|difference|quotient|total|range|same|result|value) (?:of|as)\b"
    r"|that (?:the|this|we|you|it)\b(?!.* is ))",
)
"""Openings of prose about the answer, which is not the answer."""
_WORD = re.compile(r"(?<![\\\w])[A-Za-z]{2,}")
_NEGATED = re.compile(r"\b[Nn]ot [-$]?[0-9][0-9.,]*+(?![^\W_])")
_COPULA = re.compile(r".*\b(?:is|are|was|equals|be)[:*\s]{1,5}(?:about |exactly )?", re.DOTALL)
_SEVERAL = re.compile(r"\s?(?:,|or\b|and\b|to\b|&)\s{0,2}(?:\\?[$€£])?(?:[0-9]|\$)")
_JOINED = re.compile(r"\b(?:or|and)\b|,")
_OPERATOR = re.compile(r"\s[-+*/×·÷]\s")
_TERM = re.compile(r"[0-9)]\s?[a-z]\b|\b[a-z]\s?[-+*/^]")
_ANY_NUMBER = re.compile(r"[\W_]{0,8}(?:\\?[a-z]{0,8}\{)?[0-9½¼¾√]")
_COMPOUND = re.compile(r"\s?[a-z]{1,20},?(?: and)? [0-9]")
_RANGE = re.compile(r"(?<![\w.,])[0-9.,]++(?:\s?[-\u2013]\s?[0-9.,]++)++")


def declared_spans(
    text: str, opens: Callable[[str], bool], reads: Reading, reads_box: Reading | None = None
) -> Iterator[str]:
    """What is read where an answer is declared.

    First after the last marker that opens with one, then in a box, then after other markers.
    """
    spans = [span for span in marked(text) if not _POINTER.match(span)]
    opening = next((s for s in spans if boxed(s) is not None or opens(s)), None)
    if opening is not None:
        inside = boxed(opening)
        yield from reads(opening) if inside is None else (reads_box or reads)(inside)
    if (box := boxed(text)) is not None:
        yield from (reads_box or reads)(box)
    for span in [s for s in spans if s != opening][:1]:
        yield from reads(span)


def opening_number(span: str) -> str | None:
    """The number that the first clause is, or gives as a result ("3 + 4 = 7", "the total is 7")."""
    clause = plain_numbers(first_clause(plain_numbers(span)).strip())
    clause = clause[filler.end() :] if (filler := FILLER.match(clause.lstrip("*_ "))) else clause
    for part in (clause, clause.split(" (")[0]):
        if literal_number(part) is not None:
            return part
    if _SEVERAL.search(clause) or (clause.count("=") > 1 and _JOINED.search(clause)):
        return None
    left, equals, right = clause.rpartition("=")
    if equals and _TERM.search(left):
        return None  # an equation in x is an answer of its own
    if equals:
        side = right if literal_number(right) is not None else left
        return side if literal_number(side) is not None else None
    said = _COPULA.match(clause)
    rest = clause[said.end() :] if said else ""
    return rest if rest and literal_number(rest) is not None else None


def _opens_with_number(span: str) -> bool:
    bare = span.lstrip("$*_ \\([")
    if NO_ANSWER.match(span):
        return False
    filler = FILLER.match(bare)
    return opening_number(span) is not None or bool(
        _ANY_NUMBER.match(bare[filler.end() :] if filler else bare) and not is_prose(span)
    )


def is_prose(span: str) -> bool:
    """Whether a clause is a sentence about something, as "3 more than 4" is."""
    return len(_WORD.findall(without_text_commands(first_clause(span)))) > 4


def numbers_of(span: str) -> Iterator[str]:
    """The number that a declared span gives, or that it gives none."""
    if (number := opening_number(span)) is not None:
        yield number
        return
    clause = plain_numbers(first_clause(span)).lstrip("$*_ (")
    if (filler := FILLER.match(clause)) is not None:
        clause = clause[filler.end() :].lstrip("$*_ (")
    if (first := NUMBER.match(clause)) is not None:
        after = clause[len(first.group().rstrip(",")) :]
        is_one = not any(more.match(after) for more in (_SEVERAL, _OPERATOR, _COMPOUND))
        yield first.group() if is_one and number_key(first) is not None else UNREADABLE
        return
    yield from last_number(_RANGE.sub(" ", plain_numbers(span)))
    if _ANY_NUMBER.match(clause):
        yield UNREADABLE


def declared_number(text: str) -> Iterator[str]:
    """The number that is declared, or ``UNREADABLE``."""
    yield from declared_spans(text, _opens_with_number, numbers_of)


def first_line_number(text: str) -> Iterator[str]:
    """A first line that is a number and is explained."""
    line = explained_line(text)
    if line is not None and literal_number(line) is not None:
        yield line


def _result_in(line: str) -> Iterator[str]:
    """The result of an equation, the number a span opens with, else the last in it."""
    result = line.rpartition("=")[2].lstrip(" $*_(\"'~≈")
    if (first := NUMBER.match(result)) is not None:
        yield first.group()
    yield from last_number(line)


def last_number(text: str) -> Iterator[str]:
    """The last numbers of a text, the very last first; "not 7" names none."""
    found = [match.group() for match in NUMBER.finditer(_NEGATED.sub(" ", plain_numbers(text)))]
    yield from reversed(found[-3:])


def bold_number(text: str) -> Iterator[str]:
    """The last bold span, if it is a number."""
    span = bold(text)
    if span is not None and literal_number(span) is not None:
        yield span


def last_line_result(text: str) -> Iterator[str]:
    """What the last line is, or gives as the result of an equation."""
    line = plain_numbers(last_line(text))
    if (number := opening_number(line)) is not None:
        yield number
    if "=" in line:
        yield from _result_in(line)


_LEADS = re.compile(r"(?:^|(?<![^\W_])[a-z]{2,}[:,]?)[\s*_]{0,3}$")
_NAMES = re.compile(
    r"(?<!total )(?<!sum )(?<!cost )(?<!average )(?<!value )\b(?:of|in|on|at|since|until|till|by"
    r"|from|before|after|page|number|room|chapter|section|line|level|step|part|grade|year)[\s*_]{1,3}$"
)
"""What leads to the number of a name ("the film of 1994"), not to a count."""
_TRAILS = re.compile(
    r"[*_]{0,3}(?:$|[.!?]|[,;]\s[a-z]"
    rf"|\s(?!o'clock|[ap]\.?m\b|(?:{MONTHS})[a-z]*\b|to\b|or\b|and [0-9])[a-z(])"
)


def only_number(line: str) -> str | None:
    """The one number of a sentence that counts something ("Tom has 7 apples"); None if it names."""
    clause = plain_numbers(first_sentence(line))
    found = list(NUMBER.finditer(clause))
    if len({match.group() for match in found}) != 1 or _RANGE.search(clause):
        return None
    match = found[-1]
    before = clause[max(0, match.start() - 40) : match.start()]
    leads = None if _NAMES.search(before) else _LEADS.search(before)
    is_counted = leads is not None and _TRAILS.match(clause, match.end()) is not None
    return match.group() if is_counted else None
