"""Deadlines: each request has its own, and all come forward when the service stops."""

import asyncio

import pytest

from api.deadlines import Deadlines

LONG = 3600.0


async def wait_within(deadlines: Deadlines, seconds: float) -> None:
    """Wait for ever, within a limit."""
    async with deadlines.limit(seconds):
        await asyncio.sleep(LONG)


async def test_a_request_ends_at_its_deadline_and_others_go_on() -> None:
    deadlines = Deadlines(LONG)
    other = asyncio.create_task(wait_within(deadlines, LONG))

    with pytest.raises(TimeoutError):
        await wait_within(deadlines, 0.001)

    assert not deadlines.is_stopping
    assert not other.done()
    other.cancel()


async def test_all_requests_end_when_the_service_stops() -> None:
    """Those that begin afterwards too, since kept connections may bring some."""
    deadlines = Deadlines(LONG, 0.001)
    before = [asyncio.create_task(wait_within(deadlines, LONG)) for _ in range(3)]
    await asyncio.sleep(0)

    deadlines.stop()
    ended = await asyncio.gather(*before, wait_within(deadlines, LONG), return_exceptions=True)

    assert deadlines.is_stopping
    assert [type(error) for error in ended] == [TimeoutError] * 4


async def test_a_stop_gives_no_request_more_time() -> None:
    deadlines = Deadlines(LONG, LONG)
    waiting = asyncio.create_task(wait_within(deadlines, 0.01))
    await asyncio.sleep(0)

    deadlines.stop()

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(waiting, LONG / 2)
