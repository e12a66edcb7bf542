"""``archon ask``: one question to a pipeline file."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from archon.cli.options import AsJson, PipelineArgument
from archon.cli.output import err, print_json, print_text, say
from archon.cli.running import Stopped, complete

if TYPE_CHECKING:
    from archon.runtime.pipeline import PipelineResult
    from archon.service.library import Pipeline


def ask(
    pipeline: PipelineArgument,
    question: Annotated[
        str, typer.Argument(metavar="QUESTION", help='The question; "-" reads it from stdin.')
    ],
    trace: Annotated[
        bool, typer.Option("--trace", help="Also show every call, and what it all took.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Ask a pipeline one question and print its answer."""
    from archon.core.errors import SpecError
    from archon.service.library import Pipeline, conversation

    text = _piped_in() if question == "-" else question
    if not text.strip():
        raise SpecError("the question is empty. Write one, or pipe it in: archon ask FILE -")
    try:
        conversation(text)
    except ValueError as wrong:
        raise SpecError(f"{wrong}. Write it as UTF-8.") from wrong
    loaded = Pipeline.load(pipeline, say=say)
    if changed := loaded.file.changed_prompts():
        err().print(
            f"Note: the wording of {', '.join(changed)} is not the one that this pipeline was "
            "measured with; its figures may no longer hold. Measure again: archon eval",
            style="yellow",
        )
    try:
        ran = complete(_answered(loaded, text))
    except Stopped as stopped:
        raise typer.Exit(stopped.exit_code) from None
    if as_json:
        print_json(_data(text, ran, with_trace=trace))
        return
    print_text(ran.answer.text)
    if not ran.answer.text.strip():
        say("The pipeline gave no answer; --trace shows its calls.")
    if trace:
        _print_trace(ran)


def _piped_in() -> str:
    from archon.core.errors import SpecError

    content = sys.stdin.buffer.read()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SpecError(
            f"standard input: byte {content[error.start]:#04x} at offset {error.start:,} is not "
            "UTF-8. Convert the question: iconv -f LATIN1 -t UTF-8"
        ) from error


async def _answered(pipeline: Pipeline, text: str) -> PipelineResult:
    async with pipeline:
        return await pipeline.generate(text)


def _data(question: str, ran: PipelineResult, *, with_trace: bool) -> dict[str, Any]:
    took = ran.deployed
    data: dict[str, Any] = {
        "question": question,
        "answer": ran.answer.text,
        "calls": took.calls,
        "prompt_tokens": took.prompt_tokens,
        "completion_tokens": took.completion_tokens,
        "cost_usd": took.cost_nusd / 1e9,
        "latency_s": round(took.latency_s, 6),
        "degradations": dict(sorted(ran.trace.degradations.items())),
    }
    return data | ({"trace": list(ran.trace.to_data())} if with_trace else {})


def _print_trace(ran: PipelineResult) -> None:
    from archon.cli.output import table
    from archon.service.units import count, usd

    made = table(
        *("component", "", "model", "prompt", "written", "seconds", "end"),
        right=("prompt", "written", "seconds"),
    )
    for call in ran.trace.calls:
        made.add_row(
            call.component,
            call.purpose,
            call.model,
            count(call.prompt_tokens),
            count(call.completion_tokens),
            f"{call.latency_s:.2f}",
            call.finish,
        )
    console, took = err(), ran.deployed
    console.print(made)
    cost = f", {usd(took.cost_nusd / 1e9)}" if took.cost_nusd else ""
    console.print(f"{took.calls} calls, {count(took.tokens)} tokens{cost}, {took.latency_s:.2f} s")
    for what, n in sorted(ran.trace.degradations.items()):
        console.print(f"{what}: {n}")
