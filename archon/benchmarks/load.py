"""From files and tables to benchmarks. All that is wrong is said at once, before anything runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from importlib.resources import as_file, files
from pathlib import Path

from archon.benchmarks.content import checked_path
from archon.benchmarks.examples import Benchmark, Example
from archon.benchmarks.fields import MISSING, FieldMap, look_up
from archon.benchmarks.formats import reader_of
from archon.benchmarks.plain import RowError
from archon.benchmarks.rows import Row, to_example
from archon.components.table import suggest
from archon.core.errors import Problem, SpecError

MAX_SHOWN = 20
"""Problems that are shown one by one; the rest is counted."""


def load(
    path: str | Path,
    fields: FieldMap | None = None,
    *,
    name: str = "",
    skip_bad_rows: bool = False,
) -> Benchmark:
    """Load a JSONL, CSV or Parquet file.

    Args:
        path: The file; its extension tells its format, ``.gz`` is unpacked.
        fields: Where a row keeps what; by default id, input, target, choices, metadata.
        name: Name of the benchmark; by default the file's name without extensions.
        skip_bad_rows: Leave out rows that cannot be used, and say in the benchmark's warnings
            which, instead of refusing the file.

    Raises:
        SpecError: The file cannot be read, rows are wrong, or none is left.
    """
    checked = checked_path(path)
    rows, problems = reader_of(checked)(checked)
    return _assemble(
        name or checked.name.split(".")[0],
        rows,
        problems,
        fields or FieldMap(),
        source=str(path),
        skip_bad_rows=skip_bad_rows,
    )


def from_rows(
    rows: Iterable[object],
    name: str,
    fields: FieldMap | None = None,
    *,
    source: str = "",
    skip_bad_rows: bool = False,
) -> Benchmark:
    """Make a benchmark of rows in memory, e.g. those of a Hugging Face ``Dataset``.

    Args:
        rows: Mappings; they are numbered from 1 in messages.
        name: Name of the benchmark.
        fields: Where a row keeps what.
        source: Where the rows come from, for messages.
        skip_bad_rows: As for ``load``.

    Raises:
        SpecError: Rows are wrong, or there is none.
    """
    numbered = [Row(number, row) for number, row in enumerate(rows, start=1)]
    return _assemble(
        name,
        numbered,
        [],
        fields or FieldMap(),
        source=source or name,
        skip_bad_rows=skip_bad_rows,
    )


def shipped(name: str) -> Benchmark:
    """A benchmark that comes with Archon.

    Raises:
        SpecError: There is none of this name.
    """
    data = files("archon.benchmarks") / "data"
    known = sorted(f.name.removesuffix(".jsonl") for f in data.iterdir() if ".jsonl" in f.name)
    if name not in known:
        message = f"no benchmark {name!r} comes with Archon."
        raise SpecError([Problem(message, hint=f"There is: {', '.join(known)}.")])
    with as_file(data / f"{name}.jsonl") as path:
        return load(path, name=name)


def _assemble(
    name: str,
    rows: Sequence[Row],
    problems: Sequence[Problem],
    fields: FieldMap,
    *,
    source: str,
    skip_bad_rows: bool,
) -> Benchmark:
    _check_fields(rows, fields, source)
    without: set[str] = set()
    examples, more = _examples(rows, fields, source, without)
    wrong = sorted([*problems, *more], key=lambda problem: problem.line or 0)
    if wrong and not skip_bad_rows:
        raise SpecError(_shown(wrong, source))
    if not examples:
        hint = f"All {len(wrong)} rows are unusable." if wrong else "The file is empty."
        raise SpecError([Problem("the benchmark has no rows.", source, hint=hint)])
    warnings = [f"{len(wrong)} rows were left out: {_lines(wrong)}."] if wrong else []
    if without:
        warnings.append(
            f"Metadata without {', '.join(map(repr, sorted(without)))}: some rows hold "
            "what has no text form there."
        )
    return Benchmark.of(name, examples, source=source, warnings=warnings)


def _check_fields(rows: Sequence[Row], fields: FieldMap, source: str) -> None:
    """Refuse a field that the job names and no row has: said once, not for every row.

    Raises:
        SpecError: There is one; says which fields there are.
    """
    data = [row.data for row in rows if isinstance(row.data, Mapping)]
    names = list(dict.fromkeys(str(name) for row in data for name in row))
    usual = FieldMap()
    for what in ("question", "target", "choices"):
        name = getattr(fields, what)
        is_usual = name == getattr(usual, what)
        if data and not is_usual and all(look_up(row, name) is MISSING for row in data):
            there = ", ".join(names[:MAX_SHOWN])
            message = f"there is no field {name!r}; there is: {there}."
            hint = suggest(name, names) if get_close_matches(name, names, n=1) else ""
            raise SpecError([Problem(message, source, path=f"fields.{what}", hint=hint.strip())])


def _examples(
    rows: Sequence[Row], fields: FieldMap, source: str, without: set[str]
) -> tuple[list[Example], list[Problem]]:
    examples: list[Example] = []
    problems: list[Problem] = []
    first_line: dict[str, int] = {}
    for row in rows:
        try:
            example = to_example(row, fields, without)
        except RowError as error:
            problems.append(Problem(str(error), source, row.line, error.field, error.hint))
            continue
        if example.id in first_line:
            problems.append(_repeated(example, first_line[example.id], fields, source))
            continue
        first_line[example.id] = row.line
        examples.append(example)
    return examples, problems


def _repeated(example: Example, first: int, fields: FieldMap, source: str) -> Problem:
    if fields.id is None:
        return Problem(f"this is the same question as in line {first}.", source, example.line)
    message = f"{example.id!r} is already the id of line {first}."
    return Problem(message, source, example.line, fields.id)


def _shown(problems: Sequence[Problem], source: str) -> list[Problem]:
    shown = list(problems[:MAX_SHOWN])
    if len(problems) > MAX_SHOWN:
        shown.append(
            Problem(f"{len(problems)} rows are wrong; the first {MAX_SHOWN} are shown.", source)
        )
    return shown


def _lines(problems: Sequence[Problem]) -> str:
    numbers = ", ".join(str(problem.line) for problem in problems[:MAX_SHOWN])
    return f"lines {numbers}" + (", ..." if len(problems) > MAX_SHOWN else "")
