"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

JobFile = Annotated[Path, Argument(metavar="JOB", help="The job file, e.g. job.yaml.")]
PipelineArgument = Annotated[
    Path, Argument(metavar="PIPELINE", help="A pipeline file, as `archon export` writes it.")
]
StudyReference = Annotated[
    str, Argument(metavar="STUDY", help="Id, beginning of an id, or name of a study.")
]
TrialNumber = Annotated[
    int | None, Argument(metavar="[TRIAL]", help="The same as --trial.", show_default=False)
]
AsJson = Annotated[bool, Option("--json", help="Print JSON, for programs.")]
