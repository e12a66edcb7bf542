from __future__ import annotations

import re
import site
from pathlib import Path

import pytest

from tools.lock import LOCKS, RECIPES, blocks, without

FILES = sorted(LOCKS.glob("*.txt"))
STARTUP_FILES = {"distutils-precedence.pth", "_editable_impl_archon.pth", "_archon.pth"}


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


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe[0])
def test_lock_leaves_to_earlier_locks_what_they_hold(
    recipe: tuple[str, tuple[str, ...], tuple[str, ...]],
) -> None:
    name, _, earlier = recipe
    own = blocks((LOCKS / f"{name}.txt").read_text()).keys()
    held = [blocks((LOCKS / f"{one}.txt").read_text()).keys() for one in earlier]
    assert not [name for pins in held for name in own & pins]


def test_cpu_lock_leaves_torch_out() -> None:
    assert not [n for n in blocks((LOCKS / "engine-cpu.txt").read_text()) if n.startswith("torch")]


def test_no_package_runs_code_at_every_start_of_python() -> None:
    folders = [Path(folder) for folder in site.getsitepackages()]
    found = {file.name for folder in folders for file in folder.glob("*.pth")}
    assert found <= STARTUP_FILES


def test_blocks_of_a_lock_are_its_pins_with_their_hashes() -> None:
    a = "a==1 \\\n    --hash=sha256:00 \\\n    --hash=sha256:01\n"
    b = "b-c==2 ; x \\\n    --hash=sha256:02\n"
    lock = f"# note\n{a}{b}"
    pins = blocks(lock)
    assert pins == {"a": a, "b-c": b}
    assert without(pins, {"a"}).endswith(f"\n{b}")
