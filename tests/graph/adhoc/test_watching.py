"""Statements that do not end are reported."""

import asyncio
import time

import pytest
from neo4j import AsyncGraphDatabase

from graph.adhoc.watching import OVERRUN_SECONDS, Watch


class StubbornWatch(Watch):
    """A server on which a statement runs on until its database is restarted."""

    is_stubborn = True

    async def _is_running(self, key: str) -> bool:
        return self.is_stubborn


async def test_overruns_are_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    """The database is restarted once for a statement that outlives its time, and watched until it has ended."""
    restarts = 0

    async def restart() -> None:
        nonlocal restarts
        restarts += 1

    async with AsyncGraphDatabase.driver("bolt://127.0.0.1:1") as driver:
        watch = StubbornWatch(driver, restart)
        task = asyncio.create_task(watch.end("key", time.monotonic() - OVERRUN_SECONDS - 1))
        await asyncio.sleep(1)
        assert (restarts, watch.num_overruns, task.done()) == (1, 1, False)
        watch.is_stubborn = False
        await task

    assert "outlived its time" in caplog.text


async def test_what_ends_in_time_is_not_reported() -> None:
    """A statement that is still within its time is waited for in peace."""
    async with AsyncGraphDatabase.driver("bolt://127.0.0.1:1") as driver:
        watch = StubbornWatch(driver, None)
        task = asyncio.create_task(watch.end("key", time.monotonic() + 60))
        await asyncio.sleep(0.5)
        watch.is_stubborn = False
        await task

    assert watch.num_overruns == 0
