"""Layers that say which candidates are good, made to say it of each candidate that they got.

A layer drops what it finds bad, so a run does not show all that it said. The same layer without its
limits makes the same calls, and drops nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from archon.components.base import Component
from archon.components.canonical import canonical
from archon.components.table import COMPONENTS
from archon.core.architecture import Architecture, ComponentSpec, ParamValue
from archon.core.candidates import LayerState
from archon.explain.rates import Verdict

Sort = Literal["verifier", "check", "unit tests", "ranker"]

_LOOSE: Mapping[str, tuple[Sort, Mapping[str, ParamValue]]] = MappingProxyType(
    {
        "verify": ("verifier", {"drop": False}),
        "check": ("check", {"mode": "score"}),
        "judge_tests": ("unit tests", {"keep": None}),
        "rank": ("ranker", {"keep": None}),
        "rank_pairs": ("ranker", {"keep": None}),
        "rank_scores": ("ranker", {"keep": None}),
    }
)
"""What sort of judge a component is, and which parameters keep all that arrives."""
_UNREAD = 0.5
"""The score "verify" of a candidate whose verdict could not be read."""


@dataclass(frozen=True, slots=True)
class Judging:
    """One layer that judges candidates."""

    layer: int
    sort: Sort
    component: ComponentSpec
    architecture: Architecture
    """The pipeline up to this layer, which then keeps all candidates; in canonical form."""


def judgings_of(
    architecture: Architecture, table: Mapping[str, type[Component]] = COMPONENTS
) -> tuple[Judging, ...]:
    """The layers of a pipeline that judge candidates.

    Args:
        architecture: In canonical form.
        table: Component kinds.
    """
    found = []
    for i, layer in enumerate(architecture.layers):
        (spec, *others) = layer
        if others or spec.kind not in _LOOSE:
            continue
        sort, loose = _LOOSE[spec.kind]
        params = {**dict(spec.params), **loose}
        open_spec = ComponentSpec.of(spec.kind, spec.model, **params)
        whole = canonical(Architecture((*architecture.layers[:i], (open_spec,))), table)
        # With one candidate at most it judges nothing, and goes.
        if whole.layers and whole.layers[-1][0].kind == spec.kind:
            found.append(Judging(i, sort, spec, whole))
    return tuple(found)


def verdicts_in(judging: Judging, state: LayerState, is_right: Sequence[bool]) -> list[Verdict]:
    """What the layer said of each candidate.

    A verifier passes what it finds correct, a check what meets all constraints, unit tests what
    passes all of them.

    Args:
        judging: The layer; no ranker.
        state: After its open form ran.
        is_right: What the scorer finds, for each candidate of the state.
    """
    kind = judging.component.kind
    scores = [candidate.score(kind) for candidate in state.candidates]
    return [
        Verdict(right, _is_passed(judging.sort, score))
        for right, score in zip(is_right, scores, strict=True)
    ]


def _is_passed(sort: Sort, score: float | None) -> bool | None:
    if score is None or (sort == "verifier" and score == _UNREAD):
        return None
    return score == 1.0
