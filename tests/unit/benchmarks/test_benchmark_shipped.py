from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from archon.benchmarks.load import shipped
from archon.core.candidates import Answer
from archon.core.errors import SpecError
from archon.scoring.base import check_examples
from archon.scoring.table import build_scorer


def test_shipped_keywords_are_what_the_generator_writes() -> None:
    generator = runpy.run_path(str(Path(__file__).with_name("generate_keywords.py")))
    assert generator["TARGET"].read_text(encoding="utf-8") == generator["text"]()


async def test_shipped_keywords_load_without_doubts_and_score() -> None:
    benchmark = shipped("keywords")
    assert len(benchmark.examples) == 240 and benchmark.warnings == ()
    assert len({example.question for example in benchmark.examples}) == 240
    scorer = build_scorer({"kind": "keywords"})
    check_examples(scorer, benchmark)
    for example in benchmark.examples:
        question = example.question[-1].content
        first, second = question.split('"')[1::2]
        assert (await scorer.score(example, Answer(f"The {first}, the {second}."))).value == 1.0
        assert (await scorer.score(example, Answer(f"The {first} alone."))).value == 0.0


def test_shipped_unknown_name_lists_those_there_are() -> None:
    with pytest.raises(SpecError, match=r"no benchmark 'keyword' .* There is: keywords\."):
        shipped("keyword")


def test_shipped_benchmark_needs_no_heavy_library() -> None:
    code = (
        "import archon.scoring.keywords, archon.benchmarks.load, sys; "
        "heavy = {'pydantic', 'pyarrow', 'pandas', 'datasets', 'nltk', 'sympy', 'numpy'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    assert done.stdout.strip() == "[]"
