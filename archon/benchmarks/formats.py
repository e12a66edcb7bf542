"""The rows of a file: JSONL, CSV and Parquet. Each reader goes on after a bad row."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import orjson

from archon.benchmarks.content import MAX_BYTES, decoded, first_bytes, read_bytes
from archon.benchmarks.rows import Row
from archon.core.errors import Problem, SpecError

Reading = tuple[list[Row], list[Problem]]
"""Rows that could be read, and what was wrong with the others."""

_NOT_FINITE = re.compile(r"(-?Infinity|NaN)\b")
_LONG_NUMBER = re.compile(r"\d{19}")
"""Whole numbers from 2**64 on have at least so many digits; orjson rounds them."""


def read_jsonl(path: Path) -> Reading:
    """One JSON object a line. Blank lines, a byte order mark and CRLF do no harm."""
    rows: list[Row] = []
    problems: list[Problem] = []
    file = str(path)
    for number, line in enumerate(decoded(read_bytes(path), file).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            data = orjson.loads(line)
            if _LONG_NUMBER.search(line):
                data = json.loads(line)
            rows.append(Row(number, data))
        except orjson.JSONDecodeError as error:
            problems.append(_broken(file, number, line, error))
        except (ValueError, RecursionError) as error:
            problems.append(Problem(f"a number or a nesting is too large: {error}.", file, number))
    return rows, problems


def _broken(file: str, number: int, line: str, error: orjson.JSONDecodeError) -> Problem:
    place = f"column {error.colno}"
    # The error is at the number's first character, or behind its sign.
    places = (max(0, error.pos - 1), error.pos)
    if match := next(filter(None, (_NOT_FINITE.match(line, at) for at in places)), None):
        message = f"{match.group(1)} is not JSON and not a finite number."
        return Problem(message, file, number, place)
    hint = "One whole JSON object a line is expected." if line.lstrip()[:1] in "[]{}" else ""
    return Problem(f"this is not JSON: {error.msg}.", file, number, place, hint)


def read_csv(path: Path) -> Reading:
    """Comma-separated, quoted by RFC 4180, the first line names the fields; cells are text."""
    usual = csv.field_size_limit(MAX_BYTES)  # of the whole process, so it is put back
    try:
        return _csv_rows(path)
    finally:
        csv.field_size_limit(usual)


def _csv_rows(path: Path) -> Reading:
    file = str(path)
    reader = csv.reader(io.StringIO(decoded(read_bytes(path), file), newline=""), strict=True)
    rows: list[Row] = []
    problems: list[Problem] = []
    header: list[str] = []
    line = 1
    try:
        for cells in reader:
            if cells and not header:
                header = _header(cells, file)
            elif cells and len(cells) != len(header):
                message = f"{len(cells)} cells, but the header names {len(header)} fields."
                problems.append(Problem(message, file, line, hint="Is a comma unquoted?"))
            elif cells:
                rows.append(Row(line, dict(zip(header, cells, strict=True)), is_text=True))
            line = reader.line_num + 1
    except csv.Error as error:
        problems.append(Problem(f"this is not CSV: {error}.", file, line))
    return rows, problems


def _header(cells: list[str], file: str) -> list[str]:
    names = [cell.strip() for cell in cells]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SpecError([Problem(f"two fields are named {twice[0]!r}.", file, 1)])
    return names


def read_parquet(path: Path) -> Reading:
    """A Parquet file; its rows are numbered from 1."""
    import pyarrow
    import pyarrow.parquet

    file = str(path)
    try:
        with pyarrow.parquet.ParquetFile(path) as source:
            groups = range(source.metadata.num_row_groups)
            size = sum(source.metadata.row_group(i).total_byte_size for i in groups)
            if size > MAX_BYTES:
                message = f"it unpacks to {size:,} bytes; the limit is {MAX_BYTES:,}."
                raise SpecError([Problem(message, file)])
            data = source.read().to_pylist()
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        first = (str(error).splitlines() or ["unreadable"])[0]
        message = f"this is not a whole Parquet file: {first}."
        raise SpecError([Problem(message, file)]) from error
    return [Row(number, row) for number, row in enumerate(data, start=1)], []


FORMATS: Mapping[str, Callable[[Path], Reading]] = MappingProxyType(
    {
        ".jsonl": read_jsonl,
        ".jsonl.gz": read_jsonl,
        ".csv": read_csv,
        ".csv.gz": read_csv,
        ".parquet": read_parquet,
    }
)


def reader_of(path: Path) -> Callable[[Path], Reading]:
    """The reader for a file's name.

    Raises:
        SpecError: The extension is not known, or the content is plainly something else.
    """
    suffixes = [suffix for suffix in FORMATS if path.name.lower().endswith(suffix)]
    if not suffixes:
        message = f"the format of {path.suffix or 'a file without extension'!r} is not known."
        raise SpecError([Problem(message, str(path), hint=f"Use {', '.join(FORMATS)}.")])
    looks = _sniffed(first_bytes(path, 4))
    if looks and not suffixes[0].endswith(looks):
        message = f"the name ends in {suffixes[0]}, but the content is {looks[1:]}."
        raise SpecError([Problem(message, str(path), hint="Rename it.")])
    return FORMATS[suffixes[0]]


def _sniffed(start: bytes) -> str:
    """The extension that a file's first four bytes prove ("" if they prove nothing)."""
    if start == b"PAR1":
        return ".parquet"
    return ".gz" if start[:2] == b"\x1f\x8b" else ""
