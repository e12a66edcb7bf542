"""``archon doctor``: what is here, what is missing, and what to do about it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from archon.cli.options import AsJson
from archon.cli.output import out, print_json, table
from archon.cli.running import complete


def doctor(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="A job or pipeline file whose models to look at."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Look at this machine, its packages, folders and database, and at the models of a file.

    Nothing is paid: of an endpoint only the list of its models is asked. Exit code 3 where
    something that is needed is missing.
    """
    from archon.service.check_file import models_of_file
    from archon.service.diagnose import diagnose, worst_of
    from archon.service.settings import load_settings

    settings = load_settings()
    models = models_of_file(file) if file is not None else ()
    findings = complete(diagnose(settings, models))
    if as_json:
        print_json({"findings": [finding.to_data() for finding in findings]})
    else:
        made = table("", "", "")
        for finding in findings:
            made.add_row(finding.state, finding.what, finding.detail)
        out().print(made)
        for finding in findings:
            if finding.remedy and finding.state != "ok":
                first = finding.remedy.splitlines()[0]
                out().print(f"{finding.what} ({finding.state}): {first}")
    error = worst_of(findings)
    if error is not None:
        raise typer.Exit(error.exit_code)
