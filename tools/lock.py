"""Write the locked requirements anew: ``make lock``. For maintainers; users only install them.

Every lock holds exact versions with the hashes of all files of a release, so that one lock serves
every supported Python and platform. A lock leaves out only what the core's holds, because that is
the one set that is always there; it agrees with the locks that may stand beside it.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Container
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "requirements"
SOURCE_ONLY = ("langdetect",)
"""Packages without a wheel: kept in NAME-source.txt, and built with the locked setuptools."""
OPTIONS = (
    "--quiet",
    "--generate-hashes",
    "--strip-extras",
    "--allow-unsafe",
    "--no-header",
    "--no-annotate",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--no-emit-trusted-host",
    "--no-emit-options",
)
HEADER = "# Written by `make lock`. Do not edit.\n"


@dataclass(frozen=True)
class Recipe:
    """What one lock is made of."""

    name: str
    source: tuple[str, ...]
    """Arguments of pip-compile: a file of requirements, or an extra of the project."""
    agrees_with: tuple[str, ...] = ()
    """Earlier locks that may be installed beside this one, the core's first."""
    left_out: tuple[str, ...] = ("pip",)
    """Patterns of the names of packages that something else than this lock brings."""


RECIPES = (
    Recipe("core", ("pyproject.toml", "--build-deps-for", "editable")),
    Recipe("hosted", ("pyproject.toml", "--extra", "hosted"), ("core",)),
    Recipe("postgres", ("pyproject.toml", "--extra", "postgres"), ("core", "hosted")),
    Recipe(
        "engine-cpu",
        ("requirements/engine-cpu.in",),
        ("core", "hosted", "postgres"),
        ("pip", "torch*", "nvidia-*", "cuda-*"),
    ),
    Recipe(
        "dev",
        ("pyproject.toml", "--extra", "dev", "--extra", "datasets", "--extra", "ifeval"),
        ("core", "hosted", "postgres", "engine-cpu"),
    ),
    Recipe(
        "engine-cuda",
        ("requirements/engine-cuda.in",),
        ("core", "hosted", "postgres", "dev"),
    ),
)
"""In the order in which they build up. The two engines are never installed together."""


def blocks(lock: str) -> dict[str, str]:
    """The text of each pin of a lock, with its hashes, by the package's name."""
    found = re.findall(r"^(?=[A-Za-z0-9])(?:.*\\\n)*.*\n", lock, flags=re.MULTILINE)
    return {re.split(r"[=\s\[;]", block, maxsplit=1)[0].lower(): block for block in found}


def divide(
    pins: dict[str, str], left_out: tuple[str, ...], held: Container[str]
) -> tuple[str, str]:
    """The two texts of a lock, the second for packages that come as source only.

    Left out are names that match a pattern of ``left_out``, and names that are ``held`` elsewhere.
    """
    ours = [n for n in pins if n not in held and not any(fnmatch(n, p) for p in left_out)]
    kept = {name: pins[name] for name in ours}
    wheels = "".join(pin for name, pin in kept.items() if name not in SOURCE_ONLY)
    sources = "".join(pin for name, pin in kept.items() if name in SOURCE_ONLY)
    return HEADER + wheels, HEADER + sources if sources else ""


def compile_lock(recipe: Recipe) -> None:
    """Write ``requirements/NAME.txt``; versions that stand there already are kept if they fit."""
    wheels, sources = LOCKS / f"{recipe.name}.txt", LOCKS / f"{recipe.name}-source.txt"
    texts = [(LOCKS / f"{one}.txt").read_text() for one in recipe.agrees_with]
    with tempfile.TemporaryDirectory() as scratch:
        whole, earlier = Path(scratch) / "lock.txt", Path(scratch) / "earlier.txt"
        earlier.write_text("".join(texts))
        whole.write_text("".join(f.read_text() for f in (wheels, sources) if f.exists()))
        limits = ("--constraint", str(earlier)) if texts else ()
        command = [sys.executable, "-m", "piptools", "compile", *OPTIONS, *recipe.source, *limits]
        subprocess.run([*command, "--output-file", str(whole)], cwd=ROOT, check=True)
        pins = blocks(whole.read_text())
    held = blocks(texts[0]) if texts else {}
    for file, text in zip((wheels, sources), divide(pins, recipe.left_out, held), strict=True):
        if text:
            file.write_text(text)
        else:
            file.unlink(missing_ok=True)


def main(names: list[str]) -> None:
    """Compile the named locks (all, if none is named) in the order in which they build up."""
    for recipe in RECIPES:
        if not names or recipe.name in names:
            print(f"locking {recipe.name} ...", flush=True)
            compile_lock(recipe)


if __name__ == "__main__":
    main(sys.argv[1:])
