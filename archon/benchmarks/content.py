"""A user's file as bytes: what may be read, and how much of it."""

from __future__ import annotations

import gzip
import stat
import zlib
from pathlib import Path

from archon.core.errors import Problem, SpecError

MAX_BYTES = 200_000_000
MAX_RATIO = 100
"""A gzip file may unpack to this many times its size; text packs some ten times."""
_FREE_BYTES = 1_000_000
"""The ratio is not looked at before this much has come out: tiny files may pack very well."""
_CHUNK = 1 << 20
_FORBIDDEN = "you may not read this file."
_PERMISSIONS = "Check its permissions."
_QUESTIONS = (
    'Put your questions there, e.g. one a line as {"id": "q1", "input": "Why?", "target": "So."}.'
)


def checked_path(path: str | Path) -> Path:
    """The path, if a regular file of bearable size is there.

    Raises:
        SpecError: It is missing, no regular file, unreadable or too large; says which.
    """
    name = str(path)
    if "\0" in name:
        raise _refusal(name.replace("\0", "\\0"), "a path cannot hold a NUL character.")
    try:
        status = Path(path).stat()
    except FileNotFoundError as error:
        raise _refusal(name, "there is no such file.", _QUESTIONS) from error
    except PermissionError as error:
        raise _refusal(name, "you may not look there.", _PERMISSIONS) from error
    except OSError as error:
        raise _refusal(name, f"it cannot be read ({error.strerror}).") from error
    if stat.S_ISDIR(status.st_mode):
        raise _refusal(name, "this is a directory.", "Name a .jsonl, .csv or .parquet file.")
    if not stat.S_ISREG(status.st_mode):
        raise _refusal(name, "this is a pipe, socket or device.", "Only regular files are read.")
    if status.st_size > MAX_BYTES:
        raise _refusal(name, f"{status.st_size:,} bytes; the limit is {MAX_BYTES:,}.")
    return Path(path)


def first_bytes(path: Path, n: int) -> bytes:
    """The first ``n`` bytes of a checked path.

    Raises:
        SpecError: It may not be read.
    """
    try:
        with path.open("rb") as source:
            return source.read(n)
    except PermissionError as error:
        raise _refusal(str(path), _FORBIDDEN, _PERMISSIONS) from error


def read_bytes(path: Path) -> bytes:
    """The content of a checked path, unpacked where its name ends in ``.gz``.

    Raises:
        SpecError: It may not be read, is no gzip file, or unpacks to too much.
    """
    try:
        if path.suffix == ".gz":
            return _unpacked(path)
        return path.read_bytes()
    except PermissionError as error:
        raise _refusal(str(path), _FORBIDDEN, _PERMISSIONS) from error
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise _refusal(str(path), f"this is not a whole gzip file ({error}).") from error


def decoded(content: bytes, file: str) -> str:
    """UTF-8 text, without a byte order mark.

    Raises:
        SpecError: A byte is not UTF-8, or is NUL; says at which offset and line.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = f"byte {content[error.start]:#04x} at offset {error.start:,} is not UTF-8."
        raise _refusal(file, message, "Save the file as UTF-8.", line) from error
    if (at := text.find("\0")) >= 0:
        line = text.count("\n", 0, at) + 1
        raise _refusal(file, "there is a NUL character.", "Remove it.", line)
    return text


def _unpacked(path: Path) -> bytes:
    packed = max(1, path.stat().st_size)
    parts, size = [], 0
    with gzip.open(path) as source:
        while chunk := source.read(_CHUNK):
            parts.append(chunk)
            size += len(chunk)
            if size > MAX_BYTES:
                raise _refusal(str(path), f"it unpacks to more than {MAX_BYTES:,} bytes.")
            if size > _FREE_BYTES and size > MAX_RATIO * packed:
                message = f"it unpacks to more than {MAX_RATIO} times its size."
                raise _refusal(str(path), message, "Unpack it yourself if you trust it.")
    return b"".join(parts)


def _refusal(file: str, message: str, hint: str = "", line: int | None = None) -> SpecError:
    return SpecError([Problem(message, file=file, line=line, hint=hint)])
