"""What a pipeline may take a question, on average; one that takes more is no finalist.

Some ceilings are known only from measuring: how long an answer takes, and what it costs. So a
search may try what passes them, and learns to turn away; it is not run again, and cannot win.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from archon.search.objectives import Measured, Objective

_UNITS: Mapping[Objective, str] = MappingProxyType(
    {"latency": "{:.3g} s", "cost": "${:.3g}", "tokens": "{:,.0f} tokens"}
)


@dataclass(frozen=True, slots=True)
class AtMost:
    """Means a question as deployed; None = no ceiling of this kind."""

    latency_s: float | None = None
    cost_usd: float | None = None
    tokens: float | None = None

    def passed_by(self, measured: Measured) -> str:
        """Which ceilings a pipeline passes, as a clause; "" for none, or without any score."""
        return self.passed_at(measured.mean) if measured.n_scored else ""

    def passed_at(self, mean: Callable[[Objective], float]) -> str:
        """The same for a pipeline of which means alone are known."""
        return " and ".join(
            f"takes {_UNITS[name].format(value)} a question, where {_UNITS[name].format(most)} "
            "are allowed"
            for name, most in self.ceilings()
            if (value := mean(name)) > most
        )

    def beyond(self, measured: Measured) -> tuple[float, ...]:
        """By what part of each ceiling a pipeline passes it, 0 or less where it keeps to it.

        Parts, since seconds, dollars and tokens do not add up. () without any score.
        """
        if not measured.n_scored:
            return ()
        return tuple((measured.mean(name) - most) / most for name, most in self.ceilings())

    def within(self, measured: Sequence[Measured]) -> tuple[Measured, ...]:
        """Those that pass none."""
        return tuple(one for one in measured if not self.passed_by(one))

    def about(
        self,
        tried: Sequence[Measured],
        finalists: Sequence[Measured],
        singles: Sequence[Measured] = (),
    ) -> Iterator[str]:
        """What a user has to know of the ceilings when a study is over, as sentences.

        Args:
            tried: What was seen in the search, on all of its questions or a part, with the
                results of it. Looked at only where there is no finalist.
            finalists: With their held-out results.
            singles: Likewise the single calls, which run whatever they take.
        """
        scored = [one for one in tried if one.n_scored]
        kept = self.within(scored)
        if not finalists and scored and not kept:
            nearest = min(scored, key=self._excess)
            yield (
                f"none of {len(scored)} pipelines keeps to at_most, so there is no finalist; "
                f"nearest, {nearest.pipeline_id} {self.passed_by(nearest)}."
            )
        elif not finalists and len(kept) < len(scored):
            yield (
                f"{len(kept)} of {len(scored)} pipelines keep to at_most, and each of them failed "
                "or was given up on a part of the questions, so there is no finalist."
            )
        for one in finalists:
            if clause := self.passed_by(one):
                yield f"on the held-out questions {one.pipeline_id} {clause}."
        passed = [(one.pipeline_id, clause) for one in singles if (clause := self.passed_by(one))]
        if passed:
            said = "; ".join(f"{pipeline_id} {clause}" for pipeline_id, clause in passed)
            yield f"single calls are not held to at_most: on the held-out questions {said}."

    def ceilings(self) -> tuple[tuple[Objective, float], ...]:
        """Those that there are."""
        ceilings: tuple[tuple[Objective, float | None], ...] = (
            ("latency", self.latency_s),
            ("cost", self.cost_usd),
            ("tokens", self.tokens),
        )
        return tuple((name, most) for name, most in ceilings if most is not None)

    def _excess(self, measured: Measured) -> float:
        """By what factor it passes the ceiling that it passes most."""
        return max((measured.mean(name) / most for name, most in self.ceilings()), default=0.0)
