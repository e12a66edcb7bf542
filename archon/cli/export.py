"""``archon export``: a pipeline of a study as one file."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archon.cli.options import StudyReference
from archon.cli.output import say, write

if TYPE_CHECKING:
    from archon.search.at_most import AtMost
    from archon.search.judgement import Judgement
    from archon.spec.pipeline_file import PipelineFile


class RuleName(StrEnum):
    """The rules by name, for the help."""

    BEST = "best"
    CHEAPEST = "cheapest"
    BASELINE = "baseline"


class FormatName(StrEnum):
    """What a study can be written as."""

    PIPELINE = "pipeline"
    OPTUNA = "optuna"


def export(
    study: StudyReference,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="The same as --output FILE.")
    ] = None,
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
    within: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            max=1.0,
            metavar="POINTS",
            help="With --rule cheapest: the cheapest whose score is at most so far below the best "
            "one's, 0.01 for a point in a hundred; of those that keep to at_most.",
        ),
    ] = None,
    trial: Annotated[
        int | None, typer.Option(help="This trial's pipeline, whatever it is.")
    ] = None,
    form: Annotated[
        FormatName,
        typer.Option(
            "--format",
            help="pipeline: one pipeline, to run; optuna: all trials as a SQLite file, for the "
            "analyses and the dashboard of Optuna.",
        ),
    ] = FormatName.PIPELINE,
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="Replace a file that is there, even if Archon did not write it."
        ),
    ] = False,
) -> None:
    """Write a study's best pipeline as a file that runs anywhere; keys are never part of it."""
    from archon.core.errors import SpecError

    if file is not None and output is not None:
        raise SpecError("FILE and --output both say where to. Leave one of them out.")
    output = file or output
    if form == FormatName.OPTUNA:
        if rule is not None or trial is not None or within is not None:
            raise SpecError(
                "--format optuna writes all trials. Leave --rule, --within and --trial out."
            )
        _export_to_optuna(study, output, is_forced=force)
    else:
        _export_pipeline(study, output, rule, trial, within, is_forced=force)


def _export_to_optuna(study: str, output: Path | None, *, is_forced: bool) -> None:
    from archon.core.errors import SpecError
    from archon.service.export_optuna import export_to_optuna
    from archon.service.output_file import check_output
    from archon.service.settings import load_settings
    from archon.store.opening import open_reader

    if output is None:
        raise SpecError("--format optuna writes a database. Name its file, for example s.db.")
    check_output(output, is_forced=is_forced)
    with open_reader(load_settings().database_url.reveal()) as reader:
        name = export_to_optuna(reader, study, output)
    say(
        f"Wrote {output}. Open it: optuna-dashboard sqlite:///{output}, or "
        f"optuna.load_study(study_name={name!r}, storage='sqlite:///{output}')"
    )


def _export_pipeline(
    study: str,
    output: Path | None,
    rule: RuleName | None,
    trial: int | None,
    within: float | None,
    *,
    is_forced: bool,
) -> None:
    from archon.core.errors import SpecError
    from archon.service.export import export_by_rule, export_trial, how_to_ask
    from archon.service.listing import said_of_namesakes
    from archon.service.output_file import check_output
    from archon.service.report import load_report
    from archon.service.settings import load_settings
    from archon.store.opening import open_reader

    if output is not None:
        check_output(output, is_forced=is_forced)
    if rule is not None and trial is not None:
        raise SpecError("--rule and --trial both say which pipeline. Leave one of them out.")
    if within is not None and rule not in (None, RuleName.CHEAPEST):
        raise SpecError("--within is of the cheapest: give --rule cheapest, or leave it out.")
    by = rule or RuleName.BEST
    with open_reader(load_settings().database_url.reveal()) as reader:
        report = load_report(reader, study)
        if said := said_of_namesakes(reader, report.study, study):
            say(said)
        if trial is None:
            made = export_by_rule(report, reader, by.value, within=within)
        else:
            made = export_trial(report, reader, trial)
        asking = "" if output is None else how_to_ask(output, made, reader)
    if output is None:
        write(made.to_yaml())
    else:
        made.save(output)
    judgement = report.final.judgement if report.final else None
    said = why(judgement, made, by.value if trial is None else "", within)
    say(" ".join((said, *over_ceiling(judgement, made, report.job.at_most))))
    if output is not None:
        say(f"Wrote {output}. Ask it: {asking}")


def over_ceiling(judgement: Judgement | None, made: PipelineFile, at_most: AtMost) -> Iterator[str]:
    """A sentence where what was exported passes a ceiling of its job on the held-out questions."""
    from archon.service.export import passed_by

    chosen = made.architecture.pipeline_id()
    for one in judgement.standings if judgement else ():
        if one.pipeline_id == chosen and (clause := passed_by(at_most, one)):
            yield f"It does not keep to at_most: on the held-out questions it {clause}."


def why(
    judgement: Judgement | None, made: PipelineFile, rule: str, within: float | None = None
) -> str:
    """Say what was exported, and what makes it that; ``rule`` is "" where a trial was named."""
    from archon.service.describe import describe

    assert made.provenance is not None
    which = f"Trial {made.provenance.trial}: {describe(made.architecture)}"
    if not rule or judgement is None:
        return f"{which}, as you named it."
    if within is not None:
        return f"{which}, the cheapest whose score is within {within:g} of the best one's."
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
