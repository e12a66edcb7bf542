"""A study run to its end, for tests."""

from __future__ import annotations

from archon.service.prepare import prepare
from archon.service.report import StudyReport, load_report
from archon.service.settings import Settings
from archon.service.study_run import run_job
from archon.spec.job import JobSpec
from archon.store.opening import Store
from tests.unit.search.world import Log


async def run(
    job: JobSpec, store: Store, settings: Settings, log: Log | None = None
) -> StudyReport:
    prepared = prepare(job)
    await run_job(prepared, store, settings, watcher=log or Log(), say=lambda line: None)
    return load_report(store.reader(), prepared.study_id)
