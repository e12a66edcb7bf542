"""The ``archon`` command: its verbs, and what becomes of an error.

Modules of verbs import what they work with inside their functions. ``archon --help`` and a misspelt
option would otherwise wait for the database and Optuna to load.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from archon.cli.arguments import Command
from archon.cli.ask import ask
from archon.cli.components import components
from archon.cli.db import db
from archon.cli.demo import demo
from archon.cli.doctor import doctor
from archon.cli.enqueue import enqueue
from archon.cli.estimate import estimate
from archon.cli.eval import evaluate
from archon.cli.explain import explain
from archon.cli.export import export
from archon.cli.init import init
from archon.cli.ls import ls
from archon.cli.models import models
from archon.cli.output import err, finish_streams, prepare_streams, write
from archon.cli.search import search
from archon.cli.show import show
from archon.cli.steer import change, pause, resume, stop
from archon.cli.validate import validate
from archon.core.errors import ArchonError

app = typer.Typer(
    name="archon",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(cls=Command)(demo)
app.command(cls=Command)(search)
app.command(cls=Command)(enqueue)
app.command(cls=Command)(ls)
app.command(cls=Command)(show)
app.command(cls=Command)(pause)
app.command(cls=Command)(resume)
app.command(cls=Command)(stop)
app.command(cls=Command)(change)
app.command(cls=Command)(explain)
app.command(cls=Command)(export)
app.command(cls=Command)(ask)
app.command("eval", cls=Command)(evaluate)
app.command(cls=Command)(validate)
app.command(cls=Command)(estimate)
app.command(cls=Command)(init)
app.command(cls=Command)(doctor)
app.command(cls=Command)(models)
app.command(cls=Command)(components)
app.add_typer(db, name="db")


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        from archon.service.version import code_version

        write(f"archon {code_version()}\n")
        raise typer.Exit


@app.callback()
def archon(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Find the best inference-time pipeline for a task under a budget, and ship it.

    `archon init` writes a first job file; `archon search job.yaml` runs it.
    """


def run() -> None:
    """Run the command line of this process.

    Exit codes: 0 done, 1 something else went wrong, 2 a file, argument or name is wrong, 3 a key,
    package, engine or database is missing, 4 the budget does not suffice, 130 Ctrl-C or
    `archon stop`, 143 SIGTERM.
    """
    prepare_streams()
    try:
        try:
            app()
        finally:
            finish_streams()
    except ArchonError as error:
        err().print(f"{error}", style="red")
        sys.exit(error.exit_code)
    except OSError as error:
        # Of a file or stream that no adapter has a sentence for: still no reason for a traceback.
        where = f"{error.filename}: " if error.filename else ""
        err().print(f"{where}{error.strerror or error}.", style="red")
        sys.exit(ArchonError.exit_code)
