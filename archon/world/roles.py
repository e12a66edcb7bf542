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
    "rank_criteria_first": "rank",
    "rank_pairs": "compare",
    "rank_pairs_solve_first": "compare",
    "rank_scores": "grade",
    "rank_scores_grade_only": "grade",
    "verify_reason": "reason",
    "verify_reason_solve_first": "reason",
    "verify_at_once": "verify",
    "verify_at_once_solve_first": "verify",
    "verify_verdict": "verify",
    "critique": "criticise",
    "critique_faults_only": "criticise",
    "write_tests": "make_tests",
    "write_tests_mistakes_first": "make_tests",
    "judge_tests": "judge_tests",
    "judge_tests_verdicts_only": "judge_tests",
}


def role_of(prompt: str) -> Role:
    """The role that a prompt asks a model to take."""
    name = recognised(prompt, tuple(_TEMPLATES))
    return _TEMPLATES[name] if name else "write"
