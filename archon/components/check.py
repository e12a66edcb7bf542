"""Check what can be checked without the answer: constraints of the job, or of the question itself.

They are fixed in the parameters or read out of the last question by a pattern, never out of the
benchmark's reference: a component sees the conversation and nothing else. No model call.
Source of the kinds: IFEval, arXiv 2311.07911; rejection by a check keeps the law of those passing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from archon.components import constraints
from archon.components.answer_keys import LETTERS
from archon.components.base import Bounds, Declaration, Interval, RunContext, Sizes, knob
from archon.components.constraints import Predicate
from archon.core.candidates import LayerState
from archon.core.errors import Problem, SpecError
from archon.core.messages import last_question


@dataclass(frozen=True, slots=True)
class Check:
    """Score each candidate by the share of constraints that it meets; order or filter by it.

    Each entry of a list, and each word read from the question, is one constraint. A question that
    names none, where nothing else is asked, gives every candidate the full score.
    """

    mode: str = knob("score", "order by share met, or drop failing", options=("score", "filter"))
    contains: tuple[str, ...] = knob((), "words that must occur")
    not_contains: tuple[str, ...] = knob((), "words that must not occur")
    contains_from_question: str = knob("", "RE2 pattern: its group 1 in the question must occur")
    whole_words: bool = knob(False, "words do not count as part of longer ones")
    ignore_case: bool = knob(True, "case of words, starts and ends does not matter")
    regex: tuple[str, ...] = knob((), "RE2 patterns that must occur; (?i) ignores case")
    starts_with: str = knob("", "how the text begins, blanks aside")
    ends_with: str = knob("", "how the text ends, blanks aside")
    min_words: int = knob(0, "fewest words", low=0)
    max_words: int = knob(0, "most words; 0 is no limit", low=0)
    min_chars: int = knob(0, "fewest characters", low=0)
    max_chars: int = knob(0, "most characters; 0 is no limit", low=0)
    json_schema: str = knob("", "JSON schema of the JSON that the text is or holds")
    number: bool = knob(False, "an answer that is a number can be found")
    choice: str = knob("", "an answer that is one of these letters can be found, e.g. ABCD")

    kind: ClassVar[str] = "check"
    model: ClassVar[str] = ""
    is_idempotent: ClassVar[bool] = True
    declares: ClassVar[Declaration] = Declaration(
        reads=frozenset({"question", "candidates"}),
        writes=frozenset({"scores"}),
        effect="select",
        needs_model=False,
    )

    def __post_init__(self) -> None:
        """Compile every pattern and schema, so that a bad one is refused before any call.

        Raises:
            SpecError: A pattern, schema or limit is wrong, or nothing is asked; ``path`` names the
                parameter.
        """
        if problems := list(self._problems()):
            raise SpecError(problems)

    def simplified(self) -> Check:
        """Without ways to compare words where no words are compared."""
        words = self.contains or self.not_contains or self.contains_from_question
        cased = words or self.starts_with or self.ends_with
        return replace(
            self,
            whole_words=self.whole_words and bool(words),
            ignore_case=self.ignore_case or not cased,
        )

    def bounds(self, arriving: Sizes) -> Bounds:
        """No calls; as a filter all but one candidate may go."""
        n = arriving.candidates
        after = n if self.mode == "score" else Interval(min(1, n.low), n.high)
        return Bounds(Interval(0, 0), 0, replace(arriving, candidates=after))

    async def run(self, state: LayerState, context: RunContext) -> LayerState:
        """Score "check" on every candidate; those that meet most come first, or alone."""
        if not state.candidates:
            context.count("empty_input")
            return state
        predicates = [*self._fixed(), *self._asked(last_question(state.question))]
        scored = [c.with_score(self.kind, share_met(predicates, c.text)) for c in state.candidates]
        best_first = sorted(scored, key=lambda c: -(c.score(self.kind) or 0.0))
        if self.mode == "score":
            return replace(state, candidates=tuple(best_first))
        passing = [candidate for candidate in scored if candidate.score(self.kind) == 1.0]
        if not passing:
            context.count("none_passed")
            passing = best_first[:1]
        return replace(state, candidates=tuple(passing))

    def _fixed(self) -> Iterator[Predicate]:
        """The constraints that do not depend on the question."""
        for words in self.contains:
            yield self._contains(words)
        for words in self.not_contains:
            yield constraints.negated(self._contains(words))
        yield from (constraints.matches(source) for source in self.regex)
        if self.starts_with:
            yield constraints.starts_with(self.starts_with, ignore_case=self.ignore_case)
        if self.ends_with:
            yield constraints.ends_with(self.ends_with, ignore_case=self.ignore_case)
        yield from constraints.size(constraints.count_words, self.min_words, self.max_words)
        yield from constraints.size(len, self.min_chars, self.max_chars)
        if self.json_schema:
            yield constraints.fits_schema(self.json_schema)
        if self.number:
            yield constraints.has_number
        if self.choice:
            yield constraints.has_choice(self.choice)

    def _asked(self, question: str) -> Iterator[Predicate]:
        """The constraints that this question states."""
        if self.contains_from_question:
            for words in constraints.required_words(self.contains_from_question, question):
                yield self._contains(words)

    def _contains(self, words: str) -> Predicate:
        return constraints.contains(
            words, whole_words=self.whole_words, ignore_case=self.ignore_case
        )

    def _problems(self) -> Iterator[Problem]:
        found = [*self._problems_of_text(), *self._problems_of_limits()]
        yield from found
        if not found and not self.contains_from_question and not list(self._fixed()):
            yield Problem("check has no constraint.", hint="Add one, e.g. contains or max_words.")

    def _problems_of_text(self) -> Iterator[Problem]:
        for name in ("contains", "not_contains", "regex"):
            for i, text in enumerate(getattr(self, name)):
                if not isinstance(text, str) or not text:
                    yield Problem(f"expected a text, got {text!r}.", path=f"{name}[{i}]")
                elif name == "regex" and (wrong := _wrong(constraints.matches, text)):
                    yield Problem(wrong, path=f"{name}[{i}]")
        source = self.contains_from_question
        if source and (wrong := _wrong(constraints.question_pattern, source)):
            yield Problem(wrong, path="contains_from_question")
        if self.json_schema and (wrong := _wrong(constraints.fits_schema, self.json_schema)):
            yield Problem(wrong, path="json_schema")
        if wrong_letters := sorted(set(self.choice) - set(LETTERS)):
            yield Problem(f"{''.join(wrong_letters)!r} is not among {LETTERS}.", path="choice")

    def _problems_of_limits(self) -> Iterator[Problem]:
        for unit in ("words", "chars"):
            least, most = getattr(self, f"min_{unit}"), getattr(self, f"max_{unit}")
            if most and least > most:
                yield Problem(f"{least} is more than max_{unit}, {most}.", path=f"min_{unit}")


def share_met(predicates: Sequence[Predicate], text: str) -> float:
    """Share in [0, 1] of the constraints that the text meets; 1 where there are none."""
    if not predicates:
        return 1.0
    return sum(predicate(text) for predicate in predicates) / len(predicates)


def _wrong(compiled: Callable[[str], object], source: str) -> str:
    """Why ``source`` does not compile ("" if it does)."""
    try:
        compiled(source)
    except ValueError as error:
        return str(error)
    return ""
