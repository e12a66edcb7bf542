"""A study on a page: its front, its held-out results, its verdict, and what it took."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console
from rich.table import Table

from archon.cli.forecast import progress_lines
from archon.cli.output import table
from archon.core.records import SpendTotals
from archon.search.judgement import Comparison, Judgement, Standing
from archon.search.objectives import Objective
from archon.service.check_file import budget_in_words
from archon.service.describe import describe
from archon.service.listing import state_of
from archon.service.report import FinalReport, StudyReport, TrialLine
from archon.service.units import count, counted, difference, duration, interval, number, usd

_NUSD_PER_USD = 1_000_000_000


def print_study(report: StudyReport, console: Console, *, has_all_trials: bool = False) -> None:
    """Print a study, finished or not.

    Args:
        report: The study.
        console: Where to print.
        has_all_trials: Show every trial, not the front alone.
    """
    study = report.study
    state = state_of(study)
    why = f": {study.stop_reason}" if study.stop_reason else ""
    console.print(f"Study {study.study_id} ({study.name}), {state}{why}")
    shown = [line for line in report.trials if has_all_trials or line.is_on_front]
    title = "Trials" if has_all_trials else f"Front, of {len(report.trials)} trials"
    if shown:
        console.print()
        console.print(trial_table(shown, report, title=f"{title} (search questions)"))
    if report.final is not None:
        if study.state in ("running", "paused"):
            console.print("\nWhat follows is of before its search was allowed to go on.")
        _print_final(report, report.final, console)
    if hint := _hint_of_zeros(report):
        console.print()
        console.print(hint)
    console.print()
    for line in spend_lines(report.spend):
        console.print(line)
    for line in _budget_lines(report):
        console.print(line)


def _budget_lines(report: StudyReport) -> Iterator[str]:
    """The limits that hold and how they came about, where they are not the job's; how far it is."""
    if report.progress is not None:
        yield from progress_lines(report.progress)
    if report.changes:
        yield f"Budget: {budget_in_words(report.terms.budget)}"
    if report.terms.budget != report.job.budget:
        yield f"  the job file's: {budget_in_words(report.job.budget)}"
    for one in report.changes:
        at = one.given_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        name = "stop --finish" if one.verb == "finish" else one.verb
        note = "" if one.state == "done" else f"{one.state}: "
        yield f"  {at} archon {name} from {one.given_from}: {note}{one.answer}"


def _hint_of_zeros(report: StudyReport) -> str:
    """What to look at where no answer scored anything; "" where one did, or none is known."""
    complete = [line for line in report.trials if line.state == "complete"]
    if not complete or any(line.objectives.get("quality", 1.0) > 0 for line in complete):
        return ""
    trial = f"archon show {report.study.study_id} --trial {complete[0].number}"
    return (
        "No answer to a search question scored above 0, which says more of the scorer, the targets "
        f"or the prompt than of the pipelines. Look at the answers: {trial} lists them, {trial} "
        "--question ID shows every call of one."
    )


def trial_table(lines: Sequence[TrialLine], report: StudyReport, *, title: str = "") -> Table:
    """Trials of a study with their objectives; ``*`` marks the front."""
    objectives = report.job.objectives
    made = table("trial", "", *objectives, "pipeline", title=title, right=("trial", *objectives))
    for line in lines:
        values = [
            number(name, line.objectives[name]) if name in line.objectives else "-"
            for name in objectives
        ]
        seen = report.seen_in_part(line)
        # The reason of a trial may say so itself.
        facts = (line.reason, "" if seen in line.reason else seen)
        said = "; ".join(fact for fact in facts if fact)
        note = f"   ({line.state}: {said})" if said else ""
        mark = "*" if line.is_on_front else ""
        made.add_row(str(line.number), mark, *values, line.pipeline + note)
    return made


