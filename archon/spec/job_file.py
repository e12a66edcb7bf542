"""The shape of a job file: its keys, types, ranges and defaults, each written once."""

from __future__ import annotations

from pydantic import Field

from archon.benchmarks.fields import TargetIs
from archon.search.samplers.table import SamplerKind
from archon.spec.edge import Strict


class FieldsSection(Strict):
    """``benchmark.fields``: in which field of a row each thing stands. ``id: null`` makes ids."""

    may_be_null = frozenset({"id"})

    id: str | None = "id"
    question: str = "input"
    target: str = "target"
    choices: str = "choices"
    metadata: str | list[str] = "metadata"
    target_is: TargetIs | None = None


class HubSection(Strict):
    """``benchmark.hf``: a data set of the Hugging Face hub."""

    name: str = Field(min_length=1, max_length=300)
    config: str | None = None
    split: str = ""
    revision: str | None = None


class BenchmarkSection(Strict):
    """``benchmark:``. Exactly one of the first four says where the rows are."""

    builtin: str | None = None
    file: str | None = Field(None, min_length=1, max_length=4096)
    hf: HubSection | None = None
    simulated: str | None = None
    fields: FieldsSection = FieldsSection()
    skip_bad_rows: bool = False
    scorer: dict[str, object]
    held_out: float = Field(0.5, gt=0, lt=1)
    max_search: int | None = Field(None, ge=1, le=1_000_000)
    max_held_out: int | None = Field(None, ge=1, le=1_000_000)


class SamplerSection(Strict):
    """``sampler:``, how the next pipeline to try is chosen."""

    kind: SamplerKind | None = None
    """None: ``gain``; where quality is no objective, ``tpe``."""


class BudgetSection(Strict):
    """``budget:``. The search stops before the first limit would be passed."""

    trials: int | None = Field(None, ge=1, le=100_000)
    calls: int | None = Field(None, ge=1, le=10**12)
    tokens: int | None = Field(None, ge=1, le=10**15)
    usd: float | None = Field(None, gt=0, le=10**7)
    wall_s: float | None = Field(None, gt=0, le=10**8)
    held_out_share: float = Field(0.25, gt=0, lt=1)


class AtMostSection(Strict):
    """``at_most:``, what a pipeline may take a question, on average."""

    latency_s: float | None = Field(None, gt=0, le=10**6)
    cost_usd: float | None = Field(None, gt=0, le=10**6)
    tokens: float | None = Field(None, ge=1, le=10**9)


class JobFile(Strict):
    """The top level. ``models`` and ``space`` have readers of their own."""

    name: str | None = None
    benchmark: dict[str, object]
    models: dict[str, object]
    space: dict[str, object]
    objectives: list[object] | None = None
    sampler: SamplerSection = SamplerSection()
    budget: BudgetSection = BudgetSection()
    at_most: AtMostSection = AtMostSection()
    seed: int = Field(0, ge=0, le=2**63 - 1)
    block_size: int = Field(8, ge=1, le=10_000)
    parallel_trials: int = Field(1, ge=1, le=64)
    questions_in_flight: int = Field(32, ge=1, le=1024)
    finalists: int = Field(3, ge=1, le=50)
    racing: bool = True
    deterministic: bool = False
