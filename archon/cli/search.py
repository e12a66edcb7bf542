"""``archon search``: run a job, or run it on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archon.cli.options import AsJson, JobFile
from archon.cli.output import err, out, print_json, say
from archon.cli.running import Stopped, complete, spare_the_collector
from archon.core.errors import CallError, StoreError

if TYPE_CHECKING:
    from archon.core.records import StudyState
    from archon.service.prepare import PreparedJob
    from archon.service.settings import Settings
    from archon.store.opening import Store


def search(
    job: JobFile,
    model: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Take this model instead of the file's: provider/model for a hosted one, or the "
            "name that the server at --url gives it.",
        ),
    ] = "",
    url: Annotated[
        str, typer.Option(metavar="URL", help="OpenAI-compatible endpoint of --model.")
    ] = "",
    key_env: Annotated[
        str, typer.Option(metavar="VARIABLE", help="Variable that holds the key of --model.")
    ] = "",
    trials: Annotated[int | None, typer.Option(help="Most trials, instead of the file's.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed, instead of the file's.")] = None,
    is_fresh: Annotated[
        bool,
        typer.Option("--new", help="Make a new study although there is one of this job."),
    ] = False,
    export: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the best pipeline to this file.")
    ] = None,
    force: Annotated[
        bool,
        typer.Option("--force", help="Let --export replace a file that Archon did not write."),
    ] = False,
    ask: Annotated[
        str, typer.Option(metavar="QUESTION", help="Ask the best pipeline this at the end.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Search for the best pipeline of a job; the same command resumes a study that was cut off.

    Every call is on disk before it is used and is never bought twice. Ctrl-C stops cleanly.
    """
    from archon.service.output_file import check_output
    from archon.service.overrides import Overrides, overridden
    from archon.service.prepare import in_store, prepare
    from archon.service.settings import load_settings
    from archon.spec.job import read_job
    from archon.spec.yaml_source import read_document
    from archon.store.opening import open_store

    if export is not None:
        check_output(export, inputs=(job,), is_forced=force)
    settings = load_settings()
    overrides = Overrides(model=model, url=url, key_env=key_env, trials=trials, seed=seed)
    read = read_job(overridden(read_document(job), overrides))
    prepared = prepare(read, is_offline=settings.offline)
    with open_store(settings.database_url.reveal()) as store, _resumable(is_fresh=is_fresh):
        prepared = in_store(prepared, store.reader(), is_fresh=is_fresh)
        _announce(prepared, store, is_fresh=is_fresh)
        state = complete(_run(prepared, store, settings, export=export, ask=ask, as_json=as_json))
    if state == "failed":
        say("Nothing could be measured. Mend the cause; the same command with --new tries again.")
        raise typer.Exit(1)


@contextmanager
def _resumable(*, is_fresh: bool) -> Iterator[None]:
    """Say that nothing is lost where a search stops before its end."""
    again = "the same command without --new" if is_fresh else "the same command"
    from archon.service.steering import StoppedFromOutside

    try:
        yield
    except StoppedFromOutside as stopped:
        say(f"Stopped by `archon stop`. What was bought is kept; {again} resumes the study.")
        raise typer.Exit(stopped.exit_code) from None
    except Stopped as stopped:
        say(f"Stopped. What was bought is kept; {again} resumes the study.")
        raise typer.Exit(stopped.exit_code) from None
    except (CallError, StoreError):
        # What is wrong is said behind this; a wrong job or a missing key began nothing.
        say(f"What was bought is kept; once the cause is mended, {again} resumes the study.")
        raise


async def _run(
    prepared: PreparedJob,
    store: Store,
    settings: Settings,
    *,
    export: Path | None,
    ask: str,
    as_json: bool,
) -> StudyState:
    """Run the study; then export and ask, while an embedded engine is still up.

    Returns:
        The state in which the study rests.
    """
    from archon.cli.live import Progress
    from archon.cli.report import print_study
    from archon.service.assemble import SharedEngine
    from archon.service.export import export_by_rule, how_to_ask
    from archon.service.library import Pipeline
    from archon.service.progress import Dials
    from archon.service.report import load_report
    from archon.service.study_run import run_job

    spare_the_collector()
    async with SharedEngine(settings, say=say) as shared:
        dials = Dials()
        with Progress(err(), prepared.job.objectives, dials) as progress:
            await run_job(
                prepared, store, settings, watcher=progress, say=say, shared=shared, dials=dials
            )
        report = load_report(store.reader(), prepared.study_id)
        is_exported = report.final is not None and report.study.state != "failed"
        if export is not None and is_exported:
            # Written before anything is printed, which may have nowhere to go.
            export_by_rule(report, store.reader(), "best").save(export)
        if as_json:
            print_json(report.to_data())
        else:
            out().print()
            print_study(report, out())
        if report.study.state == "failed" or (export is None and not ask):
            return report.study.state
        best = export_by_rule(report, store.reader(), "best")
        if export is not None:
            say(f"Wrote {export}. Ask it: {how_to_ask(export, best, store.reader())}")
        if ask:
            pipeline = Pipeline(best, settings, say=say, shared=shared)
            try:
                answer = (await pipeline.generate(ask)).answer.text
            finally:
                await pipeline.aclose()
            console = err() if as_json else out()
            console.print(f"\nAsked:    {ask}\nAnswered: {answer.strip()}")
        return report.study.state


def _announce(prepared: PreparedJob, store: Store, *, is_fresh: bool) -> None:
    from archon.core.errors import NotFound
    from archon.service.check_file import budget_in_words
    from archon.service.listing import said_of_another
    from archon.service.terms import terms_of
    from archon.service.units import counted

    job, split = prepared.job, prepared.questions.split
    try:
        study = store.reader().find_study(prepared.study_id)
    except NotFound:
        trials = (
            "every pipeline" if job.budget.trials is None else counted(job.budget.trials, "trial")
        )
        say(
            f"Study {prepared.study_id} ({job.name}): at most {trials} on {len(split.search)} "
            f"questions, the best of them on {len(split.held_out)} held-out ones; seed {job.seed}."
        )
        if not is_fresh and (said := said_of_another(store.reader(), prepared.study_id, job.name)):
            say(f"Note: {said}")
    else:
        if study.state == "completed":
            say(
                f"Study {study.study_id} is done; this is its report. For another one: --new; to "
                "search on in this one: archon change with a larger limit"
            )
        else:
            done = f"{counted(study.n_complete, 'trial')} done"
            say(f"Study {study.study_id} ({job.name}) runs on: {done}.")
            terms = terms_of(job, store.reader().instructions(study.study_id))
            if terms.budget != job.budget:
                say(f"Its budget was changed: {budget_in_words(terms.budget)}.")
    for warning in prepared.warnings:
        say(f"Note: {warning}")
