"""A job file as a value: what to search, on which questions, with which models, for how much."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from archon.components.base import Component
from archon.components.table import COMPONENTS, suggest
from archon.core.errors import Problem, SpecError
from archon.search.at_most import AtMost
from archon.search.objectives import Objective
from archon.search.samplers.table import SAMPLERS, SamplerKind
from archon.search.size import count_walks
from archon.search.space import Range, Space
from archon.search.walk_order import MOST_WALKS
from archon.spec.benchmark_spec import BenchmarkSpec, read_benchmark
from archon.spec.dimensions import some_values
from archon.spec.edge import read_section
from archon.spec.findings import ALIAS, ALIAS_FORM, Findings, named, show
from archon.spec.job_file import BudgetSection, JobFile
from archon.spec.model_spec import ModelSpec, check_twins, read_models
from archon.spec.original import refuse_original
from archon.spec.places import components_in
from archon.spec.space import models_of, read_space
from archon.spec.yaml_source import Document, key_path, read_document

_METRICS: tuple[Objective, ...] = get_args(Objective)
_SHORTHANDS = {
    "sampler": "Write sampler: {kind: gain}.",
    "budget": "Write budget: {trials: 50}, with any of trials, calls, tokens, usd, wall_s.",
    "benchmark": "Write benchmark: {file: questions.jsonl, scorer: {kind: exact}}.",
    "objectives": "Write objectives: [quality, cost].",
    "at_most": "Write at_most: {latency_s: 2.0}, with any of latency_s, cost_usd, tokens.",
}


@dataclass(frozen=True, slots=True)
class BudgetSpec:
    """Limits of the whole study; None = no limit of this kind."""

    trials: int | None = None
    calls: int | None = None
    tokens: int | None = None
    usd: float | None = None
    wall_s: float | None = None
    held_out_share: float = 0.25
    """Share of each limit that is kept back for the held-out run of the finalists."""

    @property
    def has_limit(self) -> bool:
        """Whether anything ends the search."""
        limits = (self.trials, self.calls, self.tokens, self.usd, self.wall_s)
        return any(limit is not None for limit in limits)


@dataclass(frozen=True, slots=True)
class JobSpec:
    """One job, checked: all that a search needs to know, and nothing about where it runs."""

    name: str
    benchmark: BenchmarkSpec
    models: tuple[ModelSpec, ...]
    space: Space
    objectives: tuple[Objective, ...]
    sampler: SamplerKind
    budget: BudgetSpec
    at_most: AtMost
    seed: int
    block_size: int
    """Questions in one unit of evaluation."""
    parallel_trials: int
    questions_in_flight: int
    finalists: int
    """Most pipelines that are run again on the held-out questions."""
    is_racing: bool
    """Whether trials are stopped that will end behind another one."""
    is_deterministic: bool
    """Whether the same answers lead to the same trials, front and file, whatever is faster and
    wherever the search is cut off."""
    source: Document = field(repr=False, compare=False)
    """For messages about things that only later rooms can check."""

    @property
    def has_real_times(self) -> bool:
        """Whether times are measured; those of simulated models are always the same."""
        return any(model.backend != "simulated" for model in self.models)

    @property
    def used_models(self) -> tuple[ModelSpec, ...]:
        """The models that the search may ask: those of the space, and the judge's."""
        judge = dict(self.benchmark.scorer.params).get("model")
        used = {*models_of(self.space), judge}
        return tuple(model for model in self.models if model.alias in used)

    @property
    def unused_models(self) -> tuple[ModelSpec, ...]:
        """The rest of them."""
        used = self.used_models
        return tuple(model for model in self.models if model not in used)

    def canonical_json(self) -> str:
        """The one text that stands for the file's content; ``read_stored_job`` reads it back.

        The name is always in it: where the file has none it is the file's own, and a study that is
        read back from a database has no file.
        """
        data = self.source.data | {"name": self.name}
        return json.dumps(data, ensure_ascii=True, sort_keys=True, separators=(",", ":"))


def load_job(path: Path, *, table: Mapping[str, type[Component]] = COMPONENTS) -> JobSpec:
    """Read and check a job file, with the component kinds of ``table``.

    Raises:
        SpecError: With every problem of the file.
    """
    return read_job(read_document(path), table=table)


def read_stored_job(
    text: str, origin: str, *, table: Mapping[str, type[Component]] = COMPONENTS
) -> JobSpec:
    """Read what ``JobSpec.canonical_json`` wrote.

    It is read as JSON: escapes make it longer than a file may be, and pairs of them stand for one
    character, both of which a reader of YAML refuses.

    Args:
        text: From our own database.
        origin: Stands in messages where a file's name does.
        table: Component kinds.

    Raises:
        SpecError: This version refuses the job.
    """
    return read_job(Document(origin, json.loads(text)), table=table)


