"""Where an exported pipeline comes from: the study that found it, and what it measured."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from pydantic import Field

from archon.benchmarks.seen import PATTERN
from archon.spec.edge import Strict


@dataclass(frozen=True, slots=True)
class Metric:
    """One measured figure with its interval, on the held-out questions."""

    name: str
    """quality; or cost_usd, calls, tokens, latency_s: per question, with nothing reused."""
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Provenance:
    """Nothing in it changes what the pipeline does."""

    study: str
    trial: int
    benchmark: str
    """Fingerprint of the questions."""
    n_questions: int
    """Held-out questions behind the metrics."""
    coverage: float
    """Of the intervals, e.g. 0.95."""
    metrics: tuple[Metric, ...]
    code_version: str
    searched_on: str = ""
    """Digests of the questions that the search used (``archon.benchmarks.seen``); "" in files of
    earlier versions."""

    def to_data(self) -> dict[str, object]:
        """Plain data in the order of the file."""
        data: dict[str, object] = asdict(self)
        if not self.searched_on:
            del data["searched_on"]
        data["metrics"] = {
            metric.name: {"value": metric.value, "low": metric.low, "high": metric.high}
            for metric in self.metrics
        }
        return data


class _MetricSection(Strict):
    value: float
    low: float
    high: float


class ProvenanceSection(Strict):
    """``provenance:`` of a pipeline file."""

    study: str
    trial: int = Field(ge=0)
    benchmark: str
    n_questions: int = Field(ge=0)
    coverage: float = Field(gt=0, lt=1)
    metrics: dict[str, _MetricSection]
    code_version: str
    searched_on: str = Field("", pattern=PATTERN)

    def to_value(self) -> Provenance:
        """The section as the value that is used inside."""
        metrics = tuple(
            Metric(name, metric.value, metric.low, metric.high)
            for name, metric in self.metrics.items()
        )
        plain = {name: getattr(self, name) for name in type(self).model_fields if name != "metrics"}
        return Provenance(**plain, metrics=metrics)
