"""What commands print: texts and tables for people, JSON for programs.

Answers go to standard output, what happens on the way to standard error, so that output can be
piped. Whatever is printed goes through here, so that no text of a model, a file or a server can
move the cursor, set the title or hide a line of a terminal.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import IO, Any, TextIO, cast

from rich.console import Console
from rich.table import Table

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""C0 and C1 without tab and line feed: what terminals obey instead of showing it."""
_JSON_CONTROL = re.compile(r"[\x7f-\x9f]")
"""Those of them that JSON allows as they are."""
_WIDE = 4096
"""Columns where no terminal sets an end: a line of a table is one line for whoever reads it."""


def visible(text: str) -> str:
    r"""The text with control characters as escapes, ``\x1b`` for ESC; ends of lines as ``\n``."""
    return _CONTROL.sub(_escape, text.replace("\r\n", "\n"))


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()


class _Screen(Console):
    """Shows texts, and never obeys them. Markup, highlighting and emoji codes mean nothing."""

    def render_str(self, text: str, **how: Any) -> Any:
        """See ``Console``: every text comes by here, also those in cells and titles of tables."""
        return super().render_str(visible(text), **how)


class _Stream:
    """A standard stream whose reader may go away, as ``head`` does: the work goes on unseen."""

    def __init__(self, stream: IO[str], *, is_needed: bool) -> None:
        """Wrap a stream; one that is not needed may fail in any way."""
        self._stream = stream
        self._is_needed = is_needed

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError as error:
            self._failed(error)
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            self._failed(error)

    def _failed(self, error: OSError) -> None:
        # What is still buffered would fail again, at the latest when the interpreter ends.
        _to_nowhere(self._stream)
        if self._is_needed and not isinstance(error, BrokenPipeError):
            raise _unwritable(error) from error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _to_nowhere(stream: IO[str]) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, stream.fileno())
    finally:
        os.close(nowhere)


def _unwritable(error: OSError) -> Exception:
    from archon.core.errors import ArchonError

    return ArchonError(f"standard output cannot be written: {error.strerror or error}.")


def prepare_streams() -> None:
    """Make the standard streams of this process bear what happens to them.

    What an encoding lacks is written as an escape: a call that was paid for must not be lost
    because a terminal knows ASCII only. Whoever prints, the help included, survives a reader that
    goes away. A stream that is closed leads nowhere.
    """
    sys.stdout = cast(TextIO, _Stream(_opened(sys.stdout), is_needed=True))
    sys.stderr = cast(TextIO, _Stream(_opened(sys.stderr), is_needed=False))


def _opened(stream: IO[str] | None) -> IO[str]:
    if stream is None:  # closed by the shell: >&-
        return open(os.devnull, "w", encoding="utf-8")
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    return stream


def finish_streams() -> None:
    """Write what is buffered, while a failure can still be said in a sentence.

    Raises:
        ArchonError: Standard output cannot be written, e.g. to a full disk.
    """
    sys.stderr.flush()
    sys.stdout.flush()


def out() -> Console:
    """For answers. Nothing in a text is taken for markup, and nothing is highlighted."""
    return _screen(sys.stdout, is_needed=True)


def err() -> Console:
    """For what happens on the way. It may be lost; nothing stops for that."""
    return _screen(sys.stderr, is_needed=False)


def _screen(stream: IO[str], *, is_needed: bool) -> Console:
    return _Screen(
        file=cast(IO[str], _Stream(stream, is_needed=is_needed)),
        width=None if stream.isatty() else _WIDE,
        markup=False,
        highlight=False,
        emoji=False,
        soft_wrap=True,
    )


def say(line: str) -> None:
    """One line of what happens on the way."""
    err().print(line, style="dim")


def write(text: str) -> None:
    """Write a text to standard output exactly as it is.

    Raises:
        ArchonError: It cannot be written.
    """
    stream = _Stream(sys.stdout, is_needed=True)
    stream.write(text)
    stream.flush()


def print_text(text: str) -> None:
    """A text and an end of line: unchanged into a pipe or file, harmless on a terminal."""
    if sys.stdout.isatty():
        out().print(text)
    else:
        write(f"{text}\n")


def print_json(data: object) -> None:
    """One JSON document. Numbers that JSON does not know are refused, not written as NaN."""
    is_ascii = (sys.stdout.encoding or "").lower().replace("-", "") not in ("utf8", "utf8sig")
    text = json.dumps(data, indent=2, ensure_ascii=is_ascii, allow_nan=False)
    write(_JSON_CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + "\n")


def table(
    *columns: str, title: str = "", right: Sequence[str] = (), whole: Sequence[str] = ()
) -> Table:
    """A table without lines.

    Args:
        columns: Their names.
        title: Stands above.
        right: Names of the columns of numbers.
        whole: Names of the columns that are never broken: ids, to be copied.
    """
    made = Table(
        title=title or None, title_justify="left", title_style="bold", box=None, pad_edge=False
    )
    for name in columns:
        made.add_column(
            name,
            justify="right" if name in right else "left",
            overflow="fold",
            no_wrap=name in whole,
        )
    return made