def read_job(document: Document, *, table: Mapping[str, type[Component]] = COMPONENTS) -> JobSpec:
    """Check a job that is read already.

    Raises:
        SpecError: With every problem of the file.
    """
    refuse_original(document)
    findings = Findings(document)
    data = document.data
    if "layers" in data and not {"space", "benchmark"} & set(data):
        message = "this is a pipeline file, not a job."
        hint = (
            f"Ask it: archon ask {document.file} 'a question'; a search takes a job (archon init)"
        )
        raise SpecError([Problem(message, document.file, hint=hint)])
    if "version" in data:
        findings.add("version", "job files have no version.", "Remove the line.")
    shape = read_section(JobFile, _without_broken_shorthands(data, findings), "", findings)
    name = _name(document, findings)
    models = read_models(data["models"], findings) if "models" in data else ()
    check_twins(models, findings)
    aliases = _aliases(data)
    benchmark = read_benchmark(data.get("benchmark"), aliases, findings)
    space = read_space(document, aliases, findings, table=table)
    objectives = _objectives(data.get("objectives"), models, findings)
    if shape is not None and space is not None:
        _check_money(shape, models, objectives, findings)
        if shape.deterministic:
            _check_clocks(shape, models, objectives, findings)
        _check_judge(benchmark, space, findings)
        _check_contexts(models, space, findings)
        if shape.sampler.kind == "exhaustive":
            _check_exhaustive(space, findings)
        misfit = SAMPLERS[_sampler(shape, objectives)].misfit(space, objectives)
        if misfit is not None:
            findings.add("sampler.kind", misfit.message, misfit.hint)
    findings.raise_if_any()
    if shape is None or benchmark is None or space is None:
        raise AssertionError("a reader found nothing and said nothing")
    return JobSpec(
        name=name,
        benchmark=benchmark,
        models=models,
        space=space,
        objectives=objectives,
        sampler=_sampler(shape, objectives),
        budget=_budget(shape.budget),
        at_most=AtMost(**shape.at_most.model_dump()),
        seed=shape.seed,
        block_size=shape.block_size,
        parallel_trials=shape.parallel_trials,
        questions_in_flight=shape.questions_in_flight,
        finalists=shape.finalists,
        is_racing=shape.racing,
        is_deterministic=shape.deterministic,
        source=document,
    )


def _without_broken_shorthands(
    data: Mapping[str, object], findings: Findings
) -> Mapping[str, object]:
    """The data without sections of the wrong type, each noted with how to write it."""
    kept = {key: value for key, value in data.items() if key != "version"}
    if not isinstance(kept.get("models", {}), Mapping):
        kept["models"] = {}  # their own reader says what is wrong
    for key, hint in _SHORTHANDS.items():
        wanted, words = (list, "a list") if key == "objectives" else (dict, "a mapping")
        if key in data and not isinstance(data[key], wanted):
            findings.add(key, f"expected {words}, got {show(data[key])}.", hint)
            kept[key] = wanted()
    return kept


def _name(document: Document, findings: Findings) -> str:
    name = document.data.get("name", Path(document.file).stem)
    if name is None:
        return ""  # it was forgotten, and that is noted
    if not isinstance(name, str) or not ALIAS.fullmatch(name):
        message = f"{named(name)} is no name."
        findings.add("name", message, f"Write name: with {ALIAS_FORM}.")
        return ""
    return name


def _aliases(data: Mapping[str, object]) -> tuple[str, ...]:
    models = data.get("models")
    return tuple(models) if isinstance(models, Mapping) else ()


def _objectives(
    given: object, models: Sequence[ModelSpec], findings: Findings
) -> tuple[Objective, ...]:
    if not isinstance(given, list):
        priced = all(model.price is not None or model.is_priced_by_litellm for model in models)
        paid = any(model.may_cost_money for model in models)
        return ("quality", "cost") if paid and priced else ("quality", "tokens")
    if not given:
        findings.add("objectives", "the list is empty.", f"There is: {', '.join(_METRICS)}.")
    known: list[Objective] = []
    for i, name in enumerate(given):
        metric = next((metric for metric in _METRICS if metric == name), None)
        if metric is None:
            hint = suggest(name, list(_METRICS)) if isinstance(name, str) else ""
            hint += "The direction is known: quality up, all others down."
            findings.add(f"objectives[{i}]", f"{named(name)} is no objective.", hint)
        elif metric in known:
            findings.add(f"objectives[{i}]", f"{metric!r} stands here twice.", "Remove one.")
        else:
            known.append(metric)
    return tuple(known)


