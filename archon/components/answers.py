"""Where in a reply the answer stands: the base of every vote, and of scorers by answer.

``extract`` finds the span, ``canon`` gives it a key (``archon.components.answer_keys``). The last
match of a rule wins, and the rules are tried in one order: an explicit final line, a box, a bold
span or the last line, the last number. Pure functions; any text gives an answer or None.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from archon.components.answer_keys import (
    KINDS,
    LETTERS,
    NUMBER,
    Kind,
    canon,
    letter_of,
    literal_number,
    looks_like_math,
)

__all__ = [
    "KINDS",
    "LIKELY_LETTERS",
    "Kind",
    "answer_key",
    "canon",
    "extract",
    "options_in",
    "visible",
]

_TAIL_CHARS = 20_000
"""Answers stand at the end; an endless reply must not cost endless time."""

LIKELY_LETTERS = LETTERS[:10]
"""Read where no options are known: beyond them, a lone letter is more often the name of a value."""

_MARKER = re.compile(r"\banswer[*_\"\s]{0,8}(?:is\b|:|=)[*_:\s]{0,8}|####\s*", re.IGNORECASE)
_BOX = re.compile(r"\\f?box(?:ed)?\s?\{")
_BOLD = re.compile(r"\*\*([^*\n]{1,300})\*\*(?!:)")
_DOLLARS = re.compile(r"\$([^$\n]+)\$")
_OPTION_WORD = re.compile(r"\b(?:option|choice)\s*[*_(]{0,3}([A-Z])\b", re.IGNORECASE)
_LONE_CAPITAL = re.compile(r"(?<![\w'])([A-Z])(?![\w'])")
_PROSE = re.compile(r"[AI] (?!because|since|as\b|is\b|or\b|and\b)[a-z]")
_OPTION_LINE = re.compile(r"^[ \t]*\(?([A-Z])[).:][ \t]+(\S.*)$", re.MULTILINE)


def answer_key(text: str, kind: str, options: Sequence[str] = ()) -> str | None:
    """The key under which the answer of this reply is counted; None if it has none.

    Args:
        text: The whole reply of a model.
        kind: One of ``KINDS``.
        options: Texts of the options of a multiple-choice question, in order of their letters.

    Raises:
        ValueError: There is no such kind.
    """
    span = extract(text, kind, options)
    return None if span is None else canon(span, kind)


def extract(text: str, kind: str, options: Sequence[str] = ()) -> str | None:
    """The span of the reply that is its answer, fit for ``canon``; None if none is found.

    Args:
        text: The whole reply of a model.
        kind: One of ``KINDS``.
        options: As for ``answer_key``; they also limit which letters are valid.

    Raises:
        ValueError: There is no such kind.
    """
    if kind not in KINDS:
        raise ValueError(f"there is no kind of answer {kind!r}; there is: {', '.join(KINDS)}")
    shown = visible(text)
    if shown is None or not shown.strip():
        return None
    shown = shown[-_TAIL_CHARS:]
    if kind == "choice":
        return _choice(shown, options)
    spans = (span for place in _PLACES[kind] for span in place(shown))
    return next((span for span in spans if canon(span, kind) is not None), None)


def visible(text: str) -> str | None:
    """The reply without its reasoning block; None if the block never ends (it was cut off)."""
    after = text.rpartition("</think>")[2]
    return None if "<think>" in after else after


def options_in(question: str) -> tuple[str, ...]:
    """Texts of the options that a question lists as ``A) ...`` from A on; () if it lists none."""
    found = _OPTION_LINE.findall(question)
    letters = "".join(letter for letter, _ in found)
    if len(found) < 2 or letters != LETTERS[: len(found)]:
        return ()
    return tuple(option.strip() for _, option in found)


def _marked(text: str) -> str | None:
    """What follows the last ``Answer:``, ``the answer is`` or ``####``, up to the line's end."""
    ends = [match.end() for match in _MARKER.finditer(text)]
    return text[ends[-1] :].partition("\n")[0].strip() if ends else None


def _boxed(text: str) -> str | None:
    r"""What the last ``\boxed{...}`` holds, with balanced braces, ``\{`` and ``\}`` aside."""
    starts = [match.end() for match in _BOX.finditer(text)]
    if not starts:
        return None
    depth, i = 1, starts[-1]
    while i < len(text):
        if text[i] == "\\":
            i += 2
            continue
        depth += (text[i] == "{") - (text[i] == "}")
        if depth == 0:
            return text[starts[-1] : i]
        i += 1
    return None


