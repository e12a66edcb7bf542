"""``archon export``: a pipeline of a study as one file."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archon.cli.options import StudyReference
from archon.cli.output import say, write

if TYPE_CHECKING:
    from archon.search.judgement import Judgement
    from archon.spec.pipeline_file import PipelineFile


class RuleName(StrEnum):
    """The rules by name, for the help."""

    BEST = "best"
    CHEAPEST = "cheapest"
    BASELINE = "baseline"


def export(
    study: StudyReference,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where to; standard output without."),
    ] = None,
    rule: Annotated[
        RuleName | None,
        typer.Option(
            help="best: the winner; cheapest: the cheapest that is better than the best single "
            "call and cannot be told apart from the winner (without one, from that call); "
            "baseline: the best single call. Without: best."
        ),
    ] = None,
    trial: Annotated[
        int | None, typer.Option(help="This trial's pipeline, whatever it is.")
    ] = None,
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="Replace a file that is there, even if Archon did not write it."
        ),
    ] = False,
) -> None:
    """Write a study's best pipeline as a file that runs anywhere; keys are never part of it."""
    from archon.core.errors import SpecError
    from archon.service.export import export_by_rule, export_trial, how_to_ask
    from archon.service.output_file import check_output
    from archon.service.report import load_report
    from archon.service.settings import load_settings
    from archon.store.opening import open_reader

    if output is not None:
        check_output(output, is_forced=force)
    if rule is not None and trial is not None:
        raise SpecError("--rule and --trial both say which pipeline. Leave one of them out.")
    by = rule or RuleName.BEST
    with open_reader(load_settings().database_url.reveal()) as reader:
        report = load_report(reader, study)
        if trial is None:
            made = export_by_rule(report, reader, by.value)
        else:
            made = export_trial(report, reader, trial)
        asking = "" if output is None else how_to_ask(output, made, reader)
    if output is None:
        write(made.to_yaml())
    else:
        made.save(output)
    judgement = report.final.judgement if report.final else None
    say(why(judgement, made, by.value if trial is None else ""))
    if output is not None:
        say(f"Wrote {output}. Ask it: {asking}")


def why(judgement: Judgement | None, made: PipelineFile, rule: str) -> str:
    """Say what was exported, and what makes it that; ``rule`` is "" where a trial was named."""
    from archon.service.describe import describe

    assert made.provenance is not None
    which = f"Trial {made.provenance.trial}: {describe(made.architecture)}"
    if not rule or judgement is None:
        return f"{which}, as you named it."
    if rule == "baseline":
        return f"{which}, the best single call."
    nothing = "Nothing was shown to be better than the best single call"
    chosen, baseline = made.architecture.pipeline_id(), judgement.baseline
    if judgement.winner is None and baseline is not None and chosen == baseline.pipeline_id:
        return f"{which}. {nothing}; this is it."
    if judgement.winner is None:
        return f"{which}. {nothing}; this is cheaper than that and not shown to be worse."
    if chosen == judgement.winner_id:
        return f"{which}, the winner."
    return f"{which}, cheaper than the winner and not shown to be worse."
