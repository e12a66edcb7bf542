"""Strict YAML (and so JSON): bytes of a user's file to plain data with the line of every value.

The stream of events is checked while it is read and nothing is constructed from it by the YAML
library: no tags, no anchors (331 bytes of them can stand for gigabytes), no merge keys, one
document, no duplicate keys, bounded size, depth and number of values.
"""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import yaml

from archon.core.errors import Problem, SpecError
from archon.spec.scalars import Surprising, resolve

MAX_BYTES = 256 * 1024
MAX_DEPTH = 32
MAX_NODES = 20_000

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_SIMPLE_KEY = re.compile(r"[\w-]+")
_BAD_CHARACTER = re.compile("[\x00\ud800-\udfff]")
_PAIR = re.compile(r"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|.)")
"""An escape, and among escapes those pairs that JSON writes for one character beyond U+FFFF."""
_BAD_IN_FILE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Document:
    """The plain data of one file, and where each value stands in it."""

    file: str
    data: dict[str, object]
    lines: dict[str, int] = field(default_factory=dict, repr=False)
    """Line by path, e.g. ``{"space.layers[2].fuse": 14}``; counted from 1."""

    def line(self, path: str) -> int | None:
        """The line of ``path``, or of the nearest value around it that is in the file."""
        while path and path not in self.lines:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.lines.get(path)

    def problem(self, path: str, message: str, hint: str = "") -> Problem:
        """A problem at ``path`` of this file, with its line."""
        return Problem(message, file=self.file, line=self.line(path), path=path, hint=hint)


def key_path(parent: str, key: str) -> str:
    """The path of an entry of a mapping: ``a.b``, or ``a['b c']`` where the key needs it."""
    if not _SIMPLE_KEY.fullmatch(key):
        return f"{parent}[{key!r}]"
    return f"{parent}.{key}" if parent else key


def read_document(path: Path) -> Document:
    """Read a job, space or pipeline file.

    Raises:
        SpecError: It cannot be read, or is not strict YAML whose top level is a mapping.
    """
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            what = "a folder" if stat.S_ISDIR(mode) else "not an ordinary file"
            raise SpecError([Problem(f"this is {what}.", file=str(path))])
        with path.open("rb") as source:
            content = source.read(MAX_BYTES + 1)
            size = max(len(content), path.stat().st_size)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise SpecError([Problem(f"cannot be read: {why}.", file=str(path))]) from error
    if size > MAX_BYTES:
        raise SpecError([_too_large(str(path), size)])
    return parse_document(content, str(path))


def parse_document(content: bytes, file: str) -> Document:
    """The same for bytes at hand; ``file`` is the name that stands in messages.

    Raises:
        SpecError: With every problem that was found.
    """
    if len(content) > MAX_BYTES:
        raise SpecError([_too_large(file, len(content))])
    text = _decode(content, file)
    is_json = text.lstrip().startswith("{")
    if is_json and _PAIR.search(text) and _is_strict_json(text):
        text = _PAIR.sub(_joined, text)
    builder = _Builder(file, is_json=is_json)
    try:
        for event in _events(text):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        builder.problems.append(_syntax_problem(error, text, file))
    except (yaml.YAMLError, UnicodeError) as error:
        builder.problems.append(Problem(f"this is not YAML: {error}.", file=file))
    except _Enough:
        pass
    root = builder.root
    if not builder.problems and not isinstance(root, dict):
        builder.problems.append(_wrong_root(root, file))
    if builder.problems:
        raise SpecError(sorted(builder.problems, key=lambda problem: problem.line or 0))
    return Document(file, cast(dict[str, object], root), builder.lines)


def _events(text: str) -> Iterator[yaml.Event]:
    return yaml.parse(text, Loader=_LOADER)


