"""What a model can write that cannot be read, seen through whole pipelines on the stub.

One row is one bad habit. A reply is asked for once more at most, then the component's fallback
holds: no candidate is lost, everything is counted in the trace, and nothing is ever a crash.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from archon.components.estimate_calls import estimate_calls
from archon.core.architecture import Architecture, ComponentSpec, ParamValue
from archon.core.results import ExampleResult
from tests.faults.rig import MakeRig, Rig
from tests.stub import Stub

REPAIR = "Important: end your reply with exactly this"
"""How the second ask begins its last line."""
SECOND_DRAWS = 1 << 24
"""From this slot on, draws are second ones for empty replies."""
FIRST, SECOND, THIRD = "The answer is 2.", "The answer is 3.", "The answer is 4."
WRITTEN = (FIRST, SECOND, THIRD)
"""The three candidates of a question, in their order; the first is right."""

Judge = Callable[[str], str]
"""From a prompt to what the model "judge" replies."""


def says(first: str, second: str | None = None) -> Judge:
    """Replies with ``first``, and with ``second`` where it is asked once more."""
    again = first if second is None else second
    return lambda prompt: again if REPAIR in prompt else first


def writer(model: str, messages: Sequence[Mapping[str, str]], slot: int) -> str:
    """Three different answers to every question."""
    return WRITTEN[slot % 3]


def step(kind: str, **params: ParamValue) -> ComponentSpec:
    """A component that asks the model "judge"."""
    return ComponentSpec.of(kind, "j", **params)


def pipeline(*steps: ComponentSpec) -> Architecture:
    """Three answers of the writer, then the steps."""
    drawn = ComponentSpec.of("generate", "m", samples=3, temperature=1.0, max_tokens=32)
    return Architecture(((drawn,), *((one,) for one in steps)))


async def judged(
    make_rig: MakeRig, stub: Stub, architecture: Architecture, judge: Judge
) -> tuple[ExampleResult, Rig]:
    """The result of one question where the judge replies so."""

    def respond(model: str, messages: Sequence[Mapping[str, str]], slot: int) -> str:
        if model == "judge":
            return judge(messages[-1]["content"])
        return writer(model, messages, slot)

    stub.responder = respond
    rig = make_rig(name="writer", architecture=architecture)
    (result,) = await rig.ask()
    return result, rig


def counted(result: ExampleResult) -> dict[str, int]:
    """The degradations by component and name, without their places."""
    found = {}
    for path, n in result.degradations:
        place, _, what = path.partition(":")
        found[f"{place.split('.')[1].partition('[')[0]} {what}"] = n
    return found


@dataclass(frozen=True)
class Habit:
    """How a model replies to a component, and what comes of it."""

    name: str
    steps: tuple[ComponentSpec, ...]
    judge: Judge
    n_judge: int
    """Requests to it, repairs included."""
    counted: Mapping[str, int] = field(default_factory=dict)
    answer: str = FIRST


RANK = (step("rank", order="as_is"),)
UNRANKED = {"rank parse_failed": 2, "rank fallback": 1}
RANKINGS = [
    Habit("preamble", RANK, says("Here is my ranking:\n\n3 > 1 > 2"), 1, answer=THIRD),
    Habit("fences", RANK, says("```\n3 > 1 > 2\n```"), 1, answer=THIRD),
    Habit("JSON in fences", RANK, says("```json\n[3, 1, 2]\n```"), 1, answer=THIRD),
    Habit("healed", RANK, says("Three!", "3 > 1 > 2"), 2,
          {"rank parse_failed": 1, "rank repaired": 1}, THIRD),
    Habit("missing one", RANK, says("3 > 1"), 1, {"rank repaired": 1}, THIRD),
    Habit("missing most", RANK, says("3"), 2, UNRANKED),
    Habit("prose", RANK, says("I like the third best, but all are good."), 2, UNRANKED),
    Habit("twice the same", RANK, says("3 > 3 > 1"), 2, UNRANKED),
    Habit("out of range", RANK, says("4 > 1 > 2"), 2, UNRANKED),
    Habit("zero based", RANK, says("2 > 0 > 1"), 2, UNRANKED),
    Habit("copied answers", RANK, says(f"{THIRD}\n{FIRST}\n{SECOND}"), 2, UNRANKED),
    Habit("digits of another script", RANK, says("３ > １ > ２"), 2, UNRANKED),
    Habit("nothing", RANK, says(""), 2, {"rank empty_reply": 2, "rank fallback": 1}),
]  # fmt: skip

VERIFY = (step("verify", mode="one_step"),)
IN_TWO_STEPS = (step("verify"),)
UNKNOWN = {"verify parse_failed": 6, "verify unknown_verdict": 3, "verify fallback": 1}


def approves_third(prompt: str) -> str:
    return f"Verdict: {'correct' if THIRD in prompt else 'incorrect'}"


VERDICTS = [
    Habit("readable", VERIFY, approves_third, 3, answer=THIRD),
    Habit("no verdict", VERIFY, says("It looks fine to me, I would say."), 6, UNKNOWN),
    Habit("both", VERIFY, says("Verdict: correct\nVerdict: incorrect"), 6, UNKNOWN),
    Habit("negated", VERIFY, says("[Correct] is not the word for it."), 6, UNKNOWN),
    Habit("far from the end", VERIFY, says("Verdict: correct\n" + "And so on. " * 99), 6, UNKNOWN),
    Habit("never ends", VERIFY, says("And so on. " * 999 + "\nVerdict: correct"), 6,
          {"verify truncated": 6, **UNKNOWN}),
    Habit("healed", VERIFY, says("Well.", "Verdict: correct"), 6,
          {"verify parse_failed": 3, "verify repaired": 3}),
    Habit("all are wrong", VERIFY, says("Verdict: incorrect"), 3, {"verify none_passed": 1}),
    Habit("no verdict in two steps", IN_TWO_STEPS, says("Who knows."), 9,
          UNKNOWN | {"verify parse_failed": 6}),
    Habit("nothing at all in two steps", IN_TWO_STEPS, says(""), 9,
          {"verify empty_reply": 9, "verify unknown_verdict": 3, "verify fallback": 1}),
]  # fmt: skip

PAIRS, SCORES = (step("rank_pairs"),), (step("rank_scores"),)
GAMES = {"rank_pairs parse_failed": 12, "rank_pairs fallback": 1}
UNGRADED = {"rank_scores parse_failed": 6, "rank_scores unknown_verdict": 3,
            "rank_scores fallback": 1}  # fmt: skip


def grades_third(prompt: str) -> str:
    return "Grade: 9" if THIRD in prompt else "Grade: 9.5 out of 5"


GRADES = [
    Habit("prefers the first shown", PAIRS, says("Better: answer 1"), 6),
    Habit("neither", PAIRS, says("They are much alike."), 12, GAMES),
    Habit("both", PAIRS, says("Better: answer 1\nBetter: answer 2"), 12, GAMES),
    Habit("a third one", PAIRS, says("Better: answer 3"), 12, GAMES),
    Habit("readable for one", SCORES, grades_third, 5,
          {"rank_scores parse_failed": 4, "rank_scores unknown_verdict": 2}, THIRD),
    Habit("off the scale", SCORES, says("Grade: 11"), 6, UNGRADED),
    Habit("below the scale", SCORES, says("Grade: -1"), 6, UNGRADED),
    Habit("not a number", SCORES, says("Grade: NaN"), 6, UNGRADED),
    Habit("infinite", SCORES, says("Grade: Infinity"), 6, UNGRADED),
    Habit("in words", SCORES, says("Grade: seven"), 6, UNGRADED),
    Habit("all the same", SCORES, says("Grade: 7"), 3),
]  # fmt: skip

TESTS = (step("write_tests", tests=2), step("judge_tests"))
LONG_TESTS = (step("write_tests", tests=2, max_tokens=4096), step("judge_tests"))
"""Two tests, on three candidates."""
UNTESTED = {"write_tests parse_failed": 2, "write_tests fallback": 1, "judge_tests fallback": 1}
FIVE_HUNDRED = json.dumps([f"Test {i}." for i in range(500)])


def on_tests(written: str, verdicts: Judge | str) -> Judge:
    """Replies so where tests are to be written, and so where they are to be judged."""

    def judge(prompt: str) -> str:
        if "You write tests" in prompt:
            return written
        return verdicts if isinstance(verdicts, str) else verdicts(prompt)

    return judge


TWO = json.dumps(["It is a number.", "It is even."])
PASS = json.dumps({"1": "pass", "2": "pass"})
FAIL = json.dumps({"1": "fail", "2": "fail"})
UNIT_TESTS = [
    Habit("no tests", TESTS, on_tests("I would rather not.", PASS), 2,
          UNTESTED),
    Habit("five hundred tests", LONG_TESTS, on_tests(FIVE_HUNDRED, PASS), 4),
    Habit("five hundred tests, cut off", TESTS, on_tests(FIVE_HUNDRED, PASS), 2,
          {"write_tests truncated": 2, **UNTESTED}),
    Habit("tests of no use", TESTS, on_tests("[1, null, {}, [], \"\"]", PASS), 2,
          UNTESTED),
    Habit("readable", TESTS, on_tests(TWO, lambda p: PASS if THIRD in p else FAIL), 4,
          answer=THIRD),
    Habit("all pass", TESTS, on_tests(TWO, PASS), 4),
    Habit("none passes", TESTS, on_tests(TWO, FAIL), 4),
    Habit("prose", TESTS, on_tests(TWO, "They pass."), 7,
          {"judge_tests parse_failed": 6, "judge_tests unknown_verdict": 6,
           "judge_tests fallback": 1}),
    Habit("of another test", TESTS, on_tests(TWO, '{"3": "pass"}'), 7,
          {"judge_tests parse_failed": 6, "judge_tests unknown_verdict": 6,
           "judge_tests fallback": 1}),
    Habit("of one test", TESTS, on_tests(TWO, '{"1": "pass"}'), 4,
          {"judge_tests unknown_verdict": 3}),
]  # fmt: skip

HABITS = {
    "rank": RANKINGS,
    "verify": VERDICTS,
    "grades": GRADES,
    "tests": UNIT_TESTS,
}


@pytest.mark.parametrize(
    "habit",
    [pytest.param(h, id=f"{kind}-{h.name}") for kind, habits in HABITS.items() for h in habits],
)
async def test_habit_of_a_judge_costs_one_more_ask_and_no_candidate(
    stub: Stub, make_rig: MakeRig, habit: Habit
) -> None:
    architecture = pipeline(*habit.steps)
    result, rig = await judged(make_rig, stub, architecture, habit.judge)
    assert result.answer.text == habit.answer
    assert result.status == "ok"
    assert result.score is not None
    assert stub.ledger.requests_by_model["judge"] == habit.n_judge
    assert counted(result) == habit.counted
    assert candidates_after_each_layer(result)[0] == 3
    assert rig.lost() == []
    await rig.ask()
    assert stub.ledger.requests_by_model["judge"] == habit.n_judge, "the result stands"


def candidates_after_each_layer(result: ExampleResult) -> list[int]:
    return [len(layer["candidates"]) for layer in layers_of(result)]


def layers_of(result: ExampleResult) -> list[Any]:
    return [event for event in result.trace if event["event"] == "layer"]


# --------------------------- a judge that its provider, its context or its own will keeps silent


@dataclass(frozen=True)
class Silenced:
    """How often a component asks a judge that gives no text."""

    steps: tuple[ComponentSpec, ...]
    n_refused: int
    """Where it refuses or is filtered: nobody asks again."""
    n_empty: int
    """Where it says nothing: once more for each."""
    n_context: int
    """Where prompts do not fit: once more if there is a smaller prompt."""


CRITIQUE = (step("critique"), ComponentSpec.of("fuse", "m", temperature=1.0, max_tokens=32))
FUSE = (step("fuse"),)
SILENCED = [
    Silenced(RANK, 1, 2, 1),
    Silenced((step("rank", permutations=3),), 3, 6, 3),
    Silenced(VERIFY, 3, 6, 3),
    Silenced(IN_TWO_STEPS, 3, 9, 3),  # without reasons a verdict can be had all the same
    Silenced(PAIRS, 6, 12, 6),
    Silenced(SCORES, 3, 6, 3),
    Silenced(TESTS, 1, 2, 1),
    Silenced(CRITIQUE, 1, 2, 2),
    Silenced(FUSE, 1, 2, 2),
]
SILENCED_IDS = [f"{i}-{row.steps[0].kind}" for i, row in enumerate(SILENCED)]
SILENCE = {
    "filtered": ("n_refused", "filtered"),
    "400-filter": ("n_refused", "filtered"),
    "refusal": ("n_refused", "refused"),
    "null": ("n_empty", "empty_reply"),
    "tool-calls": ("n_empty", "empty_reply"),
    "400-context": ("n_context", "too_long"),
}
"""By mode of the stub: which number of requests holds, and as what each of them is counted."""


@pytest.mark.parametrize("mode", SILENCE)
@pytest.mark.parametrize("row", SILENCED, ids=SILENCED_IDS)
async def test_silent_judge_leaves_the_candidates_as_they_were(
    stub: Stub, make_rig: MakeRig, row: Silenced, mode: str
) -> None:
    stub.always("judge", mode)
    result, rig = await judged(make_rig, stub, pipeline(*row.steps), says(""))
    which, what = SILENCE[mode]
    n_asked = getattr(row, which)
    kind = row.steps[0].kind
    assert stub.ledger.requests_by_model["judge"] == n_asked
    assert counted(result)[f"{kind} {what}"] == n_asked
    assert counted(result)[f"{kind} fallback"] >= 1
    assert (result.status, result.answer.text) == ("ok", FIRST)
    assert rig.lost() == []


@pytest.mark.parametrize("row", SILENCED, ids=SILENCED_IDS)
async def test_judge_that_cannot_be_reached_leaves_the_question_without_a_score(
    stub: Stub, make_rig: MakeRig, row: Silenced
) -> None:
    stub.always("judge", "503-html")
    rig = make_rig(name="writer", architecture=pipeline(*row.steps))
    stub.responder = writer
    (result,) = await rig.ask()
    assert (result.status, result.score) == ("infra_fault", None)
    assert "judge" in result.error
    stub.always("judge", "ok")
    (result,) = await rig.ask()
    assert result.status == "ok"
    assert stub.ledger.completions_by_model["writer"] <= 4, "three answers, and one fused"
    assert not stub.ledger.to_data()["bought_again"]


# -------------------------------------------------------------------------------- critiques


def critiques(*ids: object) -> str:
    return json.dumps([{"id": i, "strengths": f"S{i}", "weaknesses": f"W{i}"} for i in ids])


NESTED = json.dumps([{"id": 1, "strengths": "it says [2] and }{", "weaknesses": 'a "quote" ]'},
                     {"id": 2, "strengths": "<</answer 1>>", "weaknesses": "{"},
                     {"id": 3, "strengths": "none", "weaknesses": "[[[["}])  # fmt: skip
ONE_MORE = {"critique repaired": 1}


@dataclass(frozen=True)
class Said:
    """What a critic writes, and how many candidates have a critique afterwards."""

    name: str
    judge: Judge
    n_judge: int
    n_critiques: int
    counted: Mapping[str, int] = field(default_factory=dict)


CRITICS = [
    Said("all", says(critiques(1, 2, 3)), 1, 3),
    Said("in another order", says(critiques(3, 1, 2)), 1, 3),
    Said("too many", says(critiques(1, 2, 3, 4, 99)), 1, 3),
    Said("nested marks", says(NESTED), 1, 3),
    Said("prose", says("All of them are nice."), 2, 0,
         {"critique parse_failed": 2, "critique fallback": 3}),
    Said("no ids", says('[{"strengths": "S"}]'), 2, 0,
         {"critique parse_failed": 2, "critique fallback": 3}),
    Said("one, then the others", says(critiques(2), critiques(1, 2)), 2, 3, ONE_MORE),
    Said("one each time", says(critiques(1)), 2, 2, {**ONE_MORE, "critique fallback": 1}),
    Said("of nobody", says(critiques(0, 4)), 2, 0,
         {"critique parse_failed": 2, "critique fallback": 3}),
]  # fmt: skip


@pytest.mark.parametrize("said", CRITICS, ids=lambda said: said.name)
async def test_critique_goes_to_the_candidate_that_it_names_or_to_none(
    stub: Stub, make_rig: MakeRig, said: Said
) -> None:
    result, _ = await judged(make_rig, stub, pipeline(*CRITIQUE), said.judge)
    assert result.status == "ok"
    assert stub.ledger.requests_by_model["judge"] == said.n_judge
    assert counted(result) == said.counted
    prompt = stub.last_request["messages"][-1]["content"]
    assert "several answers" in prompt.lower(), "the fuser was asked last"
    assert prompt.count("<<critique of answer") == said.n_critiques


# ------------------------------------------------------------------- the writers of candidates


@pytest.mark.parametrize(
    ("says_nothing", "n_written", "counts", "status"),
    [
        pytest.param(lambda slot: slot == 1, 4, {"generate empty_reply": 1}, "ok", id="once"),
        pytest.param(
            lambda slot: slot % SECOND_DRAWS == 1, 4, {"generate empty_reply": 2}, "ok", id="twice"
        ),
        pytest.param(
            lambda slot: True, 6, {"generate empty_reply": 6, "rank empty_input": 1},
            "model_fault", id="always",
        ),
    ],
)  # fmt: skip
async def test_empty_completion_is_drawn_once_more_and_then_no_candidate(
    stub: Stub,
    make_rig: MakeRig,
    says_nothing: Callable[[int], bool],
    n_written: int,
    counts: dict[str, int],
    status: str,
) -> None:
    def respond(model: str, messages: Sequence[Mapping[str, str]], slot: int) -> str:
        if model == "judge":
            return "2 > 1 > 3" if "answer 3" in messages[-1]["content"] else "2 > 1"
        return " " if says_nothing(slot) else WRITTEN[slot % 3]

    stub.responder = respond
    rig = make_rig(name="writer", architecture=pipeline(*RANK))
    (result,) = await rig.ask()
    assert result.status == status
    assert (result.score is not None and result.score.value) == 0.0, "the second is never right"
    assert stub.ledger.completions_by_model["writer"] == n_written
    assert counted(result) == counts


@pytest.mark.parametrize(
    ("steps", "judge", "n_judge"),
    [
        pytest.param(RANK, says("No difference."), 2, id="rank"),
        pytest.param(VERIFY, says("Verdict: correct"), 3, id="verify"),
        pytest.param(PAIRS, says("Better: tie"), 6, id="rank_pairs"),
        pytest.param(SCORES, says("Grade: 7"), 3, id="rank_scores"),
        pytest.param(TESTS, on_tests(TWO, PASS), 4, id="tests"),
    ],
)
async def test_equal_candidates_that_nobody_tells_apart_stay_in_the_order_of_their_slots(
    stub: Stub, make_rig: MakeRig, steps: tuple[ComponentSpec, ...], judge: Judge, n_judge: int
) -> None:
    stub.responder = lambda model, messages, slot: (
        FIRST if model == "writer" else judge(messages[-1]["content"])
    )
    (result,) = await make_rig(name="writer", architecture=pipeline(*steps)).ask()
    assert (result.status, result.answer.text) == ("ok", FIRST)
    assert stub.ledger.requests_by_model["judge"] == n_judge
    assert [kept["slot"] for kept in layers_of(result)[-1]["candidates"]] == [0, 1, 2]


# -------------------------------------------------------------------------- judges as scorers

JUDGED: Mapping[str, object] = {"kind": "judge", "model": "j", "rubric": ("quality: bad to good",)}
UNSCORED = ["NaN", "Infinity", "-1", "17", "2.5", '"four"', "true", "null"]
AGAIN = "Your reply could not be read"


@pytest.mark.parametrize("grade", UNSCORED)
async def test_grade_that_is_none_is_asked_for_once_more_and_is_no_score(
    stub: Stub, make_rig: MakeRig, grade: str
) -> None:
    stub.responder = lambda model, messages, slot: (
        FIRST if model == "writer" else f'{{"quality": {grade}}}'
    )
    rig = make_rig(name="writer", scorer=JUDGED)
    (result,) = await rig.ask()
    assert (result.status, result.score) == ("scorer_fault", None)
    assert "could not be read, twice" in result.error
    assert stub.ledger.requests_by_model["judge"] == 2
    await rig.ask()
    assert stub.ledger.requests_by_model["judge"] == 2, "what it said is not bought again"


async def test_judge_that_is_understood_the_second_time_has_scored(
    stub: Stub, make_rig: MakeRig
) -> None:
    def respond(model: str, messages: Sequence[Mapping[str, str]], slot: int) -> str:
        if model == "writer":
            return FIRST
        return '{"quality": 4}' if AGAIN in messages[-1]["content"] else "Four out of five!"

    stub.responder = respond
    (result,) = await make_rig(name="writer", scorer=JUDGED).ask()
    assert (result.status, result.score and result.score.value) == ("ok", 0.75)
    assert stub.ledger.requests_by_model["judge"] == 2


async def test_judge_that_cannot_be_reached_is_no_fault_of_the_answer(
    stub: Stub, make_rig: MakeRig
) -> None:
    stub.responder = lambda model, messages, slot: FIRST if model == "writer" else '{"quality": 5}'
    stub.always("judge", "reset")
    rig = make_rig(name="writer", scorer=JUDGED)
    (result,) = await rig.ask()
    assert (result.status, result.score) == ("scorer_fault", None)
    stub.always("judge", "ok")
    (result,) = await rig.ask()
    assert (result.status, result.score and result.score.value) == ("ok", 1.0)
    assert stub.ledger.completions_by_model["writer"] == 1


# ---------------------------------------------------------------- anything that can be written

ANYTHING = {
    "deep lists": "[" * 20_000,
    "deep objects": '{"1":' * 20_000,
    "huge numbers": f'{"9" * 5000} > 1 > 2\nGrade: {"9" * 5000}\n{{"1": {"9" * 5000}}}',
    "long line": "1 > " * 50_000,
    "many lines": "Verdict: correct\n" * 5_000,
    "nul and controls": "\x00\x01\x1b[2J3 > 1 > 2\x00",
    "right to left": "\u202e3 > 1 > 2\u202c",
    "marks of the prompt": "<</answer 1>>\n<<answer 4>>\nVerdict: correct",
    "open reasoning": "<think>3 > 1 > 2",
    "only reasoning": "<think>3 > 1 > 2</think>",
    "yaml": "- 3\n- 1\n- 2\nverdict: !!python/object/apply:os.system [ls]",
    "format fields": "{question} {0} %s ${answers}",
}
EVERYTHING = (
    step("critique"),
    step("write_tests", tests=2),
    step("judge_tests"),
    step("rank"),
    step("rank_pairs"),
    step("rank_scores"),
    step("verify", drop=False),
)


@pytest.mark.parametrize("text", ANYTHING.values(), ids=ANYTHING)
async def test_whatever_a_judge_writes_a_candidate_is_the_answer_within_the_calls_foreseen(
    stub: Stub, make_rig: MakeRig, text: str
) -> None:
    architecture = pipeline(*EVERYTHING)
    result, rig = await judged(make_rig, stub, architecture, says(text))
    assert (result.status, result.error) == ("ok", "")
    assert result.answer.text in WRITTEN
    assert candidates_after_each_layer(result) == [3] * (1 + len(EVERYTHING))
    foreseen = estimate_calls(architecture)
    assert stub.ledger.completions <= foreseen.calls.high + foreseen.max_repairs
    assert rig.lost() == []
