"""What a prompt wants of a model: recognised by the wording of our templates.

A prompt of a template that is not here wants an answer: a fused one where it shows others.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Literal

from archon.prompts import load

Role = Literal[
    "write",
    "rank",
    "compare",
    "grade",
    "reason",
    "verify",
    "criticise",
    "make_tests",
    "judge_tests",
]

_TEMPLATES: dict[str, Role] = {
    "rank": "rank",
    "rank_pairs": "compare",
    "rank_scores": "grade",
    "verify_reason": "reason",
    "verify_at_once": "verify",
    "verify_verdict": "verify",
    "critique": "criticise",
    "write_tests": "make_tests",
    "judge_tests": "judge_tests",
}
_PLACE = re.compile(r"\{[a-z_]+\}")


def role_of(prompt: str) -> Role:
    """The role that a prompt asks a model to take."""
    for wordings, role in _wordings():
        if all(wording in prompt for wording in wordings):
            return role
    return "write"


@cache
def _wordings() -> tuple[tuple[tuple[str, ...], Role], ...]:
    """What stands in every prompt of a template; the templates with more of it come first."""
    found = [
        (tuple(part.strip() for part in _PLACE.split(load(name).text) if part.strip()), role)
        for name, role in _TEMPLATES.items()
    ]
    return tuple(sorted(found, key=lambda one: -sum(map(len, one[0]))))
