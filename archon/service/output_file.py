"""May a pipeline file be written here? Asked before anything runs, not after it was paid for."""

from __future__ import annotations

import os
from pathlib import Path

from archon.core.errors import SpecError
from archon.spec.pipeline_file import is_as_written


def check_output(path: Path, *, inputs: tuple[Path, ...] = (), is_forced: bool = False) -> None:
    """Refuse a place where a pipeline cannot or should not be written.

    A pipeline file that is there, and that is still as Archon wrote it, may be replaced: it can be
    made again. Anything else is somebody's work.

    Args:
        path: Where the file is going to stand.
        inputs: Files that the command reads; they are never replaced.
        is_forced: Replace any other file that is there.

    Raises:
        SpecError: Nothing can be written there, or what is there would be lost.
    """
    if any(_is_same(path, given) for given in inputs):
        raise SpecError(f"{path} is the file that this command reads. Name another one.")
    folder = path.parent
    if not folder.is_dir():
        raise SpecError(f"{path}: there is no folder {str(folder)!r}. Make it, or name another.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise SpecError(f"{path}: you may not write into the folder {str(folder)!r}. Name another.")
    if not os.path.lexists(path) or (is_forced and path.is_file()):
        return
    if not path.is_file():
        raise SpecError(f"{path} is there and is no ordinary file. Name another one.")
    if not is_as_written(path):
        raise SpecError(
            f"{path} is there already, and is no pipeline file as Archon wrote it. "
            "Name another file, or add --force."
        )


def _is_same(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except OSError:
        return path.absolute() == other.absolute()
