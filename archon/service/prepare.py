"""What is known of a job before anything is paid: its questions, and which study it is."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from archon.core.errors import SpecError
from archon.core.records import NewStudy
from archon.models.litellm import known_price
from archon.service.questions import Questions, load_questions
from archon.service.settings import keep_litellm_at_home
from archon.spec.job import JobSpec


@dataclass(frozen=True, slots=True)
class PreparedJob:
    """A job that can run, or run on."""

    job: JobSpec
    questions: Questions
    study_id: str

    def new_study(self) -> NewStudy:
        """The study as it is recorded when it is made."""
        return NewStudy(
            study_id=self.study_id,
            name=self.job.name,
            job_json=self.job.canonical_json(),
            benchmark_fingerprint=self.questions.benchmark.fingerprint,
            seed=self.job.seed,
        )


def prepare(job: JobSpec, *, is_fresh: bool = False) -> PreparedJob:
    """Load and check a job's questions, and find which study it is.

    The same job on the same questions is the same study, which runs on where it stopped.

    Args:
        job: What to run.
        is_fresh: Make a new study although there may be one of this job. Completions that were
            bought are used again all the same.

    Raises:
        SpecError: The questions cannot be read, split or scored.
        SetupError: A package that is needed is not installed.
    """
    _check_prices(job)
    questions = load_questions(job.benchmark, seed=job.seed)
    salt = secrets.token_hex(8) if is_fresh else ""
    text = "\n".join((job.canonical_json(), questions.benchmark.fingerprint, salt))
    return PreparedJob(job, questions, hashlib.sha256(text.encode()).hexdigest()[:12])


def _check_prices(job: JobSpec) -> None:
    """Refuse a job that counts money with a model whose price nobody knows."""
    if job.budget.usd is None and "cost" not in job.objectives:
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
