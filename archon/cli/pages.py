"""A trial, and a question of a trial, as text."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from archon.cli.output import table
from archon.core.results import ExampleResult
from archon.service.inspect import LayerPage, QuestionPage, TracedCallPage, TrialPage
from archon.service.report import StudyReport
from archon.service.units import amount, count, usd

_LONGEST = 300
_NUSD_PER_USD = 1_000_000_000
_TITLES = {"search": "Search questions", "held_out": "Held-out questions, with fresh samples"}


def print_trial(page: TrialPage, report: StudyReport, console: Console) -> None:
    """Print a trial: what it is, what it reached, and each question."""
    line = page.line
    mark = ", on the front" if line.is_on_front else ""
    console.print(f"Trial {line.number} of study {report.study.study_id}, {line.state}{mark}")
    if line.reason:
        console.print(f"  {line.reason}")
    if (seen := report.seen_in_part(line)) not in line.reason:
        console.print(f"  {seen} questions")
    console.print(f"Pipeline {line.pipeline_id}: {line.pipeline}")
    console.print(f"\n{page.layers.rstrip()}")
    if line.objectives:
        reached = (amount(name, line.objectives[name]) for name in report.job.objectives)
        console.print(f"\nOn the search questions, as deployed: {', '.join(reached)}")
    for split, results in page.results.items():
        console.print()
        console.print(_results(results, _TITLES[split]))
    console.print(
        f"\nOne question: archon show {report.study.study_id} --trial {line.number} --question ID"
    )


def print_question(page: QuestionPage, console: Console, *, has_full_texts: bool = False) -> None:
    """Print every call of one question, what each layer kept, and the score."""

    def text(given: str) -> str:
        return given if has_full_texts else _shortened(given)

    result = page.row.result
    console.print(f"Question {result.example_id} ({page.row.example.split}), trial {page.trial}")
    console.print(_indented(text(page.question)))
    layers = {layer.layer: layer for layer in page.layers}
    last: int | None = None
    for i, call in enumerate(page.calls, 1):
        if last is not None and call.layer != last:
            _print_layer(layers.get(last), console)
        last = call.layer
        _print_call(i, call, console, has_full_texts=has_full_texts)
    for number in sorted(layers):
        if last is None or number >= last:
            _print_layer(layers[number], console)
    console.print(f"\nAnswer:\n{_indented(text(result.answer.text) or '(none)')}")
    for i, call in enumerate(page.scorer_calls, 1):
        _print_call(i, call, console, has_full_texts=has_full_texts, what="Scorer's call")
    if page.scorer_calls:
        console.print()
    _print_score(page, console)


def _print_score(page: QuestionPage, console: Console) -> None:
    result = page.row.result
    if result.score is not None:
        console.print(f"Score: {result.score.value:g} ({result.score.reason or result.status})")
    else:
        console.print(f"No score: {result.error or result.status}")
    if page.target is not None:
        console.print(f"Target: {_target(page.target)}")
    for what, n in result.degradations:
        console.print(f"Less well than it should: {what} {n} times")
    took = result.deployed
    cost = f", {usd(took.cost_nusd / _NUSD_PER_USD)}" if took.cost_nusd else ""
    console.print(
        f"As deployed: {took.calls} calls, {count(took.tokens)} tokens{cost}, "
        f"{took.latency_s:.2f} s; the search bought {result.bought.calls} of them here"
    )


def _results(results: Sequence[ExampleResult], title: str) -> Table:
    made = table(
        *("question", "score", "status", "calls", "bought", "tokens", "answer", "less well"),
        title=title,
        right=("score", "calls", "bought", "tokens"),
        whole=("question",),
    )
    for result in results:
        score = "-" if result.score is None else f"{result.score.value:g}"
        answer = result.error or " ".join(result.answer.text.split())
        made.add_row(
            result.example_id,
            score,
            result.status,
            count(result.deployed.calls),
            count(result.bought.calls),
            count(result.deployed.tokens),
            _shortened(answer, 40),
            ", ".join(f"{what.rpartition(':')[2]} {n}" for what, n in result.degradations),
        )
    return made


def _print_call(
    number: int,
    page: TracedCallPage,
    console: Console,
    *,
    has_full_texts: bool,
    what: str = "Call",
) -> None:
    purpose = f" ({page.purpose})" if page.purpose else ""
    console.print(f"\n{what} {number}: {page.component}{purpose}")
    if page.call is None:
        console.print("  its stored completion is damaged or gone")
        return
    call = page.call
    paid = f"reused, bought by {page.buyer}" if page.is_reused else "bought here"
    sample = f", sample {call.key.slot}"
    console.print(
        f"  {call.model}{sample}; {count(call.usage.prompt_tokens)} tokens read, "
        f"{count(call.usage.completion_tokens)} written, {call.latency_s:.2f} s, "
        f"{call.finish}; {paid}"
    )
    for message in call.messages:
        shown = message.content if has_full_texts else _shortened(message.content)
        console.print(f"  {message.role}:\n{_indented(shown, 4)}")
    reply = call.text if has_full_texts else _shortened(call.text)
    console.print(f"  reply:\n{_indented(reply or '(empty)', 4)}")


def _print_layer(layer: LayerPage | None, console: Console) -> None:
    if layer is None:
        return
    n = len(layer.candidates)
    console.print(f"\nAfter layer {layer.layer}: {n} candidate{'' if n == 1 else 's'}")
    for candidate in layer.candidates:
        scores = ", ".join(f"{name} {value:g}" for name, value in candidate["scores"].items())
        facts = [f"sample {candidate['slot']} of {candidate['author']}", scores]
        console.print(f"  {'; '.join(fact for fact in facts if fact)}")


def _shortened(text: str, most: int = _LONGEST) -> str:
    if len(text) <= most:
        return text
    return f"{text[: most // 2]} ... {text[-most // 3 :]}"


def _indented(text: str, by: int = 2) -> str:
    return "\n".join(" " * by + line for line in text.splitlines())


def _target(target: object) -> str:
    return " or ".join(map(str, target)) if isinstance(target, list) else str(target)
