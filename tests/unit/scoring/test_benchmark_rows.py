"""Every benchmark whose scorer runs no code loads, and its scorer tells right from wrong."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest

from archon.benchmarks.examples import Example
from archon.benchmarks.load import load
from archon.components.answers import options_in
from archon.core.candidates import Answer
from archon.core.messages import Conversation
from archon.scoring.base import Checked, check_examples
from archon.scoring.game24 import evaluate
from archon.scoring.table import build_scorer

RUN_CODE = {"humaneval", "mbpp_sanitized", "code_contests_sample"}
WRONG = "zzyx qqwv -987654321.5 vvkw"
GOOD = "An answer with the mark q7q7."

SCORERS_OF: dict[str, tuple[dict[str, object], str]] = {
    "numbers": (
        {"kind": "numeric", "tolerance": 1e-4},
        "own_numeric gsm8k_test gsm8k_train_sample svamp demo_arith1 demo_arith2 demo_compare "
        "demo_sequence demo_word1 demo_word2",
    ),
    "letters": (
        {"kind": "choice"},
        "own_choice arc_challenge arc_easy commonsenseqa_dev mmlu_sample mmlu_pro_sample "
        "truthfulqa_mc1",
    ),
    "aliases": (
        {"kind": "exact"},
        "own_alias triviaqa_sample nq_open_sample bbh_sample demo_strings",
    ),
    "first line": ({"kind": "exact", "read": "first_line"}, "own_exact demo_past demo_plural"),
    "named": ({"kind": "exact", "read": "contains"}, "demo_capitals demo_antonym"),
    "yes or no": ({"kind": "exact", "options": ["yes", "no"]}, "own_options boolq_dev"),
    "category": (
        {"kind": "exact", "options": ["animal", "plant", "tool", "food"]},
        "demo_category",
    ),
    "sentiment": ({"kind": "exact", "options": ["positive", "negative"]}, "demo_sentiment"),
    "overlap": ({"kind": "f1"}, "own_f1 hotpotqa_sample"),
    "no distractor": ({"kind": "contains"}, "own_contains demo_fact2"),
    "keywords": ({"kind": "keywords"}, "own_keywords demo_keywords"),
    "instructions": ({"kind": "ifeval"}, "own_ifeval ifeval"),
    "mathematics": ({"kind": "math"}, "own_math math500"),
    "game of 24": ({"kind": "game24"}, "own_game24 game24"),
    "grades": ({"kind": "judge", "model": "judge"}, "own_judge"),
    "wide grades": ({"kind": "judge", "model": "judge", "low": 1, "high": 10}, "mt_bench"),
    "pairs": ({"kind": "judge_pairwise", "model": "judge"}, "own_pairwise arena_hard_v01"),
}
SCORERS = {name: data for data, names in SCORERS_OF.values() for name in names.split()}


class Impartial:
    """A judge that likes one mark, dislikes another, and does not look at the order."""

    async def ask(
        self, messages: Conversation, *, temperature: float, max_tokens: int, sample: int
    ) -> str:
        prompt = messages[-1].content
        first, _, second = prompt.partition("The second answer")
        if not second:
            grade = 1 if self._rank(prompt) < 2 else 10 if "to 10" in prompt else 5
            return f'Reasons. {{"correctness": {grade}, "usefulness": {grade}}}'
        is_first = self._rank(first) > self._rank(second)
        return f'Reasons. {{"verdict": "{"first" if is_first else "second"}"}}'

    def _rank(self, text: str) -> int:
        return 2 if "q7q7" in text else 0 if "zzyx" in text else 1


def scorer_for(name: str) -> Checked:
    return build_scorer(SCORERS[name], lambda model: Impartial())


def right_answer(kind: str, example: Example, target: str) -> str | None:
    """A right answer as a model might put it; None where none can be derived."""
    match kind:
        case "math":
            return f"Let me think about 3 steps.\nSo the answer is $\\boxed{{{target}}}$."
        case "numeric" | "choice":
            return f"Let me think about 3 steps.\nThe answer is {target}."
        case "exact" | "f1" | "contains":
            return target
        case "keywords":
            words = example.metadata["kwargs"][0]["keywords"]  # type: ignore[index]
            return "Today the " + " met the ".join(words).upper() + "."
        case "game24":
            return solved(example.metadata["numbers"])  # type: ignore[arg-type]
        case "judge" | "judge_pairwise":
            return GOOD
        case _:
            return None


def solved(numbers: list[int]) -> str:
    """An expression that gives 24, by trying all; the slow and sure way."""
    shapes = ("(({}{}{}){}{}){}{}", "({}{}({}{}{})){}{}", "({}{}{}){}({}{}{})",
              "{}{}(({}{}{}){}{})", "{}{}({}{}({}{}{}))")  # fmt: skip
    for order in itertools.permutations(numbers):
        for signs in itertools.product("+-*/", repeat=3):
            parts = [x for pair in zip(order, (*signs, ""), strict=True) for x in pair][:-1]
            for shape in shapes:
                text = shape.format(*parts)
                try:
                    if evaluate(text)[0] == 24:
                        return f"{text} = 24"
                except ZeroDivisionError:
                    continue
    raise AssertionError(f"{numbers} cannot be solved")


async def test_benchmark_rows_load_and_right_scores_1_and_wrong_0(data_file: Path) -> None:
    benchmark = load(data_file)
    n_lines = sum(1 for line in data_file.read_text("utf-8").split("\n") if line.strip())
    assert len(benchmark.examples) == n_lines
    if data_file.stem in RUN_CODE:
        return
    scorer = scorer_for(data_file.stem)
    check_examples(scorer, benchmark)
    examples = benchmark.examples[:12] if scorer.kind == "game24" else benchmark.examples
    for example in examples:
        for target in example.targets[:3] or ("",):
            if (right := right_answer(scorer.kind, example, target)) is not None:
                score = await scorer.score(example, Answer(right))
                assert score.value == 1.0, (example.id, right, score)
        wrong = await scorer.score(example, Answer(WRONG))
        if scorer.kind != "ifeval":
            assert wrong.value == 0.0, (example.id, wrong)


TEMPLATES = {
    "bare": "{target}",
    "answer is": "Let me think. First we look at 3 things.\n\nThe answer is {target}.",
    "bold": "I considered all 2 sides.\n\n**Answer**: {target}",
    "explained": "{target}\n\nExplanation: this follows from the question.",
    "option": "The correct option is {target}. {text}",
}
FIRST_LINE = {"own_exact", "demo_past", "demo_plural"}
"""Their scorer is told to read the first line: a reply that reasons first is wrong there."""
NO_REPLY_IS_DERIVED = {"keywords", "ifeval", "game24", "judge", "judge_pairwise"}
"""Kinds that compare with no target."""
UNREADABLE = {"triviaqa-test_34", "triviaqa-test_4589"}
"""Rows with an alias in two sentences (the second reads as a reason for the first), and one that
ends with a colon (as a heading does)."""


def written(template: str, example: Example, target: str) -> str | None:
    """A right reply in this style; None where the style has no sense for the row."""
    text = ""
    if template == "option":
        if example.choices:
            text = example.choices[ord(target) - ord("A")]
        elif len(target) == 3 and target[::2] == "()":
            text = options_in(example.question[-1].content)[ord(target[1]) - ord("A")]
        else:
            return None
    return TEMPLATES[template].format(target=target, text=text)


async def test_benchmark_rows_right_answers_score_1_in_every_style(data_file: Path) -> None:
    name = data_file.stem
    if name in RUN_CODE or SCORERS[name]["kind"] in NO_REPLY_IS_DERIVED:
        return
    scorer = scorer_for(name)
    styles = ["bare", "explained"] if name in FIRST_LINE else list(TEMPLATES)
    missed = []
    for example in load(data_file).examples:
        # One worker compares mathematics, so there only the first target is tried.
        targets = example.targets[: 1 if scorer.kind == "math" else 3]
        for target in targets:
            for style in styles:
                right = written(style, example, target)
                if right is None or (example.id in UNREADABLE and style != "bare"):
                    continue
                score = await scorer.score(example, Answer(right))
                if score.value != 1.0:
                    missed.append((style, example.id, target, score.reason))
    assert not missed


async def test_benchmark_rows_other_choices_score_0_in_every_style(data_file: Path) -> None:
    name = data_file.stem
    if SCORERS.get(name, {}).get("kind") not in ("choice", "exact"):
        return
    scorer = scorer_for(name)
    for example in load(data_file).examples:
        choices = example.choices or options_in(example.question[-1].content)
        target = example.target or ""
        if len(choices) < 2 or len(target.strip("()")) != 1:
            continue
        other = "B" if target.strip("()") == "A" else "A"
        for style in TEMPLATES:
            wrong = written(style, example, target.replace(target.strip("()"), other))
            if wrong is not None:
                score = await scorer.score(example, Answer(wrong))
                assert score.value == 0.0, (style, example.id, wrong, score.reason)


def test_benchmark_files_all_have_a_scorer(own_data: Path, shared_data: Path) -> None:
    own = {file.stem for file in own_data.glob("*.jsonl")}
    assert len(own) >= 12
    shared = {file.stem for file in shared_data.glob("*.jsonl")}
    assert own | shared <= SCORERS.keys() | RUN_CODE
    if os.environ.get("ARCHON_TESTS_NEED_SHARED_DATA"):
        assert len(shared) >= 37


async def test_ifeval_rows_known_answers_are_told_apart(own_data: Path) -> None:
    scorer = scorer_for("own_ifeval")
    for example in load(own_data / "own_ifeval.jsonl").examples:
        good = await scorer.score(example, Answer(str(example.metadata["good"])))
        bad = await scorer.score(example, Answer(str(example.metadata["bad"])))
        assert (good.value, bad.value) == (1.0, 0.0), (example.id, good, bad)


async def test_ifeval_half_followed_counts_at_instruction_level_only(own_data: Path) -> None:
    example = load(own_data / "own_ifeval.jsonl").examples[-1]
    answer = Answer(str(example.metadata["bad"]))
    by_prompt = await build_scorer({"kind": "ifeval"}).score(example, answer)
    by_instruction = await build_scorer({"kind": "ifeval", "level": "instruction"}).score(
        example, answer
    )
    assert (by_prompt.value, by_instruction.value) == (0.0, 0.5)
    assert "english_lowercase" in by_prompt.reason


async def test_ifeval_loose_forgives_a_first_line(own_data: Path) -> None:
    example = load(own_data / "own_ifeval.jsonl").examples[0]
    answer = Answer("Sure, here it is:\nRain falls from clouds.")
    strict = await build_scorer({"kind": "ifeval"}).score(example, answer)
    loose = await build_scorer({"kind": "ifeval", "loose": True}).score(example, answer)
    assert (strict.value, loose.value) == (0.0, 1.0)


@pytest.mark.parametrize("text", ["The GATE and the wasps.", "gate", "wasp gate", "no such word"])
async def test_keywords_agree_with_the_ifeval_check(own_data: Path, text: str) -> None:
    example = load(own_data / "own_keywords.jsonl").examples[0]
    native = await build_scorer({"kind": "keywords"}).score(example, Answer(text))
    library = await build_scorer({"kind": "ifeval"}).score(example, Answer(text))
    assert native.value == library.value
