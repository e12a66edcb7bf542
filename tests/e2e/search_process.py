"""Runs a job in a process of its own, for tests that kill it: JOB, then the database's URL."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from archon.service.prepare import prepare
from archon.service.settings import load_settings
from archon.service.study_run import run_job
from archon.spec.job import load_job
from archon.store.opening import open_store
from tests.unit.search.world import Log


def main(job: str, url: str) -> None:
    prepared = prepare(load_job(Path(job)))
    with open_store(url) as store:
        asyncio.run(run_job(prepared, store, load_settings(), watcher=Log(), say=lambda line: None))


if __name__ == "__main__":
    main(*sys.argv[1:])
