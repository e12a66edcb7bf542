"""Puts what is wrong with a job's questions where the user can change it: into the job file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from archon.benchmarks.fields import MISSING, look_up
from archon.benchmarks.formats import reader_of
from archon.components.table import suggest
from archon.core.errors import ArchonError, Problem, SpecError
from archon.spec.job import JobSpec

N_LOOKED_AT = 200
_SIDES = {"held_out": "benchmark.held_out", "search": "benchmark.held_out"}
"""Sides of the split, with the key that decides how large they are."""


def in_job_file(error: SpecError, job: JobSpec) -> SpecError:
    """The same problems, those that the job file causes with its line and key.

    Args:
        error: What loading, checking or splitting the questions said.
        job: The job.
    """
    wrong_fields = _wrong_fields(error, job)
    problems = list(error.problems)
    if all(problem.line is None for problem in problems):
        # Of several problems, one without a line counts the others.
        problems = [_placed(problem, job) for problem in problems]
    if not wrong_fields:
        return SpecError(problems)
    # Where no row has a target, that examples (which have no path) cannot be scored follows.
    follows = (
        {*wrong_fields, ""} if job.benchmark.fields.target in wrong_fields else {*wrong_fields}
    )
    rest = [p for p in problems if p.path not in follows and p.line is not None]
    return SpecError([*wrong_fields.values(), *rest])


def _placed(problem: Problem, job: JobSpec) -> Problem:
    if key := _SIDES.get(problem.path):
        return job.source.problem(key, problem.message, problem.hint)
    is_whole_file = not problem.path and problem.file in (job.benchmark.location, "")
    if is_whole_file and job.benchmark.source == "file":
        said = f"{job.benchmark.location}: {problem.message}"
        return job.source.problem("benchmark.file", said, problem.hint)
    return problem


def _wrong_fields(error: SpecError, job: JobSpec) -> dict[str, Problem]:
    """By the name of a field that no row has: the problem of the key that names it."""
    fields = job.benchmark.fields
    keys = {"question": fields.question, "target": fields.target, "id": fields.id}
    blamed = {problem.path.removeprefix("fields.") for problem in error.problems}
    blamed |= {str(name) for key, name in keys.items() if key in blamed}
    rows: Sequence[Mapping[str, object]] | None = None
    found: dict[str, Problem] = {}
    written = job.source.data["benchmark"]
    given = written.get("fields") if isinstance(written, Mapping) else None
    for key, name in keys.items():
        is_given = isinstance(given, Mapping) and key in given
        # A target that is looked for in vain is no fault of a row: the scorer misses it.
        if name is None or not (name in blamed or (key == "target" and is_given)):
            continue
        rows = _rows(job) if rows is None else rows
        if rows and all(look_up(row, name) is MISSING for row in rows):
            names = sorted({str(known) for row in rows for known in row})
            hint = "Without ids, write fields: {id: null}." if key == "id" else ""
            message = f"no row has a field {name!r}."
            hint = hint or suggest(name, names).strip()
            found[name] = job.source.problem(f"benchmark.fields.{key}", message, hint)
    return found


def _rows(job: JobSpec) -> list[Mapping[str, object]]:
    """The first rows of the file as they are."""
    if job.benchmark.source != "file":
        return []
    path = Path(job.benchmark.location)
    try:
        rows, _ = reader_of(path)(path)
    except ArchonError:
        return []
    return [row.data for row in rows[:N_LOOKED_AT] if isinstance(row.data, Mapping)]


def without_place(error: SpecError, file: str, flags: Mapping[str, str]) -> SpecError:
    """The problems of a file that is not there: by the flag that caused each, and no line.

    Args:
        error: What is wrong with the text of the file.
        file: Its name in messages.
        flags: Key of the file and flag.
    """
    return SpecError([_by_flag(p, flags) if p.file == file else p for p in error.problems])


def _by_flag(problem: Problem, flags: Mapping[str, str]) -> Problem:
    keys = [key for key in flags if (problem.path + ".").startswith(key + ".")]
    path = flags[max(keys, key=len)] if keys else problem.path
    return replace(problem, file="", line=None, path=path)
