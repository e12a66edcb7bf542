"""What an endpoint can do wrong, from the pipeline's question down to the socket and the books.

One row is one fault. The stub's ledger is the witness of what was sent and charged; the database
file is read for what was kept. Faults of the infrastructure never become a score; faults of the
model always do.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from archon.core.architecture import Architecture, ComponentSpec
from archon.core.errors import (
    ArchonError,
    AuthFailed,
    ModelGone,
    QuotaExhausted,
    Unreachable,
)
from archon.runtime.budget import Amount, Caps
from archon.service.settings import load_settings
from tests.faults.rig import (
    ANTHROPIC,
    ENDPOINT,
    MAYBE_BILLED,
    OPENAI,
    PAID,
    WIRES,
    MakeRig,
    uncertain,
)
from tests.stub import Stub, running_stub

pytestmark = [
    pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:litellm"),
]

DEADLINE_S = 1.0
"""For endpoints that never finish; all others have much longer."""


def each_wire(*rows: str) -> pytest.MarkDecorator:
    """Every mode through every client."""
    pairs = [(mode, wire) for mode in rows for wire in WIRES]
    return pytest.mark.parametrize(("mode", "wire"), pairs, ids=[f"{m}-{w}" for m, w in pairs])


def deadline_of(mode: str) -> float:
    return DEADLINE_S if mode in ("hang", "drip") else 30.0


# ---------------------------------------------------------------- faults of the infrastructure


@dataclass(frozen=True)
class Infra:
    """A fault of the infrastructure."""

    mode: str
    n_tries: int
    """How often one request is sent where the fault stays."""
    is_maybe_billed: bool = True
    """Whether a try that ends so may have been charged."""
    wires: tuple[str, ...] = WIRES


INFRA = [
    Infra("500", 7),
    Infra("529", 7),
    Infra("503-html", 7),
    Infra("reset", 7),
    Infra("cut", 7),
    Infra("cut-chunk", 7),
    Infra("error-200", 7, wires=(ENDPOINT, OPENAI)),
    Infra("error-200", 2, wires=(ANTHROPIC,)),  # no shape that Anthropic's errors have
    Infra("html", 2),
    Infra("wrong-type", 2, wires=(ENDPOINT,)),
    Infra("broken-json", 2),
    Infra("bad-utf8", 2),
    Infra("number", 2),
    Infra("content-42", 2),
    Infra("no-choices", 2, wires=(ENDPOINT, OPENAI)),
    Infra("no-usage", 2, wires=(ANTHROPIC,)),  # which its format promises; LiteLLM insists
    Infra("parts", 2, wires=(OPENAI,)),  # LiteLLM knows texts only
    Infra("endless", 2),
    Infra("hang", 2),
    Infra("drip", 2),
    Infra("400", 1, is_maybe_billed=False),
    Infra("400-odd", 1, is_maybe_billed=False),
    Infra("422", 1, is_maybe_billed=False),
    Infra("redirect:http://127.0.0.1:1/", 1, is_maybe_billed=False),
    Infra("429:100000", 1, is_maybe_billed=False),  # longer than anybody waits
]
INFRA_ROWS = [
    pytest.param(row, wire, id=f"{row.mode}-{wire}") for row in INFRA for wire in row.wires
]
PASSING_ROWS = [
    pytest.param(row, wire, id=f"{row.mode}-{wire}")
    for row in INFRA
    for wire in row.wires
    if row.n_tries > 1
]


@pytest.mark.parametrize(("row", "wire"), INFRA_ROWS)
async def test_fault_that_stays_gives_no_score_and_the_question_is_asked_again_later(
    stub: Stub, make_rig: MakeRig, row: Infra, wire: str
) -> None:
    rig = make_rig(wire=wire, deadline_s=deadline_of(row.mode))
    n_lost = row.n_tries if row.is_maybe_billed else 0
    stub.always("adds-1", row.mode)

    (result,) = await rig.ask()
    assert (result.status, result.score) == ("infra_fault", None)
    assert "adds-1" in result.error, "the model is named"
    assert stub.ledger.requests == row.n_tries
    assert rig.finishes() == []
    assert rig.lost() == [MAYBE_BILLED] * n_lost
    assert rig.totals().n_in_flight == 0
    assert rig.budget.spent == uncertain(n_lost)

    stub.always("adds-1", "ok")
    (result,) = await rig.ask()
    assert (result.status, result.score and result.score.value) == ("ok", 1.0)
    assert rig.budget.spent == uncertain(n_lost) + PAID, "what may have been charged is remembered"
    await rig.ask()
    assert stub.ledger.requests == row.n_tries + 1, "a finished question is not asked again"


@pytest.mark.parametrize(("row", "wire"), PASSING_ROWS)
async def test_fault_that_passes_is_only_seen_in_the_books(
    stub: Stub, make_rig: MakeRig, row: Infra, wire: str
) -> None:
    rig = make_rig(wire=wire, deadline_s=deadline_of(row.mode))
    stub.script("adds-1", row.mode)
    (result,) = await rig.ask()
    assert (result.status, result.score and result.score.value) == ("ok", 1.0)
    assert result.bought.calls == 1
    assert stub.ledger.requests == 2
    assert rig.finishes() == ["stop"]
    assert rig.lost() == [MAYBE_BILLED]
    assert rig.budget.spent == PAID + uncertain(1)
    assert stub.ledger.billed_prompt_tokens <= rig.budget.spent.tokens


@pytest.mark.parametrize("wire", WIRES)
async def test_nobody_at_the_address_is_asked_again_and_costs_nothing(
    stub: Stub, make_rig: MakeRig, wire: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = make_rig(wire=wire)
    here, origin = stub.base_url, stub.origin
    async with running_stub(Stub()) as gone:
        pass
    stub.base_url = gone.base_url
    monkeypatch.setenv("OPENAI_BASE_URL", gone.base_url)
    monkeypatch.setenv("ANTHROPIC_API_BASE", gone.origin)
    rig.settings = load_settings()  # an address counts as it was when the program began
    (result,) = await rig.ask()
    assert result.status == "infra_fault"
    assert len(rig.clock.slept) == 6
    assert (rig.lost(), rig.budget.spent) == ([], Amount())

    stub.base_url = here
    monkeypatch.setenv("OPENAI_BASE_URL", here)
    monkeypatch.setenv("ANTHROPIC_API_BASE", origin)
    rig.settings = load_settings()
    (result,) = await rig.ask()
    assert result.status == "ok"


@pytest.mark.parametrize("wire", WIRES)
async def test_endpoint_that_is_away_stops_the_study_and_is_not_asked_by_every_question(
    stub: Stub, make_rig: MakeRig, wire: str
) -> None:
    rig = make_rig(wire=wire)
    stub.always("adds-1", "503-html")
    with pytest.raises(Unreachable, match="503"):
        await rig.ask(200)
    assert stub.ledger.requests < 200, "seven tries each would be 1,400"
    assert len(rig.lost()) == rig.budget.spent.calls == stub.ledger.requests
    assert sum(lost.nusd for lost in rig.lost()) == rig.budget.spent.cost_nusd

    stub.always("adds-1", "ok")
    results = await rig.ask(200)
    assert [result.status for result in results] == ["ok"] * 200


@pytest.mark.parametrize("wire", WIRES)
async def test_faults_of_every_kind_in_turn_leave_the_same_answers_as_none(
    stub: Stub, make_rig: MakeRig, wire: str
) -> None:
    stub.script("adds-1", "500", "html", "429:1", "reset", "529", "broken-json", "cut", "429")
    rig = make_rig(wire=wire)
    results = await rig.ask(12)
    assert [(r.status, r.score and r.score.value) for r in results] == [("ok", 1.0)] * 12
    assert stub.ledger.requests == 12 + 8
    assert rig.lost() == [MAYBE_BILLED] * 6, "all but the two rate limits"
    await rig.ask(12)
    assert stub.ledger.requests == 12 + 8


# ------------------------------------------------- what stops a study: keys, accounts and models


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(
    ("mode", "error"),
    [
        ("401", AuthFailed),
        ("403", AuthFailed),
        ("404", ModelGone),
        ("402", QuotaExhausted),
        ("quota", QuotaExhausted),
    ],
)
async def test_what_the_next_question_would_meet_too_stops_the_study_and_costs_nothing(
    stub: Stub, make_rig: MakeRig, mode: str, error: type[ArchonError], wire: str
) -> None:
    rig = make_rig(wire=wire)
    stub.always("adds-1", mode)
    with pytest.raises(error, match="adds-1") as raised:
        await rig.ask()
    assert ".." not in str(raised.value)
    assert stub.ledger.requests == 1
    assert (rig.finishes(), rig.lost(), rig.budget.spent) == ([], [], Amount())

    stub.always("adds-1", "ok")
    (result,) = await rig.ask()
    assert result.status == "ok"


@pytest.mark.parametrize("wire", WIRES)
async def test_refused_key_is_not_sent_with_the_questions_that_had_not_begun(
    stub: Stub, make_rig: MakeRig, wire: str
) -> None:
    stub.key = "another-key"
    rig = make_rig(wire=wire)
    with pytest.raises(AuthFailed):
        await rig.ask(40)
    assert stub.ledger.requests <= 8, "no more than were in flight"
    assert rig.finishes() == []


# ------------------------------------------------------------------------- faults of the model


@dataclass(frozen=True)
class ModelFault:
    """A reply without a usable text."""

    mode: str
    finishes: tuple[str, ...]
    """How each completion ended, the second draw for an empty one included."""
    counted: dict[str, int]
    is_billed: bool = True
    wires: tuple[str, ...] = WIRES


EMPTY = ("empty", "empty")
MODEL_FAULTS = [
    ModelFault("null", EMPTY, {"empty_reply": 2}),
    ModelFault("empty", EMPTY, {"empty_reply": 2}),
    ModelFault("blank", EMPTY, {"empty_reply": 2}),
    ModelFault("tool-calls", EMPTY, {"empty_reply": 2}),
    ModelFault("reasoning-only", EMPTY, {"empty_reply": 2}),
    ModelFault("no-choices", EMPTY, {"empty_reply": 2}, wires=(ANTHROPIC,)),  # no blocks
    ModelFault("refusal", ("refused",), {"refused": 1}, wires=(ENDPOINT, OPENAI)),
    ModelFault("refusal", ("filtered",), {"filtered": 1}, wires=(ANTHROPIC,)),
    ModelFault("filtered", ("filtered",), {"filtered": 1}),
    ModelFault("400-filter", ("filtered",), {"filtered": 1}, is_billed=False),
    ModelFault("400-context", ("context",), {"too_long": 1}, is_billed=False),
]


@pytest.mark.parametrize(
    ("row", "wire"),
    [pytest.param(row, w, id=f"{row.mode}-{w}") for row in MODEL_FAULTS for w in row.wires],
)
async def test_fault_of_the_model_is_a_wrong_answer_that_says_why_and_stands(
    stub: Stub, make_rig: MakeRig, row: ModelFault, wire: str
) -> None:
    rig = make_rig(wire=wire)
    stub.always("adds-1", row.mode)
    n = len(row.finishes)
    (result,) = await rig.ask()
    assert (result.status, result.score and result.score.value) == ("model_fault", 0.0)
    assert dict(result.degradations) == {
        f"layers[0].generate[0]:{k}": n for k, n in row.counted.items()
    }
    assert stub.ledger.requests == n
    assert tuple(rig.finishes()) == row.finishes
    assert rig.lost() == []
    each = PAID if row.is_billed else Amount(calls=1)
    assert rig.budget.spent == Amount(n, n * each.tokens, n * each.cost_nusd)

    stub.always("adds-1", "ok")
    await rig.ask()
    assert stub.ledger.requests == n, "it would have happened in production too"


@each_wire("null", "reasoning-only")
async def test_second_draw_for_an_empty_reply_can_be_the_answer(
    stub: Stub, make_rig: MakeRig, mode: str, wire: str
) -> None:
    stub.script("adds-1", mode)
    rig = make_rig(wire=wire)
    (result,) = await rig.ask()
    assert (result.status, result.score and result.score.value) == ("ok", 1.0)
    assert (stub.ledger.requests, rig.finishes()) == (2, ["empty", "stop"])
    assert result.deployed.calls == 2, "whoever runs the pipeline pays for both"


# ---------------------------------------------------------- replies that are odd, and good enough


@dataclass(frozen=True)
class Odd:
    """A reply that is not quite what was to be expected, and an answer all the same."""

    mode: str
    text: str = "The answer is 2."
    kept: tuple[tuple[str, object], ...] = ()
    """Columns of the stored completion that tell."""
    wires: tuple[str, ...] = WIRES


ODD = [
    Odd("nul", "a\x00b"),
    Odd("surrogate", "a\ud800b"),
    Odd("parts", "Hello there", wires=(ENDPOINT, ANTHROPIC)),
    Odd("length", kept=(("finish", "length"),)),
    Odd("reasoning", kept=(("reasoning", "Let me think."),)),
    Odd("other-model", kept=(("served_model", "somebody-else"),)),
    Odd("no-usage", kept=(("is_estimated", True),), wires=(ENDPOINT, OPENAI)),
    Odd("negative-usage", kept=(("is_estimated", True),)),
    Odd("huge-usage", kept=(("is_estimated", True),)),
    Odd("finish-list", kept=(("finish", "stop"),), wires=(ENDPOINT,)),
    Odd("wrong-type", wires=(OPENAI, ANTHROPIC)),
]


@pytest.mark.parametrize(
    ("row", "wire"), [pytest.param(row, w, id=f"{row.mode}-{w}") for row in ODD for w in row.wires]
)
async def test_odd_reply_is_kept_as_it_came_after_one_request(
    stub: Stub, make_rig: MakeRig, row: Odd, wire: str
) -> None:
    rig = make_rig(wire=wire)
    stub.always("adds-1", row.mode)
    (result,) = await rig.ask()
    assert (result.status, result.answer.text) == ("ok", row.text)
    assert (stub.ledger.requests, rig.lost()) == (1, [])
    for column, value in row.kept:
        assert rig.rows(f"SELECT {column} FROM calls") == [(value,)]
    assert rig.budget.spent.calls == 1
    assert rig.budget.spent.tokens > 0, "what is not stated is estimated, and never free"


@pytest.mark.parametrize("wire", WIRES)
async def test_samples_that_are_missing_are_asked_for_until_all_are_there(
    stub: Stub, make_rig: MakeRig, wire: str
) -> None:
    three = ComponentSpec.of("generate", "m", samples=3, temperature=1.0, max_tokens=32)
    rig = make_rig(wire=wire, architecture=Architecture(((three,),)))
    stub.always("adds-1", "one-choice")
    (result,) = await rig.ask()
    assert (result.status, result.bought.calls) == ("ok", 3)
    assert stub.ledger.requests == stub.ledger.completions == 3
    assert rig.finishes() == ["stop"] * 3
    assert rig.budget.spent.tokens == 3 * PAID.tokens, "each of the requests bills its prompt"
    assert not stub.ledger.to_data()["bought_again"]


# ------------------------------------------------------------------------------ the budget


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(
    ("caps", "n_tries"),
    [
        (Caps(calls=2), 2),
        (Caps(tokens=3 * MAYBE_BILLED.tokens), 3),
        (Caps(cost_nusd=4 * MAYBE_BILLED.nusd + 1), 4),
    ],
    ids=["calls", "tokens", "money"],
)
async def test_tries_that_may_be_charged_use_up_the_budget_also_of_a_later_run(
    stub: Stub, make_rig: MakeRig, caps: Caps, n_tries: int, wire: str
) -> None:
    rig = make_rig(wire=wire, caps=caps)
    stub.always("adds-1", "reset")
    assert await rig.ask() == (), "the question is neither answered nor given up"
    assert "does not allow" in "".join(rig.said)
    assert stub.ledger.requests == stub.ledger.completions == n_tries
    assert rig.lost() == [MAYBE_BILLED] * n_tries
    assert rig.budget.spent == uncertain(n_tries), "each try once"

    stub.always("adds-1", "ok")
    assert await rig.ask() == ()
    assert stub.ledger.requests == n_tries, "the money is gone, whoever counts it"
    rig.caps = Caps()
    (result,) = await rig.ask()
    assert result.status == "ok"


@pytest.mark.parametrize("mode", ["500", "hang", "429:5", "html", "null"])
async def test_bill_never_passes_what_the_budget_counts(
    stub: Stub, make_rig: MakeRig, mode: str
) -> None:
    rig = make_rig(deadline_s=deadline_of(mode), caps=Caps(cost_nusd=20 * MAYBE_BILLED.nusd))
    stub.script("adds-1", *[mode, "ok"] * 6)
    await rig.ask(12)
    bill = 1000 * stub.ledger.billed_prompt_tokens + 2000 * stub.ledger.billed_completion_tokens
    spent = rig.budget.spent.cost_nusd
    assert bill <= spent <= 20 * MAYBE_BILLED.nusd
    totals = rig.totals()
    assert totals.spend_nusd + totals.uncertain_nusd == spent, "budget and database agree"
