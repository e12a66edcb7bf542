"""Plain data to YAML text that ``yaml_source`` reads back as the same data, and to a file whole."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import yaml

from archon.core.errors import ArchonError
from archon.spec.scalars import is_plain_text

UNLIMITED = 1 << 20
"""Columns of a line that is never broken."""


class _Dumper(yaml.SafeDumper):
    """No aliases, and quotes around every text that could be read as something else."""

    def ignore_aliases(self, data: object) -> bool:
        return True

    def text(self, value: str) -> yaml.ScalarNode:
        style = None if is_plain_text(value) and value.isprintable() else '"'
        return self.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _Dumper.text)


def to_yaml(data: dict[str, object]) -> str:
    """The one YAML text of ``data``: keys in their order, one line an entry, short lists inline."""
    return yaml.dump(
        data,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=None,
        width=100,
    )


def to_inline(value: object) -> str:
    """The YAML text of a value on one line, as it can stand behind a key."""
    text = yaml.dump(
        [value],
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=True,
        width=UNLIMITED,
    )
    return text.strip()[1:-1]


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file so that at every moment the old or the new one is there, never a part.

    Raises:
        ArchonError: It cannot be written; the old file, if any, is as it was.
    """
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(
            "wb", dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as target:
            temporary = Path(target.name)
            target.write(content.encode() if isinstance(content, str) else content)
            target.flush()
            os.fsync(target.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise ArchonError(f"{path}: cannot be written: {error.strerror or error}.") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make the new name durable. Windows cannot open folders, and needs no such thing."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
