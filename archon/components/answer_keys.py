"""Canonical keys of short answers: equal answers have equal keys, and a key is its own key.

Votes compare keys only. Equality of keys is an equivalence relation, which "equal within a
tolerance" is not. Numbers become exact fractions, never floats. What lies beyond keys (is
``(x+1)^2`` the same as ``x^2+2x+1``?) needs computer algebra and belongs to the scorers.

Rules after the normalisers of MATH (Hendrycks et al., arXiv 2103.03874), Minerva (arXiv
2206.14858, appendix) and SQuAD (Rajpurkar et al., arXiv 1606.05250), with exact numbers instead
of their string forms.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from fractions import Fraction
from typing import Literal, get_args

Kind = Literal["auto", "number", "choice", "math", "text"]
KINDS: tuple[str, ...] = get_args(Kind)

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""Letters of the options of a multiple-choice question."""

_MOST_DIGITS = 800
_MOST_MANTISSA_DIGITS = 200
_MOST_EXPONENT = 400
_LONGEST_SPAN = 300
"""A longer text is no short answer and has no key."""

# Every repetition is possessive: no input makes these patterns backtrack.
_WHOLE = r"[0-9][0-9,]*+"
NUMBER = re.compile(
    rf"""
    (?<![\w/])(?<![0-9][.,])
    (?P<sign>(?<![)\]}}])[-+\u2212])?+
    (?:\\?[$€£¥]\s?+)?+
    (?:
        (?P<mixed>[0-9]++)?\s?\\[dt]?frac\s?\{{(?P<top>-?[0-9]++)\}}\s?\{{(?P<bottom>[0-9]++)\}}
      | (?P<whole>[0-9]++)\ (?P<part>[0-9]++)/(?P<parts>[0-9]++)(?![0-9/])
      | (?P<num>[0-9]++)\s?+/\s?+(?P<den>[0-9]++)(?![0-9/])
      | (?P<plain>(?:{_WHOLE}(?:\.[0-9]++)?+|\.[0-9]++)(?:[eE][-+]?[0-9]++(?!\w|\.[0-9]))?+)
    )
    (?P<percent>\s?+(?:\\?%|percent\b))?+
    """,
    re.VERBOSE,
)
_UNIT = re.compile(
    r"\s?(?![xyz]\b)(?:°[A-Z]|[A-Z]{3}|[^\W\dA-Z_][^\W\d_]{0,20}(?:[ /][^\W\d_]{1,20})?[²³]?)"
)
"""At most two words, the first in lower case: ``apples``, ``km/h``, ``USD``; ``5x`` has none."""
_CLOSING = " \t\r\n.,;:!?*_`'\")"
_OPENING = " \t\r\n*_`'\"("


def canon(span: str, kind: str) -> str | None:
    r"""The canonical key of an answer, or None where it has none under this kind.

    Args:
        span: The answer alone, e.g. ``\frac12`` or ``(B)``; not a whole reply.
        kind: One of ``KINDS``. ``auto`` takes the first of number, choice, math (if it looks like
            LaTeX) and text that fits.

    Raises:
        ValueError: There is no such kind.
    """
    if kind not in KINDS:
        raise ValueError(f"there is no kind of answer {kind!r}; there is: {', '.join(KINDS)}")
    return _settled(_CANON[kind], span)


def _settled(step: Callable[[str], str | None], span: str) -> str | None:
    # Applied until nothing changes: whatever the rules do, canon(canon(x)) = canon(x).
    seen: str | None = span
    for _ in range(12):
        before, seen = seen, step(seen) if seen is not None else None
        if seen == before:
            return seen
    return None


def number_key(match: re.Match[str]) -> str | None:
    """The exact value of a ``NUMBER`` as a reduced fraction; a percentage keeps its sign."""
    found = match.groupdict()
    try:
        if found["top"] is not None:
            value = _ratio(found["top"], found["bottom"]) + _ratio(found["mixed"] or "0", "1")
        elif found["part"] is not None:
            value = _ratio(found["part"], found["parts"]) + _ratio(found["whole"], "1")
        elif found["num"] is not None:
            value = _ratio(found["num"], found["den"])
        else:
            value = _plain(found["plain"])
    except (ValueError, ZeroDivisionError):
        return None
    if found["sign"] in ("-", "\u2212"):
        value = -value
    return f"{value}%" if found["percent"] else str(value)


def _ratio(top: str, bottom: str) -> Fraction:
    if max(len(top), len(bottom)) > _MOST_DIGITS:
        raise ValueError("too many digits")
    return Fraction(int(top), int(bottom))


def _plain(text: str) -> Fraction:
    mantissa, _, exponent = text.lower().rstrip(",").partition("e")
    most = _MOST_MANTISSA_DIGITS if exponent else _MOST_DIGITS
    if len(mantissa) > most or len(exponent) > 5 or abs(int(exponent or 0)) > _MOST_EXPONENT:
        raise ValueError("too large to be an answer")
    whole, _, decimals = mantissa.partition(".")
    groups = whole.split(",")
    if len(groups) > 1 and not (
        1 <= len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:])
    ):
        raise ValueError("commas that do not group thousands")
    return Fraction(f"{''.join(groups) or '0'}.{decimals or '0'}e{exponent or 0}")


