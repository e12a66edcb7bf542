"""What a simulated model says: drawn by its skills, written in the form that was asked for."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from archon.core.calls import ModelRequest
from archon.core.messages import last_question
from archon.world.cast import SimulatedModel
from archon.world.draws import Draws
from archon.world.laws import at_temperature, logistic
from archon.world.questions import Questions, asked
from archon.world.roles import Role, role_of
from archon.world.tags import Mark, Tags

GARBLED = "I would rather not say it in that form."
LOST = "I am simulated, and know only the questions of my world. Ask for simulated question 7."
_FAULTED, _PRAISED = "it is wrong", "none that I see"
_CRITIQUE = re.compile(r"<<critique of answer \d+ ")
_GRADES = re.compile(r"<(\d+) to (\d+)>")
_STRENGTHS = re.compile(r'"strengths": "\.\.\."')
"""In the form of critiques that name both sides."""
_TESTS = re.compile(r"Write (\d+) tests")
_TEST = re.compile(r"<<test (\d+) ")
_SPREAD = 0.15
"""Of a grade's scale, for one standard deviation of what a judge thinks of an answer."""


@dataclass(frozen=True, slots=True)
class Prompted:
    """A request, understood, with the key of one sample of it."""

    question: int
    shown: tuple[Mark, ...]
    """Answers in the prompt, in order."""
    faulted: tuple[bool, ...]
    """Whether a critique below the answer says that it is wrong."""
    text: str
    temperature: float
    key: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Speaker:
    """One model of a world, ready to speak."""

    model: SimulatedModel
    questions: Questions
    tags: Tags

    @property
    def draws(self) -> Draws:
        """The world's random numbers."""
        return self.questions.draws

    def say(self, request: ModelRequest, digest: str, slot: int) -> tuple[str, Role]:
        """The text of one sample, and the role that it was said in."""
        prompt = last_question(request.messages)
        role, number = role_of(prompt), asked(prompt)
        if number is None:
            return LOST, role
        found = list(self.tags.read(prompt))
        prompted = Prompted(
            question=number,
            shown=tuple(mark for _, mark in found),
            faulted=_faults(prompt, [place for place, _ in found]),
            text=prompt,
            temperature=request.sampling.temperature,
            key=(self.model.name, digest, slot),
        )
        if role != "write" and self.draws.chance(self.model.garbled, "garbled", *prompted.key):
            return GARBLED, role
        return self._in_role(role, prompted), role

    def _in_role(self, role: Role, prompted: Prompted) -> str:
        match role:
            case "write":
                return self._fused(prompted) if prompted.shown else self._written(prompted)
            case "rank":
                return self._ranked(prompted)
            case "compare":
                return self._compared(prompted)
            case "grade":
                return self._graded(prompted)
            case "reason":
                return "I went through it step by step and compared it with the question."
            case "verify":
                return f"Verdict: {'correct' if self._verdict(prompted) else 'incorrect'}"
            case "criticise":
                return self._criticised(prompted)
            case "make_tests":
                asked_for = _TESTS.search(prompted.text)
                n = int(asked_for[1]) if asked_for else 1
                return json.dumps([f"Check {i + 1} of the number holds." for i in range(n)])
            case "judge_tests":
                return self._tested(prompted)

    def _answer(self, prompted: Prompted, answer: int) -> str:
        """An answer as it is written: with its tag, and the value alone on the last line."""
        model, digest, slot = prompted.key
        sample = (model, digest, slot if prompted.temperature else 0)
        tag = self.tags.write(Mark(prompted.question, answer), *sample)
        value = self.questions.value(prompted.question, answer)
        return f"I worked it out step by step. {tag}\nAnswer: {value}"

    def _masses(self, number: int) -> list[float]:
        """Probabilities of all answers at temperature 1, the right one first."""
        model = self.model
        p = self.questions.chance(number, model=model.name, skill=model.skill, family=model.family)
        wrong = self.questions.wrong(number, family=model.family)
        return [p, *((1.0 - p) * share for share in wrong)]

    def _written(self, prompted: Prompted) -> str:
        masses = at_temperature(
            self._masses(prompted.question), prompted.temperature, self.model.junk
        )
        answer = self.draws.place(masses, "write", *prompted.key)
        return self._answer(prompted, answer)

    def _fused(self, prompted: Prompted) -> str:
        fuser, number = self.model.fuser, prompted.question
        if self.draws.chance(fuser.copies, "copies", *prompted.key):
            weights = [
                math.exp(fuser.discernment * _is_right(mark, number) - fuser.trust * is_faulted)
                for mark, is_faulted in zip(prompted.shown, prompted.faulted, strict=True)
            ]
            taken = prompted.shown[self.draws.place(weights, "copied", *prompted.key)]
            return self._answer(prompted, taken.answer if taken.question == number else 1)
        share_wrong = sum(not _is_right(m, number) for m in prompted.shown) / len(prompted.shown)
        p, *wrong = self._masses(number)
        kept = p * (1.0 - fuser.distraction * share_wrong)
        scale = (1.0 - kept) / (1.0 - p) if p < 1.0 else 0.0
        masses = [kept, *(mass * scale for mass in wrong)]
        return self._answer(prompted, self.draws.place(masses, "alone", *prompted.key))

    def _ranked(self, prompted: Prompted) -> str:
        judge = self.model.judge
        worth = [
            judge.reliability * _is_right(mark, prompted.question)
            - judge.place_bias * i
            + self.draws.gumbel("rank", *prompted.key, i)
            for i, mark in enumerate(prompted.shown)
        ]
        best_first = sorted(range(len(worth)), key=lambda i: -worth[i])
        return " > ".join(str(i + 1) for i in best_first)

    def _compared(self, prompted: Prompted) -> str:
        judge, rights = self.model.judge, [_is_right(m, prompted.question) for m in prompted.shown]
        first, second = (*rights, False, False)[:2]
        lead = judge.reliability * (first - second) + judge.place_bias
        is_first = self.draws.chance(logistic(lead), "compare", *prompted.key)
        return f"I compared them.\nBetter: answer {1 if is_first else 2}"

    def _graded(self, prompted: Prompted) -> str:
        scale = _GRADES.search(prompted.text)
        low, high = (int(scale[1]), int(scale[2])) if scale else (1, 10)
        lean = self.model.judge.separation * (_only(prompted) - 0.5)
        thought = lean + self.draws.normal("grade", *prompted.key)
        grade = round(low + (high - low) * (0.5 + _SPREAD * thought))
        return f"Grade: {min(high, max(low, grade))}"

    def _verdict(self, prompted: Prompted) -> bool:
        """By a threshold on what it thinks of this answer each time, and this time."""
        judge, is_right = self.model.judge, _only(prompted)
        rate = judge.true_positive if is_right else judge.false_positive
        answer = prompted.shown[0].answer if prompted.shown else -1
        always = self.draws.normal("verdict", self.model.name, prompted.question, answer)
        now = self.draws.normal("verdict", *prompted.key)
        s = judge.stubbornness
        thought = math.sqrt(s) * always + math.sqrt(1.0 - s) * now
        return thought < NormalDist().inv_cdf(rate)

    def _criticised(self, prompted: Prompted) -> str:
        judge, two_sided = self.model.judge, _STRENGTHS.search(prompted.text)
        praise, faults = ({"strengths": "clear"}, "weaknesses") if two_sided else ({}, "faults")
        reviews = []
        for i, mark in enumerate(prompted.shown):
            is_right = _is_right(mark, prompted.question)
            rate = judge.fault_imagined if is_right else judge.fault_found
            is_faulted = self.draws.chance(rate, "criticise", *prompted.key, i)
            found = _FAULTED if is_faulted else _PRAISED
            reviews.append({"id": i + 1, **praise, faults: found})
        return json.dumps(reviews)

    def _tested(self, prompted: Prompted) -> str:
        judge = self.model.judge
        rate = 1.0 - judge.test_too_strict if _only(prompted) else judge.test_too_lax
        numbers = [found[1] for found in _TEST.finditer(prompted.text)]
        return json.dumps(
            {
                number: "pass" if self.draws.chance(rate, "test", *prompted.key, number) else "fail"
                for number in numbers
            }
        )


def _is_right(mark: Mark, number: int) -> bool:
    """Whether an answer is the right one to this question; one to another question is wrong."""
    return mark.question == number and mark.is_right


def _only(prompted: Prompted) -> bool:
    """Whether the one answer that is judged is right; a text without a tag is wrong."""
    return bool(prompted.shown) and _is_right(prompted.shown[0], prompted.question)


def _faults(prompt: str, places: Sequence[int]) -> tuple[bool, ...]:
    """For each answer of a prompt whether a critique between it and the next one faults it."""
    ends = [*places[1:], len(prompt)] if places else []
    between = [prompt[place:end] for place, end in zip(places, ends, strict=True)]
    return tuple(bool(_CRITIQUE.search(text)) and _FAULTED in text for text in between)
