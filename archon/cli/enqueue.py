"""``archon enqueue``: a user's own pipelines are tried next in a study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from archon.cli.output import out, say
from archon.cli.running import Stopped, complete


def enqueue(
    study: Annotated[
        str,
        typer.Argument(
            metavar="STUDY_OR_JOB",
            help="Id, beginning of an id, or name of a study; or a job file.",
        ),
    ],
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Pipeline files, as `archon export` writes them."),
    ],
) -> None:
    """Have pipelines of your own tried next in a study, before anything that a sampler proposes.

    `archon search` with the job runs them. All files are taken, or none. Only the single calls,
    which every winner is compared with, come before them.
    """
    from archon.service.describe import describe
    from archon.service.enqueue import enqueue as put
    from archon.service.settings import load_settings
    from archon.store.opening import open_store

    settings = load_settings()
    with open_store(settings.database_url.reveal()) as store:
        try:
            queue = complete(put(study, files, store, is_offline=settings.offline))
        except Stopped as stopped:
            raise typer.Exit(stopped.exit_code) from None
    out().print(f"Study {queue.study_id} ({queue.name})")
    for one in queue.files:
        what = "is tried next, as" if one.state == "proposed" else "was tried before:"
        state = "" if one.state == "proposed" else f" ({one.state})"
        pipeline = describe(one.architecture)
        out().print(f"  {one.path} {what} trial {one.number}{state}: {pipeline}", soft_wrap=True)
        for name in one.changed_prompts:
            say(f"Note: {one.path}: the wording of {name!r} is not the one it was measured with.")