def literal_number(span: str, *, with_unit: bool = True) -> str | None:
    """The key of a span that is one number and nothing else, but perhaps its unit."""
    text = span.strip(_OPENING).rstrip(_CLOSING).removeprefix("\\(").removesuffix("\\)")
    text = text.strip("$ ") if text.endswith("$") else text
    match = NUMBER.match(text)
    if match is None:
        return None
    rest = text[match.end() :].rstrip(_CLOSING)
    if rest and not (with_unit and _UNIT.fullmatch(rest)):
        return None
    return number_key(match)


def _number(span: str) -> str | None:
    return literal_number(span)


_LONE = re.compile(r"[\s*_(\[{$`]*([A-Za-z])[\s*_)\]}$`.:,]*", re.ASCII)
_LED = re.compile(r"[\s*_]*(?:\(([A-Za-z])\)|([A-Za-z])[).:])[\s*_]+\S", re.ASCII)


def letter_of(span: str, letters: str = LETTERS) -> str | None:
    """The option's letter where the span is one: ``B``, ``(B)``, ``B.``, ``**B**``, ``B) text``."""
    text = _TEXT.sub(r"\1", span.strip()[:_LONGEST_SPAN])
    match = _LONE.fullmatch(text) or _LED.match(text)
    if match is None:
        return None
    letter = next(group for group in match.groups() if group).upper()
    return letter if letter in letters else None


_DROPPED = re.compile(
    r"\\(?:left|right|displaystyle|limits)(?![A-Za-z])|\\[!,;:>( )\[\]]|\\q?quad(?![A-Za-z])|\$"
    r"|\^\{?\\circ\}?|\\degree(?![A-Za-z])"
)
_TEXT = re.compile(r"\\(?:text|mathrm|textbf|mathbf|mbox|operatorname)\s?\{([^{}]*)\}")
_UNIT_AT_END = re.compile(r"(?<=[0-9}])\s*\\(?:text|mathrm|mbox)\s?\{[^{}]*\}\s*$")
_SHORT_FRAC = re.compile(r"\\frac\s?([0-9])\s?([0-9])")
_SLASHED = re.compile(r"(?<![\w}/.])([0-9]{1,50})/([0-9]{1,50})(?![\w{/.])")
_NAMED = re.compile(r"^[A-Za-z](?:_\{?\w\}?)?\s*=\s*(?=[^=]+$)")


def _math(span: str) -> str | None:
    if len(span) > _LONGEST_SPAN and literal_number(span, with_unit=False) is None:
        return None
    text = _UNIT_AT_END.sub("", span.strip())
    text = _TEXT.sub(r"\1", _DROPPED.sub("", text)).strip().strip("*`").rstrip(" .,;:")
    text = re.sub(r"\\[dt]frac(?![A-Za-z])", r"\\frac", text)
    text = _SLASHED.sub(r"\\frac{\1}{\2}", _SHORT_FRAC.sub(r"\\frac{\1}{\2}", text))
    text = _NAMED.sub("", text.replace("\u2212", "-"))
    if (exact := literal_number(text, with_unit=False)) is not None:
        return exact
    return _sorted_set("".join(text.split())) or None


def _sorted_set(text: str) -> str:
    for opening, closing in (("\\{", "\\}"), ("{", "}")):
        if text.startswith(opening) and text.endswith(closing) and len(text) > 2 * len(opening):
            inside = text[len(opening) : -len(closing)]
            if (items := _split_at_commas(inside)) is not None:
                return opening + ",".join(sorted(items)) + closing
    return text


def _split_at_commas(text: str) -> list[str] | None:
    """Items between top-level commas; None if brackets do not balance."""
    items, depth = [""], 0
    for char in text:
        depth += (char in "([{") - (char in ")]}")
        if depth < 0:
            return None
        if char == "," and depth == 0:
            items.append("")
        else:
            items[-1] += char
    return items if depth == 0 else None


_INSIDE_NUMBER = re.compile(r"(?<=[0-9])[.,:/](?=[0-9])|(?<!\S)-(?=[0-9])")
_ARTICLES = frozenset({"a", "an", "the"})


def _text(span: str) -> str | None:
    if len(span) > _LONGEST_SPAN:
        return None
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", span).casefold())
    kept = {match.start() for match in _INSIDE_NUMBER.finditer(text)}
    chars = [
        char if i in kept or not _is_punctuation(char) else "" if char in ".'\u2019" else " "
        for i, char in enumerate(text)
    ]
    words = "".join(chars).split()
    return " ".join([word for word in words if word not in _ARTICLES] or words) or None


def _is_punctuation(char: str) -> bool:
    return unicodedata.category(char)[0] in "PC" or char in "$`^~|<>"


def looks_like_math(span: str) -> bool:
    """Whether a span holds LaTeX, a power or an equation rather than words."""
    return "\\" in span or "^" in span or ("$" in span and span.strip().endswith("$"))


def _auto(span: str) -> str | None:
    if (number := literal_number(span)) is not None:
        return number
    if (letter := letter_of(span)) is not None:
        return letter
    return _math(span) if looks_like_math(span) else _text(span)


_CANON: dict[str, Callable[[str], str | None]] = {
    "auto": _auto,
    "number": _number,
    "choice": letter_of,
    "math": _math,
    "text": _text,
}