def _bold(text: str) -> str | None:
    spans = [span for span in _BOLD.findall(text) if not span.rstrip().endswith(":")]
    return spans[-1] if spans else None


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2].strip()


def _explicit(text: str) -> Iterator[str]:
    """The two places where an answer is declared, the box within a marked line first."""
    marked = _marked(text)
    if marked is not None:
        yield _boxed(marked) or marked
    if (boxed := _boxed(text)) is not None:
        yield boxed


def _explicit_number(text: str) -> Iterator[str]:
    for span in _explicit(text):
        if literal_number(span) is not None:
            yield span
        yield from _number_in(span)


def _number_in(span: str) -> Iterator[str]:
    """The result of an equation, the number a span opens with, else the last in it."""
    result = span.rpartition("=")[2].lstrip(" $*_(\"'~≈")
    if (first := NUMBER.match(result)) is not None:
        yield first.group()
    yield from _last_number(span)


def _last_number(text: str) -> Iterator[str]:
    found = [match.group() for match in NUMBER.finditer(text)]
    yield from reversed(found[-3:])


def _bold_number(text: str) -> Iterator[str]:
    bold = _bold(text)
    if bold is not None and literal_number(bold) is not None:
        yield bold


def _last_line_result(text: str) -> Iterator[str]:
    line = _last_line(text)
    if "=" in line:
        yield from _number_in(line)


def _last_line_math(text: str) -> Iterator[str]:
    line = _last_line(text)
    yield from _DOLLARS.findall(line)[-1:]
    if not looks_like_math(line) and " " in line:
        yield from _last_line_result(text)
        yield from _last_number(line)
    yield line


def _bold_or_last_line(text: str) -> Iterator[str]:
    yield _bold(text) or _last_line(text)


def _explicit_any(text: str) -> Iterator[str]:
    for span in _explicit(text):
        opening = NUMBER.match(span.lstrip("$*_ "))
        is_number_and_more = opening is not None and literal_number(span) is None
        if is_number_and_more and not looks_like_math(span):
            yield from _number_in(span)
        yield span


def _last_line_any(text: str) -> Iterator[str]:
    line = _bold(text) or _last_line(text)
    numbers = {canon(match.group(), "number") for match in NUMBER.finditer(line)}
    if not looks_like_math(line) and (len(numbers) == 1 or (numbers and "=" in line)):
        yield from _number_in(line)
    yield line


def _choice(text: str, options: Sequence[str]) -> str | None:
    letters = LETTERS[: len(options)] if options else LIKELY_LETTERS
    for span in _explicit(text):
        named = _letters_in(span, letters)
        if (letter := letter_of(span, letters)) is not None and named <= {letter}:
            return letter
        if named:
            return named.pop() if len(named) == 1 else None
    for span in (_bold(text) or "", _last_line(text)):
        if (letter := letter_of(span, letters)) is not None:
            return letter
    words = [word.upper() for word in _OPTION_WORD.findall(text) if word.upper() in letters]
    return words[-1] if words else _option_by_text(text, options)


def _letters_in(span: str, letters: str) -> set[str]:
    """Letters that stand alone in a marked line; not the article "A", not the pronoun "I"."""
    found = _LONE_CAPITAL.finditer(span)
    return {m[1] for m in found if m[1] in letters and not _PROSE.match(span, m.start())}


def _option_by_text(text: str, options: Sequence[str]) -> str | None:
    """The one option that an answer spells out: as a whole, else within the last line."""
    keys = [canon(option, "text") for option in options]
    spans = [*_explicit(text), _bold(text) or _last_line(text)]
    for span in spans:
        key = canon(span, "text")
        if key is not None and keys.count(key) == 1:
            return LETTERS[keys.index(key)]
    line = f" {canon(_last_line(text), 'text') or ''} "
    within = [i for i, key in enumerate(keys) if key is not None and f" {key} " in line]
    return LETTERS[within[0]] if len(within) == 1 else None


_Place = Callable[[str], Iterator[str]]
_PLACES: dict[str, tuple[_Place, ...]] = {
    "auto": (_explicit_any, _last_line_any),
    "number": (_explicit_number, _bold_number, _last_line_result, _last_number),
    "math": (_explicit, _bold_number, _last_line_math),
    "text": (_explicit, _bold_or_last_line),
}
