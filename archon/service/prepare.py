"""What is known of a job before anything is paid: its questions, and which study it is."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from archon.core.calls import Price
from archon.core.errors import NotFound, SpecError
from archon.core.records import NewStudy, StudyReader
from archon.models.litellm import known_price
from archon.service.needs import provider_of
from archon.service.notes import notes_on
from archon.service.question_errors import in_job_file
from archon.service.questions import Questions, load_questions
from archon.service.settings import keep_litellm_at_home
from archon.service.smallest_trial import check_budget
from archon.spec.job import JobSpec


@dataclass(frozen=True, slots=True)
class PreparedJob:
    """A job that can run, or run on."""

    job: JobSpec
    questions: Questions
    number: int = 0
    """Which of the job's studies, from 0: the same job on the same questions may run afresh."""
    notes: tuple[str, ...] = ()
    """What is doubtful about the job, apart from its questions."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is allowed but doubtful, as sentences for the user."""
        return (*self.questions.warnings, *self.notes)

    @property
    def study_id(self) -> str:
        """The same for the same job, questions and number, on every machine."""
        fingerprint = self.questions.benchmark.fingerprint
        parts = [self.job.canonical_json(), fingerprint, str(self.number) if self.number else ""]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]

    def new_study(self) -> NewStudy:
        """The study as it is recorded when it is made."""
        return NewStudy(
            study_id=self.study_id,
            name=self.job.name,
            job_json=self.job.canonical_json(),
            benchmark_fingerprint=self.questions.benchmark.fingerprint,
            seed=self.job.seed,
        )


def prepare(job: JobSpec, *, is_offline: bool = False) -> PreparedJob:
    """Load and check a job's questions; nothing is written and nothing is paid.

    Args:
        job: The job.
        is_offline: Whether questions that are not here yet may not be downloaded.

    Raises:
        SpecError: The questions cannot be read, split or scored, a price is not known, LiteLLM
            knows no provider of a hosted model, or the budget does not allow a single trial.
        SetupError: A package that is needed is not installed.
    """
    _check_providers(job)
    _check_prices(job)
    try:
        questions = load_questions(job.benchmark, seed=job.seed, is_offline=is_offline)
    except SpecError as error:
        raise in_job_file(error, job) from error
    check_budget(job, questions.split.search, _prices(job))
    return PreparedJob(job, questions, notes=notes_on(job))


def in_store(prepared: PreparedJob, reader: StudyReader, *, is_fresh: bool) -> PreparedJob:
    """The study of this job that a command means: the newest of them, which runs on.

    Args:
        prepared: The job.
        reader: The store's.
        is_fresh: Take the study after that instead, which does not exist yet. Completions that
            were bought are used again all the same.
    """
    newest: PreparedJob | None = None
    following = replace(prepared, number=0)
    while _exists(following.study_id, reader):
        newest, following = following, replace(prepared, number=following.number + 1)
    return following if is_fresh or newest is None else newest


def _exists(study_id: str, reader: StudyReader) -> bool:
    try:
        return reader.find_study(study_id).study_id == study_id
    except NotFound:
        return False


def _check_providers(job: JobSpec) -> None:
    """Refuse a model's name that LiteLLM cannot place, where LiteLLM is here to be asked."""
    hosted = [model for model in job.models if model.backend == "litellm"]
    problems = [
        job.source.problem(
            f"models.{model.alias}.litellm",
            f"LiteLLM knows no provider of {model.model!r}.",
            "Write provider/model, for example openai/gpt-4.1-mini.",
        )
        for model in hosted
        if not provider_of(model)
    ]
    if problems:
        raise SpecError(problems)


def _prices(job: JobSpec) -> dict[str, Price]:
    """The prices that a budget in dollars is counted with, as far as they are known."""
    if job.budget.usd is None:
        return {}
    prices = {model.alias: model.price or known_price(model.model) for model in job.models}
    return {alias: price for alias, price in prices.items() if price is not None}


def check_priced(job: JobSpec) -> None:
    """Refuse a limit in dollars that was set later, where a model has no price.

    Raises:
        SpecError: Names the models.
    """
    unpriced = [m.alias for m in job.models if m.price is None and not m.is_priced_by_litellm]
    if unpriced:
        raise SpecError(
            f"a limit in dollars needs a price for every model, and {', '.join(unpriced)} has none "
            "in the job of this study. Limit calls or tokens instead."
        )
    _check_prices(job)


def _check_prices(job: JobSpec) -> None:
    """Refuse a job that counts money with a model whose price nobody knows."""
    counts_money = job.budget.usd is not None or "cost" in job.objectives
    if not counts_money and job.at_most.cost_usd is None:
        return
    unpriced = [model for model in job.models if model.is_priced_by_litellm]
    if unpriced:
        keep_litellm_at_home()
    problems = [
        job.source.problem(
            f"models.{model.alias}",
            f"LiteLLM's table has no price for {model.model!r}, and this job counts money.",
            "Write price: {input_usd_per_mtok: 0.0, output_usd_per_mtok: 0.0} with its numbers.",
        )
        for model in unpriced
        if known_price(model.model) is None
    ]
    if problems:
        raise SpecError(problems)
