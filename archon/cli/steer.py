"""``archon pause``, ``resume``, ``stop`` and ``change``: a running study, from another terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from archon.cli.options import StudyReference
from archon.cli.output import out, say
from archon.cli.running import Stopped, complete

if TYPE_CHECKING:
    from archon.core.records import Verb
    from archon.service.instruct import Answered
    from archon.service.terms import Change


def pause(study: StudyReference) -> None:
    """Let a running study send no further calls; calls in flight end and are kept.

    Its process waits for `archon resume` or `archon stop`. The time does not count.
    """
    name = _instruct(study, "pause").study.name
    say(f"archon resume {name} lets it go on, archon stop {name} ends it.")


def resume(study: StudyReference) -> None:
    """Let a study that `archon pause` paused go on."""
    _instruct(study, "resume")


def stop(
    study: StudyReference,
    finish: Annotated[
        bool,
        typer.Option(
            "--finish", help="End the search only: the finalists run on the held-out questions."
        ),
    ] = False,
) -> None:
    """End a running study as Ctrl-C does, but for calls in flight, which are finished first.

    `archon search` with its job file runs it on.
    """
    _instruct(study, "finish" if finish else "stop")


def change(
    study: StudyReference,
    trials: Annotated[int | None, typer.Option(min=1, max=100_000, help="Most trials.")] = None,
    calls: Annotated[int | None, typer.Option(min=1, max=10**12, help="Most calls.")] = None,
    tokens: Annotated[int | None, typer.Option(min=1, max=10**15, help="Most tokens.")] = None,
    usd: Annotated[float | None, typer.Option(help="Most dollars.")] = None,
    seconds: Annotated[
        float | None, typer.Option(help="Longest time, pauses left out, in seconds.")
    ] = None,
    parallel_trials: Annotated[
        int | None, typer.Option(min=1, max=64, help="Trials side by side, from the next ones on.")
    ] = None,
    questions_in_flight: Annotated[
        int | None, typer.Option(min=1, max=1024, help="Most questions that run at once.")
    ] = None,
) -> None:
    """Change the limits of a study, or what runs side by side, while it runs or rests.

    Limits are of the whole study, what is spent included, and cannot be set below that. A completed
    study whose limit is raised can be run on: archon search with the same job file.
    """
    from archon.core.errors import SpecError
    from archon.service.terms import Change

    wanted = Change(trials, calls, tokens, usd, seconds, parallel_trials, questions_in_flight)
    if not wanted.given():
        raise SpecError("nothing to change. Give a limit, e.g. --calls 5000; archon change --help")
    answered = _instruct(study, "change", wanted)
    if not answered.is_running:
        from archon.service.instruct import how_to_run_on

        say(f"Holds from its next run on. {how_to_run_on(answered.study)}")


def _instruct(study: str, verb: Verb, wanted: Change | None = None) -> Answered:
    """Ask, and print what came of it.

    Raises:
        SpecError: The study refused.
    """
    from archon.core.errors import SpecError
    from archon.service.instruct import NOTHING, instruct
    from archon.service.settings import load_settings
    from archon.store.opening import open_store

    with open_store(load_settings().database_url.reveal()) as store:
        try:
            answered = complete(instruct(study, verb, store, change=wanted or NOTHING))
        except Stopped as stopped:
            raise typer.Exit(stopped.exit_code) from None
    row = answered.study
    if answered.state == "refused":
        raise SpecError(f"study {row.study_id} ({row.name}) keeps its limits. {answered.answer}")
    out().print(f"Study {row.study_id} ({row.name}): {answered.answer}.")
    return answered
