"""The verifier report as text."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rich.console import Console

from archon.cli.output import table
from archon.explain.choices import Choices
from archon.explain.rates import Rates
from archon.explain.resampling import MOST_SAMPLES
from archon.explain.verifiers import BestNumber, VerifierReport
from archon.search.intervals import Interval
from archon.service.explanation import Explanation, VerifierLine
from archon.service.units import count, interval


def print_verifiers(found: Explanation, console: Console) -> None:
    """Print how often each layer that judges candidates is right, and what it can reach."""
    for line in found.verifiers if found.n_known else ():
        console.print(f"\nLayer {line.layer}, {line.name}: the {line.sort} against the scorer")
        if line.report is None:
            console.print("  not known: calls or scores are missing (see below)")
            continue
        for sentence in _sentences(line, line.report):
            console.print(f"  {sentence}")
        if line.report.curve:
            _print_curve(line.report, console)


def _sentences(line: VerifierLine, report: VerifierReport) -> Iterator[str]:
    if report.choices is None:
        yield from _of_rates(report.rates)
    else:
        yield from _of_choices(report.choices, report.rates)
    if report.skill is not None:
        yield f"One sample like those that arrive is right with {report.skill.mean:.3f}"
    if report.ceiling is None:
        yield "What more samples could reach is not known: too few candidates of a kind arrive"
    else:
        yield f"Ceiling: with samples without end {interval('quality', report.ceiling)} right"
    if report.best is not None:
        yield _best(report.best)


def _of_rates(rates: Rates) -> Iterator[str]:
    for what, n, share in (
        ("right", rates.n_right, rates.true_positive),
        ("wrong", rates.n_wrong, rates.false_positive),
    ):
        name = "true" if what == "right" else "false"
        if share is None:
            yield f"No {what} candidate arrived"
        else:
            shown = interval("quality", share)
            yield f"Passes {shown} of {count(n)} {what} ones ({name} positives)"
    if rates.n_unread:
        yield f"{count(rates.n_unread)} verdicts could not be read, and count as not passed"


def _of_choices(choices: Choices, rates: Rates) -> Iterator[str]:
    if choices.right is None or choices.weight is None:
        yield "No question had both right and wrong candidates to choose from"
        return
    yield (
        f"On {count(choices.n_questions)} questions with right and wrong candidates a right one is "
        f"on top: {interval('quality', choices.right)}, by chance {choices.by_chance:.3f}"
    )
    right, wrong = rates.true_positive, rates.false_positive
    if right is not None and wrong is not None:
        yield (
            f"Puts {interval('quality', right)} of right ones on top (true positives), "
            f"{interval('quality', wrong)} of wrong ones (false positives)"
        )
    yield f"A right one weighs as much as {_weight(choices.weight)} wrong ones"


def _weight(given: Interval) -> str:
    high = "?" if math.isinf(given.high) else f"{given.high:.2g}"
    value = f"{given.value:.2g}" if given.value < 1000 else "ever so many"
    return f"{value} [{given.low:.2g}, {high}]"


def _best(best: BestNumber) -> str:
    if best.n == 0:
        number = "no answer is worth more than any"
    elif best.is_endless:
        number = f"{best.n} or more samples"
    else:
        number = f"{best.n} sample{'' if best.n == 1 else 's'}"
    high = f"{best.high} or more" if best.high >= MOST_SAMPLES else str(best.high)
    price = f", a sample {best.price:.2g} x" if best.price else ""
    return (
        "Best number, where it may also give no answer and a wrong one costs "
        f"{best.cost_of_wrong:g} x a right one{price}: {number} [{best.low}, {high}], "
        f"worth {best.value:.3f} a question"
    )


def _print_curve(report: VerifierReport, console: Console) -> None:
    made = table(
        *("samples", "right", "wrong", "no answer", "right, if it always answers", "drawn"),
        title="  At most so many samples, until one passes",
        right=("samples", "right", "wrong", "no answer", "right, if it always answers", "drawn"),
    )
    for one in report.curve:
        shares = (one.right, one.wrong, one.unanswered, one.right_at_last)
        made.add_row(str(one.n), *(f"{share:.3f}" for share in shares), f"{one.draws:.1f}")
    console.print(made)
