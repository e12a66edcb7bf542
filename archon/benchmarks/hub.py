"""Hugging Face ``datasets``: the only file that knows the package, which is optional."""

from __future__ import annotations

from collections.abc import Mapping
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
) -> Benchmark:
    """Load a data set by its name on the hub, or one saved with ``save_to_disk`` by its path.

    Args:
        name: "owner/name" on the hub, or the path of a directory.
        fields: Where a row keeps what.
        split: e.g. "test"; needed where there are several.
        config: Which configuration (subset) of the data set.
        revision: Commit or tag on the hub; without it, whatever is newest.
        skip_bad_rows: As for ``load``.

    Raises:
        SetupError: The package ``datasets`` is not installed.
        SpecError: There is no such data set or split, or rows are wrong.
    """
    if find_spec("datasets") is None:
        raise SetupError(
            f"datasets is not installed, and benchmark {name!r} needs it. "
            "Run: pip install 'archon[datasets]'"
        )
    found = _opened(name, config, split, revision)
    rows = _one_split(found, name, split)
    label = ":".join(part for part in (name, config, split) if part)
    return from_rows(rows, label, fields, source=label, skip_bad_rows=skip_bad_rows)


def _opened(name: str, config: str | None, split: str, revision: str | None) -> Any:
    import datasets

    try:
        if Path(name).is_dir():
            return datasets.load_from_disk(name)
        return datasets.load_dataset(name, config, split=split or None, revision=revision)
    except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
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
