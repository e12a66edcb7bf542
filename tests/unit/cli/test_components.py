"""``archon components``: everything that a file may name, from the tables that run."""

from __future__ import annotations

import json
from pathlib import Path

from archon.components.table import COMPONENTS, parameters
from archon.scoring.table import SCORERS
from tests.commands import archon


async def test_components_lists_every_component_and_scorer(tmp_path: Path) -> None:
    ran = await archon("components", folder=tmp_path)
    assert ran.code == 0
    firsts = {line.split(" ")[0] for line in ran.out.splitlines() if line}
    assert {*COMPONENTS, *SCORERS} <= firsts
    assert not (tmp_path / "data").exists()


async def test_components_as_json_has_each_parameter_with_range_and_default(tmp_path: Path) -> None:
    ran = await archon("components", "--json", folder=tmp_path)
    entries = {entry["kind"]: entry for entry in json.loads(ran.out)["components"]}
    for kind, made_of in COMPONENTS.items():
        assert [p["name"] for p in entries[kind]["parameters"]] == list(parameters(made_of))
        assert entries[kind]["summary"]
        assert entries[kind]["calls"]
        assert all(p["doc"] for p in entries[kind]["parameters"])
    samples = entries["generate"]["parameters"][0]
    assert (samples["name"], samples["default"], samples["allowed"]) == ("samples", 1, "1 to 1000")


async def test_components_shows_what_each_parameter_of_a_scorer_may_be(tmp_path: Path) -> None:
    ran = await archon("components", "--json", folder=tmp_path)
    entries = {entry["kind"]: entry for entry in json.loads(ran.out)["scorers"]}
    undocumented = [
        (kind, p["name"]) for kind in SCORERS for p in entries[kind]["parameters"] if not p["doc"]
    ]
    assert not undocumented
    read = {p["name"]: p for p in entries["exact"]["parameters"]}["read"]
    assert read["type"] == "str"
    assert read["allowed"] == "whole, first_line, last_line, stated, contains"
    exact = await archon("components", "exact", folder=tmp_path)
    assert "squad, case, none" in exact.out
    assert "Normalise" not in exact.out


async def test_components_shows_one_in_full(tmp_path: Path) -> None:
    ran = await archon("components", "judge_tests", folder=tmp_path)
    assert "needs tests of an earlier layer" in ran.out
    assert "Calls:" in ran.out
    assert "max_tokens" in ran.out
    ran = await archon("components", "judge", folder=tmp_path)
    assert "Alias of the judge's model" in " ".join(ran.out.split())


async def test_components_suggests_the_right_name(tmp_path: Path) -> None:
    ran = await archon("components", "fusor", folder=tmp_path)
    assert ran.code == 2
    assert "Did you mean 'fuse'?" in ran.err


async def test_components_tells_components_and_scorers_apart_for_a_name_that_is_neither(
    tmp_path: Path,
) -> None:
    ran = await archon("components", "shorten", folder=tmp_path)
    assert ran.code == 2
    first, second, third = ran.err.strip().splitlines()
    assert first == "there is no component or scorer 'shorten'."
    assert second == f"Components: {', '.join(COMPONENTS)}."
    assert third == f"Scorers: {', '.join(SCORERS)}."
