"""How far a running study is, as its process says it: to its own display, and to the database."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from archon.service.forecast import Forecast, Quantity, Span


@dataclass(frozen=True, slots=True)
class Progress:
    """One look at a study that runs."""

    phase: str
    """``starting``, ``searching``, ``held out``."""
    is_paused: bool
    is_by_units: bool
    """Whether most trials are seen on a part of the questions, and stay open until the end."""
    n_begun: int
    """Trials that have begun."""
    n_ended: int
    """Trials that have ended."""
    n_complete: int
    """Of them, those that were seen on all questions."""
    n_trials: int | None
    """Most of them; None: no limit."""
    n_questions: int
    """Answered in this phase."""
    of_questions: int | None
    """Most of them; trials that are stopped early need fewer."""
    spent: Mapping[Quantity, float]
    limits: Mapping[Quantity, float]
    forecast: Forecast | None

    def to_data(self) -> dict[str, Any]:
        """Plain data; its numbers rounded to what they mean."""
        data = asdict(self)
        return {name: _rounded(value) for name, value in data.items()}

    def to_json(self) -> str:
        """The text that the store keeps."""
        return json.dumps(self.to_data(), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Progress | None:
        """The inverse of ``to_json``; None for "" and for what another version wrote."""
        try:
            data = json.loads(text)
            if (given := data["forecast"]) is not None:
                total = {name: Span(**span) for name, span in given["total"].items()}
                left = Span(**given["seconds_left"])
                data["forecast"] = Forecast(**given | {"total": total, "seconds_left": left})
            return cls(**data)
        except (ValueError, KeyError, TypeError):
            return None


@dataclass(slots=True)
class Dials:
    """Where a run can be looked at, by whoever handed them in."""

    read: Callable[[], Progress | None] = lambda: None
    """How far it is; None before it begins."""


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 9)
    if isinstance(value, dict):
        return {name: _rounded(inner) for name, inner in value.items()}
    return value
