from __future__ import annotations

import re
import site
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tools.lock import LOCKS, RECIPES, SOURCE_ONLY, Recipe, blocks, divide

FILES = sorted(LOCKS.glob("*.txt"))
STARTUP_FILES = {"distutils-precedence.pth", "_editable_impl_archon.pth", "_archon.pth"}


def pins_of(name: str) -> dict[str, str]:
    return blocks((LOCKS / f"{name}.txt").read_text())


def version(pin: str) -> str:
    return pin.split("==")[1].split()[0]


@pytest.mark.parametrize("lock", FILES, ids=lambda lock: lock.stem)
def test_lock_pins_every_package_exactly_with_hashes(lock: Path) -> None:
    pins = blocks(lock.read_text())
    assert pins
    loose = [n for n, pin in pins.items() if not re.match(r"\S+==[\w.]+( ;[^\\]*)? \\\n", pin)]
    assert not loose
    assert not [name for name, pin in pins.items() if "--hash=sha256:" not in pin]


@pytest.mark.parametrize("lock", FILES, ids=lambda lock: lock.stem)
def test_lock_names_no_place_to_download_from(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    assert "index-url" not in text


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_lock_leaves_to_the_core_what_the_core_holds(recipe: Recipe) -> None:
    held = pins_of("core") if recipe.name != "core" else {}
    assert not held.keys() & pins_of(recipe.name).keys()


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_locks_installed_together_hold_the_same_versions(recipe: Recipe) -> None:
    own = pins_of(recipe.name)
    for other in recipe.agrees_with:
        shared = own.keys() & pins_of(other).keys()
        assert not [n for n in shared if version(own[n]) != version(pins_of(other)[n])]


@pytest.mark.parametrize("pattern", ["torch*", "nvidia-*", "cuda-*"])
def test_cpu_lock_brings_nothing_for_a_gpu(pattern: str) -> None:
    assert not [name for name in pins_of("engine-cpu") if fnmatch(name, pattern)]


def test_packages_without_a_wheel_have_what_builds_them_in_the_same_set() -> None:
    for lock in LOCKS.glob("*-source.txt"):
        assert "setuptools" in pins_of(lock.stem.removesuffix("-source"))
        assert set(blocks(lock.read_text())) <= set(SOURCE_ONLY)


def test_no_package_runs_code_at_every_start_of_python() -> None:
    folders = [Path(folder) for folder in site.getsitepackages()]
    found = {file.name for folder in folders for file in folder.glob("*.pth")}
    assert found <= STARTUP_FILES


def test_blocks_of_a_lock_are_its_pins_with_their_hashes() -> None:
    a = "a==1 \\\n    --hash=sha256:00 \\\n    --hash=sha256:01\n"
    b = "b-c==2 ; x \\\n    --hash=sha256:02\n"
    assert blocks(f"# note\n{a}{b}") == {"a": a, "b-c": b}


def test_lock_is_divided_into_wheels_and_sources_less_what_others_bring() -> None:
    names = ("langdetect", "nltk", "numpy", "nvidia-nccl", "pip", "pip-tools")
    pins = {name: f"{name}==1\n" for name in names}
    wheels, sources = divide(pins, ("pip", "nvidia-*"), held={"numpy"})
    assert list(blocks(wheels)) == ["nltk", "pip-tools"]
    assert list(blocks(sources)) == ["langdetect"]
    assert divide({"nltk": "nltk==1\n"}, (), held=())[1] == ""
