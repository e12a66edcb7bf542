"""Calls are known before any is made."""

from __future__ import annotations

import pytest
from hypothesis import given

from archon.components.base import Interval, Sizes
from archon.components.estimate_calls import bounds_of, estimate_calls, keeps_arriving
from archon.components.table import build
from archon.core.architecture import Architecture, ComponentSpec, Layer
from tests.unit.components.architectures import ARCHITECTURES, of

GENERATORS: Layer = tuple(of("generate", f"m{i}") for i in range(8))
TEN: Layer = (of("generate", "m", samples=10),)


def one(kind: str, **params: int) -> Layer:
    return (of(kind, "m", **params),)


def _funnel(*widths: int) -> tuple[Layer, ...]:
    layers: list[Layer] = [(of("generate", "m", samples=widths[0]),)]
    for width in widths[1:]:
        fusers = tuple(of("fuse", f"m{i}") for i in range(width))
        layers += [one("critique"), fusers]
    return tuple(layers)


ORACLES = {
    "one call": ((one("generate"),), 1),
    "ensemble, rank, critique, fuse": (
        (GENERATORS, one("rank", keep=5), one("critique"), one("fuse")),
        11,
    ),
    "samples, verify, fuse": ((TEN, one("verify"), one("fuse")), 31),
    "samples, tests": ((TEN, one("write_tests"), one("judge_tests")), 21),
    "funnel": (_funnel(10, 8, 6, 4, 1), 33),
    "self-consistency": ((TEN, (of("vote"),)), 10),
    "a generator in a later layer": ((TEN, one("generate", samples=2), (of("vote"),)), 12),
}


@pytest.mark.parametrize(("layers", "calls"), ORACLES.values(), ids=list(ORACLES))
def test_estimate_gives_the_calls_of_known_pipelines(layers: tuple[Layer, ...], calls: int) -> None:
    assert estimate_calls(Architecture(layers)).calls.high == calls


def test_estimate_adds_repairs_to_the_worst_case() -> None:
    estimate = estimate_calls(Architecture((TEN, one("fuse", samples=2))))
    assert estimate.max_repairs == 12
    assert estimate.worst_case == 24


def test_estimate_counts_fewer_calls_where_replies_may_be_empty() -> None:
    estimate = estimate_calls(Architecture((TEN, one("verify"))))
    assert estimate.calls == Interval(10, 30)


def test_estimate_of_no_layers_is_nothing() -> None:
    assert estimate_calls(Architecture(())).worst_case == 0


def _after(*layers: Layer) -> Sizes:
    return bounds_of(Architecture(layers))[-1].after


def test_generators_side_by_side_add_to_what_arrives_once() -> None:
    assert _after(TEN, GENERATORS).candidates == Interval(0, 18)


def test_fusers_replace_what_arrives() -> None:
    assert _after(TEN, one("fuse", samples=2) * 2).candidates == Interval(0, 4)


def test_what_arrives_goes_where_one_of_the_layer_replaces_it() -> None:
    assert _after(TEN, (of("generate", "m", samples=2), of("fuse", "m"))).candidates.high == 3


def test_annotators_side_by_side_leave_the_candidates() -> None:
    after = _after(TEN, (of("critique", "m"), of("write_tests", "m"), of("write_tests", "n")))
    assert after == Sizes(candidates=Interval(0, 10), tests=Interval(0, 10))


@pytest.mark.parametrize(
    ("spec", "keeps"),
    [
        (of("generate", "m", samples=3), True),
        (of("fuse", "m", samples=3), False),
        (of("critique", "m"), True),
    ],
    ids=["generate", "fuse", "critique"],
)
def test_whether_candidates_outlive_a_component_shows_in_its_bounds(
    spec: ComponentSpec, keeps: bool
) -> None:
    assert keeps_arriving(build(spec)) is keeps


@given(ARCHITECTURES)
def test_estimate_is_the_sum_of_its_layers(architecture: Architecture) -> None:
    layers = bounds_of(architecture)
    estimate = estimate_calls(architecture)
    assert estimate.calls.high == sum(layer.calls.high for layer in layers)
    assert estimate.after == layers[-1].after
    assert all(layer.calls.low <= layer.calls.high for layer in layers)
    assert all(layer.after.candidates.low <= layer.after.candidates.high for layer in layers)
