"""The ``benchmark:`` section of a job file: which questions, and how answers are scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal, get_args

from archon.benchmarks.fields import FieldMap
from archon.components.table import suggest
from archon.scoring.table import problems_of
from archon.spec.edge import read_section
from archon.spec.findings import Findings, named, show
from archon.spec.job_file import BenchmarkSection, FieldsSection
from archon.world.worlds import WORLDS

Source = Literal["builtin", "file", "hf", "simulated"]
_SCORER = "Write scorer: {kind: exact}, or another kind."


@dataclass(frozen=True, slots=True)
class ScorerSpec:
    """``scorer:`` as plain data, checked by the scoring room, which builds the scorer of it."""

    kind: str
    params: tuple[tuple[str, object], ...] = ()
    """Sorted by name."""

    def to_data(self) -> dict[str, object]:
        """``{"kind": ..., **parameters}``, as ``archon.scoring.table`` takes it."""
        return {"kind": self.kind, **dict(self.params)}


@dataclass(frozen=True, slots=True)
class BenchmarkSpec:
    """Where the questions are, how they are read, split and scored."""

    source: Source
    location: str
    """Name of a shipped one, path of a file (seen from where the program runs), name on the hub, or
    name of a simulated world."""
    scorer: ScorerSpec
    fields: FieldMap
    skip_bad_rows: bool = False
    hub_config: str | None = None
    hub_split: str = ""
    hub_revision: str | None = None
    may_judge_itself: bool = False
    """Whether a judge may also be a model of the pipelines that it judges."""
    held_out: float = 0.5
    """Share of the questions that the search never sees, in (0, 1)."""
    max_search: int | None = None
    max_held_out: int | None = None


def shipped_names() -> tuple[str, ...]:
    """The benchmarks that come with Archon."""
    folder = files("archon.benchmarks") / "data"
    names = [entry.name for entry in folder.iterdir() if entry.name.endswith(".jsonl")]
    return tuple(sorted(name.removesuffix(".jsonl") for name in names))


def read_benchmark(
    data: object, aliases: Sequence[str], findings: Findings
) -> BenchmarkSpec | None:
    """Check the section; None if it cannot be read, with the reasons in ``findings``."""
    if not isinstance(data, Mapping):
        return None
    written = dict(data)
    if not isinstance(written.get("scorer", {}), Mapping | None):
        written["scorer"] = {}  # its own reader says what is wrong
    section = read_section(BenchmarkSection, written, "benchmark", findings)
    scorer, may_judge_itself = _scorer(data.get("scorer"), aliases, findings)
    sources: tuple[Source, ...] = get_args(Source)
    given = [source for source in sources if data.get(source) is not None]
    if len(given) != 1:
        said = "names no questions." if not given else f"has {' and '.join(given)}."
        hint = "Write exactly one of builtin, file, hf and simulated."
        findings.add("benchmark", f"the benchmark {said}", hint)
        return None
    if section is None or scorer is None:
        return None
    hub = section.hf
    return BenchmarkSpec(
        source=given[0],
        location=_location(section, findings),
        scorer=scorer,
        fields=_fields(section.fields),
        skip_bad_rows=section.skip_bad_rows,
        hub_config=hub.config if hub else None,
        hub_split=hub.split if hub else "",
        hub_revision=hub.revision if hub else None,
        may_judge_itself=may_judge_itself,
        held_out=section.held_out,
        max_search=section.max_search,
        max_held_out=section.max_held_out,
    )


def _location(section: BenchmarkSection, findings: Findings) -> str:
    if section.builtin is not None:
        names = shipped_names()
        if section.builtin not in names:
            hint = suggest(section.builtin, list(names)).strip()
            message = f"no benchmark {named(section.builtin)} comes with Archon."
            findings.add("benchmark.builtin", message, hint)
        return section.builtin
    if section.simulated is not None:
        if section.simulated not in WORLDS:
            hint = f"There is: {', '.join(WORLDS)}."
            message = f"there is no simulated world {named(section.simulated)}."
            findings.add("benchmark.simulated", message, hint)
        return section.simulated
    if section.file is not None:
        if "://" in section.file:
            findings.add("benchmark.file", "expected a path, got a URL.", "Download it first.")
        return str(Path(findings.document.file).parent / section.file)
    return section.hf.name if section.hf else ""


def _fields(section: FieldsSection) -> FieldMap:
    metadata = section.metadata
    return FieldMap(
        id=section.id,
        question=section.question,
        target=section.target,
        choices=section.choices,
        metadata=metadata if isinstance(metadata, str) else tuple(metadata),
        target_is=section.target_is,
    )


def _scorer(
    data: object, aliases: Sequence[str], findings: Findings
) -> tuple[ScorerSpec | None, bool]:
    path = "benchmark.scorer"
    if not isinstance(data, Mapping):
        if data is not None:
            findings.add(path, f"expected a mapping, got {show(data)}.", _SCORER)
        return None, False
    params = dict(data)
    may_judge_itself = params.pop("may_judge_itself", False)
    if not isinstance(may_judge_itself, bool):
        message = f"expected true or false, got {show(may_judge_itself)}."
        findings.add(f"{path}.may_judge_itself", message)
    model = params.get("model")
    if model is not None and model not in aliases:
        hint = suggest(str(model), list(aliases)).strip()
        findings.add(f"{path}.model", f"there is no model {named(model)}.", hint)
    kind = params.pop("kind", None)
    if not isinstance(kind, str):
        findings.add(f"{path}.kind", f"expected the scorer's kind, got {show(kind)}.", _SCORER)
        return None, False
    scorer = ScorerSpec(kind, tuple(sorted(params.items())))
    findings.adopt(problems_of(scorer.to_data()), path)
    return scorer, may_judge_itself is True
