"""Pipelines as points, so that what was seen of some says something of others.

A feature belongs to a kind of component by its turn ("the second rank"), not to a place: what a
layer of nothing leaves out moves no other feature.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass

import numpy as np
from numpy.typing import NDArray

from archon.components.base import Component
from archon.components.estimate_calls import bounds_of
from archon.components.table import COMPONENTS, parameters
from archon.core.architecture import Architecture, ComponentSpec, Layer, ParamValue

_THERE = "is there"
_THERE_WIDTH, _TEXT_WIDTH = math.sqrt(0.5), math.sqrt(2.0)
"""Two texts in each other's place are a distance of 1; a component that is there or not, of 1.4 and
a little more for each of its texts that vary: more than one option, whatever else it has."""

Points = NDArray[np.float64]
"""One row per pipeline, one column per feature."""


@dataclass(frozen=True, slots=True)
class _Feature:
    group: str
    name: str
    value: float
    is_number: bool


@dataclass(frozen=True, slots=True)
class _Column:
    """One feature, and its scale: (x - low) / width, with ``missing`` for what is not there."""

    group: str
    name: str
    missing: float
    low: float
    width: float

    def scaled(self, column: Points) -> Points:
        return np.asarray(
            (np.where(np.isnan(column), self.missing, column) - self.low) / self.width
        )


class Features:
    """The features in which some pipelines differ, scaled so that one thing that differs is a
    distance of about 1, and of a little more where a component is there or not; other pipelines
    are placed among them by these.
    """

    def __init__(
        self,
        architectures: Sequence[Architecture],
        *,
        table: Mapping[str, type[Component]] = COMPONENTS,
    ) -> None:
        """Find them.

        Args:
            architectures: In canonical form. They alone decide which features there are and how
                they are scaled: sizes and numbers of samples on a logarithmic scale, numbers that
                a pipeline does not have at the others' mean.
            table: Component kinds.

        Raises:
            SpecError: A component cannot be built.
        """
        self._table = table
        rows = [list(_features(one, table)) for one in architectures]
        known = sorted({(f.group, f.name, f.is_number) for row in rows for f in row})
        raw = _raw(rows, [(group, name) for group, name, _ in known])
        made = [
            _column(group, name, raw[:, i], is_number=is_number)
            for i, (group, name, is_number) in enumerate(known)
        ]
        shared = _shared_by_all_that_have_it(known, raw)
        self._columns = tuple(
            one for one, is_shared in zip(made, shared, strict=True) if one and not is_shared
        )
        groups: dict[str, list[int]] = {}
        for i, column in enumerate(self._columns):
            groups.setdefault(column.group, []).append(i)
        self.groups = tuple(tuple(places) for places in groups.values())
        """Columns that tell of one component by its turn, or of the sizes of its layer."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the columns."""
        return tuple(f"{column.group}.{column.name}" for column in self._columns)

    def points(self, architectures: Sequence[Architecture]) -> Points:
        """Where pipelines are.

        Args:
            architectures: In canonical form; what they have besides these features does not count.

        Returns:
            Shape (number of pipelines, number of features).
        """
        rows = [_features(one, self._table) for one in architectures]
        raw = _raw(rows, [(column.group, column.name) for column in self._columns])
        scaled = [column.scaled(raw[:, i]) for i, column in enumerate(self._columns)]
        return np.array(scaled).reshape(len(scaled), len(rows)).T.copy()


def _shared_by_all_that_have_it(known: Sequence[tuple[str, str, bool]], raw: Points) -> list[bool]:
    """Which texts say no more than that their component is there: an option that nobody varies.

    Each would be one more copy of that column, and make what has a component with many options more
    unlike the rest than what has one with few.
    """
    there = {
        group: ~np.isnan(raw[:, i]) for i, (group, name, _) in enumerate(known) if name == _THERE
    }
    return [
        not is_number
        and name != _THERE
        and group in there
        and bool((~np.isnan(raw[:, i]) == there[group]).all())
        for i, (group, name, is_number) in enumerate(known)
    ]


