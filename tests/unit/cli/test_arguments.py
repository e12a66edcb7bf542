"""What is said of an option whose value is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands import archon


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ("export s --rule bset", "'bset' is not one of 'best', 'cheapest', 'baseline'."),
        ("show s --split all", "'all' is not one of 'search', 'held_out'."),
        ("search job.yaml --trials many", "expected a whole number, got 'many'."),
        ("eval a.yaml --benchmark b --limit 0", "0 is out of range: at least 1."),
        ("eval a.yaml --benchmark b --max-usd much", "expected a number, got 'much'."),
    ],
)
async def test_value_that_is_wrong_is_told_in_plain_words(
    tmp_path: Path, args: str, said: str
) -> None:
    ran = await archon(*args.split(), folder=tmp_path)
    assert ran.code == 2
    told = " ".join(word for word in ran.err.split() if word != "│")
    assert f"Invalid value for '{args.split()[-2]}': {said}" in told
    assert "Input should" not in told
    assert "Value error" not in told
