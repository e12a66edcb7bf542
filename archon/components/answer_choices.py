"""The letter of a multiple-choice answer, and the options that a question lists.

Places are tried in one order: where the answer is declared, a box, a bold span, a line that is a
letter, "B is correct", "I choose B", "option B", a marked line that names one letter, the text of
an option. A place that names two letters gives none: there is no guess.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from archon.components.answer_keys import LETTERS, canon, letter_of
from archon.components.answer_places import bold, boxed, first_clause, last_line, lines_of, marked

LIKELY_LETTERS = LETTERS[:10]
"""Read where no options are known: beyond them, a lone letter is more often the name of a value."""

_TWO = ""
"""A place names two letters: nothing is read, there or elsewhere."""

_MORE = "because|since|as|is|or|and|but|for|which|not|since|where|if|due|given|would|should"
_OPENING = r"[*_(\[{\"'`$<\s]{0,6}"
_NAMED = rf"{_OPENING}(?:(?:option|choice|answer|letter)s?\s{{0,2}}{_OPENING})?"
_DIRECT = re.compile(
    rf"(?i:{_NAMED})(?:"
    rf"(?P<capital>[A-Z])(?![\w'’+#&])(?! (?!(?:{_MORE})\b)[a-z])"
    r"|(?<=[(\[*\"'`])(?P<quoted>[a-z])(?=[)\]*\"'`])"
    r"|(?P<small>[a-z])(?=[).:]|\s*$))"
)
"""A letter right behind a marker. "A cat" opens with an article, "I am" with a pronoun."""
_ANOTHER = re.compile(
    r"[)\]*_}\"'`.]{0,4},?\s{0,2}(?:(?:and|or)\b|[,/&])\s{0,2}"
    r"(?i:option |choice )?[*_(\[]{0,3}([A-Z])(?![\w'])"
)
_NEGATED = re.compile(
    r"\b(?i:not|rather than|instead of|isn't|isn’t)\s(?i:(?:the )?(?:option|choice|answer)\s)?"
    r"[*_(\[]{0,3}[A-Z]\b[)\]*_]{0,3}(?:,? (?:or|nor|and) [*_(\[]{0,3}[A-Z]\b[)\]*_]{0,3}){0,8}"
)
_NOT_CLAUSE = re.compile(r",? (?:not|rather than|instead of) [^.;,\n]{0,200}")
_LONE_CAPITAL = re.compile(r"(?<![\w'])([A-Z])(?![\w'])")
_PROSE = re.compile(rf"[AI] (?!(?:{_MORE})\b)[a-z]")
_REFUTED = re.compile(
    r"\b(?i:option|choice)\s?[*_(]{0,3}[A-Z]\b[)*_]{0,3}"
    r" (?:is|was|seems|are)(?: (?:not|in|un|wrong|false|clearly|obviously|too)|n't)"
)
_RIGHT = re.compile(
    r"(?<![\w'])(?:(?i:(?P<word>option|choice|answer))\s?)?[*_(\[]{0,3}(?P<letter>[A-Z])[)\]*_]{0,3}"
    r" (?:is|must be|seems|looks)(?: (?:the|most likely|clearly|therefore|thus|definitely))*+"
    r" (?:only )?(?:correct|right|best|true|answer)\b"
)
_UNDECIDED = re.compile(r"(?:nor|neither|if|whether|or|unless|not|why|how)", re.IGNORECASE)
_CONNECTIVE = re.compile(
    r"(?:therefore|thus|so|hence|clearly|only|since|because|as|and|but|then|that|i|think)",
    re.IGNORECASE,
)
_CHOSEN = re.compile(
    r"\b(?:choose|chose|choosing|pick|picked|select|selected|go(?:ing)? (?:with|for)"
    r"|it(?:'s|’s| is| must be| should be| has to be)|answer)\s",
    re.IGNORECASE,
)
_SO = re.compile(
    r"[*_#\s]{0,6}(?:so|therefore|thus|hence|finally|in conclusion|conclusion)[,:]?[*_\s]{1,4}"
    r"|(?:option|choice|letter)\s",
    re.IGNORECASE,
)
_OPTION_WORD = re.compile(r"\b(?:option|choice)\s*[*_(]{0,3}([A-Z])\b", re.IGNORECASE)
_OPTION_LINE = re.compile(
    r"^[ \t]*+(?:[-*•>][ \t]+)?[*_]{0,3}[(\[]?([A-Za-z])[*_]{0,3}[)\].:][*_]{0,3}[ \t]+(\S.*)$",
    re.MULTILINE,
)


def options_in(question: str) -> tuple[str, ...]:
    """Texts of the options that a question lists as ``A) ...`` from A on; () if it lists none.

    The last such list counts, in capital or small letters; other lines may stand between.
    """
    found = _OPTION_LINE.findall(question)
    runs: list[list[str]] = []
    expected = ""
    for letter, text in found:
        if letter in "Aa":
            runs.append([])
            expected = letter
        if letter == expected:
            runs[-1].append(_bare(text))
            expected = chr(ord(letter) + 1)
    listed = [run for run in runs if len(run) > 1]
    return tuple(listed[-1][: len(LETTERS)]) if listed else ()


def _bare(option: str) -> str:
    text = option.strip()
    for mark in ("**", "__"):
        is_wrapped = text.startswith(mark) and text.endswith(mark) and text.count(mark) == 2
        text = text[2:-2].strip() if is_wrapped else text.removesuffix(mark)
    return text


def choice_in(text: str, options: Sequence[str]) -> str | None:
    """The letter that a reply gives; None where it gives none, or more than one.

    Args:
        text: The reply, without its reasoning block.
        options: Texts of the options, which also limit the letters; () if they are not known.
    """
    letters = LETTERS[: len(options)] if options else LIKELY_LETTERS
    return (
        next((found for found in _readings(text, letters, options) if found is not None), None)
        or None
    )


def _readings(text: str, letters: str, options: Sequence[str]) -> Iterator[str | None]:
    """What each place says, in the order of trust; ``_TWO`` ends the search."""
    spans = marked(text, choices=True)
    yield next((x for span in spans if (x := _declared(span, letters, options)) is not None), None)
    if (box := boxed(text)) is not None:
        yield _declared(box, letters, options)
    yield _of_line(bold(text) or "", letters)
    yield _of_lines(text, letters)
    yield _only({m["letter"] for m in _RIGHT.finditer(text) if _is_letter(m)}, letters)
    chosen = [_direct(text[m.end() : m.end() + 40], letters) for m in _CHOSEN.finditer(text)]
    yield next((letter for letter in reversed(chosen) if letter), None)
    kept = _REFUTED.sub(" ", _NEGATED.sub(" ", text))
    yield _only({word.upper() for word in _OPTION_WORD.findall(kept)}, letters)
    for span in marked(text)[:1]:
        yield _only(_letters_in(_NEGATED.sub(" ", span)), letters)
    yield _option_by_text(text, spans, options)


def _only(found: set[str], letters: str) -> str | None:
    known = {letter for letter in found if letter in letters}
    return None if not known else known.pop() if len(known) == 1 else _TWO


def _declared(span: str, letters: str, options: Sequence[str]) -> str | None:
    """The letter of a span that opens with an answer; None where it opens with prose."""
    span = _NEGATED.sub(" ", boxed(span) or span).lstrip(" ,")
    if (letter := _exact_option(span, letters, options)) is not None:
        return letter
    direct = _direct(span, letters)
    return direct if direct is not None else letter_of(span, letters)


def _direct(span: str, letters: str) -> str | None:
    match = _DIRECT.match(span)
    if match is None:
        return None
    letter = next(group for group in match.groups() if group).upper()
    another = _ANOTHER.match(span, match.end())
    if another and another[1] != letter and not _PROSE.match(span, another.start(1)):
        return _TWO
    return letter if letter in letters else None


def _exact_option(span: str, letters: str, options: Sequence[str]) -> str | None:
    """The one option that the span is, in whole or in its first clause. A letter is a letter."""
    keys = [canon(option, "text") for option in options]
    for part in (span, first_clause(span)):
        key = canon(part, "text")
        if key is None or letter_of(part, letters) is not None:
            continue
        if keys.count(key) == 1:
            return LETTERS[keys.index(key)]
    return None


def _of_line(line: str, letters: str) -> str | None:
    rest = line
    for _ in range(2):
        opening = _SO.match(rest)
        rest = rest[opening.end() :] if opening else rest
    return letter_of(rest, letters)


def _of_lines(text: str, letters: str) -> str | None:
    """The letter of the lines that are one ("B"), else of those led by one ("B. a plum").

    Lines led by different letters are a list of options, unless the last repeats an earlier one.
    """
    lines = lines_of(text)
    found = [(line, letter) for line in lines if (letter := _of_line(line, letters)) is not None]
    lone = {letter for line, letter in found if len(line.strip("*_()[]{}.,:\"'`$<> ")) <= 2}
    if lone:
        return _only(lone, letters)
    counts = Counter(letter for _, letter in found)
    if len(counts) < 2:
        return next(iter(counts), None)
    last_said, n = found[-1][1], counts[found[-1][1]]
    is_last = found[-1][0] == lines[-1]
    return last_said if is_last and n > 1 else None


def _is_letter(match: re.Match[str]) -> bool:
    # "Vitamin A is best" is about a vitamin.
    start = match.start()
    before = re.split(r"\s", match.string[max(0, start - 40) : start].rstrip(" *_("))[-1]
    if _UNDECIDED.fullmatch(before):
        return False
    is_name = before[:1].isupper() and before[-1:] not in ".:,;!?"
    return bool(match["word"]) or not is_name or _CONNECTIVE.fullmatch(before) is not None


def _letters_in(span: str) -> set[str]:
    """Letters that stand alone in a marked line; not the article "A", not the pronoun "I"."""
    found = _LONE_CAPITAL.finditer(span)
    return {m[1] for m in found if not _PROSE.match(span, m.start())}


def _option_by_text(text: str, spans: Sequence[str], options: Sequence[str]) -> str | None:
    """The one option that an answer spells out: as a whole, else within the last line."""
    keys = [canon(option, "text") for option in options]
    for span in (*spans, boxed(text) or "", bold(text) or last_line(text), text.strip()):
        key = canon(span, "text")
        if key is not None and keys.count(key) == 1:
            return LETTERS[keys.index(key)]
    line = f" {canon(_NOT_CLAUSE.sub('', last_line(text)), 'text') or ''} "
    if letter_of(last_line(text)) is not None:
        return None  # of a list of options
    within = [i for i, key in enumerate(keys) if key is not None and f" {key} " in line]
    return LETTERS[within[0]] if len(within) == 1 else None
