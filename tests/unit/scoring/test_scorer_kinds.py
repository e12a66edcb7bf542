"""What each scorer takes for right; what all have in common is in the conformance suite."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archon.benchmarks.examples import Benchmark, Example
from archon.core.candidates import Answer
from archon.core.errors import ScoringError, SetupError, SpecError
from archon.core.messages import ask
from archon.scoring import ifeval
from archon.scoring.base import check_examples
from archon.scoring.f1 import overlap
from archon.scoring.game24 import evaluate
from archon.scoring.table import SCORERS, build_scorer, problems_of
from archon.scoring.text import normalised


async def scored(
    data: dict[str, object],
    text: str,
    target: str | tuple[str, ...] | None = None,
    choices: tuple[str, ...] = (),
    **metadata: object,
) -> float:
    subject = Example("e", ask("Well?"), target, choices, orjson.dumps(metadata).decode())
    return (await build_scorer(data).score(subject, Answer(text))).value


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("The  Danube.", "danube"),
        ("U.S.", "us"),
        ("A", "a"),
        ("(A)", "a"),
        ("the", "the"),
        ("] )", "] )"),
        ("3.5", "3.5"),
        ("-5", "-5"),
        ("well-known", "wellknown"),
        ("ＦＵＬＬ　ｗｉｄｔｈ", "full width"),
        ("Straße", "strasse"),
    ],
)
def test_normalised_text_is_what_is_compared(text: str, same: str) -> None:
    assert normalised(text) == same


@given(st.text())
def test_normalised_text_of_any_text_is_stable_under_case_and_space(text: str) -> None:
    assert normalised(f"  {text} ") == normalised(text)


EXACT = {
    "alias": ({}, "donau", ("Danube", "Donau"), 1),
    "prose is not exact": ({}, "It is the Danube", "Danube", 0),
    "contained": ({"read": "contains"}, "It is the Danube, of course", "Danube", 1),
    "contained in a word": ({"read": "contains"}, "Romeo", "Rome", 0),
    "first line": ({"read": "first_line"}, "\n knives \nknifes", "knives", 1),
    "last line": ({"read": "last_line"}, "Well.\nknives\n", "knives", 1),
    "stated": ({"read": "stated"}, "Hm. The answer is: **Oslo**.\nBye", "Oslo", 1),
    "stated last": ({"read": "stated"}, "Answer: Bergen\nNo. Answer: Oslo", "Oslo", 1),
    "boxed": ({"read": "stated"}, "so \\boxed{\\text{(B)}} or \\boxed{(C)} it is", "(C)", 1),
    "nothing stated": ({"read": "stated"}, "I think\nOslo", "Oslo", 1),
    "option": ({"options": ["yes", "no"]}, "No, yes would be wrong.", "no", 1),
    "option other": ({"options": ["yes", "no"]}, "Yes! Not no.", "no", 0),
    "option inside a word": ({"options": ["yes", "no"]}, "I know that yes", "yes", 1),
    "no option": ({"options": ["yes", "no"]}, "Perhaps", "no", 0),
    "case matters": ({"normalise": "none"}, "oslo", "Oslo", 0),
    "punctuation matters": ({"normalise": "case"}, "oslo!", "Oslo", 0),
    "sign matters": ({}, "5", "-5", 0),
}


@pytest.mark.parametrize(("params", "text", "target", "value"), EXACT.values(), ids=EXACT)
async def test_exact(
    params: dict[str, object], text: str, target: str | tuple[str, ...], value: float
) -> None:
    assert await scored({"kind": "exact", **params}, text, target) == value


NUMERIC = {
    "last number": ({}, "First 3, then 15, so 18", "18", 1),
    "thousands": ({}, "It costs $1,234.00.", "1234", 1),
    "negative": ({}, "The answer is -5.", "-5", 1),
    "wrong sign": ({}, "The answer is 5.", "-5", 0),
    "percent": ({}, "18%", "18", 1),
    "fraction": ({}, "The answer is 1/4.", "0.25", 1),
    "close": ({"tolerance": 0.01}, "3.14", "3.1415", 1),
    "not close": ({}, "3.14", "3.1415", 0),
    "relative": ({"relative": 0.1}, "95", "100", 1),
    "worked target": ({}, "42", "6 * 7 = 42\n#### 42", 1),
    "none": ({}, "no idea", "1", 0),
    "beyond floats": ({}, "10000000000000000001", "10000000000000000000", 0),
}


@pytest.mark.parametrize(("params", "text", "target", "value"), NUMERIC.values(), ids=NUMERIC)
async def test_numeric(params: dict[str, object], text: str, target: str, value: float) -> None:
    assert await scored({"kind": "numeric", **params}, text, target) == value


THREE = ("a pear", "a plum", "a fig")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("B", 1),
        ("(B)", 1),
        ("b.", 1),
        ("**B. a plum**", 1),
        ("Not A. The answer is B.", 1),
        ("a plum", 1),
        ("The answer is a plum.", 1),
        ("A or B", 0),
        ("a fig", 0),
        ("D", 0),
        ("none of them", 0),
    ],
)
async def test_choice(text: str, value: float) -> None:
    assert await scored({"kind": "choice"}, text, "B", THREE) == value


async def test_choice_beyond_ten_reads_a_stated_letter() -> None:
    many = tuple(f"thing {i}" for i in range(13))
    assert await scored({"kind": "choice"}, "The answer is M.", "M", many) == 1
    assert await scored({"kind": "choice"}, "The answer is N.", "M", many) == 0


@pytest.mark.parametrize(
    ("given", "wanted", "value"),
    [
        (["red", "kite"], ["red", "kite"], 1.0),
        (["red"], ["red", "kite"], 2 / 3),
        (["red", "red"], ["red", "kite"], 0.5),
        (["blue"], ["red", "kite"], 0.0),
        ([], ["red"], 0.0),
    ],
)
def test_f1_is_the_harmonic_mean_over_words(
    given: list[str], wanted: list[str], value: float
) -> None:
    assert overlap(given, wanted) == pytest.approx(value)


@pytest.mark.parametrize(
    ("params", "text", "value"),
    [
        ({"pattern": r"^\d{3}$"}, "123", 1),
        ({"pattern": r"\d{3}", "whole": True}, "123 or so", 0),
        ({"pattern": r"(?i)answer: (?P<answer>\w+)"}, "Answer: Rome\nAnswer: OSLO", 1),
        ({"pattern": r"(?i)answer: (?P<answer>\w+)"}, "Answer: Rome", 0),
        ({"pattern": r"(a+)+$"}, "a" * 50_000 + "b", 0),
    ],
    ids=["match", "whole", "group", "wrong group", "catastrophic elsewhere"],
)
async def test_regex(params: dict[str, object], text: str, value: float) -> None:
    assert await scored({"kind": "regex", **params}, text, "Oslo") == value


SCHEMA = '{"type": "object", "required": ["n"], "properties": {"n": {"pattern": "^(a+)+$"}}}'


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"n": "aaa"}', 1),
        ('Here:\n```json\n{"n": "a"}\n```\nDone.', 1),
        ('{"m": 1}', 0),
        ('{"n": "' + "a" * 5_000 + 'b"}', 0),
        ("n = a", 0),
        ('{"n": NaN}', 0),
    ],
    ids=["fits", "fenced", "lacks", "catastrophic elsewhere", "prose", "nan"],
)
async def test_json_schema(text: str, value: float) -> None:
    assert await scored({"kind": "json_schema", "schema": SCHEMA}, text) == value


async def test_json_schema_may_stand_in_each_example() -> None:
    schema = {"type": "array", "maxItems": 2}
    assert await scored({"kind": "json_schema"}, "[1, 2]", schema=schema) == 1
    assert await scored({"kind": "json_schema"}, "[1, 2, 3]", schema=schema) == 0


def test_json_schema_that_leads_outside_is_refused() -> None:
    data = {"kind": "json_schema", "schema": '{"$ref": "http://127.0.0.1:9/schema.json"}'}
    assert "leads nowhere within the schema" in str(problems_of(data)[0])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("(4 + 8) * (6 - 4) = 24", 1),
        ("Steps: 4+8=12, 6-4=2.\nAnswer: (4+8)×(6−4)", 1),
        ("\\boxed{(4 + 8) \\times (6 - 4)}", 1),
        ("(4 + 8) * (6 - 4) = 12 * 2 = 24", 1),
        ("(4+8)*(6-4)=24. Check: 12*2=24", 1),
        ("Answer: (4 + 8) * (6 - 4) = 24\n\nCheck: 4 + 8 = 12, 6 - 4 = 2, 12 * 2 = 24.", 1),
        ("\\boxed{(4+8)(6-4)}", 1),
        ("(4+8) (6-4) = 24", 1),
        ("Answer: (4+8)x(6-4)", 1),
        ("(4 + 8) x (6 - 4)", 1),
        ("\\left(4+8\\right)\\cdot\\left(6-4\\right)", 1),
        ("{(4+8)}*{(6-4)}=24", 1),
        ("(It is (4+8)*(6-4).) It is ((4+8)*(6-4) = 24)", 1),
        ("\\frac{(4+8)*6}{4} + 4 = 22, so 4*6 = 24", 0),
        ("(4+8)*(6-4) = 24, or else (4+8)*6-4 = 68", 0),
        ("(4+8)*(6-4), which is 24 (2024-01-01)", 1),
        ("(" * 60_000, 0),
        ("4 * 6 * (8 - 4) / 4", 0),
        ("(4 + 8) * 6 - 4", 0),
        ("(4 + 8) / (6 - 6)", 0),
        ("24", 0),
        ("4 ** 4 - 8 * 6", 0),
        ("__import__('os') + 4 + 4 + 6 + 8", 0),
        ("(" * 90 + "4" + ")" * 90 + " * 6", 0),
    ],
)
async def test_game24(text: str, value: float) -> None:
    assert await scored({"kind": "game24"}, text, numbers=[4, 4, 6, 8]) == value


@pytest.mark.parametrize("text", ["2**9", "f(2)", "2 if 1 else 3", "x", "1.5", "True", "-1", ""])
def test_game24_evaluates_nothing_but_arithmetic(text: str) -> None:
    with pytest.raises(ValueError, match=r"count|not an expression"):
        evaluate(text)


@pytest.mark.parametrize(
    ("text", "target", "value"),
    [
        ("so $x = \\frac{1}{2}$", "0.5", 1),
        ("The answer is 11\\sqrt2.", "11\\sqrt{2}", 1),
        ("$(x+1)(x-1)$", "x^2-1", 1),
        ("$\\{2, -2\\}$", "\\{-2,2\\}", 1),
        ("$(1, 2)$", "(2, 1)", 0),
        ("p - q", "p - q", 1),
        ("no mathematics", "3", 0),
    ],
)
async def test_math(text: str, target: str, value: float) -> None:
    assert await scored({"kind": "math"}, text, target) == value


async def test_ifeval_unknown_or_incomplete_check_is_an_error() -> None:
    for name, said in (("no:such_check", "no check"), ("keywords:frequency", "lacks")):
        with pytest.raises(ScoringError, match=said):
            await scored({"kind": "ifeval"}, "text", instruction_id_list=[name], kwargs=[{}])


def test_ifeval_without_the_package_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ifeval, "find_spec", lambda name: None)
    with pytest.raises(SetupError, match=r"pip install 'archon\[ifeval\]'"):
        build_scorer({"kind": "ifeval"})


@pytest.mark.parametrize(("params", "text", "value"), [
    ({}, "Gates and wasps", 1.0),
    ({"whole_words": True}, "Gates and wasps", 0.0),
    ({"share": True}, "Gates", 0.5),
])  # fmt: skip
async def test_keywords(params: dict[str, object], text: str, value: float) -> None:
    assert await scored({"kind": "keywords", **params}, text, keywords=["gate", "wasp"]) == value


BAD_SCORERS = {
    "no kind": ({}, "kind: there is no scorer None. There is: exact"),
    "misspelt kind": ({"kind": "exat"}, "there is no scorer 'exat'. Did you mean 'exact'?"),
    "misspelt key": (
        {"kind": "numeric", "tolerence": 1},
        "tolerence: scorer 'numeric' has no parameter 'tolerence'. Did you mean 'tolerance'?",
    ),
    "type": ({"kind": "numeric", "tolerance": "0.1"}, "tolerance: Input should be a valid number"),
    "option": ({"kind": "exact", "read": "all"}, "read: Input should be 'whole', 'first_line'"),
    "negative": ({"kind": "numeric", "tolerance": -1.0}, "tolerance must be a number from 0"),
    "missing": ({"kind": "regex"}, "pattern: scorer 'regex' needs 'pattern'."),
    "bad pattern": ({"kind": "regex", "pattern": "(a"}, "not a pattern of RE2"),
    "look-around": ({"kind": "regex", "pattern": "(?=a)"}, "not a pattern of RE2"),
    "bad schema": ({"kind": "json_schema", "schema": '{"type": 5}'}, "not a JSON schema"),
    "schema no JSON": ({"kind": "json_schema", "schema": "{"}, "not JSON"),
    "judge without model": ({"kind": "judge"}, "model: scorer 'judge' needs 'model'."),
    "private": ({"kind": "math", "_worker": 1}, "has no parameter '_worker'"),
    "asks": ({"kind": "judge", "model": "j", "asks": 1}, "has no parameter 'asks'"),
}


@pytest.mark.parametrize(("data", "said"), BAD_SCORERS.values(), ids=BAD_SCORERS)
def test_scorer_bad_description_is_refused(data: dict[str, object], said: str) -> None:
    with pytest.raises(SpecError) as caught:
        build_scorer(data)
    assert said in str(caught.value)
    assert problems_of(data)


@pytest.mark.parametrize("value", ["sk-live-123", ["sk-live-123"]], ids=["text", "list"])
def test_scorer_bad_value_is_named_by_its_type_only(value: object) -> None:
    (problem,) = problems_of({"kind": "judge", "model": "j", "samples": value})
    assert problem.path == "samples"
    assert f"integer, not {type(value).__name__}." in problem.message
    assert "sk-live" not in str(problem)


def test_scorer_description_problems_come_all_at_once() -> None:
    assert len(problems_of({"kind": "exact", "read": 1, "normalize": "squad"})) == 2


LACKS: dict[str, tuple[dict[str, object], str]] = {
    "exact": ({}, "it has no target"),
    "numeric": ({}, "it has no target"),
    "choice": ({}, "it has no choices"),
    "f1": ({}, "it has no target"),
    "contains": ({}, "it has no target"),
    "keywords": ({}, "its metadata has neither a list 'keywords' nor"),
    "ifeval": ({}, "its metadata has no usable 'instruction_id_list'"),
    "regex": ({"pattern": "(?P<answer>x)"}, "it has no target"),
    "json_schema": ({}, "its metadata has no usable 'schema'"),
    "math": ({}, "it has no target"),
    "game24": ({}, "its metadata has no usable 'numbers'"),
    "judge_pairwise": ({"model": "j"}, "its metadata has no usable 'baseline_output'"),
}


@pytest.mark.parametrize("kind", LACKS)
def test_examples_a_scorer_cannot_score_are_named_before_anything_runs(kind: str) -> None:
    params, said = LACKS[kind]
    scorer = SCORERS[kind]
    built = build_scorer({"kind": kind, **params}, lambda alias: None)  # type: ignore[arg-type,return-value]
    assert built.kind == scorer.kind
    rows = [Example(f"e{i}", ask("Well?"), line=i) for i in range(1, 31)]
    with pytest.raises(SpecError) as caught:
        check_examples(built, Benchmark.of("t", rows, source="t.jsonl"))
    assert f"t.jsonl:1: example 'e1': {said}" in str(caught.value)
    assert "30 examples cannot be scored; the first 20 are shown." in str(caught.value)


def test_examples_with_a_target_outside_the_options_are_named() -> None:
    scorer = build_scorer({"kind": "exact", "options": ["yes", "no"]})
    benchmark = Benchmark.of("t", [Example("e", ask("?"), "maybe"), Example("f", ask("?"), "Yes.")])
    with pytest.raises(SpecError, match="'e': its target is none of the options yes, no"):
        check_examples(scorer, benchmark)


def test_scorer_problem_ends_with_one_full_stop() -> None:
    for data, _ in BAD_SCORERS.values():
        assert not str(problems_of(data)[0]).strip().endswith("..")
