"""The game of 24: an expression that uses each number once and gives 24."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from archon.benchmarks.examples import Example
from archon.core.candidates import Answer
from archon.core.results import Score
from archon.scoring.base import lacks_field, verdict

_OPERATIONS: Mapping[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_SIGNS = str.maketrans(
    {"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-", "[": "(", "]": ")", "{": " ", "}": " "}
)
_LATEX = re.compile(r"\\(times|cdot|div|left|right)(?![A-Za-z])")
_WRITTEN = {"times": "*", "cdot": "*", "div": "/", "left": "", "right": ""}
_FRACTION = re.compile(r"\\[dt]?frac\s?\{([^{}]{1,100})\}\s?\{([^{}]{1,100})\}")
_LETTER_X = re.compile(r"(?<=[\d)\s])[xX](?=[\s(\d])")
_IMPLIED = re.compile(r"(?<=\))\s?(?=\()|(?<=\d)(?=\()|(?<=\))(?=\d)")
_EXPRESSION = re.compile(r"[\d(][\d\s()+\-*/]{1,200}[\d)]")
_MOST_CHARS = 20_000
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Game24:
    """Right when the last expression that uses each of the numbers once hits the goal.

    Exact arithmetic on fractions; the expression is parsed, never evaluated as code.
    Source: Yao et al. 2023, arXiv 2305.10601, section 4.1.
    """

    field: str = "numbers"
    goal: int = 24

    kind: ClassVar[str] = "game24"

    def missing(self, example: Example) -> str:
        """It needs the numbers of the puzzle."""
        return lacks_field(example, self.field, list)

    async def score(self, example: Example, answer: Answer) -> Score:
        """1 if the expression is right, else 0 with the reason."""
        listed = example.metadata[self.field]
        numbers = sorted(int(n) for n in listed) if isinstance(listed, list) else []
        found = expressions(answer.text)
        if not found:
            return verdict(False, "no expression is given")
        # What stands behind the solution is often its check: "12 * 2 = 24".
        complete = (each for each in reversed(found) if numbers_in(each) == numbers)
        expression = next(complete, found[-1])
        try:
            value, used = evaluate(expression)
        except (ValueError, ZeroDivisionError) as error:
            return verdict(False, f"{expression!r}: {error}")
        if sorted(used) != numbers:
            return verdict(False, f"{expression!r} does not use each of {numbers} once")
        return verdict(value == self.goal, f"{expression!r} gives {value}")


def expressions(text: str) -> list[str]:
    """The arithmetic expressions with an operator in a text, in order.

    What follows an equals sign ("... = 24") is its result, not an expression of its own. A product
    may be written with x, or without a sign before a bracket.
    """
    plain = _FRACTION.sub(r"((\1)/(\2))", text[-_MOST_CHARS:]).translate(_SIGNS)
    plain = _LETTER_X.sub("*", _LATEX.sub(lambda m: _WRITTEN[m[1]], plain))
    return [
        _IMPLIED.sub("*", _balanced(match.group().strip()))
        for line in plain.splitlines()
        for match in _EXPRESSION.finditer(line)
        if any(sign in match.group() for sign in "+-*/") or ")(" in match.group()
    ]


def _balanced(expression: str) -> str:
    """Without the bracket of the sentence around it."""
    n_open = expression.count("(") - expression.count(")")
    if n_open > 0 and expression.startswith("("):
        return expression[1:].strip()
    if n_open < 0 and expression.endswith(")"):
        return expression[:-1].strip()
    return expression


def numbers_in(expression: str) -> list[int] | None:
    """The numbers of an expression in ascending order; None if it is none."""
    try:
        return sorted(evaluate(expression)[1])
    except (ValueError, ZeroDivisionError):
        return None


def evaluate(expression: str) -> tuple[Fraction, list[int]]:
    """The exact value of an expression in + - * / and brackets, and the numbers in it.

    Raises:
        ValueError: It is too long, or holds anything else.
        ZeroDivisionError: It divides by zero.
    """
    if len(expression) > _LONGEST:
        raise ValueError("too long for an expression")
    try:
        tree = ast.parse(expression.strip(), mode="eval")
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise ValueError("this is not an expression") from error
    used: list[int] = []
    return _value(tree.body, used), used


def _value(node: ast.expr, used: list[int]) -> Fraction:
    if isinstance(node, ast.Constant) and type(node.value) is int:
        used.append(node.value)
        return Fraction(node.value)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        left, right = _value(node.left, used), _value(node.right, used)
        return _OPERATIONS[type(node.op)](left, right)
    raise ValueError("only whole numbers, + - * / and brackets count")
