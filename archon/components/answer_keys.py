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
from typing import Literal, get_args

from archon.components.answer_numbers import literal_number

Kind = Literal["auto", "number", "choice", "math", "text"]
KINDS: tuple[str, ...] = get_args(Kind)

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""Letters of the options of a multiple-choice question."""

_LONGEST_SPAN = 300
"""A longer text is no short answer and has no key."""


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


def _number(span: str) -> str | None:
    return literal_number(span)


_LONE = re.compile(r"[\s*_(\[{$`\"'<]*([A-Za-z])[\s*_)\]}$`.:,!\"'>]*", re.ASCII)
_LED = re.compile(
    r"[\s*_]*(?:[(\[]([A-Za-z])[)\]]|([A-Za-z])[*_]{0,3}[).:]|([A-Z])(?=\s[-\u2013\u2014]\s))"
    r"[\s*_]+\S",
    re.ASCII,
)


def letter_of(span: str, letters: str = LETTERS) -> str | None:
    """The option's letter where the span is one: ``B``, ``(B)``, ``B.``, ``**B**``, ``B) text``."""
    text = without_text_commands(span.strip()[:_LONGEST_SPAN])
    match = _LONE.fullmatch(text) or _LED.match(text)
    if match is None:
        return None
    letter = next(group for group in match.groups() if group).upper()
    return letter if letter in letters else None


_DROPPED = re.compile(
    r"\\(?:left|right|displaystyle|limits)(?![A-Za-z])|\\[!,;:>( )\[\]]|\\q?quad(?![A-Za-z])"
    r"|\\?\$|\^\{?\\circ\}?|\\degree(?![A-Za-z])"
)
_TEXT = re.compile(r"\\(?:text|textrm|mathrm|textbf|mathbf|mbox|operatorname)\s?\{([^{}]*+)\}")
_UNIT_AT_END = re.compile(
    r"(?<=[0-9}])(?:\s|\\[,;: ])*+\\(?:text|mathrm|mbox)\s?\{[^{}]*+\}(?:\^\{?[0-9]\}?)?\s*$"
)
_SHORT_FRAC = re.compile(r"\\frac\s?([0-9])\s?([0-9])")
_SLASHED = re.compile(r"(?<![\w}/.])([0-9]{1,50})/([0-9]{1,50})(?![\w{/.])")
_NAMED = re.compile(r"^[A-Za-z](?:_\{?\w\}?)?\s*=\s*(?=[^=]+$)")
_FACTORIAL = re.compile(r"[0-9]!(?:\s|\$)*$")
_ROOT = re.compile(r"√\s?(?:([0-9]++|[A-Za-z])|\(([^()√]*+)\)|\{([^{}√]*+)\})")
_SYMBOLS = str.maketrans(
    {"\u2212": "-", "\u2013": "-", "π": "\\pi ", "∞": "\\infty ", "≤": "\\le ", "≥": "\\ge "}
)


def without_text_commands(span: str) -> str:
    r"""The span with what ``\text{...}`` and its like hold in their place."""
    return _TEXT.sub(r"\1", span)


def latex_symbols(text: str) -> str:
    """The text with the signs that have a LaTeX command written so: ``√3``, ``π``, ``∞``."""
    return _ROOT.sub(lambda m: f"\\sqrt{{{m[1] or m[2] or m[3] or ''}}}", text).translate(_SYMBOLS)


def _math(span: str) -> str | None:
    if len(span) > _LONGEST_SPAN:
        return literal_number(span, with_unit=False)
    # First, because thin spaces and commas of thousands vanish below. "7!" is a factorial.
    is_factorial = _FACTORIAL.search(span) is not None
    if not is_factorial and (exact := literal_number(span, with_unit=False)) is not None:
        return exact
    text = _UNIT_AT_END.sub("", latex_symbols(span.strip()))
    text = without_text_commands(_DROPPED.sub("", text)).strip().strip("*`").rstrip(" .,;:")
    text = re.sub(r"\\[dt]frac(?![A-Za-z])", r"\\frac", text)
    text = _SLASHED.sub(r"\\frac{\1}{\2}", _SHORT_FRAC.sub(r"\\frac{\1}{\2}", text))
    text = _NAMED.sub("", text)
    if not is_factorial and (exact := literal_number(text, with_unit=False)) is not None:
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


_INSIDE_NUMBER = re.compile(
    r"(?<=[0-9])[.,:/-](?=[0-9])|(?<!\S)-(?=[0-9])|(?<=[0-9] )-(?= [0-9])|(?<=[^\W_])\#(?!\w)"
)
"""Punctuation that tells answers apart: 10:30, 5-7, -3, C#."""
_ARTICLES = frozenset({"a", "an", "the"})


def _text(span: str) -> str | None:
    return _words(span, str.casefold)


def _words(span: str, folded: Callable[[str], str]) -> str | None:
    if len(span) > _LONGEST_SPAN:
        return None
    text = without_text_commands(span)
    text = unicodedata.normalize("NFKC", folded(unicodedata.normalize("NFKC", text)))
    text = text.translate(_DASHES)
    kept = {match.start() for match in _INSIDE_NUMBER.finditer(text)}
    chars = [
        char if i in kept or not _is_punctuation(char) else "" if char in ".'\u2019" else " "
        for i, char in enumerate(text)
    ]
    words = "".join(chars).split()
    # An answer of punctuation alone, "] )", keeps it.
    bare = "".join(text.split()).rstrip(".")
    return " ".join([word for word in words if word not in _ARTICLES] or words) or bare or None


_DASHES = str.maketrans({"\u2010": "-", "\u2011": "-", "\u2013": "-", "\u2212": "-"})


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
    if looks_like_math(span):
        return _math(span)
    key = _text(span)
    # In lower case "7 Samurai" would pass for seven of them.
    return _words(span, str) if key is not None and literal_number(key) is not None else key


_CANON: dict[str, Callable[[str], str | None]] = {
    "auto": _auto,
    "number": _number,
    "choice": letter_of,
    "math": _math,
    "text": _text,
}
