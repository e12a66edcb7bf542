"""Hugging Face ``datasets``: the only file that knows the package, which is optional."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from archon.benchmarks.examples import Benchmark
from archon.benchmarks.fields import FieldMap
from archon.benchmarks.load import from_rows
from archon.core.errors import Problem, SetupError, SpecError


def load_hub(
    name: str,
    fields: FieldMap | None = None,
    *,
    split: str = "",
    config: str | None = None,
    revision: str | None = None,
    skip_bad_rows: bool = False,
    is_offline: bool = False,
) -> Benchmark:
    """Load a data set by its name on the hub, or one saved with ``save_to_disk`` by its path.

    Args:
        name: "owner/name" on the hub, or the path of a directory.
        fields: Where a row keeps what.
        split: e.g. "test"; needed where there are several.
        config: Which configuration (subset) of the data set.
        revision: Commit or tag on the hub; without it, whatever is newest.
        skip_bad_rows: As for ``load``.
        is_offline: Take what the package keeps from an earlier time; nothing is downloaded.

    Raises:
        SetupError: The package ``datasets`` is not installed.
        SpecError: There is no such data set or split, it is not here and may not be downloaded, or
            rows are wrong.
    """
    if find_spec("datasets") is None:
        raise SetupError(
            f"datasets is not installed, and benchmark {name!r} needs it. "
            "Run: pip install 'archon[datasets]'"
        )
    with _network(is_allowed=not is_offline):
        found = _opened(name, config, split, revision, is_offline=is_offline)
    rows = _one_split(found, name, split)
    label = ":".join(part for part in (name, config, split) if part)
    made = from_rows(rows, label, fields, source=label, skip_bad_rows=skip_bad_rows)
    if not is_offline or revision is None or Path(name).is_dir():
        return made
    doubt = (
        f"{name} is the copy that was loaded last, since ARCHON_OFFLINE is set; it may not be "
        f"revision {revision!r}."
    )
    return replace(made, warnings=(*made.warnings, doubt))


@contextlib.contextmanager
def _network(*, is_allowed: bool) -> Iterator[None]:
    """Hold both packages to their offline mode for as long as the block lasts.

    Their variable, HF_HUB_OFFLINE, is read once, when they are first imported.
    """
    import datasets
    import huggingface_hub

    places: tuple[Any, ...] = (datasets.config, huggingface_hub.constants)
    before = [place.HF_HUB_OFFLINE for place in places]
    try:
        for place, was in zip(places, before, strict=True):
            place.HF_HUB_OFFLINE = was or not is_allowed
        yield
    finally:
        for place, was in zip(places, before, strict=True):
            place.HF_HUB_OFFLINE = was


def _opened(
    name: str, config: str | None, split: str, revision: str | None, *, is_offline: bool
) -> Any:
    import datasets
    import httpx

    try:
        if Path(name).is_dir():
            return datasets.load_from_disk(name)
        return datasets.load_dataset(name, config, split=split or None, revision=revision)
    except (OSError, ValueError, httpx.HTTPError, datasets.exceptions.DatasetsError) as error:
        if is_offline and isinstance(error, ConnectionError):
            message = "this data set is not on this machine, and ARCHON_OFFLINE is set."
            hint = "Load it once without ARCHON_OFFLINE, which keeps a copy; or write file: FILE."
            raise SpecError([Problem(message, name, hint=hint)]) from error
        first = (str(error).splitlines() or ["it cannot be opened"])[0]
        raise SpecError([Problem(f"this data set cannot be loaded: {first}", name)]) from error


def _one_split(found: Any, name: str, split: str) -> Any:
    """The rows of ``split``, or of the only split there is."""
    if not isinstance(found, Mapping):
        return found
    if not split and len(found) == 1:
        return next(iter(found.values()))
    if split not in found:
        message = f"there is no split {split!r}." if split else "which split is meant?"
        hint = f"There is: {', '.join(map(str, found))}."
        raise SpecError([Problem(message, name, path="split", hint=hint)])
    return found[split]
