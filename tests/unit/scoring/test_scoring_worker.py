from __future__ import annotations

import asyncio
import gc
import time

import pytest

from archon.core.errors import ScoringError
from archon.scoring.worker import TookTooLong, Worker


async def test_worker_calls_a_function_in_another_process() -> None:
    worker = Worker("os:getpid", 30.0)
    first, second = await asyncio.gather(worker.call(), worker.call())
    import os

    assert first == second != os.getpid()
    worker.close()


async def test_worker_kills_what_takes_too_long_and_goes_on() -> None:
    worker = Worker("time:sleep", 1.0)
    assert await worker.call(0) is None
    started = time.monotonic()
    with pytest.raises(TookTooLong, match="longer than 1 s"):
        await worker.call(60)
    assert time.monotonic() - started < 10
    assert await worker.call(0) is None
    worker.close()


async def test_worker_reports_what_the_function_raises_and_goes_on() -> None:
    worker = Worker("math:sqrt", 30.0)
    with pytest.raises(ScoringError, match=r"math:sqrt: ValueError"):
        await worker.call(-1)
    assert await worker.call(4) == 2.0
    worker.close()


async def test_worker_survives_the_death_of_its_process() -> None:
    worker = Worker("os:_exit", 30.0)
    for _ in range(2):
        with pytest.raises(ScoringError, match="its process died"):
            await worker.call(3)
    worker.close()


@pytest.mark.parametrize("function", ["no_such_module:f", "math:no_such_name"])
async def test_worker_of_no_function_says_so(function: str) -> None:
    worker = Worker(function, 30.0)
    with pytest.raises(ScoringError, match="did not start"):
        await worker.call()
    worker.close()


async def test_worker_child_sees_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", "secret")
    worker = Worker("os:getenv", 30.0)
    assert await worker.call("SOME_API_KEY") is None
    worker.close()


async def test_worker_replies_are_not_confused_by_prints() -> None:
    worker = Worker("builtins:print", 30.0)
    assert await worker.call('{"value": 1}') is None
    worker.close()


def test_worker_serves_several_event_loops_and_ends_when_dropped() -> None:
    worker = Worker("os:getpid", 30.0)
    pid = asyncio.run(worker.call())
    assert asyncio.run(worker.call()) == pid
    child = worker._child
    assert child is not None
    del worker
    gc.collect()
    assert child.poll() is not None
