"""A pipeline as numbers, whatever space it is from: what a model of quality and cost is fitted on.

A feature is there for every kind of component, every model in it, every parameter, and the kind of
each layer by its place, and for the calls and candidates of the whole; what a pipeline does not
have is 0. Counts (samples, tokens, calls) stand by their logarithm.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from archon.components.base import Component
from archon.components.estimate_calls import bounds_of
from archon.components.table import COMPONENTS, parameters
from archon.core.architecture import Architecture, ComponentSpec

Matrix = NDArray[np.float64]


Table = Mapping[str, type[Component]]


def features_of(architecture: Architecture, table: Table = COMPONENTS) -> dict[str, float]:
    """The features of a pipeline in canonical form, by name; all others are 0."""
    bounds = bounds_of(architecture, table)
    found = {
        "calls": math.log1p(sum(one.calls.high for one in bounds)),
        "candidates": math.log1p(max((one.after.candidates.high for one in bounds), default=0)),
    }
    for place, layer in enumerate(architecture.layers):
        for spec in layer:
            found[f"{place}.{spec.kind}"] = 1.0
            for name, value in _of_component(spec, table):
                found[name] = found.get(name, 0.0) + value
    return found


def matrix_of(rows: Sequence[Mapping[str, float]]) -> Matrix:
    """A column for each feature that differs between any two pipelines.

    Args:
        rows: The features of each pipeline.

    Returns:
        Values in [0, 1], shape (n_pipelines, n_features).
    """
    names = sorted({name for features in rows for name in features})
    values = np.array([[features.get(name, 0.0) for name in names] for features in rows])
    values = values.reshape(len(rows), len(names))
    low, spread = values.min(axis=0), np.ptp(values, axis=0)
    scaled: Matrix = (values - low)[:, spread > 0] / spread[spread > 0]
    return scaled


def _of_component(spec: ComponentSpec, table: Table) -> Iterator[tuple[str, float]]:
    yield spec.kind, 1.0
    if spec.model:
        yield f"{spec.kind} {spec.model}", 1.0
    given = dict(spec.params)
    for name, known in parameters(table[spec.kind]).items():
        value = given.get(name, known.default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            yield f"{spec.kind}.{name}={value}", 1.0
        elif isinstance(value, int) and value >= 0:
            yield f"{spec.kind}.{name}", math.log1p(value)
        else:
            yield f"{spec.kind}.{name}", float(value)
