"""Which build of vLLM this machine can run. The one place where that is decided.

Standard library only: the installation asks it before anything is installed.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Build = Literal["cuda", "cpu"]

OTHER_WAYS = """\
Two ways work here:
  a hosted model      export OPENAI_API_KEY=...  and  make quickstart MODEL=openai/gpt-4.1-mini
  your own endpoint   make quickstart URL=http://localhost:8000/v1 MODEL=name-that-it-serves
                      (any server, near or far, that speaks OpenAI's protocol)"""


@dataclass(frozen=True, slots=True)
class Machine:
    """What the choice depends on."""

    system: str
    """As ``platform.system()`` names it: Linux, Darwin, Windows."""
    architecture: str
    """As ``platform.machine()`` names it: x86_64, aarch64, arm64, AMD64."""
    has_nvidia_gpu: bool


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """The build to install (None: there is none for this machine), and why in a sentence."""

    build: Build | None
    reason: str


def this_machine() -> Machine:
    """Look at the machine that this runs on; takes a second at most where a driver is installed."""
    return Machine(platform.system(), platform.machine(), _has_nvidia_gpu())


def choose(machine: Machine) -> EngineChoice:
    """The build of vLLM for ``machine``."""
    if machine.system != "Linux" or machine.architecture not in ("x86_64", "aarch64"):
        name = {"Darwin": "macOS"}.get(machine.system, machine.system)
        reason = f"vLLM has no wheel for {name} on {machine.architecture}.\n{OTHER_WAYS}"
        return EngineChoice(None, reason)
    if machine.has_nvidia_gpu:
        return EngineChoice("cuda", "An NVIDIA GPU answers: vLLM's CUDA build.")
    return EngineChoice("cpu", "No NVIDIA GPU answers: vLLM's CPU build.")


def _has_nvidia_gpu(device: Path = Path("/dev/nvidia0")) -> bool:
    """Whether a driver with a GPU is there: its device, or its own tool names one."""
    if device.exists():
        return True
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return False
    try:
        listed = subprocess.run([tool, "-L"], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return listed.returncode == 0 and listed.stdout.startswith("GPU ")
