"""Rows of benchmarks: a handful of our own, always; the shared ones where they are checked out."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
OWN = ROOT / "tests" / "data"
SHARED = ROOT.parent / "shared" / "data"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "data_file" in metafunc.fixturenames:
        files = sorted(OWN.glob("*.jsonl")) + sorted(SHARED.glob("*.jsonl"))
        metafunc.parametrize(
            "data_file", files, ids=[f"{file.parent.parent.name}-{file.stem}" for file in files]
        )


@pytest.fixture
def own_data() -> Path:
    return OWN


@pytest.fixture
def shared_data() -> Path:
    """May not exist: only tests that also hold without it may use it."""
    return SHARED
