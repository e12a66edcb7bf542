"""A line on each parameter of the scorers whose docstrings do not list them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_READ = (
    "part of the reply that is compared; stated: behind the last box or 'answer is', "
    "else the last line"
)

PARAMETER_DOCS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "exact": {
            "normalise": "what makes no difference; squad: case, punctuation, articles, spaces; "
            "case: case and spaces; none: spaces at the ends",
            "read": f"{_READ}; contains: the whole reply, which has to name a target",
            "options": "the few answers that there are; the first that is named counts",
        },
        "numeric": {
            "tolerance": "largest difference from the target that is right",
            "relative": "the same as a share of the target, on top of tolerance",
        },
        "f1": {"read": _READ},
        "contains": {
            "distractors": "field of the metadata that lists texts which must not be named",
        },
        "regex": {
            "pattern": "RE2 pattern; a group named answer reads what has to equal a target",
            "whole": "the pattern has to match the whole reply",
        },
        "keywords": {
            "field": "field of the metadata that lists what the answer has to name",
            "whole_words": "a keyword inside a longer word does not count",
            "share": "score the share of the keywords that are named, not all or nothing",
        },
        "ifeval": {
            "level": "prompt: all instructions or nothing; instruction: the share that is followed",
            "loose": "also accept the answer without its first or last line, or without asterisks",
        },
        "game24": {
            "field": "field of the metadata that lists the numbers to use",
            "goal": "what the expression has to give",
        },
        "json_schema": {
            "schema": "the JSON schema of all answers, as JSON text",
            "field": "field of the metadata that holds each question's own schema instead",
        },
    }
)
