"""Pipelines as points, so that what was seen of some says something of others.

A feature belongs to a kind of component by its turn ("the second rank"), not to a place: what a
layer of nothing leaves out moves no other feature.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass

import numpy as np
from numpy.typing import NDArray

from archon.components.base import Component
from archon.components.estimate_calls import bounds_of
from archon.components.table import COMPONENTS, parameters
from archon.core.architecture import Architecture, ComponentSpec, Layer, ParamValue

Points = NDArray[np.float64]
"""One row per pipeline, one column per feature."""


@dataclass(frozen=True, slots=True)
class Features:
    """Points of pipelines, scaled so that one thing that differs is a distance of about 1."""

    points: Points
    names: tuple[str, ...]
    groups: tuple[tuple[int, ...], ...]
    """Columns that tell of one component by its turn, or of the sizes of its layer."""


@dataclass(frozen=True, slots=True)
class _Feature:
    group: str
    name: str
    value: float
    is_number: bool


def features_of(
    architectures: Sequence[Architecture],
    others: Sequence[Architecture] = (),
    *,
    table: Mapping[str, type[Component]] = COMPONENTS,
) -> Features:
    """The features in which pipelines differ.

    Args:
        architectures: In canonical form. They alone decide which features there are and how they
            are scaled.
        others: Pipelines placed among them, by what those differ in: so that nothing that is said
            of ``architectures`` changes with them.
        table: Component kinds.

    Returns:
        Points of shape (number of pipelines, number of features), ``others`` at the end. Sizes and
        numbers of samples are on a logarithmic scale. A number that a pipeline does not have is at
        the others' mean.

    Raises:
        SpecError: A component cannot be built.
    """
    rows = [list(_features(one, table)) for one in (*architectures, *others)]
    n = len(architectures)
    columns = sorted({(f.group, f.name, f.is_number) for row in rows[:n] for f in row})
    place = {(group, name): i for i, (group, name, _) in enumerate(columns)}
    raw = np.full((len(rows), len(columns)), np.nan)
    for i, row in enumerate(rows):
        for feature in row:
            if (column := place.get((feature.group, feature.name))) is not None:
                raw[i, column] = feature.value
    scaled, kept = [], []
    for i, (group, name, is_number) in enumerate(columns):
        known = raw[:, i]
        points = _numbers(known, n) if is_number else np.nan_to_num(known) / math.sqrt(2.0)
        if np.ptp(points[:n]) > 1e-12:
            scaled.append(points)
            kept.append((group, name))
    groups: dict[str, list[int]] = {}
    for i, (group, _) in enumerate(kept):
        groups.setdefault(group, []).append(i)
    return Features(
        np.array(scaled).reshape(len(kept), len(rows)).T.copy(),
        tuple(f"{group}.{name}" for group, name in kept),
        tuple(tuple(places) for places in groups.values()),
    )


def _numbers(column: Points, n: int) -> Points:
    """A column whose first ``n`` lie between 0 and 1, with what is missing at their mean."""
    known = column[:n][~np.isnan(column[:n])]
    width = float(np.ptp(known))
    filled = np.where(np.isnan(column), known.mean(), column)
    return np.asarray((filled - known.min()) / width if width > 0.0 else np.zeros_like(filled))


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
            yield _Feature(group, "is there", 1.0, is_number=False)
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
