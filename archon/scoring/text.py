"""Texts made comparable: normalisation, words, and where in a reply the answer stands."""

from __future__ import annotations

import re
import string
import unicodedata
from typing import Literal

Normalise = Literal["squad", "case", "none"]
Read = Literal["whole", "first_line", "last_line", "stated", "contains"]

_INNER_POINT = re.compile(r"(?<=\d)\.(?=\d)")
_MINUS = re.compile(r"(?<!\w)[-−](?=[\d.])")
_KEPT = {"\x00": ".", "\x01": "-"}
_PUNCTUATION = str.maketrans("", "", string.punctuation + "‘’“”´`…")
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_BOXED = re.compile(r"\\boxed\s*\{((?:[^{}]|\{[^{}]*\})*)\}")
_STATED = re.compile(r"\banswer\b(?:\s+(?:is|to\s[^:\n]{0,200}\sis)\b\s*:?|\s*:)", re.IGNORECASE)


def normalised(text: str, how: Normalise = "squad") -> str:
    """``text`` in the form in which answers are compared.

    Args:
        text: An answer or a target.
        how: "squad": lower case, no punctuation, no articles, single spaces, as the SQuAD
            evaluation does (Rajpurkar et al. 2016, section 6), except that a decimal point and
            a minus sign before a number stay, and that a text which would vanish ("A", "})")
            keeps as much as is needed. "case": lower case and single spaces. "none": only the
            space around it goes.
    """
    if how == "none":
        return text.strip()
    folded = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    if how == "case":
        return folded
    marked = _MINUS.sub("\x01", _INNER_POINT.sub("\x00", folded))
    bare = marked.translate(_PUNCTUATION)
    for mark, sign in _KEPT.items():
        bare = bare.replace(mark, sign)
    bare = " ".join(bare.split())
    return " ".join(_ARTICLES.sub(" ", bare).split()) or bare or folded


def words_of(text: str) -> list[str]:
    """The words of the normalised text, in order."""
    return normalised(text).split()


def has_words(text: str, part: str) -> bool:
    """Whether the normalised ``part`` stands in ``text`` as whole words."""
    inner = normalised(part)
    return bool(inner) and f" {inner} " in f" {normalised(text)} "


def part_read(text: str, read: Read) -> str:
    """The part of a reply that is compared.

    Args:
        text: The whole reply.
        read: "whole" and "contains": all of it. "first_line", "last_line": of those that are
            not blank. "stated": what the last boxed expression or the last "answer is" or
            "answer:" says, and the last line where nothing does.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if read in ("whole", "contains") or not lines:
        return text.strip()
    if read == "first_line":
        return lines[0]
    return (_stated(text) if read == "stated" else "") or lines[-1]


def _stated(text: str) -> str:
    boxed = _BOXED.findall(text)
    if boxed:
        return str(boxed[-1]).strip()
    found = list(_STATED.finditer(text))
    if not found:
        return ""
    rest = text[found[-1].end() :].strip()
    return rest.splitlines()[0].strip(" *_`") if rest else ""
