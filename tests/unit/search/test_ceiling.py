from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import archon.prompts
from archon.components.table import COMPONENTS, build
from archon.core.architecture import Architecture, ComponentSpec, Layer
from archon.core.calls import Price
from archon.runtime.budget import PROMPT_OVERHEAD_TOKENS
from archon.search.ceiling import TEMPLATE_TOKENS, Ceiling, sizes_of
from archon.search.lengths import USUAL, Reply
from archon.spec.pipeline_file import component_of
from tests.unit.components.standins import STANDINS

of = ComponentSpec.of
PRICES = {"a": Price(1.0, 10.0), "b": Price(100.0, 0.0), "free": Price()}
ASK = PROMPT_OVERHEAD_TOKENS + 36
SHOW = ASK + TEMPLATE_TOKENS
REPLY = 512


def ceiling(*layers: Layer) -> Ceiling:
    sizes = sizes_of(Architecture(layers), question_tokens=36, prices=PRICES, table=STANDINS)
    return sizes.pipeline


def drawn(n: int, model: str = "a", max_tokens: int = 50) -> Layer:
    return (of("generate", model, samples=n, max_tokens=max_tokens),)


@pytest.mark.parametrize(
    ("layers", "calls", "tokens"),
    [
        ([drawn(1)], 1, ASK + 50),
        ([drawn(4)], 4, 4 * (ASK + 50)),
        ([drawn(4), (of("vote"),)], 4, 4 * (ASK + 50)),
        ([drawn(4), (of("fuse", "b"),)], 5, 4 * (ASK + 50) + SHOW + 4 * 50 + 2 * REPLY),
        (
            [drawn(4), (of("critique", "a"),), (of("fuse", "b"),)],
            6,
            4 * (ASK + 50) + (SHOW + 200 + 2 * REPLY) + (SHOW + 200 + REPLY + 2 * REPLY),
        ),
        (
            [drawn(2), (of("write_tests", "a"),), (of("judge_tests", "a"),)],
            5,
            2 * (ASK + 50) + (SHOW + REPLY) + 2 * (SHOW + 100 + REPLY + 2 * REPLY),
        ),
        (
            [drawn(2), (of("fuse", "b", samples=3),), (of("fuse", "b"),)],
            6,
            2 * (ASK + 50) + 3 * (SHOW + 100 + 2 * REPLY) + SHOW + 3 * REPLY + 2 * REPLY,
        ),
    ],
    ids=["single", "samples", "vote", "fuse", "critique", "tests", "fuse-of-fused"],
)
def test_ceiling_adds_every_prompt_and_the_longest_replies(
    layers: list[Layer], calls: int, tokens: int
) -> None:
    found = ceiling(*layers)
    assert (found.calls, found.tokens) == (calls, tokens)


def test_prompt_that_shows_one_candidate_is_not_counted_as_showing_all() -> None:
    checked = Architecture((drawn(4), (of("verify", "b", mode="one_step"),)))
    found = sizes_of(checked, question_tokens=36, prices=PRICES).pipeline
    assert found.tokens == 4 * (ASK + 50) + 4 * (SHOW + 50 + 2 * REPLY)


def test_reasoning_is_paid_for_and_not_shown_to_the_next_component() -> None:
    fused = Architecture((drawn(4, max_tokens=512), (of("fuse", "b"),)))
    thought = {("a", "generate"): Reply(500, 20), ("b", "fuse"): Reply(60, 60)}
    lengths = replace(USUAL, recorded=thought)
    found = sizes_of(fused, question_tokens=36, prices=PRICES, lengths=lengths).pipeline
    ask = USUAL.overhead + 36
    assert found.tokens == 4 * (ask + 500) + (ask + USUAL.template + 4 * 20 + 60) + 60


def test_wording_that_asks_for_reasons_is_taken_to_be_answered_at_length() -> None:
    plain, reasoned = build(of("rank", "a")), build(of("rank", "a", prompt="criteria_first"))
    assert USUAL.reply(reasoned).written > 5 * USUAL.reply(plain).written
    brief = build(of("rank", "a", prompt="criteria_first", max_tokens=40))
    assert USUAL.reply(brief).written == 40


def test_answer_that_is_planned_or_reasoned_for_is_taken_to_be_longer() -> None:
    prompts = ("direct", "step_by_step", "plan_first")
    direct, *longer = (
        USUAL.reply(build(of("generate", "a", prompt=prompt))).shown for prompt in prompts
    )
    assert direct < min(longer)


def test_ceiling_prices_prompts_and_replies_of_each_model() -> None:
    found = ceiling((*drawn(1, "a"), *drawn(2, "b")))
    assert found.cost_usd == pytest.approx((ASK * 1 + 50 * 10 + 2 * ASK * 100) / 1e6)
    assert ceiling(drawn(5, "free")).cost_usd == 0.0


def test_ceiling_of_a_model_without_price_has_no_cost() -> None:
    assert ceiling((*drawn(1, "unknown"), *drawn(1, "a"))).cost_usd is None
    assert ceiling(drawn(1), (of("vote"),)).cost_usd is not None, "a vote asks no model"


def test_ceiling_counts_repairs_apart() -> None:
    found = ceiling(drawn(4), (of("fuse", "b"),))
    assert (found.calls, found.max_repairs) == (5, 5)


def test_prompts_that_only_put_the_question_fit_the_overhead_of_a_request() -> None:
    folder = Path(archon.prompts.__file__).parent
    lengths = {path.stem: len(path.read_text().split()) for path in folder.glob("generate_*.txt")}
    assert lengths
    assert max(lengths.values()) * 1.5 < PROMPT_OVERHEAD_TOKENS, lengths


@pytest.mark.parametrize("kind", [k for k, c in COMPONENTS.items() if c.declares.needs_model])
def test_prompts_that_show_candidates_or_ask_for_tests_fit_what_is_counted_for_them(
    kind: str,
) -> None:
    folder = Path(archon.prompts.__file__).parent
    paths = [path for path in folder.glob("*.txt") if component_of(path.stem) == kind]
    lengths = {path.stem: len(path.read_text().split()) for path in paths}
    assert lengths
    assert max(lengths.values()) * 1.5 < TEMPLATE_TOKENS, lengths
