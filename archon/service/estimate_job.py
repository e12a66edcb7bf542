"""What a job would take and what it could show, from its file and its questions alone."""

from __future__ import annotations

from archon.scoring.cost import judge_cost
from archon.search.estimate import Estimate, Plan, estimate
from archon.service.needs import model_reports
from archon.service.prepare import PreparedJob
from archon.service.questions import question_tokens
from archon.service.recorded_lengths import lengths_of
from archon.service.settings import Settings


def estimate_job(prepared: PreparedJob, settings: Settings) -> Estimate:
    """What a job would take, and what it could show.

    Raises:
        SpecError: No pipeline of its space is one that the search could propose.
    """
    job, questions = prepared.job, prepared.questions
    reports = model_reports(job.used_models, settings)
    lengths, n_recorded = lengths_of(job.used_models, settings)
    plan = Plan(
        n_trials=job.budget.trials,
        n_search_questions=len(questions.split.search),
        n_held_out_questions=len(questions.split.held_out),
        n_finalists=job.finalists,
        question_tokens=question_tokens(questions.benchmark),
        prices={report.alias: report.price for report in reports if report.price is not None},
        seed=job.seed,
        judge=judge_cost(job.benchmark.scorer.to_data()),
        lengths=lengths,
        n_recorded=n_recorded,
    )
    return estimate(job.space, plan)