def _is_strict_json(text: str) -> bool:
    """Whether backslashes mean what they mean in JSON; in YAML they may stand for themselves."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _joined(escape: re.Match[str]) -> str:
    if escape[1] is None:
        return escape[0]
    return bytes.fromhex(escape[1] + escape[2]).decode("utf-16-be")


def _too_large(file: str, size: int) -> Problem:
    return Problem(f"the file has {size:,} bytes; at most {MAX_BYTES:,} are read.", file=file)


def _decode(content: bytes, file: str) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        message = "byte 0: the file is UTF-16."
        raise SpecError([Problem(message, file=file, line=1, hint="Save it as UTF-8.")])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = f"byte {error.start} (0x{content[error.start]:02x}) is not UTF-8."
        raise SpecError(
            [Problem(message, file=file, line=line, hint="Save it as UTF-8.")]
        ) from None
    if bad := _BAD_IN_FILE.search(text):
        line = text.count("\n", 0, bad.start()) + 1
        raise SpecError(
            [Problem(f"the character {bad[0]!r} is not allowed.", file=file, line=line)]
        )
    return text


def _wrong_root(root: object, file: str) -> Problem:
    if root is None:
        return Problem("the file is empty.", file=file)
    return Problem(f"expected a mapping, got {_kind(root)}.", file=file, line=1)


def _kind(value: object) -> str:
    return "a list" if isinstance(value, list) else "a single value"


def _syntax_problem(error: yaml.MarkedYAMLError, text: str, file: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return Problem(f"this is not YAML: {error.problem}.", file=file)
    lines = text.splitlines()
    here = lines[mark.line] if mark.line < len(lines) else ""
    said = error.problem or "unreadable"
    where = f"column {mark.column + 1}: {said}"
    if error.context_mark is not None and error.context_mark.line != mark.line:
        where += f" ({error.context} that starts on line {error.context_mark.line + 1})"
    hint = ""
    if "\t" in here[: len(here) - len(here.lstrip())]:
        hint = "There is a tab in the indentation: use spaces."
    elif "mapping values" in said:
        hint = "Quote values that contain a colon."
    elif "Unicode character escape" in said:
        hint = "Write the character itself: half a pair of escapes is none."
    elif "expected" in said and (error.context or "").startswith("while parsing a flow"):
        hint = "Is a bracket left open, or a comma missing?"
    return Problem(f"{where}.", file=file, line=mark.line + 1, hint=hint)


class _Enough(Exception):
    """A bound is passed: reading on would only cost time."""


@dataclass(slots=True)
class _Open:
    """A list or mapping that is being read. ``key`` is None where a key is expected."""

    path: str
    value: list[object] | dict[str, object]
    key: str | None = None
    key_lines: dict[str, int] = field(default_factory=dict)


class _Builder:
    """Turns events into plain data and collects problems; it holds no more than the file does."""

    def __init__(self, file: str, *, is_json: bool) -> None:
        self.file = file
        self.is_json = is_json
        self.root: object = None
        self.lines: dict[str, int] = {}
        self.problems: list[Problem] = []
        self._open: list[_Open] = []
        self._nodes = 0
        self._documents = 0
        self._skip_depth = 0

    def take(self, event: yaml.Event) -> None:
        """Take the next event in order."""
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.DocumentStartEvent):
            self._start_document(line)
        elif isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
            self._close()
        elif isinstance(event, yaml.NodeEvent):
            self._count(line)
            self._check_node(event, line)
            if self._skip_depth or self._is_complex_key(event, line):
                self._skip_depth += isinstance(event, yaml.CollectionStartEvent)
            else:
                self._take_node(event, line)

    def _take_node(self, event: yaml.NodeEvent, line: int) -> None:
        if isinstance(event, yaml.SequenceStartEvent):
            self._start([], line)
        elif isinstance(event, yaml.MappingStartEvent):
            self._start({}, line)
        elif isinstance(event, yaml.ScalarEvent) and self._wants_key():
            self._take_key(event, line)
        elif isinstance(event, yaml.ScalarEvent):
            self._place(self._scalar(event, line), line)
        else:
            self._place(None, line)

    def _start_document(self, line: int) -> None:
        self._documents += 1
        if self._documents > 1:
            self._say(line, "", "a second document starts here.", "Keep one document a file.")
            raise _Enough

    def _count(self, line: int) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            self._say(line, "", f"the file holds more than {MAX_NODES:,} values.")
            raise _Enough

    def _check_node(self, event: yaml.NodeEvent, line: int) -> None:
        if isinstance(event, yaml.AliasEvent):
            self._say(
                line, self._here(), f"aliases (*{event.anchor}) are not allowed.", "Repeat it."
            )
        elif event.anchor is not None:
            self._say(line, self._here(), f"anchors (&{event.anchor}) are not allowed.")
        if getattr(event, "tag", None) is not None:
            self._say(line, self._here(), "tags (!) are not allowed.", "Quote text that has a !.")

    def _wants_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].value, dict) and self._key() is None

    def _key(self) -> str | None:
        return self._open[-1].key

    def _is_complex_key(self, event: yaml.NodeEvent, line: int) -> bool:
        if not self._wants_key() or isinstance(event, yaml.ScalarEvent):
            return False
        self._say(line, self._open[-1].path, "a key must be a single word.")
        self._open[-1].key = ""
        return True

    def _take_key(self, event: yaml.ScalarEvent, line: int) -> None:
        within, key = self._open[-1], event.value
        within.key = key
        path = key_path(within.path, key)
        if _BAD_CHARACTER.search(key):
            self._say(line, within.path, "a key has a character that is not allowed (NUL).")
        if key == "<<" and event.implicit[0]:
            self._say(line, within.path, "merge keys (<<) are not allowed.", "Repeat the entries.")
        elif not key:
            self._say(line, within.path, "a key is empty.")
        elif key in within.key_lines:
            first = within.key_lines[key]
            self._say(line, path, f"the key {key!r} stands here and on line {first}.")
        else:
            self.lines[path] = line
        within.key_lines.setdefault(key, line)

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> object:
        text = event.value
        if _BAD_CHARACTER.search(text):
            self._say(line, self._here(), "a character is not allowed (NUL or half a pair).")
            return None
        if not event.implicit[0]:
            return text
        try:
            return resolve(text, is_json=self.is_json)
        except Surprising as surprise:
            self._say(line, self._here(), str(surprise), surprise.hint)
            return None

    def _start(self, value: list[object] | dict[str, object], line: int) -> None:
        path = self._here()
        self._place(value, line)
        self._open.append(_Open(path, value))
        if len(self._open) > MAX_DEPTH:
            self._say(line, "", f"values are nested more than {MAX_DEPTH} deep.")
            raise _Enough

    def _close(self) -> None:
        if self._skip_depth:
            self._skip_depth -= 1
        else:
            self._open.pop()

    def _here(self) -> str:
        """Path of the value that comes next."""
        if not self._open:
            return ""
        within = self._open[-1]
        if isinstance(within.value, list):
            return f"{within.path}[{len(within.value)}]"
        return key_path(within.path, within.key) if within.key else within.path

    def _place(self, value: object, line: int) -> None:
        self.lines.setdefault(self._here(), line)
        if not self._open:
            self.root = value
            return
        within = self._open[-1]
        if isinstance(within.value, list):
            within.value.append(value)
        elif within.key is not None:
            within.value.setdefault(within.key, value)
            within.key = None

    def _say(self, line: int, path: str, message: str, hint: str = "") -> None:
        self.problems.append(Problem(message, file=self.file, line=line, path=path, hint=hint))
