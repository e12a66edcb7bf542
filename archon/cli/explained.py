"""An explanation as text."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.console import Console

from archon.cli.explained_verifiers import print_verifiers
from archon.cli.output import table
from archon.explain.effects import Effect
from archon.explain.gaps import Amounts
from archon.explain.stages import LayerReport
from archon.search.intervals import Interval
from archon.search.objectives import Objective
from archon.service.explanation import Explanation, QuestionLine
from archon.service.units import count, difference, interval, number, usd

_LONGEST = 60
_NUSD_PER_USD = 1_000_000_000
_UNITS: dict[Objective, tuple[float, str]] = {
    "cost": (0.001, "$0.001"),
    "calls": (1.0, "call"),
    "tokens": (1000.0, "1,000 tokens"),
    "latency": (1.0, "second"),
}
"""How much of a price quality is set against, and what that is called."""


def print_explanation(found: Explanation, console: Console, *, has_questions: bool = False) -> None:
    """Print an explanation.

    Args:
        found: What is known.
        console: Where to print.
        has_questions: Show each question that was won or lost.
    """
    console.print(f"Study {found.study_id}, trial {found.trial}: {found.pipeline}")
    console.print(found.why)
    quality = f": {interval('quality', found.quality)} quality" if found.quality else ""
    console.print(
        f"Replayed on {count(found.n_known)} of {count(found.n_held_out)} held-out questions from "
        f"recorded calls{quality}"
    )
    for note in found.notes:
        console.print(f"Note: {note}")
    _print_layers(found, console)
    _print_variants(found, console)
    print_verifiers(found, console)
    _print_versus(found, console, has_questions=has_questions)
    _print_unknown(found, console)


def _print_layers(found: Explanation, console: Console) -> None:
    if not found.layers:
        return
    price = found.price
    names = ("best in", "best out", "on top")
    if not found.is_graded:
        names = ("any right in", "any right out", "the one on top right")
    made = table(
        *("layer", "", "candidates", *names),
        *("lost", "found", f"{price} a question"),
        title=f"Where right answers come up and are lost ({found.coverage:.0%} intervals)",
        right=("lost", "found"),
    )
    for name, layer in zip(found.layer_names, found.layers, strict=True):
        arrived = "" if layer.best_in is None else f"{layer.candidates_in:.1f} > "
        made.add_row(
            f"{layer.layer}",
            name,
            f"{arrived}{layer.candidates_out:.1f}",
            "" if layer.best_in is None else interval("quality", layer.best_in),
            interval("quality", layer.best_out),
            interval("quality", layer.top_out),
            "" if layer.best_in is None else count(layer.n_lost),
            count(layer.n_found),
            number(price, layer.took[price].value),
        )
    console.print()
    console.print(made)
    last = found.layers[-1]
    if last.n_misplaced:
        console.print(
            f"  questions where the last layer leaves a better candidate than the one on top: "
            f"{count(last.n_misplaced)}"
        )
    _print_steps(found, console)


def _print_steps(found: Explanation, console: Console) -> None:
    steps = [(name, one) for name, one in zip(found.layer_names, found.layers, strict=True)]
    if not any(one.effect for _, one in steps):
        return
    made = table(
        *("layer", "", "adds to the one on top", f"takes ({found.price} a question)"),
        f"quality for each {_UNITS[found.price][1]}",
        title=f"What each layer adds to those before it ({_together(len(steps) - 1, found)})",
    )
    for name, one in steps:
        if one.effect is not None:
            made.add_row(f"{one.layer}", name, *_effect_cells(one.effect, found.price, one))
    console.print()
    console.print(made)


def _print_variants(found: Explanation, console: Console) -> None:
    known = [line for line in found.variants if line.effect is not None]
    if not known:
        return
    made = table(
        *("without", "the part adds", "wins", "losses", f"takes ({found.price} a question)"),
        *(f"quality for each {_UNITS[found.price][1]}", "questions", "trial"),
        title=f"Without one part of it ({_together(len(found.variants), found)})",
        right=("wins", "losses", "questions", "trial"),
    )
    for line in known:
        assert line.effect is not None
        gain, takes, per = _effect_cells(line.effect, found.price)
        wins, losses = count(line.effect.n_wins), count(line.effect.n_losses)
        asked = count(line.effect.n_questions)
        number_of = "" if line.trial is None else str(line.trial)
        made.add_row(line.name, gain, wins, losses, takes, per, asked, number_of)
    console.print()
    console.print(made)


def _together(n: int, found: Explanation) -> str:
    return f"{found.coverage:.0%} intervals" + (f" for all {n} together" if n > 1 else "")


def _effect_cells(
    effect: Effect, price: Objective, layer: LayerReport | None = None
) -> tuple[str, str, str]:
    took = effect.took[price] if layer is None else layer.took[price]
    scale, _ = _UNITS[price]
    per = effect.per_price
    return (
        difference(effect.quality),
        _signed(price, took),
        "" if per is None else difference(_scaled(per, scale)),
    )


def _scaled(given: Interval, by: float) -> Interval:
    return Interval(given.value * by, given.low * by, given.high * by)


def _signed(name: Objective, given: Interval) -> str:
    """``+$0.0012``, ``-3.0``."""
    sign = "-" if given.value < 0 else "+"
    return f"{sign}{number(name, abs(given.value))}"


def _print_versus(found: Explanation, console: Console, *, has_questions: bool) -> None:
    versus = found.versus
    if versus is None:
        return
    console.print(
        f"\nAgainst the best single call (trial {found.baseline_trial}) on "
        f"{count(versus.n_pairs)} questions: "
        f"{difference(versus.difference)} quality; {count(versus.n_wins)} won, "
        f"{count(versus.n_losses)} lost, {count(versus.n_ties)} ties"
    )
    lost = [line for line in found.questions if line.outcome == "loss"]
    if not has_questions:
        if versus.n_wins or versus.n_losses:
            console.print("  question by question: --questions")
        return
    won = [line for line in found.questions if line.outcome == "win"]
    made = table(
        *("question", "", "score", "single call", "lost in", "answer", "of the single call"),
        right=("score", "single call"),
        whole=("question",),
    )
    for line in (*lost, *won):
        made.add_row(*_question_cells(line, found))
    console.print(made)


def _question_cells(line: QuestionLine, found: Explanation) -> tuple[str, ...]:
    lost = "" if line.lost_in is None else f"layer {line.lost_in}"
    if line.outcome == "loss" and line.lost_in is None:
        lost = "never there"
    return (
        line.example_id,
        line.outcome,
        f"{line.score:g}",
        f"{line.baseline_score:g}",
        lost,
        _end(line.answer),
        _end(line.baseline_answer),
    )


def _end(text: str) -> str:
    """The end of an answer, where most say what they come to."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"... {line[-_LONGEST:]}"


