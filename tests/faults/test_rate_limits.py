"""How an endpoint that wants to be left alone is left alone: for how long, and by whom.

The clock is the rig's own, so that waits take no time; the stub's ledger says what was sent.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import pytest

from archon.runtime.budget import Amount
from tests.faults.rig import PAID, WIRES, MakeRig
from tests.stub import Stub

pytestmark = [
    pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:litellm"),
]


@dataclass(frozen=True)
class Wait:
    """How an endpoint asks to be left alone, and how long it is."""

    mode: str
    low_s: float
    high_s: float


WAITS = [
    Wait("429:3", 3.0, 3.3),
    Wait("429:2.5", 2.5, 2.75),
    Wait("429:90", 90.0, 91.0),
    Wait("429:date+40", 35.0, 44.0),  # whole seconds, of which the test takes some
    Wait("429-ms:1500", 1.5, 1.65),
    Wait("429-reset:4s", 4.0, 4.4),
    # What makes no sense is no answer: half a second at most, then twice as long each time.
    Wait("429", 0.25, 0.5),
    Wait("429:0", 0.25, 0.5),
    Wait("429:-5", 0.25, 0.5),
    Wait("429:nan", 0.25, 0.5),
    Wait("429:soon", 0.25, 0.5),
]


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("row", WAITS, ids=lambda row: row.mode)
async def test_endpoint_is_left_alone_for_as_long_as_it_asks(
    stub: Stub, make_rig: MakeRig, row: Wait, wire: str
) -> None:
    rig = make_rig(wire=wire)
    stub.script("adds-1", row.mode)
    (result,) = await rig.ask()
    assert result.status == "ok"
    assert row.low_s <= rig.clock.now <= row.high_s
    assert stub.ledger.requests == 2
    assert (rig.lost(), rig.budget.spent) == ([], PAID), "a refused request costs nothing"


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(
    "row",
    [Wait("529:3", 3.0, 3.3), Wait("500:90", 90.0, 91.0), Wait("529", 0.5, 1.0)],
    ids=lambda row: row.mode,
)
async def test_overloaded_endpoint_is_left_alone_for_as_long_as_it_asks(
    stub: Stub, make_rig: MakeRig, row: Wait, wire: str
) -> None:
    rig = make_rig(wire=wire)
    stub.script("adds-1", row.mode)
    (result,) = await rig.ask()
    assert result.status == "ok"
    assert row.low_s <= rig.clock.now <= row.high_s
    assert stub.ledger.requests == 2


async def test_rate_limit_of_one_question_holds_for_all_of_them(
    stub: Stub, make_rig: MakeRig
) -> None:
    arrivals: list[float] = []

    def respond(model: str, messages: Sequence[Mapping[str, str]], slot: int) -> str:
        arrivals.append(time.monotonic())
        return "The answer is 2."

    stub.responder, stub.latency_s = respond, 0.02
    stub.script("adds-1", *["ok"] * 10, "429:1")
    results = await make_rig(is_in_real_time=True).ask(40)
    assert {result.status for result in results} == {"ok"}
    assert stub.ledger.requests == 41
    longest_silence_s = max(b - a for a, b in pairwise(arrivals))
    assert longest_silence_s > 0.5, "what had left before arrived within the first half second"


@pytest.mark.parametrize("wire", WIRES)
async def test_storm_of_rate_limits_costs_few_requests_and_no_answer(
    stub: Stub, make_rig: MakeRig, wire: str
) -> None:
    rig = make_rig(wire=wire)
    stub.latency_s = 0.02
    stub.script("adds-1", *["429:20"] * 8)
    results = await rig.ask(40)
    assert {result.status for result in results} == {"ok"}
    assert stub.ledger.requests <= 1.3 * 40
    assert rig.lost() == []


@pytest.mark.parametrize("mode", ["429", "429:100", "429-ms:3"])
async def test_patience_with_rate_limits_ends_without_a_score_and_without_hammering(
    stub: Stub, make_rig: MakeRig, mode: str
) -> None:
    rig = make_rig()
    stub.always("adds-1", mode)
    (result,) = await rig.ask()
    assert (result.status, result.score) == ("infra_fault", None)
    assert 400.0 < rig.clock.now <= 600.0
    assert stub.ledger.requests < 60
    assert (rig.lost(), rig.budget.spent) == ([], Amount())
