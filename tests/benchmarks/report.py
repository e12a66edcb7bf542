"""How every benchmark ends: a table, then one line of JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure with what it is to reach."""

    name: str
    value: float
    target: float
    is_at_most: bool = False
    """The target is a ceiling; otherwise a floor."""

    @property
    def is_reached(self) -> bool:
        """Whether the target is reached."""
        return self.value <= self.target if self.is_at_most else self.value >= self.target


def print_figures(bench: str, figures: Sequence[Figure]) -> None:
    """Print the last line of a benchmark."""
    data = {
        figure.name: {
            "value": round(figure.value, 4),
            "target": figure.target,
            "ok": figure.is_reached,
        }
        for figure in figures
    }
    print(json.dumps({"bench": bench, "figures": data}))
