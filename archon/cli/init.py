"""``archon init``: a first job file out of a few answers."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, get_args

import typer

from archon.cli.output import out, say

if TYPE_CHECKING:
    from archon.service.init_file import Answers


ModelKind = Literal["engine", "litellm", "url"]
"""Where a model runs. Stands here as well, so that ``--help`` need not load the service."""


def init(
    path: Annotated[Path, typer.Argument(help="The job file to write.")] = Path("job.yaml"),
    questions: Annotated[
        Path | None,
        typer.Option(help="JSONL, CSV or Parquet; without, the benchmark that Archon comes with."),
    ] = None,
    scorer: Annotated[
        str, typer.Option(help="How answers are scored; guessed from the questions without.")
    ] = "",
    model_kind: Annotated[
        ModelKind | None,
        typer.Option(
            help="engine: a small model on this machine; litellm: hosted; url: any "
            "OpenAI-compatible endpoint."
        ),
    ] = None,
    model: Annotated[
        str, typer.Option(help="provider/model, or the name that the server at --url gives it.")
    ] = "",
    url: Annotated[str, typer.Option(help="Of an OpenAI-compatible endpoint, with /v1.")] = "",
    key_env: Annotated[str, typer.Option(help="Variable that holds the key.")] = "",
    input_usd: Annotated[
        float | None, typer.Option(min=0, help="Price, dollars per million tokens read.")
    ] = None,
    output_usd: Annotated[
        float | None, typer.Option(min=0, help="Price, dollars per million tokens written.")
    ] = None,
    usd: Annotated[float | None, typer.Option(min=0, help="Budget in dollars.")] = None,
    trials: Annotated[int, typer.Option(min=1, help="Pipelines to try.")] = 30,
    name: Annotated[str, typer.Option(help="Of the studies; the file's name without.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write a commented job file; asks for what flags leave open, where there is a terminal."""
    from archon.core.errors import SpecError
    from archon.service.init_file import Answers, new_job, save_job

    if path.exists() and not force:
        raise SpecError(f"{path} is there already. Name another file, or add --force.")
    kind = model_kind or _implied(model, url)
    answers = Answers(
        questions=questions,
        scorer=scorer,
        model_kind=kind or "engine",
        model=model,
        url=url,
        key_env=key_env,
        input_usd=input_usd,
        output_usd=output_usd,
        usd=usd,
        trials=trials,
        name=name,
    )
    if not yes and sys.stdin.isatty():
        try:
            answers = _asked(answers, is_kind_open=kind is None)
        except typer.Abort:  # Ctrl-C at a prompt, or the end of what was typed
            say("Stopped; nothing was written.")
            raise typer.Exit(130) from None
    job = new_job(answers, path)
    save_job(job, path)
    for note in job.notes:
        say(f"Note: {note}")
    out().print(f"Wrote {path}. Next: archon estimate {path}, then archon search {path}")


def _implied(model: str, url: str) -> ModelKind | None:
    if url:
        return "url"
    return "litellm" if model else None


def _asked(answers: Answers, *, is_kind_open: bool) -> Answers:
    """Ask for what the flags leave open."""
    if answers.questions is None:
        given = typer.prompt("Questions (JSONL, CSV, Parquet; empty: a shipped benchmark)", "")
        answers = replace(answers, questions=Path(given) if given else None)
    if is_kind_open:
        choice: ModelKind = typer.prompt(
            "Model: engine (small, runs here), litellm (hosted), url",
            default="engine",
            value_proc=_kind_named,
        )
        answers = replace(answers, model_kind=choice)
    if answers.model_kind == "url" and not answers.url:
        answers = replace(answers, url=typer.prompt("Endpoint", "http://localhost:8000/v1"))
    if answers.model_kind != "engine" and not answers.model:
        answers = replace(answers, model=typer.prompt("Name of the model"))
    if answers.model_kind == "litellm" and answers.usd is None:
        given = typer.prompt("Budget in dollars (0: none)", 5.0)
        answers = replace(answers, usd=given or None)
    return answers


def _kind_named(given: str) -> ModelKind:
    kinds: tuple[ModelKind, ...] = get_args(ModelKind)
    for kind in kinds:
        if kind == given.strip().lower():
            return kind
    raise typer.BadParameter(f"{given!r} is none of {', '.join(kinds)}.")
