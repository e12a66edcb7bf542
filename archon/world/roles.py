"""What a prompt wants of a model: recognised by the wording of our templates.

A prompt of a template that is not here wants an answer: a fused one where it shows others.
"""

from __future__ import annotations

from typing import Literal

from archon.prompts import recognised

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


def role_of(prompt: str) -> Role:
    """The role that a prompt asks a model to take."""
    name = recognised(prompt, tuple(_TEMPLATES))
    return _TEMPLATES[name] if name else "write"