def _check_money(
    shape: JobFile,
    models: Sequence[ModelSpec],
    objectives: Sequence[Objective],
    findings: Findings,
) -> None:
    unpriced = [m for m in models if m.price is None and not m.is_priced_by_litellm]
    reasons = ["a budget in usd"] * (shape.budget.usd is not None)
    reasons += ["the objective cost"] * ("cost" in objectives)
    reasons += ["a ceiling in usd"] * (shape.at_most.cost_usd is not None)
    for model in unpriced if reasons else ():
        findings.add(
            f"models.{model.alias}",
            f"{' and '.join(reasons)} needs a price for {model.alias!r}.",
            "Write price: {input_usd_per_mtok: 0.0, output_usd_per_mtok: 0.0} with its numbers.",
        )
    has_limit = _budget(shape.budget).has_limit
    is_free = not any(model.may_cost_money for model in models)
    is_said = findings.has_any("budget")
    if not has_limit and not is_said and not (is_free and shape.sampler.kind == "exhaustive"):
        message = "nothing ends this search." if is_free else "models that cost money need a limit."
        findings.add("budget", message, _SHORTHANDS["budget"])


def _sampler(shape: JobFile, objectives: Sequence[Objective]) -> SamplerKind:
    """The one that is asked for, or the one that serves such objectives best."""
    return shape.sampler.kind or ("gain" if "quality" in objectives else "tpe")


def _check_clocks(
    shape: JobFile,
    models: Sequence[ModelSpec],
    objectives: Sequence[Objective],
    findings: Findings,
) -> None:
    """Refuse what follows the clock in a job that is to come out the same each time."""
    if shape.budget.wall_s is not None:
        findings.add(
            "budget.wall_s",
            "where a limit of time ends a search differs each time, and the job is deterministic.",
            "Write calls, tokens or usd, or remove deterministic: true.",
        )
    if all(model.backend == "simulated" for model in models):
        return
    measured = [f"objectives[{objectives.index('latency')}]"] if "latency" in objectives else []
    measured += ["at_most.latency_s"] if shape.at_most.latency_s is not None else []
    for path in measured:
        findings.add(
            path,
            "latency is measured, and comes out differently each time; the job is deterministic.",
            "Leave it out, or remove deterministic: true.",
        )


def _check_judge(benchmark: BenchmarkSpec | None, space: Space, findings: Findings) -> None:
    if benchmark is None or benchmark.may_judge_itself:
        return
    judge = dict(benchmark.scorer.params).get("model")
    if judge in models_of(space):
        findings.add(
            "benchmark.scorer.model",
            f"{judge!r} would judge pipelines that it is part of, and a judge prefers itself.",
            "Take another model, or write may_judge_itself: true inside scorer: {...}.",
        )


def _check_exhaustive(space: Space, findings: Findings) -> None:
    """Refuse to go through what has no end, or none that would be reached."""
    for component, path in components_in(space, findings.document):
        for name, dimension in component.params:
            if isinstance(dimension, Range) and not dimension.is_integer:
                message = "an open number cannot be enumerated, and the sampler is exhaustive."
                hint = "Write a list of values, or sampler: {kind: gain}."
                findings.add(key_path(path, name), message, hint)
    n_walks = count_walks(space)
    if n_walks is not None and n_walks > MOST_WALKS:
        findings.add(
            "sampler.kind",
            f"the space has {n_walks:,} combinations; an exhaustive search goes through "
            f"{MOST_WALKS:,} at most.",
            "Write sampler: {kind: gain} or {kind: random}, or offer less.",
        )


def _check_contexts(models: Sequence[ModelSpec], space: Space, findings: Findings) -> None:
    """Refuse replies that would leave no room for a prompt in a model's context."""
    sizes = {model.alias: model.context_tokens for model in models}
    for component, path in components_in(space, findings.document):
        dimension = dict(component.params).get("max_tokens")
        if dimension is None:
            continue
        longest = max(value for value in some_values(dimension) if isinstance(value, int))
        for alias in component.models:
            size = sizes.get(alias)
            if size is not None and longest >= size:
                findings.add(
                    f"{path}.max_tokens",
                    f"{longest:,} tokens of reply leave no room for a prompt: the context of "
                    f"{alias!r} has {size:,}.",
                    "Write fewer.",
                )


def _budget(section: BudgetSection) -> BudgetSpec:
    return BudgetSpec(**section.model_dump())
