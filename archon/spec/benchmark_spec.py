"""The ``benchmark:`` section of a job file: which questions, and how answers are scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from archon.components.table import suggest
from archon.spec.edge import read_section
from archon.spec.findings import Findings, named, show
from archon.spec.job_file import BUILTIN_BENCHMARKS, BenchmarkSection
from archon.spec.yaml_source import key_path

_SOURCES = ("builtin", "file", "hf")


@dataclass(frozen=True, slots=True)
class ScorerSpec:
    """``scorer:`` as plain data; the scoring room knows the kinds and their parameters."""

    kind: str
    params: tuple[tuple[str, object], ...] = ()
    """Sorted by name."""


@dataclass(frozen=True, slots=True)
class BenchmarkSpec:
    """Where the questions are and how they are split."""

    source: Literal["builtin", "file", "hf"]
    location: str
    """Name of the built-in one, path of the file (absolute, or relative to where the program
    runs), or name of the data set."""
    hf_config: str | None = None
    hf_split: str | None = None
    format: Literal["jsonl", "csv", "parquet"] | None = None
    """None: by the file's ending."""
    fields: tuple[tuple[str, str], ...] = ()
    """(what the question needs, name of the column), sorted; what is missing has its own name."""
    scorer: ScorerSpec | None = None
    """None: the one that the built-in benchmark brings along."""
    may_judge_itself: bool = False
    held_out: float = 0.5
    """Share of the questions that the search never sees, in (0, 1)."""
    max_search: int | None = None
    max_held_out: int | None = None


def read_benchmark(
    data: object, aliases: Sequence[str], findings: Findings
) -> BenchmarkSpec | None:
    """Check the section; None if it cannot be read, with the reasons in ``findings``."""
    if not isinstance(data, Mapping):
        return None
    section = read_section(BenchmarkSection, data, "benchmark", findings)
    named = [name for name in _SOURCES if name in data]
    if len(named) != 1:
        said = "names no questions." if not named else f"has {' and '.join(named)}."
        findings.add(
            "benchmark", f"the benchmark {said}", "Write exactly one of builtin, file, hf."
        )
        return None
    source: Literal["builtin", "file", "hf"] = (
        "builtin" if named == ["builtin"] else "file" if named == ["file"] else "hf"
    )
    scorer, may_judge_itself = _scorer(data.get("scorer"), source, aliases, findings)
    if section is None:
        return None
    return BenchmarkSpec(
        source=source,
        location=_location(section, source, findings),
        hf_config=section.hf_config,
        hf_split=section.hf_split,
        format=section.format,
        fields=tuple(sorted(section.fields.model_dump(exclude_none=True).items())),
        scorer=scorer,
        may_judge_itself=may_judge_itself,
        held_out=section.held_out,
        max_search=section.max_search,
        max_held_out=section.max_held_out,
    )


def _location(section: BenchmarkSection, source: str, findings: Findings) -> str:
    if source == "builtin" and section.builtin is not None:
        if section.builtin not in BUILTIN_BENCHMARKS:
            hint = suggest(section.builtin, list(BUILTIN_BENCHMARKS)).strip()
            findings.add(
                "benchmark.builtin", f"the benchmark {named(section.builtin)} does not ship.", hint
            )
        return section.builtin
    if source == "file" and section.file is not None:
        if "://" in section.file:
            findings.add("benchmark.file", "expected a path, got a URL.", "Download it first.")
        return str(Path(findings.document.file).parent / section.file)
    if source == "hf" and section.hf is not None:
        return section.hf
    findings.add(f"benchmark.{source}", "a value is needed.")
    return ""


def _scorer(
    data: object, source: str, aliases: Sequence[str], findings: Findings
) -> tuple[ScorerSpec | None, bool]:
    path = "benchmark.scorer"
    if data is None:
        if source != "builtin":
            hint = "Write scorer: {kind: exact}. (archon components lists the kinds)"
            findings.add("benchmark", "the key 'scorer' is missing.", hint)
        return None, False
    if not isinstance(data, Mapping):
        findings.add(path, f"expected a mapping, got {show(data)}.", "Write scorer: {kind: exact}.")
        return None, False
    params = dict(data)
    kind, alone = params.pop("kind", None), params.pop("may_judge_itself", False)
    if not isinstance(kind, str):
        findings.add(f"{path}.kind", f"expected the scorer's kind, got {show(kind)}.")
        return None, False
    if not isinstance(alone, bool):
        findings.add(f"{path}.may_judge_itself", f"expected true or false, got {show(alone)}.")
    model = params.get("model")
    if model is not None and model not in aliases:
        hint = suggest(str(model), list(aliases)).strip()
        findings.add(key_path(path, "model"), f"there is no model {named(model)}.", hint)
    return ScorerSpec(kind, tuple(sorted(params.items()))), alone is True
