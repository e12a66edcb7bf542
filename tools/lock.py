"""Write the locked requirements anew: ``make lock``. For maintainers; users only install them.

Every lock holds exact versions with the hashes of all files of a release, so that one lock serves
every supported Python and platform. A later lock leaves out what an earlier one holds, and agrees
with it, so that any of them install together.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "requirements"
TORCH = ("torch", "torchvision", "torchaudio", "torchcodec")
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
RECIPES: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("core", ("pyproject.toml", "--build-deps-for", "editable"), ()),
    ("hosted", ("pyproject.toml", "--extra", "hosted"), ("core",)),
    ("postgres", ("pyproject.toml", "--extra", "postgres"), ("core",)),
    ("engine-cpu", ("requirements/engine-cpu.in",), ("core", "hosted")),
    ("engine-cuda", ("requirements/engine-cuda.in",), ("core", "hosted")),
    ("dev", ("pyproject.toml", "--extra", "dev"), ("core", "hosted", "postgres", "engine-cpu")),
)
"""Name of the lock, what it is made of, and the earlier locks it has to agree with."""


def blocks(lock: str) -> dict[str, str]:
    """The text of each pin of a lock, with its hashes, by the package's name."""
    found = re.findall(r"^(?=[A-Za-z0-9])(?:.*\\\n)*.*\n", lock, flags=re.MULTILINE)
    return {re.split(r"[=\s\[;]", block, maxsplit=1)[0].lower(): block for block in found}


def without(pins: dict[str, str], *left_out: object) -> str:
    """A lock of ``pins`` less those whose names are in ``left_out`` (containers of names)."""
    kept = (text for name, text in pins.items() if not any(name in out for out in left_out))  # type: ignore[operator]
    return HEADER + "".join(kept)


def compile_lock(name: str, source: tuple[str, ...], earlier: tuple[str, ...]) -> None:
    """Write ``requirements/NAME.txt``; versions that stand there already are kept if they fit."""
    lock = LOCKS / f"{name}.txt"
    with tempfile.TemporaryDirectory() as scratch:
        whole = Path(scratch) / "lock.txt"
        texts = [(LOCKS / f"{one}.txt").read_text() for one in earlier]
        constraints = Path(scratch) / "earlier.txt"
        constraints.write_text("".join(texts))
        whole.write_text(lock.read_text() if lock.exists() else "")
        limits = ("--constraint", str(constraints)) if earlier else ()
        command = [sys.executable, "-m", "piptools", "compile", *OPTIONS, *source, *limits]
        subprocess.run([*command, "--output-file", str(whole)], cwd=ROOT, check=True)
        held = [blocks(text) for text in texts]
        torch = TORCH if name == "engine-cpu" else ()
        lock.write_text(without(blocks(whole.read_text()), torch, *held))


def main(names: list[str]) -> None:
    """Compile the named locks (all, if none is named) in the order in which they build up."""
    for name, source, earlier in RECIPES:
        if not names or name in names:
            print(f"locking {name} ...", flush=True)
            compile_lock(name, source, earlier)


if __name__ == "__main__":
    main(sys.argv[1:])
