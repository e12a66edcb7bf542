from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from archon.models import engine_choice
from archon.models.engine_choice import EngineChoice, Machine, choose, this_machine


@pytest.mark.parametrize(
    ("machine", "build"),
    [
        pytest.param(Machine("Linux", "x86_64", True), "cuda", id="linux-gpu"),
        pytest.param(Machine("Linux", "x86_64", False), "cpu", id="linux"),
        pytest.param(Machine("Linux", "aarch64", False), "cpu", id="linux-arm"),
        pytest.param(Machine("Linux", "aarch64", True), "cuda", id="linux-arm-gpu"),
        pytest.param(Machine("Linux", "riscv64", False), None, id="linux-riscv"),
        pytest.param(Machine("Darwin", "arm64", False), None, id="macos"),
        pytest.param(Machine("Windows", "AMD64", True), None, id="windows-gpu"),
    ],
)
def test_choice_of_the_engine_follows_the_machine(machine: Machine, build: str | None) -> None:
    assert choose(machine).build == build


@pytest.mark.parametrize(("system", "named"), [("Darwin", "macOS"), ("Windows", "Windows")])
def test_a_machine_without_a_wheel_is_told_the_two_ways_that_work(system: str, named: str) -> None:
    reason = choose(Machine(system, "arm64", has_nvidia_gpu=False)).reason
    assert f"no wheel for {named}" in reason
    assert "make quickstart MODEL=" in reason
    assert "make quickstart URL=" in reason


def driver_tool(folder: Path, script: str) -> None:
    tool = folder / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)


@pytest.mark.parametrize(
    ("script", "has_gpu"),
    [
        pytest.param("echo 'GPU 0: NVIDIA H200 (UUID: GPU-1)'", True, id="answers"),
        pytest.param("echo 'No devices found.'", False, id="no-device"),
        pytest.param("echo 'GPU 0'; exit 9", False, id="driver-fails"),
    ],
)
def test_a_gpu_counts_only_if_its_driver_names_it(
    script: str, has_gpu: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver_tool(tmp_path, script)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert engine_choice._has_nvidia_gpu(tmp_path / "no-device-file") is has_gpu


def test_a_gpu_counts_by_its_device_file_without_the_driver_tool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    device = tmp_path / "nvidia0"
    assert engine_choice._has_nvidia_gpu(device) is False
    device.touch()
    assert engine_choice._has_nvidia_gpu(device) is True


def test_the_choice_works_before_anything_is_installed() -> None:
    code = "from archon.models.engine_choice import choose, this_machine as m; choose(m())"
    root = Path(engine_choice.__file__).parents[2]
    bare = [sys.executable, "-S", "-c", code]
    subprocess.run(bare, cwd=root, check=True, env={"PATH": os.environ["PATH"]})
    assert isinstance(choose(this_machine()), EngineChoice)
