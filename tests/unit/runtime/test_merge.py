"""What the components of one layer made of the same state, joined."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from archon.core.calls import CallKey
from archon.core.candidates import Candidate, LayerState
from archon.core.messages import ask
from archon.runtime.pipeline import merge


def candidate(name: str) -> Candidate:
    return Candidate(name, CallKey(name, 0), "m", f"layers[0].generate[{name}]")


def state(names: str) -> LayerState:
    return LayerState(ask("Why?"), tuple(candidate(name) for name in names))


def texts(merged: LayerState) -> list[str]:
    return [candidate.text for candidate in merged.candidates]


def test_new_candidates_follow_the_old_ones_in_the_order_of_their_components() -> None:
    arrived = state("ab")
    results = [replace(arrived, candidates=state(names).candidates) for names in ("abxy", "abz")]
    assert texts(merge(arrived, results)) == ["a", "b", "x", "y", "z"]


def test_candidate_that_one_component_dropped_is_gone() -> None:
    arrived = state("abc")
    assert texts(merge(arrived, [state("ab"), state("bc")])) == ["b"]


def test_what_each_component_learnt_stays_with_its_candidate() -> None:
    arrived = state("a")
    (a,) = arrived.candidates
    old = replace(a.with_score("check", 1.0), critique="Old.")
    arrived = replace(arrived, candidates=(old,))
    results = [
        replace(arrived, candidates=(replace(old, critique="Old.\n\nToo short."),)),
        replace(arrived, candidates=(old.with_score("verify", 0.0),)),
        replace(arrived, candidates=(replace(old, critique="Old.\n\nVague.", verdicts=(True,)),)),
    ]
    (merged,) = merge(arrived, results).candidates
    assert merged.scores == (("check", 1.0), ("verify", 0.0))
    assert merged.critique == "Old.\n\nToo short.\n\nVague."
    assert merged.verdicts == (True,)


def test_tests_that_two_components_wrote_alike_are_kept_once() -> None:
    arrived = state("a")
    results = [replace(arrived, unit_tests=tests) for tests in (("t1", "t2"), ("t2", "t3"))]
    assert merge(arrived, results).unit_tests == ("t1", "t2", "t3")


@given(st.text("abcd", max_size=4).map(lambda t: "".join(sorted(set(t)))), st.integers(1, 4))
def test_components_that_change_nothing_change_nothing_together(names: str, n: int) -> None:
    arrived = state(names)
    assert merge(arrived, [arrived] * n) == arrived