def _print_unknown(found: Explanation, console: Console) -> None:
    rows: list[tuple[str, int, Amounts]] = []
    n_base = found.n_held_out - found.n_known
    if found.base_about.calls:
        rows.append(("the pipeline itself", n_base, found.base_about))
    if found.n_candidates_missing:
        rows.append(
            ("scores of all candidates", found.n_candidates_missing, found.candidates_about)
        )
    rows += [(f"without {o.name}", o.n_missing, o.about) for o in found.variants if o.n_missing]
    _print_bought(found, console)
    if not rows:
        return
    made = table(
        *("not known", "questions", "calls", "tokens", "cost"),
        title="What recorded calls do not tell, and about what it would take",
        right=("questions", "calls", "tokens", "cost"),
    )
    for name, n, about in rows:
        cost = usd(about.cost_usd)
        made.add_row(name, count(n), count(round(about.calls)), count(round(about.tokens)), cost)
    console.print()
    console.print(made)
    total = sum((about.cost_usd for _, _, about in rows), 0.0)
    limit = f"--budget-usd {_up(total)}" if total else f"--budget-calls {_n_calls(rows)}"
    console.print(f"To buy it: archon explain {found.study_id} {found.trial} {limit}")


def _print_bought(found: Explanation, console: Console) -> None:
    bought = found.bought
    if bought.n_calls or found.stopped:
        cost = f" for {usd(bought.cost_nusd / _NUSD_PER_USD)}" if bought.cost_nusd else ""
        console.print(f"\n{count(bought.n_calls)} calls bought{cost}")
    if bought.n_uncertain:
        console.print(f"  {count(bought.n_uncertain)} calls without a reply may have been charged")
    if found.stopped:
        console.print(f"The budget ended first: {found.stopped}.")


def _up(cost_usd: float) -> str:
    """An amount somewhat above an estimate, as a number to type."""
    return f"{1.5 * cost_usd:.2g}"


def _n_calls(rows: Sequence[tuple[str, int, Amounts]]) -> int:
    return math.ceil(1.5 * sum(about.calls for _, _, about in rows))