def _raw(rows: Sequence[Iterable[_Feature]], columns: Sequence[tuple[str, str]]) -> Points:
    """One row for each pipeline, with NaN for what it does not have."""
    place = {column: i for i, column in enumerate(columns)}
    raw = np.full((len(rows), len(columns)), np.nan)
    for i, row in enumerate(rows):
        for feature in row:
            if (column := place.get((feature.group, feature.name))) is not None:
                raw[i, column] = feature.value
    return raw


def _column(group: str, name: str, raw: Points, *, is_number: bool) -> _Column | None:
    """How a feature is scaled; None where it is the same for all."""
    known = raw[~np.isnan(raw)]
    if not is_number:
        is_varied = len(known) < len(raw)
        width = _THERE_WIDTH if name == _THERE else _TEXT_WIDTH
        return _Column(group, name, 0.0, 0.0, width) if is_varied else None
    width = float(np.ptp(known))
    if width <= 1e-12:
        return None
    return _Column(group, name, float(known.mean()), float(known.min()), width)


def _features(
    architecture: Architecture, table: Mapping[str, type[Component]]
) -> Iterator[_Feature]:
    turns: Counter[str] = Counter()
    arriving = 0
    for layer, bounds in zip(architecture.layers, bounds_of(architecture, table), strict=True):
        for kind in sorted({spec.kind for spec in layer}):
            turns[kind] += 1
            group = f"{kind}{turns[kind]}"
            same = [spec for spec in layer if spec.kind == kind]
            yield _Feature(group, _THERE, 1.0, is_number=False)
            yield from _of_models(group, same, table)
            yield from _of_params(group, same, table)
            if arriving > 0:
                yield _Feature(f"{group} sizes", "arriving", math.log(arriving), is_number=True)
        yield from _of_ensemble(layer, turns)
        arriving = bounds.after.candidates.high


def _of_models(
    group: str, specs: Sequence[ComponentSpec], table: Mapping[str, type[Component]]
) -> Iterator[_Feature]:
    for model in sorted({spec.model for spec in specs if spec.model}):
        yield _Feature(group, f"model={model}", 1.0, is_number=False)
    samples = [_samples(spec, table) for spec in specs]
    if any(samples):
        yield _Feature(f"{group} sizes", "samples", math.log(sum(samples)), is_number=True)


def _of_ensemble(layer: Layer, turns: Mapping[str, int]) -> Iterator[_Feature]:
    """How many stand side by side."""
    if len(layer) > 1:
        kind = layer[0].kind
        name = f"{kind}{turns[kind]} sizes"
        yield _Feature(name, "components", math.log(len(layer)), is_number=True)


def _of_params(
    group: str, specs: Sequence[ComponentSpec], table: Mapping[str, type[Component]]
) -> Iterator[_Feature]:
    for name, field in parameters(table[specs[0].kind]).items():
        if name == "samples":
            continue
        default = None if field.default is MISSING else field.default
        values = [spec.param(name, default) for spec in specs]
        numbers = [_plain_number(value) for value in values]
        if all(number is not None for number in numbers):
            mean = math.fsum(number or 0.0 for number in numbers) / len(numbers)
            yield _Feature(group, name, mean, is_number=True)
            continue
        for text in sorted({repr(value) for value in values}):
            yield _Feature(group, f"{name}={text}", 1.0, is_number=False)


def _plain_number(value: ParamValue) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return math.log(value) if isinstance(value, int) and value > 0 else float(value)


def _samples(spec: ComponentSpec, table: Mapping[str, type[Component]]) -> int:
    known = parameters(table[spec.kind]).get("samples")
    if known is None:
        return 0
    value = spec.param("samples", 1 if known.default is MISSING else known.default)
    return value if isinstance(value, int) else 0
