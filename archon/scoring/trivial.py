"""Answers that say nothing, yet are known to please judges: they are never shown to one.

Source: "One Token to Fool LLM-as-a-Judge", arXiv 2507.08794: lone punctuation and openers of
reasoning win false positives from most judge models.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from archon.scoring.text import normalised

_OPENERS = frozenset(
    """
    answer | answer below | final answer | the answer | the answer is | the final answer is
    here is the answer | here is my answer | here is the solution | here is my solution
    here is the final answer | solution | the solution | my solution | solution process
    thought process | thinking process | thinking | my thoughts | thoughts | think step by step
    reasoning | my reasoning | reasoning process | step by step reasoning | explanation
    lets think step by step | let us think step by step | lets solve this step by step
    lets solve this problem step by step | let us solve this problem step by step
    lets solve the problem step by step | lets begin | lets start | lets get started | step 1
    first | to solve this | to solve this problem | to answer this question | sure | certainly
    of course | okay | ok | response | result | output | conclusion | analysis | correct | yes sure
    the answer is correct | this answer is correct | the above answer is correct | verified
    解 | 解答 | 答案 | 解析 | 思考过程 | 让我们一步一步地思考 | かいせつ | 解説 | 答え
    respuesta | la respuesta es
    solución | lösung | antwort | réponse | la réponse est | resposta | ответ | решение
    """.replace("\n", "|").split("|")
)
_KNOWN = frozenset(opener.strip() for opener in _OPENERS if opener.strip())
_APOSTROPHES = re.compile(r"['’`]")
_NOT_WORDS = re.compile(r"[\W_]+")


def is_trivial(text: str, targets: Sequence[str] = ()) -> bool:
    """Whether an answer holds no letter or digit, or is a bare opener of one.

    An answer that is one of the targets says what was asked: "First", "OK", "+".
    """
    if any(normalised(text) == normalised(target) for target in targets):
        return False
    words = _NOT_WORDS.sub(" ", _APOSTROPHES.sub("", text)).strip().casefold()
    return not words or words in _KNOWN