def spend_lines(spend: SpendTotals) -> Iterator[str]:
    """What the search really took, apart from what a deployed pipeline takes."""
    tokens = spend.prompt_tokens + spend.completion_tokens
    line = (
        f"Search spend: {count(spend.n_bought)} calls bought, {count(spend.n_reused)} reused, "
        f"{count(tokens)} tokens ({count(spend.completion_tokens)} of them written)"
    )
    yield line + (f", {usd(spend.spend_nusd / _NUSD_PER_USD)}" if spend.spend_nusd else "")
    if spend.n_uncertain:
        lost = lost_calls(spend.n_uncertain, is_free=not spend.uncertain_nusd)
        yield (
            f"  {lost}, at most {count(spend.uncertain_tokens)} tokens"
            + (f" or {usd(spend.uncertain_nusd / _NUSD_PER_USD)}" if spend.uncertain_nusd else "")
            + f"; the budget counts {'it' if spend.n_uncertain == 1 else 'them'}"
        )
    if spend.n_corrupt + spend.n_duplicate:
        yield (
            f"  besides, {count(spend.n_corrupt)} calls were asked again because their stored "
            f"reply was damaged, and {count(spend.n_duplicate)} were bought by two at once"
        )


def trials_in_words(numbers: Sequence[int]) -> str:
    """``trial 7``, ``trials 0, 2``."""
    return f"trial{'' if len(numbers) == 1 else 's'} {', '.join(map(str, numbers))}"


def lost_calls(n: int, *, is_free: bool) -> str:
    """What is known of calls that went out and did not come back."""
    return f"{counted(n, 'call')} without a reply may have {'run' if is_free else 'been charged'}"


def _print_final(report: StudyReport, final: FinalReport, console: Console) -> None:
    judgement = final.judgement
    trial_of = {line.pipeline_id: line.number for line in report.trials}
    console.print()
    console.print(_standings(judgement, trial_of))
    for _, standing in _rows(judgement):
        line = report.trial_of(standing.pipeline_id)
        seen = report.seen_in_part(line)
        note = f"   (in the search {seen})" if seen else ""
        console.print(f"  trial {line.number}: {describe(standing.architecture)}{note}")
    others = _other_singles(judgement)
    if others:
        said = ", ".join(f"trial {trial_of[one]} {number('quality', mean)}" for one, mean in others)
        console.print(
            f"Other single calls: {said}. Each row is against the one that it beats least surely."
        )
    run_again = {standing.pipeline_id for standing in judgement.standings}
    run_again |= {one for one, _ in others}
    left = [o.number for o in report.trials if o.is_on_front and o.pipeline_id not in run_again]
    if left:
        console.print(f"On the search's front, but not run again: {trials_in_words(left)}.")
    console.print()
    console.print(f"Verdict: {judgement.verdict}")
    if final.held_out_stopped:
        console.print(f"Held-out results are not complete: {final.held_out_stopped}.")
    for warning in final.warnings:
        console.print(f"Note: {warning}")
    console.print(f"The study took {duration(final.elapsed_s)}.")


def _standings(judgement: Judgement, trial_of: Mapping[str, int]) -> Table:
    amounts: list[Objective] = [name for name in judgement.objectives if name != "quality"]
    if judgement.price not in amounts:
        amounts.append(judgement.price)
    made = table(
        "trial",
        "quality",
        *(f"{name} a question" for name in amounts),
        "against the single call",
        "",
        title=f"Held-out questions, as deployed ({judgement.coverage:.0%} intervals)",
        right=("trial",),
    )
    for mark, standing in _rows(judgement):
        versus = standing.versus_baseline
        made.add_row(
            str(trial_of[standing.pipeline_id]),
            interval("quality", standing.quality),
            *(interval(name, standing.amount(name)) for name in amounts),
            _against(versus, judgement, trial_of) if versus else "",
            mark,
        )
    return made


def _other_singles(judgement: Judgement) -> list[tuple[str, float]]:
    """The single calls that were run besides the best one."""
    best = judgement.baseline
    return [one for one in judgement.singles if best is None or one[0] != best.pipeline_id]


def _against(versus: Comparison, judgement: Judgement, trial_of: Mapping[str, int]) -> str:
    """A difference, with the single call that it is to where that is not the best one."""
    best = judgement.baseline
    is_best = best is not None and versus.other_id == best.pipeline_id
    other = trial_of.get(versus.other_id)
    named = "" if is_best or other is None else f" (to trial {other})"
    return difference(versus.difference) + named


def _rows(judgement: Judgement) -> Iterator[tuple[str, Standing]]:
    """Finalists and the best single call, each with what is to be said of it."""
    for standing in judgement.standings:
        marks = [
            "winner" if standing.pipeline_id == judgement.winner_id else "",
            "best single call" if standing is judgement.baseline else "",
            "front" if standing.pipeline_id in judgement.front_ids else "",
        ]
        yield ", ".join(mark for mark in marks if mark), standing
