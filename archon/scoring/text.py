"""Texts made comparable: normalisation, words, and the part of a reply that is compared."""

from __future__ import annotations

import re
import string
import unicodedata
from typing import Literal

from archon.components.answers import extract

Normalise = Literal["squad", "case", "none"]
Read = Literal["whole", "first_line", "last_line", "stated", "contains"]

_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2212", "-") | {"\u2014": " "})
_MEANS = re.compile(
    r"(?<=\d)[./:-](?=\d)|(?<![\w.])\.(?=\d)|(?<!\w)-(?=[\d.])|(?<=\w)(?:\+{1,2}|\#)(?!\w)"
)
"""Punctuation that tells answers apart: 3.5, 1/2, 10:30, 5-7, -3, C++, C#."""
_PUNCTUATION = frozenset(string.punctuation + "´")
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_SEPARATORS = re.compile(r"[/;|…→\u200b\u2014]|(?<!\d)[:\u2013]|[\u2013:](?!\d)|['’]s\b")
_DATES = re.compile(r"(?<=\d)/(?=\d)")


def normalised(text: str, how: Normalise = "squad") -> str:
    """``text`` in the form in which answers are compared.

    Args:
        text: An answer or a target.
        how: "squad": lower case, no punctuation, no articles, single spaces, as the SQuAD
            evaluation does (Rajpurkar et al. 2016, section 6), except that punctuation which
            tells answers apart stays (3.5, 1/2, 10:30, 1914-18, -3, C++), that all dashes are
            one, and that a text which would vanish ("A", "] )") keeps as much as is needed.
            "case": lower case and single spaces. "none": only the space around it goes.
    """
    if how == "none":
        return text.strip()
    folded = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    if how == "case":
        return folded
    plain = folded.translate(_DASHES)
    kept = {i for match in _MEANS.finditer(plain) for i in range(*match.span())}
    chars = [c for i, c in enumerate(plain) if i in kept or not _is_punctuation(c)]
    bare = " ".join("".join(chars).split())
    # Brackets and signs alone: each stands for itself, however they are spaced.
    signs = " ".join(folded.replace(" ", "").rstrip(".") or folded)
    return " ".join(_ARTICLES.sub(" ", bare).split()) or bare or signs


def _is_punctuation(char: str) -> bool:
    return char in _PUNCTUATION or unicodedata.category(char)[0] == "P"


def words_of(text: str) -> list[str]:
    """The words of the normalised text, in order."""
    return normalised(text).split()


def has_words(text: str, part: str) -> bool:
    """Whether the normalised ``part`` stands in ``text`` as whole words.

    A dash, a slash, a semicolon and the like end a word too ("Paris/France"), and so does a
    possessive ("Paris's"), but not within numbers: "2" does not stand in "1/2".
    """
    for form in (text, _separated(text)):
        inner = normalised(part if form is text else _separated(part))
        if inner and f" {inner} " in f" {normalised(form)} ":
            return True
    return False


def _separated(text: str) -> str:
    kept = _DATES.sub("\0", text)
    return _SEPARATORS.sub(" ", kept).replace("\0", "/")


def part_read(text: str, read: Read) -> str:
    """The part of a reply that is compared.

    Args:
        text: The whole reply.
        read: "whole" and "contains": all of it. "first_line", "last_line": of those that are
            not blank. "stated": what votes read as an answer in words: what "Answer:", "the
            answer is", ``<answer>`` or a box says, without the reason that follows it; else the
            first line, where a blank line and an explanation follow ("Explanation: ...", or its
            own words again); else the last bold words, else the last line.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if read in ("whole", "contains") or not lines:
        return text.strip()
    if read == "first_line":
        return lines[0]
    if read == "stated" and (stated := extract(text, "text")) is not None:
        return stated.strip()
    return lines[-1]
