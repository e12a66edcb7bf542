"""``archon demo``: a whole study on simulated models, without a key, a download or a bill."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated

import typer

from archon.cli.options import AsJson
from archon.cli.output import say
from archon.cli.search import search

_SIMULATED = (
    "This is a simulation: its questions, models, prices and times are made up. The search, the "
    "pipelines and the statistics are real."
)


def demo(
    seed: Annotated[int | None, typer.Option(help="Seed of the search.")] = None,
    trials: Annotated[int | None, typer.Option(help="Most trials.")] = None,
    is_fresh: Annotated[
        bool, typer.Option("--new", help="Make a new study although there is one already.")
    ] = False,
    export: Annotated[
        Path, typer.Option(metavar="FILE", help="Write the best pipeline to this file.")
    ] = Path("demo-best.yaml"),
    force: Annotated[
        bool,
        typer.Option("--force", help="Replace a file of that name that Archon did not write."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Search over pipelines of simulated models: what a study looks like, in under a minute."""
    say(_SIMULATED)
    with as_file(files("archon.cli") / "demo.yaml") as job:
        search(
            job,
            trials=trials,
            seed=seed,
            is_fresh=is_fresh,
            export=export,
            force=force,
            as_json=as_json,
        )
